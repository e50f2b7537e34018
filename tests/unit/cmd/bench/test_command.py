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

import json
import os
import types
from unittest import mock

import fixtures

from nova_vmrun.bench import figure as figures
from nova_vmrun.bench import host
from nova_vmrun.cmd.bench import command
from nova_vmrun.cmd.bench import servers
from nova_vmrun.doctor import options as doctor_options
from tests.unit import base
from tests.unit.cmd import commands

_START = figures.Figure('start', 's', 2.0, 1.0, 'the tool alone')


class BenchTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.state_dir = self.useFixture(fixtures.TempDir()).path
        self.options = doctor_options.Options(state_folder=self.state_dir)
        for owner, name, value in (
                (command.host_options, 'read', lambda *_: self.options),
                (command.product, 'detect', lambda *_: 'a product')):
            self.useFixture(fixtures.MockPatchObject(owner, name, value))
        self.host = self.useFixture(fixtures.MockPatchObject(
            host, 'HostBenchmark')).mock
        self.host.return_value = mock.Mock(
            tool_start=1.5, run=lambda: [_START])
        self.servers = self.useFixture(fixtures.MockPatchObject(
            servers, 'ServerBenchmark')).mock
        self.log_in = self.useFixture(fixtures.MockPatchObject(
            command.cloud, 'log_in')).mock
        for name in command.own_cloud.VARIABLES:
            self.useFixture(fixtures.EnvironmentVariable(name))

    def run_command(self, *argv):
        with mock.patch('sys.stdout'):
            return commands.run(command.Bench, '--state-dir', self.state_dir,
                                '-f', 'json', *argv)

    def test_host_alone(self):
        status, output, _ = self.run_command()
        self.assertEqual(0, status)
        self.assertEqual([{
            'Measured': 'start', 'Here': 2.0, 'Best': 1.0, 'Unit': 's',
            'Ratio': 2.0, 'Best is': 'the tool alone'}], json.loads(output))
        self.servers.assert_not_called()
        self.assertEqual(self.state_dir, self.host.call_args.args[3])

    def test_cloud(self):
        self.servers.return_value.run.return_value = [
            figures.unmeasured('API', 's', 'No\x1b[1m host.')]
        status, output, _ = self.run_command('--os-cloud', 'mine',
                                             '--timeout', '60')
        self.assertEqual(1, status)
        self.assertEqual([None, '\\x1b[1m'], [
            json.loads(output)[1]['Here'],
            json.loads(output)[1]['Best is'][2:9]])
        self.log_in.assert_called_once_with('mine')
        self.assertEqual((self.log_in.return_value, 60, 1.5),
                         self.servers.call_args.args[:3])

    def test_control_plane_of_aio(self):
        self.useFixture(fixtures.MockPatchObject(
            command.own_cloud, 'log_in', return_value='own'))
        self.useFixture(fixtures.MockPatchObject(
            command.aio_layout.Layout, 'exists', True))
        self.servers.return_value.run.return_value = []
        self.run_command()
        self.assertEqual('own', self.servers.call_args.args[0])

    def test_folder_is_not_that_of_the_servers(self):
        self.options.instances = os.path.join(self.state_dir, 'instances')
        self.run_command()
        self.assertEqual(self.state_dir, self.host.call_args.args[3])

    def test_sizes(self):
        self.run_command('--size', '16')
        self.assertEqual(16 << 20, self.host.call_args.args[4].content)
        for words in (('--size', '1'), ('--size', '99999'),
                      ('--timeout', '0')):
            with mock.patch('sys.stderr'):
                self.assertRaises(SystemExit, self.run_command, *words)

    def test_progress(self):
        app = types.SimpleNamespace(stderr=mock.Mock())
        command.Bench(app, None)._tell(_START)
        app.stderr.write.assert_called_once_with('start: 2 s\n')
