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
from unittest import mock

import fixtures

from nova_vmrun import exception
from nova_vmrun.volumes import connection
from nova_vmrun.volumes import connectors
from nova_vmrun.volumes import local
from tests.unit import base
from tests.unit import locks
from tests.unit.volumes import files

SERVER = '11111111-2222-3333-4444-555555555555'


class TestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = os.path.realpath(
            self.useFixture(fixtures.TempDir()).path)
        self.volume = connection.parse(files.make(self.folder))
        self.other = mock.create_autospec(connectors.Connector,
                                          instance=True)
        self.connectors = connectors.Connectors({
            'local': local.LocalConnector([self.folder]),
            'iscsi': self.other, 'fibre_channel': self.other})
        self.descriptor = os.path.join(self.folder,
                                       'volume-%s.vmdk' % files.ID)

    def test_the_descriptor_that_other_hosts_lock_too(self):
        self.assertEqual(self.descriptor,
                         self.connectors.shared_descriptor(self.volume))
        self.other.shared_descriptor.return_value = None
        self.assertIsNone(self.connectors.shared_descriptor(
            connection.Volume(files.ID, 'iscsi', {})))

    def connect(self):
        return self.connectors.connect(SERVER, self.volume, 'lsilogic')

    def test_each_type_has_its_connector(self):
        self.connectors.check(self.volume)
        self.assertEqual(self.descriptor, self.connect().descriptor)
        self.other.connect.assert_not_called()
        volume = connection.Volume(files.ID, 'iscsi', {})
        self.connectors.check(volume)
        self.other.check.assert_called_once_with(volume)

    def test_an_unknown_type(self):
        volume = connection.Volume(files.ID, 'rbd', {})
        error = self.assertRaises(exception.InvalidInput,
                                  self.connectors.check, volume)
        self.assertIn('rbd', str(error))
        self.assertIn('fibre_channel, iscsi, local', str(error))

    def test_no_connector_may_have_left_something(self):
        self.connectors.disconnect(SERVER, files.ID)
        self.other.disconnect.assert_called_once_with(SERVER, files.ID)

    def test_one_that_nova_conf_no_longer_names(self):
        """It may have connected the volume before."""
        former = mock.create_autospec(connectors.Connector, instance=True)
        self.connectors = connectors.Connectors(
            {'local': local.LocalConnector([self.folder])}, others=[former])
        self.connect()
        former.disconnect.assert_called_once_with(SERVER, files.ID)
        former.connect.assert_not_called()
        self.connectors.disconnect(SERVER, files.ID)
        self.assertEqual(2, former.disconnect.call_count)

    def test_what_back_ends_need_to_know(self):
        self.assertEqual({}, self.connectors.host_properties('one', '::1'))
        self.connectors = connectors.Connectors(
            {}, host_properties=lambda host, address: {'wwpns': [host]})
        self.assertEqual({'wwpns': ['one']},
                         self.connectors.host_properties('one', '::1'))

    def test_a_volume_that_a_vm_has_locked(self):
        locks.lock(self.descriptor)
        error = self.assertRaises(exception.FileInUse, self.connect)
        self.assertIn(files.ID, str(error))

    def test_a_lock_of_a_process_that_has_ended(self):
        locks.lock(self.descriptor, pid=4194304)
        self.connect()

    def test_a_snapshot_beside_the_volume(self):
        snapshot = self.descriptor.replace('.vmdk', '-000001.vmdk')
        open(snapshot, 'w').close()
        error = self.assertRaises(exception.HasSnapshots, self.connect)
        self.assertIn(snapshot, str(error))

    def test_a_folder_that_is_gone_has_no_snapshots(self):
        connectors.refuse_snapshots(files.ID, '/nowhere/volume.vmdk')
