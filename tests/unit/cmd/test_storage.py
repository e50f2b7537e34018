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
import types

import fixtures

from nova_vmrun.cmd import compute_host
from nova_vmrun.cmd import servers
from nova_vmrun.cmd import storage
from nova_vmrun import exception
from nova_vmrun.ops import evict
from nova_vmrun.storage import folder_report
from tests.unit import base
from tests.unit.cmd import commands

UUID = '11111111-2222-3333-4444-555555555555'
GIB = 1 << 30


class TestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.conf = types.SimpleNamespace(
            instances_path=self.useFixture(fixtures.TempDir()).path)
        self.useFixture(fixtures.MockPatchObject(
            compute_host, 'configuration',
            return_value=(self.conf, 'this-node')))
        self.hypervisor = self.useFixture(fixtures.MockPatchObject(
            compute_host, 'open_hypervisor')).mock.return_value


class ListTestCase(TestCase):

    def setUp(self):
        super().setUp()
        self.useFixture(fixtures.MockPatchObject(
            folder_report, 'make', return_value=[
                folder_report.Report(
                    'default', '/vms', [], folder_report.State.READY,
                    100 * GIB, 1536 << 20, 0, [UUID]),
                folder_report.Report(
                    'usb', '/media/\x1b]0;', ['slow', 'cheap'],
                    folder_report.State.MISSING, None, None, None, [])]))

    def test_table(self):
        status, output, _errors = commands.run(storage.List, '-f', 'table')
        self.assertEqual(0, status)
        rows = [[cell.strip() for cell in line.split('|')[1:-1]]
                for line in output.splitlines() if '|' in line]
        self.assertEqual(
            [['default', '/vms', '', 'ready', '100.0 GiB', '1.5 GiB',
              '0.0 GiB', UUID],
             ['usb', r'/media/\x1b]0;', 'slow', 'not there', '', '', '', ''],
             ['', '', 'cheap', '', '', '', '', '']], rows[1:])

    def test_json(self):
        _status, output, _errors = commands.run(storage.List, '-f', 'json')
        default, usb = json.loads(output)
        self.assertEqual(
            {'Name': 'default', 'Path': '/vms', 'Tags': [], 'State': 'ready',
             'Size': 100 * GIB, 'Free': 1536 << 20, 'Cache': 0,
             'Servers': [UUID]}, default)
        self.assertEqual((None, ['slow', 'cheap'], 'not there'),
                         (usb['Free'], usb['Tags'], usb['State']))

    def test_another_user(self):
        self.conf.instances_path = '/proc/1'
        self.useFixture(fixtures.MockPatch('os.geteuid', return_value=12345))
        self.assertRaises(exception.InvalidConfiguration,
                          commands.run, storage.List)


class EvictTestCase(TestCase):

    def setUp(self):
        super().setUp()
        self.nova = self.useFixture(fixtures.MockPatchObject(
            servers, 'Servers', autospec=True)).mock.return_value
        self.nova.host.return_value = 'host'
        self.nova.stopped.return_value = UUID
        self.evict = self.hypervisor.evictor.evict

    def test_to_a_folder(self):
        self.evict.return_value = evict.Moved('usb', ['root', 'swap'],
                                              3 * GIB // 2)
        status, output, _errors = commands.run(storage.Evict, 'web', '--to',
                                               'usb')
        self.assertEqual(
            (0, 'Moved to the storage folder usb: root, swap (1.5 GiB).\n'),
            (status, output))
        self.evict.assert_called_once_with(UUID, 'usb')
        self.nova.host.assert_called_once_with('this-node')
        self.nova.stopped.assert_called_once_with('web', 'host')

    def test_to_the_best_folder_which_it_is_in(self):
        self.evict.return_value = evict.Moved('ssd', [], 0)
        _status, output, _errors = commands.run(storage.Evict, 'web')
        self.assertEqual('All disks are in the storage folder ssd.\n', output)
        self.evict.assert_called_once_with(UUID, None)

    def test_a_server_that_nova_does_not_have_stopped(self):
        self.nova.stopped.side_effect = exception.InvalidInput('It runs.')
        self.assertRaises(exception.InvalidInput, commands.run, storage.Evict,
                          'web')
        self.assertFalse(self.evict.called)

    def test_another_user(self):
        self.conf.instances_path = '/proc/1'
        self.useFixture(fixtures.MockPatch('os.geteuid', return_value=12345))
        self.assertRaises(exception.InvalidConfiguration, commands.run,
                          storage.Evict, 'web')
        self.assertFalse(self.nova.stopped.called)
