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


"""Unit tests for resizes of servers whose disks are in a storage folder."""

import os

import fixtures
from nova import exception as nova_exception

from nova_vmrun.formats import vmx
from nova_vmrun.host import files
from nova_vmrun.server import disks
from nova_vmrun.server import vmx_file
from nova_vmrun.storage import server_folders
from nova_vmrun.storage import server_storage
from tests.unit.ops.resize import resizes
from tests.unit.storage import storages
from tests.unit import vmdks

UUID, GIB, THERE = resizes.UUID, resizes.GIB, resizes.THERE


class StorageTestCase(resizes.TestCase):

    def setUp(self):
        super().setUp()
        self.make()
        self.path = server_folders.new_path(self.fast, UUID)
        self.servers.storage.create(self.path)
        self.disk = disks.moved(disks.root(GIB, 'pvscsi'), self.path,
                                self.folders_.others[0].identity)
        os.rename(self.layout.file(UUID, 'root.vmdk'), self.disk.path)
        self.records.change(UUID, disks=disks.dump([self.disk]))
        self.servers.vmx_files.edit(UUID, lambda keys: keys.update(
            {'scsi0:0.fileName': self.disk.path}))

    def make_storage(self):
        self.fast = self.useFixture(fixtures.TempDir()).path
        self.folders_ = storages.folders(self.layout, 'fast:' + self.fast)
        self.folders_.check()
        return server_storage.ServerStorage(
            self.folders_, self.layout, self.records,
            vmx_file.VmxFiles(self.layout), 'this-node')

    def server_folders(self):
        return [path for _, path in server_folders.find(self.fast)]

    def attached(self, folder):
        keys = vmx.load(files.read(os.path.join(folder, UUID + '.vmx')))
        return keys['scsi0:0.fileName']

    def check_as_before(self):
        self.assertEqual([self.path], self.server_folders())
        self.assertEqual([''], self.folders())
        self.assertEqual(self.disk.path,
                         self.attached(self.layout.folder(UUID)))
        self.assertEqual([self.disk.path],
                         [disk.path for disk in self.disk_lists.get(UUID)])
        self.assertTrue(self.is_written())

    def test_another_host_gets_the_disk_in_the_servers_folder(self):
        sent = []

        def send(destination, uuid):
            folder = self.layout.prepared(uuid)
            sent.append((destination.address, self.attached(folder),
                         self.is_written(folder),
                         sorted(name for name in os.listdir(folder)
                                if name.endswith(('.vmdk', 'disks.json')))))

        self.other_host.send.side_effect = send
        self.migrate(THERE)
        self.assertEqual(
            [(THERE, 'root.vmdk', True, ['disks.json', 'root.vmdk'])], sent)
        # Nothing is lost until the move is confirmed.
        self.assertEqual([self.path], self.server_folders())
        self.resize.confirm(UUID)
        self.assertEqual([], self.server_folders())
        self.assertEqual([], self.folders())

    def test_a_move_that_is_reverted(self):
        self.migrate(THERE)
        self.revert(resizes.MOVE, power_on=False)
        self.check_as_before()

    def test_a_move_that_fails(self):
        self.other_host.send.side_effect = OSError(28, 'No space left')
        self.assertRaises(nova_exception.InstanceFaultRollback, self.migrate,
                          THERE)
        self.check_as_before()

    def test_a_larger_disk_stays_in_its_storage_folder(self):
        self.migrate(root_gb=2)
        self.finish(instance=self.instance(root_gb=2), power_on=False)
        new, = set(self.server_folders()) - {self.path}
        self.assertEqual(os.path.join(new, 'root.vmdk'),
                         self.attached(self.layout.folder(UUID)))
        self.assertTrue(self.is_written())
        self.resize.confirm(UUID)
        self.assertEqual([new], self.server_folders())

    def test_what_vmware_writes_beside_the_vmx_goes_along(self):
        child = self.layout.file(UUID, 'root-000001.vmdk')
        vmdks.write(child, cid='00000003', parent_cid='00000002',
                    hint=self.disk.path, sectors=GIB // 512,
                    content=resizes.WRITTEN)
        self.servers.vmx_files.edit(UUID, lambda keys: keys.update(
            {'scsi0:0.fileName': os.path.basename(child)}))
        self.migrate()
        self.finish(power_on=False)
        self.resize.confirm(UUID)
        self.assertTrue(self.is_written())
        new, = self.server_folders()
        self.assertEqual(os.path.join(new, 'root.vmdk'),
                         self.attached(self.layout.folder(UUID)))

    def test_a_resize_that_is_reverted(self):
        self.migrate(root_gb=2)
        self.finish(instance=self.instance(root_gb=2), power_on=False)
        self.revert(power_on=False)
        self.check_as_before()
