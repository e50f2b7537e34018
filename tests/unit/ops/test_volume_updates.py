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
from nova_vmrun.formats import vmx
from nova_vmrun.host import files as host_files
from nova_vmrun.ops.nova import mappings
from nova_vmrun.ops import volume_updates
from nova_vmrun.server import vmx_file
from tests.unit import locks
from tests.unit.ops import hosts
from tests.unit.ops import test_volumes

UUID = hosts.UUID
IDS = test_volumes.IDS


class TestCase(test_volumes.TestCase):
    """A stopped server with a volume."""

    def setUp(self):
        super().setUp()
        self.updates = volume_updates.VolumeUpdates(
            self.servers, self.definitions, self.connectors)
        self.attach()
        self.of_server = self.useFixture(fixtures.MockPatchObject(
            mappings, 'of_server', side_effect=lambda *_: self.known)).mock
        self.rewrite = self.definitions.starter(self.instance, (),
                                                lambda mac: True)

    def nova_lists(self, *volume_ids):
        self.known = {'block_device_mapping': [
            {'connection_info': self.make(volume_id), 'boot_index': None}
            for volume_id in volume_ids]}
        return self.known

    def update(self, block_device_info):
        rewrite = self.updates.updating(None, self.instance,
                                        block_device_info, self.rewrite)
        with vmx_file.VmxFiles(self.layout).opened(UUID) as file:
            rewrite(file)

    def start(self, *volume_ids):
        """Do what Power does with a server that is off."""
        self.update(self.nova_lists(*volume_ids))

    def edit(self, **keys):
        live = self.load()
        live.update({key.replace('_', ':'): value
                     for key, value in keys.items()})
        host_files.write_atomically(self.layout.vmx(UUID), vmx.dump(live))


class StartTestCase(TestCase):

    def test_nothing_has_changed(self):
        before = self.load(), self.listed()
        self.start(IDS[0])
        self.assertEqual(before, (self.load(), self.listed()))

    def test_a_volume_that_is_missing(self):
        self.start(IDS[0], IDS[1])
        self.assertEqual({'scsi3:0': self.path(IDS[0]),
                          'scsi3:1': self.path(IDS[1])}, self.attached())

    def test_a_volume_that_nova_does_not_list(self):
        os.makedirs(self.layout.volume(UUID, IDS[0]))
        self.start()
        self.assertEqual(({}, []), (self.attached(), self.listed()))
        self.assertEqual([(UUID, IDS[0])], self.connectors.disconnected)
        self.assertTrue(os.path.exists(self.path()))

    def test_one_that_was_attached_since_nova_read_its_list(self):
        old = self.nova_lists()
        self.nova_lists(IDS[0])
        self.update(old)
        self.assertEqual({'scsi3:0': self.path()}, self.attached())

    def test_one_that_was_detached_stays_so(self):
        self.detach()
        self.start(IDS[0])
        self.assertEqual(({}, []), (self.attached(), self.listed()))
        self.assertEqual([IDS[0]], self.marked())
        self.attach()
        self.start(IDS[0])
        self.assertEqual({'scsi3:0': self.path()}, self.attached())

    def test_a_mark_ends_when_nova_no_longer_lists_the_volume(self):
        self.detach()
        self.start()
        self.assertEqual([], self.marked())

    def test_an_interrupted_detach_is_finished(self):
        with mock.patch.object(self.definitions, 'write_volumes',
                               side_effect=KeyboardInterrupt):
            self.assertRaises(KeyboardInterrupt, self.detach)
        self.start(IDS[0])
        self.assertEqual(({}, []), (self.attached(), self.listed()))

    def test_what_a_user_has_moved_comes_back(self):
        keys = self.load()
        for key in [key for key in keys if key.startswith('scsi3')]:
            del keys[key]
        keys.update({'scsi0:5.present': 'TRUE',
                     'scsi0:5.fileName': self.path()})
        host_files.write_atomically(self.layout.vmx(UUID), vmx.dump(keys))
        self.start(IDS[0])
        self.assertEqual({'scsi3:0': self.path()}, self.attached())

    def test_what_a_snapshot_of_vmware_brings_back_goes(self):
        old = host_files.read(self.layout.vmx(UUID))
        self.detach()
        host_files.write_atomically(self.layout.vmx(UUID), old)
        self.assertEqual({'scsi3:0': self.path()}, self.attached())
        self.start()
        self.assertEqual({}, self.attached())

    def test_what_a_user_has_removed_comes_back(self):
        self.edit(**{'scsi3_0.present': 'FALSE'})
        self.start(IDS[0])
        self.assertEqual({'scsi3:0': self.path()}, self.attached())
        self.assertEqual('TRUE', self.load()['scsi3:0.present'])

    def test_none_leaves_the_volumes(self):
        self.update(None)
        self.assertEqual({'scsi3:0': self.path()}, self.attached())

    def test_no_vmx_at_all(self):
        os.remove(self.layout.vmx(UUID))
        self.start(IDS[0])
        self.assertEqual({'scsi3:0': self.path()}, self.attached())

    def test_a_running_vm_is_given_its_vmx_back(self):
        locks.lock(self.path())
        locks.lock(self.layout.file(UUID, 'root.vmdk'))
        os.remove(self.layout.vmx(UUID))
        self.start()
        self.assertEqual({'scsi3:0': self.path()}, self.attached())


class RefusedTestCase(TestCase):

    def refused(self, error, *volume_ids):
        before = self.load(), self.listed()
        raised = self.assertRaises(error, self.start,
                                   *(volume_ids or IDS[:1]))
        self.assertEqual(before, (self.load(), self.listed()))
        return raised

    def test_a_volume_that_is_too_small(self):
        info = self.nova_lists(IDS[0])
        os.truncate(info['block_device_mapping'][0]['connection_info'][
            'data']['device_path'], 1 << 20)
        self.assertRaises(exception.VolumeDamaged, self.update, info)

    def test_a_snapshot_in_its_place(self):
        self.edit(**{'scsi3_0.fileName': self.path().replace(
            '.vmdk', '-000001.vmdk')})
        self.refused(exception.HasSnapshots)

    def test_a_volume_that_another_vm_has_locked(self):
        locks.lock(self.path())
        self.refused(exception.FileInUse)

    def test_a_type_that_this_host_cannot_use(self):
        info = self.nova_lists(IDS[0])
        info['block_device_mapping'][0]['connection_info'][
            'driver_volume_type'] = 'rbd'
        self.assertRaises(exception.InvalidInput, self.updates.updating,
                          None, self.instance, info, self.rewrite)


class SuspendedTestCase(TestCase):

    def setUp(self):
        super().setUp()
        self.edit(**{'checkpoint.vmState': 'a.vmss'})

    def reconnect(self, *volume_ids):
        self.updates.reconnect(self.instance, self.nova_lists(*volume_ids))

    def test_its_volumes_are_connected_again(self):
        with mock.patch.object(
                self.connectors, 'connect',
                wraps=self.connectors.connect) as connect:
            self.reconnect(IDS[0])
        connect.assert_called_once_with(UUID, mock.ANY, 'lsilogic')

    def test_differences_are_only_logged(self):
        before = self.load(), self.listed()
        self.reconnect(IDS[1])
        self.assertEqual(before, (self.load(), self.listed()))
        self.assertIn('Volume %s is listed by Nova and missing' % IDS[1],
                      self.log.output)
        self.assertIn('Volume %s is not listed by Nova and attached' % IDS[0],
                      self.log.output)

    def test_a_volume_that_cannot_be_used(self):
        os.remove(self.path().replace('.vmdk', '-flat.vmdk'))
        self.assertRaises(exception.VolumeDamaged,
                          self.updates.reconnect, self.instance,
                          {'block_device_mapping': [
                              {'connection_info': self.info}]})

    def test_a_volume_that_has_moved(self):
        self.disk_lists.attach_volume(UUID, test_volumes.disks.volume(
            IDS[0], '/elsewhere.vmdk', 1 << 30, 'pvscsi', 'scsi3:0'))
        error = self.assertRaises(exception.VolumeDamaged, self.reconnect,
                                  IDS[0])
        self.assertIn('/elsewhere.vmdk', str(error))

    def test_a_server_that_is_off_is_not_touched(self):
        keys = self.load()
        del keys['checkpoint.vmState']
        host_files.write_atomically(self.layout.vmx(UUID), vmx.dump(keys))
        with mock.patch.object(self.connectors, 'connect') as connect:
            self.reconnect(IDS[0])
        connect.assert_not_called()


class DisconnectTestCase(TestCase):

    def test_all_that_a_connector_keeps_something_for(self):
        os.makedirs(self.layout.volume(UUID, IDS[1]))
        self.updates.disconnect(UUID)
        self.assertEqual([(UUID, IDS[1])], self.connectors.disconnected)
        self.assertEqual(1, len(self.listed()))
