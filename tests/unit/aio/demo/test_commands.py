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
import pathlib
import tempfile
from unittest import mock

import fixtures

from nova_vmrun.aio.demo import commands
from nova_vmrun.aio import processes
from nova_vmrun import system
from tests.unit import base


class CommandsTestCase(base.TestCase):

    def run_command(self, *arguments, **variables):
        """Run the openstack command; return its status and its output."""
        with tempfile.NamedTemporaryFile('w+') as output:
            command = self.commands.start(
                arguments, dict(os.environ, **variables), output)
            processes.wait_until(lambda: command.poll() is not None, 60)
            output.seek(0)
            return command.returncode, output.read()

    def commands_here(self):
        self.commands = self.enterContext(commands.Commands())
        self.commands.load()


class ForkedTestCase(CommandsTestCase):

    def test_commands_have_their_own_output_status_and_environment(self):
        self.commands_here()
        self.assertEqual((0, 'openstack'), self.words('--version'))
        status, printed = self.run_command(
            'no-such-command', OS_AUTH_TYPE='none', OS_ENDPOINT='http://x')
        self.assertNotEqual(0, status)
        self.assertIn("'no-such-command' is not an openstack command",
                      printed)
        self.assertEqual((0, 'openstack'), self.words('--version'))

    def words(self, *arguments):
        status, printed = self.run_command(*arguments)
        return status, printed.partition(' ')[0]

    def test_killed_command_ends_and_leaves_nothing(self):
        self.commands_here()
        loader = self.commands._loader
        with tempfile.NamedTemporaryFile('w+') as output:
            command = self.commands.start(
                ['complete'], dict(os.environ), output)
            command.kill()
        self.assertEqual(-9, command.poll())
        self.assertIsNotNone(loader.poll())


class UnforkedTestCase(CommandsTestCase):

    def setUp(self):
        super().setUp()
        self.enterContext(mock.patch.object(
            type(system.here()), 'forks_safely', False))

    def test_program_is_run(self):
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        program = folder / 'openstack'
        program.write_text('#!/bin/sh\necho "$1 $WORD"; exit 3\n')
        program.chmod(0o700)
        self.commands_here()
        self.assertEqual(
            (3, 'server hello\n'),
            self.run_command('server', WORD='hello', PATH=str(folder)))
