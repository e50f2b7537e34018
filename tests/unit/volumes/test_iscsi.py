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

"""The order of the connector's steps; tests/iscsi connects real LUNs."""

import os
import uuid

import fixtures

from nova_vmrun import exception
from nova_vmrun.server import layout
from nova_vmrun.tools import fusermount
from nova_vmrun.tools import qemu_storage_daemon
from nova_vmrun.volumes import iscsi
from nova_vmrun.volumes import iscsi_export
from nova_vmrun.volumes import iscsi_record
from tests.unit import base
from tests.unit import stubs
from tests.unit.volumes import test_iscsi_target

_SERVER = str(uuid.uuid4())


class IscsiConnectorTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.layout = layout.Layout(
            self.useFixture(fixtures.TempDir()).path, '_base')
        self.check = self.useFixture(fixtures.MockPatch(
            'nova_vmrun.host.fuse.check')).mock
        self.useFixture(fixtures.MockPatch(
            'nova_vmrun.tools.qemu_storage_daemon.pids', return_value=[]))
        self.volume = test_iscsi_target.volume()
        self.folder = self.layout.volume(_SERVER, self.volume.id)
        self.script((1, '', 'Failed to connect to LUN'))

    def script(self, *answers, program='true'):
        self.daemon = stubs.ScriptedRunner(*answers)
        self.connector = iscsi.IscsiConnector(
            self.layout, iscsi_export.Tools(
                qemu_storage_daemon.QemuStorageDaemon(
                    self.daemon, program, 5),
                fusermount.Fusermount(stubs.ScriptedRunner())))

    def connect(self):
        return self.connector.connect(_SERVER, self.volume, 'lsilogic')

    def test_check_starts_nothing(self):
        self.connector.check(self.volume)
        self.assertEqual([], self.daemon.calls)
        self.assertFalse(os.path.exists(self.folder))

    def test_this_host_lacks_something(self):
        self.check.side_effect = exception.NotSupported('macOS')
        self.assertRaises(exception.NotSupported, self.connector.check,
                          self.volume)
        self.assertRaises(exception.NotSupported, self.connect)
        self.assertFalse(os.path.exists(self.folder))

    def test_the_program_is_missing(self):
        self.script(program='/missing/qsd')
        self.assertRaises(exception.InvalidConfiguration,
                          self.connector.check, self.volume)

    def test_a_malformed_volume(self):
        self.volume = test_iscsi_target.volume(target_lun=None)
        self.assertRaises(exception.InvalidInput, self.connector.check,
                          self.volume)
        self.assertRaises(exception.InvalidInput, self.connect)

    def test_a_first_connection_that_fails_leaves_nothing(self):
        self.assertRaises(exception.ToolRefused, self.connect)
        self.assertFalse(os.path.exists(self.layout.volumes(_SERVER)))

    def test_a_later_one_that_fails_keeps_the_record(self):
        os.makedirs(self.folder)
        iscsi_record.write(self.folder, iscsi_record.Record(
            self.volume.id, 'p', 'iqn', 1, None, ''))
        self.assertRaises(exception.ToolRefused, self.connect)
        self.assertIsNotNone(iscsi_record.read(self.folder))

    def test_disconnect_of_a_locked_volume(self):
        os.makedirs(self.folder)
        iscsi_record.write(self.folder, iscsi_record.Record(
            self.volume.id, 'p', 'iqn', 1, None, ''))
        self.useFixture(fixtures.MockPatch(
            'nova_vmrun.server.vm_process.is_locked', return_value=True))
        error = self.assertRaises(
            exception.FileInUse, self.connector.disconnect, _SERVER,
            self.volume.id)
        self.assertIn(self.volume.id, error.brief)
        self.assertIsNotNone(iscsi_record.read(self.folder))

    def test_disconnect_of_what_was_never_connected(self):
        self.connector.disconnect(_SERVER, self.volume.id)
