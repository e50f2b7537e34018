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

import shutil
import subprocess

from nova_vmrun.cmd import complete
from nova_vmrun.cmd import completion
from nova_vmrun.cmd import main
from tests.unit import base
from tests.unit.cmd import commands


class CompleteTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.found = []
        for shell in completion.SCRIPTS:
            self.patch(completion, 'SCRIPTS', {
                **completion.SCRIPTS, shell: self._script})

    def _script(self, tree):
        self.found += tree
        return 'script\n'

    def run_command(self, shell):
        app = main.VmrunApp()
        app.stdout = commands.io.StringIO()
        instance = complete.Complete(app, None)
        instance.run(instance.get_parser('complete').parse_args([shell]))
        return app.stdout.getvalue()

    def test_all_commands_are_there(self):
        self.assertEqual('script\n', self.run_command('bash'))
        found = {command.name: command for command in self.found}
        own = set(main.Commands(main.NAMESPACE).commands)
        self.assertEqual(set(), own - set(found))
        self.assertIn(('env', found['aio env'].about), found['aio'].words)
        self.assertIn('debian-12', dict(found['launch'].words))
        [shell] = [option for option in found['aio env'].options
                   if option.flags == ('--shell',)]
        self.assertIn('fish', shell.values)

    def test_ours_replaces_the_one_of_cliff(self):
        found, _, _ = main.VmrunApp().command_manager.find_command(
            ['complete'])
        self.assertIs(complete.Complete, found)


class SyntaxTestCase(base.TestCase):
    """The shells accept the scripts of all our commands."""

    def test_each_shell(self):
        for shell in completion.SCRIPTS:
            if shutil.which(shell) is None:
                continue
            app = main.VmrunApp()
            app.stdout = commands.io.StringIO()
            instance = complete.Complete(app, None)
            instance.run(instance.get_parser('').parse_args([shell]))
            subprocess.run([shell, '-n'], input=app.stdout.getvalue(),
                           text=True, check=True)
