#    Licensed under the Apache License, Version 2.0 (the "License"); you may
#    not use this file except in compliance with the License. You may obtain
#    a copy of the License at
#
#         http://www.apache.org/licenses/LICENSE-2.0
#
#    Unless required by applicable law or agreed to in writing, software
#    distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
#    WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
#    License for the specific language governing permissions and limitations
#    under the License.

import os
import shutil
import subprocess

import fixtures

from nova_vmrun.aio import shells
from tests.unit import base

HOSTILE = '''a'b "c" $HOME `date` \\ \\' $(date) ; | & < > * ~ # % \u2019 é'''


class ShellCase(base.TestCase):
    """What a shell makes of the text; a shell that is missing is skipped."""

    def run_shell(self, shell, variables, **environ):
        """Return the variables that a program has afterwards."""
        if shutil.which(shell) is None:
            self.skipTest('%s is not installed' % shell)
        folder = self.useFixture(fixtures.TempDir()).path
        script = os.path.join(folder, 'script')
        with open(script, 'w') as file:
            file.write(shells.TEXTS[shell](variables))
            file.write('\nenv -0\n')
        done = subprocess.run(
            [shell, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=dict(environ, PATH=os.environ['PATH'], HOME=folder))
        self.assertEqual((0, b''), (done.returncode, done.stderr))
        return dict(entry.partition('=')[::2] for entry in
                    done.stdout.decode().split('\0') if entry)

    def check(self, shell):
        variables = {'OS_PASSWORD': HOSTILE, 'OS_LINES': 'a\nb\n',
                     'OS_EMPTY': '', 'A_B': '/a dir:/b',
                     'PATH': "/it's here:%s" % os.environ['PATH']}
        found = self.run_shell(shell, variables, OS_CLOUD='work',
                               OS_TOKEN='x', OS_PASSWORD='old', OTHER='kept')
        self.assertEqual(variables, {name: found.get(name)
                                     for name in variables})
        self.assertEqual('kept', found['OTHER'])
        self.assertEqual(set(), {'OS_CLOUD', 'OS_TOKEN'} & set(found))

    def test_bash(self):
        self.check('bash')

    def test_zsh(self):
        self.check('zsh')

    def test_fish(self):
        self.check('fish')

    def test_nothing_to_forget_is_no_error(self):
        for shell in ('bash', 'zsh', 'fish'):
            if shutil.which(shell):
                self.run_shell(shell, {'A': 'b'})

    def test_value_of_several_lines_is_no_name(self):
        found = self.run_shell('bash', {}, OS_KEY='a\nOS_OTHER=b')
        self.assertNotIn('OS_KEY', found)


class TextTestCase(base.TestCase):
    """What the shells would get, where they are not installed."""

    def last_line(self, shell, name, value):
        return shells.TEXTS[shell]({name: value}).splitlines()[-1]

    def test_fish(self):
        self.assertEqual(r"set --global --export OS_A 'it\'s \\ $x'",
                         self.last_line('fish', 'OS_A', "it's \\ $x"))

    def test_fish_gets_a_list_of_folders(self):
        self.assertEqual("set --global --export PATH '/a b' '/c'",
                         self.last_line('fish', 'PATH', '/a b:/c'))

    def test_powershell(self):
        self.assertEqual("$env:OS_A = 'it''s $x `n \"'",
                         self.last_line('powershell', 'OS_A', "it's $x `n \""))

    def test_powershell_takes_typographic_quotes_for_quotes(self):
        self.assertEqual("$env:OS_A = '\u2019\u2019; evil'",
                         self.last_line('powershell', 'OS_A', '\u2019; evil'))

    def test_powershell_forgets_another_cloud(self):
        self.assertIn('Env:OS_*', shells.powershell({}))
