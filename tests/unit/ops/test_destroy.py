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
from oslo_utils import units

from nova_vmrun import exception
from nova_vmrun.host import files
from nova_vmrun.ops import destroy
from nova_vmrun.ops.power import power
from nova_vmrun.server import disks
from nova_vmrun.server import records
from nova_vmrun.volumes import connectors
from tests.unit import locks
from tests.unit.ops import hosts

UUID = hosts.UUID


class DestroyTestCase(hosts.TestCase):

    def setUp(self):
        super().setUp()
        self.useFixture(fixtures.MockPatchObject(power, 'time',
                                                 hosts.Clock()))
        self.connectors = mock.create_autospec(connectors.Connectors,
                                               instance=True)
        self.destroy = destroy.Destroyer(self.servers, self.make_power(),
                                         self.connectors)

    def left(self):
        return sorted(set(os.listdir(self.layout.root)) - {'_base', 'locks'})

    def remove(self, uuid=UUID):
        self.destroy.stop(uuid)
        self.destroy.remove(uuid)

    def test_nothing_is_left_of_a_running_server(self):
        self.add_server(running=True)
        os.mkdir(os.path.join(self.layout.folder(UUID), 'caches'))
        self.remove()
        self.assertFalse(self.is_running())
        self.assertEqual([], self.left())

    def connect_volume(self):
        volume_id = '6ca404f3-d844-4169-bb96-bc792f37de98'
        os.makedirs(self.layout.volume(UUID, volume_id))
        return volume_id

    def test_its_volumes_are_disconnected(self):
        self.add_server()
        volume_id = self.connect_volume()
        self.connectors.disconnect.side_effect = (
            lambda uuid, volume: os.rmdir(self.layout.volume(uuid, volume)))
        self.remove()
        self.connectors.disconnect.assert_called_once_with(UUID, volume_id)
        self.assertEqual(['_volumes'], self.left())
        self.assertEqual([], os.listdir(self.layout.all_volumes))

    def test_a_volume_that_stays_connected_keeps_the_server(self):
        self.add_server()
        self.connect_volume()
        self.connectors.disconnect.side_effect = exception.FileInUse('used')
        self.assertRaises(exception.FileInUse, self.remove)
        self.assertIn(UUID, self.left())

    def test_what_nobody_knows_is_kept(self):
        self.add_server()
        self.connect_volume()
        self.remove()
        self.assertEqual(['_volumes'], self.left())
        self.assertIn('stays', self.log.output)

    def test_folders_of_a_resize_have_no_volumes(self):
        self.add_server()
        self.connect_volume()
        self.destroy.remove_folder(UUID, self.layout.kept(UUID))
        self.connectors.disconnect.assert_not_called()

    def test_a_server_that_is_off_needs_no_stop(self):
        self.add_server()
        self.remove()
        self.assertEqual([], self.vmrun.verbs())

    def test_a_running_server_whose_vmx_is_lost(self):
        self.add_server(running=True)
        os.remove(self.layout.vmx(UUID))
        self.remove()
        self.assertFalse(self.is_running())
        self.assertEqual([], self.left())

    def test_one_that_does_not_stop_goes_on_without_it(self):
        """The next reboot must rewrite it from Nova's data."""
        self.add_server(running=True)
        os.remove(self.layout.vmx(UUID))
        self.vmrun.fail('stop', hosts.hung())
        self.assertRaises(exception.ToolTimeout, self.remove)
        self.assertEqual([UUID], self.left())
        self.assertFalse(os.path.exists(self.layout.vmx(UUID)))

    def test_a_second_time(self):
        self.add_server()
        self.remove()
        self.remove()
        self.assertEqual([], self.left())

    def test_half_made_servers(self):
        """A crash may come before the record, and before the .vmx."""
        os.mkdir(self.layout.folder(UUID))
        files.write_atomically(self.layout.file(UUID, 'root.vmdk'), 'half')
        self.records.create(hosts.OTHER, 'instance-2')
        for uuid in (UUID, hosts.OTHER):
            self.remove(uuid)
        self.assertEqual([], self.left())
        self.assertFalse(self.vmrun.tool.list.called)

    def test_locks_that_the_vm_has_left_beside_its_volumes(self):
        folder = self.useFixture(fixtures.TempDir()).path
        ids = ('6ca404f3-d844-4169-bb96-bc792f37de98',
               'd6ec60a2-51f9-4c11-b8d2-7bd1a7c9b5e0')
        paths = [os.path.join(folder, 'volume-%s.vmdk' % each)
                 for each in ids]
        self.add_server(disks=disks.dump(
            disks.volume(volume_id, path, units.Mi, 'lsilogic')
            for volume_id, path in zip(ids, paths)))
        locks.lock(self.layout.file(UUID, 'root.vmdk'), pid=4194304)
        for path, machine in zip(paths, ('ABCDEFGHIJKLMNOP', 'Q' * 16)):
            locks.lock(path, pid=4194304, machine=machine)
        self.remove()
        self.assertEqual([], self.left())
        # The other one is of another host.
        self.assertEqual([os.path.basename(paths[1]) + '.lck'],
                         os.listdir(folder))

    def test_disks_of_somebody_else_stay(self):
        volume = os.path.join(self.useFixture(fixtures.TempDir()).path, 'x')
        files.write_atomically(volume, 'data')
        self.add_server(disks=disks.dump([disks.Disk(
            'volume', volume, disks.Origin.EPHEMERAL,
            deleted_with_server=False)]))
        os.symlink(volume, self.layout.file(UUID, 'link.vmdk'))
        self.remove()
        self.assertEqual([], self.left())
        self.assertEqual(b'data', files.read(volume))

    def test_a_removal_that_was_interrupted(self):
        self.add_server()
        os.rename(self.layout.folder(UUID), self.layout.deleted(UUID))
        self.remove()
        self.assertEqual([], self.left())

    def test_a_removal_that_was_interrupted_before_the_server_came_back(self):
        self.add_server()
        os.rename(self.layout.folder(UUID), self.layout.deleted(UUID))
        self.add_server()
        self.remove()
        self.assertEqual([], self.left())

    def test_the_folder_goes_out_of_the_way_in_one_step(self):
        """A half-removed folder must not count as a server."""
        self.add_server()
        self.useFixture(fixtures.MockPatch(
            'shutil.rmtree', side_effect=self._busy))
        self.assertRaises(PermissionError, self.destroy.remove, UUID)
        self.assertEqual([UUID + '.deleted'], self.left())
        self.assertEqual([], self.records.all())

    def _busy(self, folder, **options):
        if os.path.exists(folder):
            raise PermissionError(13, 'A file is in use')

    def test_while_it_may_be_running_nothing_is_removed(self):
        self.add_server(running=True)
        self.vmrun.fail('stop', hosts.hung())
        self.assertRaises(exception.ToolTimeout, self.remove)
        self.assertEqual([UUID], self.left())

    def test_folder_is_kept_while_an_unlisted_vm_uses_it(self):
        self.add_server()
        self.vmrun.fail('stop', exception.NotPoweredOn('off'))
        locks.lock(self.layout.file(UUID, 'root.vmdk'))
        self.assertRaises(exception.VmUnlisted, self.remove)
        self.assertEqual([UUID], self.left())

    def test_folder_is_kept_while_the_state_is_unknown(self):
        self.add_server()
        self.vmrun.fail('list', hosts.hung())
        self.assertRaises(exception.ToolTimeout, self.remove)
        self.assertEqual([UUID], self.left())

    def test_another_compute_nodes_server_is_left_alone(self):
        records.Records(self.layout, 'that-node').create(UUID, 'instance-1')
        files.write_atomically(self.layout.vmx(UUID), hosts.VMX)
        self.start()
        self.remove()
        self.assertTrue(self.is_running())
        self.assertTrue(os.path.exists(self.layout.vmx(UUID)))
        self.assertIn('belongs to another compute node', self.log.output)

    def test_server_with_an_unreadable_record(self):
        """Neither half of the removal may count as done."""
        self.add_server(running=True)
        files.write_atomically(self.layout.record(UUID), '{"uuid": ')
        for half in (self.destroy.stop, self.destroy.remove):
            error = self.assertRaises(exception.RecordUnreadable, half, UUID)
            self.assertIn('nova.json', error.brief)
            self.assertIn(UUID, error.brief)
        self.assertTrue(self.is_running())
        self.assertEqual([UUID], self.left())
        # What the error says is to be done.
        os.remove(self.layout.record(UUID))
        self.remove()
        self.assertFalse(self.is_running())
        self.assertEqual([], self.left())

    def test_nothing_but_a_server_is_ever_removed(self):
        for name in ('_base', '..', '', UUID + '/..'):
            self.assertRaises(exception.InvalidInput, self.remove, name)
        self.assertTrue(os.path.exists(self.layout.cache))

    def test_interrupted_removal_is_finished_at_the_start(self):
        self.add_server()
        self.add_server(hosts.OTHER)
        os.rename(self.layout.folder(UUID), self.layout.deleted(UUID))
        self.destroy.finish_interrupted()
        self.assertEqual([hosts.OTHER], self.left())

    def test_folder_that_cannot_be_removed_is_named(self):
        self.add_server()
        os.rename(self.layout.folder(UUID), self.layout.deleted(UUID))
        self.useFixture(fixtures.MockPatchObject(
            files, 'remove_tree', side_effect=PermissionError(13, 'no')))
        error = self.assertRaises(exception.InvalidConfiguration,
                                  self.destroy.finish_interrupted)
        self.assertIn(self.layout.deleted(UUID), error.brief)
