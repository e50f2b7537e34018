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

import argparse
import os
import shutil
import subprocess

import fixtures

from nova_vmrun.cmd import completion
from tests.unit import base

# Functions of zsh that its own completion provides; they print here.
_ZSH = '''
compdef() { }
compadd() { shift; print -rl -- $@ }
_files() { print -- FILES }
_describe() { print -rl -- ${(P)2} }
'''


def commands():
    """Return a small tree with everything that there can be."""
    up = argparse.ArgumentParser(prog='up', add_help=False)
    up.add_argument('-c', '--colour', choices=['red', 'green'],
                    help="Colour: it's 100 %% (default: %(default)s)")
    up.add_argument('--file', help='A file. More about it.')
    up.add_argument('--fast', action='store_true', help='Do not wait')
    launch = argparse.ArgumentParser(prog='launch', add_help=False)
    completion.suggest(launch.add_argument('image'), ['debian', 'ubuntu'])
    launch.add_argument('rest', nargs='*')
    program = argparse.ArgumentParser(prog='nova-vmrun', add_help=False)
    program.add_argument('-v', '--verbose', action='count')
    return completion.tree([
        completion.describe('', '', program),
        completion.describe('aio up', 'Start it', up),
        completion.describe('launch', 'Launch: one server', launch)])


class TreeTestCase(base.TestCase):

    def test_groups_and_commands(self):
        self.assertEqual(
            [('', (('aio', ''), ('launch', 'Launch: one server')), True),
             ('aio', (('up', 'Start it'),), True), ('aio up', (), False),
             ('launch', (('debian', ''), ('ubuntu', '')), False)],
            [(command.name, command.words, command.is_group)
             for command in commands()])

    def test_options(self):
        [up] = [command for command in commands()
                if command.name == 'aio up']
        self.assertEqual((
            completion.Option(('-c', '--colour'), "Colour: it's 100 %", True,
                              ('red', 'green')),
            completion.Option(('--file',), 'A file', True, ()),
            completion.Option(('--fast',), 'Do not wait', False, ())),
            up.options)


class ShellCase(base.TestCase):
    """What a shell completes; one that is missing is skipped."""

    shell = 'sh'

    def setUp(self):
        super().setUp()
        if shutil.which(self.shell) is None:
            self.skipTest('%s is not installed' % self.shell)
        self.folder = self.useFixture(fixtures.TempDir()).path
        with open(os.path.join(self.folder, 'ownfile'), 'w'):
            pass
        self.script = os.path.join(
            self.useFixture(fixtures.TempDir()).path, 'script')
        with open(self.script, 'w') as file:
            file.write(completion.SCRIPTS[self.shell](commands()))

    def run_shell(self, text, *words):
        done = subprocess.run(
            [self.shell, '-c', text, self.shell, self.script, *words],
            cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, env={'PATH': os.environ['PATH'], 'HOME': self.folder})
        self.assertEqual('', done.stderr)
        return set(done.stdout.splitlines())


class BashTestCase(ShellCase):

    shell = 'bash'

    def complete(self, *words):
        return self.run_shell(
            'source "$1"; shift; COMP_WORDS=(nova-vmrun "$@"); '
            'COMP_CWORD=$#; _nova_vmrun; '
            '(( ${#COMPREPLY[@]} )) && printf "%s\\n" "${COMPREPLY[@]}"',
            *words)

    def test_commands(self):
        self.assertEqual({'aio', 'launch'}, self.complete(''))
        self.assertEqual({'launch'}, self.complete('l'))
        self.assertEqual({'up'}, self.complete('aio', ''))
        self.assertEqual({'up'}, self.complete('-v', 'aio', 'u'))

    def test_options(self):
        self.assertEqual({'-c', '--colour', '--file', '--fast'},
                         self.complete('aio', 'up', '-'))
        self.assertEqual({'--fast'},
                         self.complete('aio', 'up', '--file', 'a', '--fa'))
        self.assertEqual({'-v', '--verbose'}, self.complete('-'))

    def test_values(self):
        for flag in ('-c', '--colour'):
            self.assertEqual({'red', 'green'},
                             self.complete('aio', 'up', flag, ''))
        self.assertEqual({'debian'}, self.complete('launch', 'd'))

    def test_the_rest_is_left_to_bash(self):
        self.assertEqual(set(), self.complete('aio', 'up', '--file', ''))
        self.assertEqual(set(), self.complete('launch', 'x'))


class ZshTestCase(ShellCase):

    shell = 'zsh'

    def complete(self, *words):
        return self.run_shell(
            _ZSH + 'source "$1"; shift; words=(nova-vmrun "$@"); '
            'CURRENT=$#words; _nova_vmrun', *words)

    def test_commands(self):
        self.assertEqual({'aio', 'launch:Launch: one server'},
                         self.complete(''))
        self.assertEqual({'up:Start it'}, self.complete('-v', 'aio', ''))

    def test_options(self):
        about = "Colour: it's 100 %"
        self.assertEqual({'-c:' + about, '--colour:' + about,
                          '--file:A file', '--fast:Do not wait'},
                         self.complete('aio', 'up', '-'))

    def test_values(self):
        self.assertEqual({'red', 'green'},
                         self.complete('aio', 'up', '--colour', ''))
        self.assertEqual({'debian', 'ubuntu'}, self.complete('launch', ''))

    def test_files(self):
        self.assertEqual({'FILES'},
                         self.complete('aio', 'up', '--file', ''))
        self.assertEqual({'FILES'}, self.complete('aio', 'up', ''))


class FishTestCase(ShellCase):

    shell = 'fish'

    def complete(self, line):
        """Return what fish offers; with a tab, what that is about."""
        return self.run_shell('source $argv[2]; complete -C $argv[3]', line)

    def test_commands(self):
        self.assertEqual({'aio', 'launch\tLaunch: one server'},
                         self.complete('nova-vmrun '))
        self.assertEqual({'up\tStart it'},
                         self.complete('nova-vmrun -v aio '))

    def test_options(self):
        self.assertEqual({"--colour\tColour: it's 100 %"},
                         self.complete('nova-vmrun aio up --col'))
        self.assertEqual({'--fast\tDo not wait'}, self.complete(
            'nova-vmrun aio up --file a --fas'))

    def test_values(self):
        self.assertEqual(
            {"red\tColour: it's 100 %", "green\tColour: it's 100 %"},
            self.complete('nova-vmrun aio up --colour '))
        self.assertIn('debian', self.complete('nova-vmrun launch '))

    def test_files(self):
        self.assertIn('ownfile', {
            line.partition('\t')[0] for line in
            self.complete('nova-vmrun aio up --file o')})
