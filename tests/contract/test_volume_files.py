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

"""What VMware does with the files of a Cinder volume."""

import os
import uuid

from oslo_utils import units

from nova_vmrun.cinder import disk
from nova_vmrun.cinder import folder as folders
from nova_vmrun.cinder import store as stores
from nova_vmrun import exception
from nova_vmrun.formats import volume_files
from nova_vmrun.host import locks
from tests.contract import base
from tests.contract import vmdk

CONTENT = b'content of a volume'
_SIZE = 8 * units.Mi


class VolumeFilesTest(base.ContractCase):

    def setUp(self):
        super().setUp()
        self.folder_of_volumes = folders.Folder(self.path('volumes'))
        self.folder_of_volumes.open()
        self.addCleanup(self.folder_of_volumes.close)
        self.store = stores.Store(self.folder_of_volumes)
        number = str(uuid.uuid4())
        self.volume = disk.Disk(number, 'Volume ' + number,
                                'volume-' + number, _SIZE)
        self.store.create(self.volume)
        self.extent = self.store.prepare(self.volume)
        self.descriptor = volume_files.descriptor_of(self.extent)
        for offset in (0, _SIZE - len(CONTENT)):
            with open(self.extent, 'r+b') as file:
                file.seek(offset)
                file.write(CONTENT)

    def vm(self, name='vm'):
        return self.make_vm(name, scsi1__present='TRUE',
                            scsi1__virtualDev='lsilogic',
                            scsi1_colon_0__present='TRUE',
                            scsi1_colon_0__mode='independent-persistent',
                            scsi1_colon_0__fileName=self.descriptor)

    def extent_content(self):
        with open(self.extent, 'rb') as file:
            return file.read()

    def test_a_volume_can_be_read_as_a_disk(self):
        self.assertEqual(0, self.vdisk('-r', self.descriptor, '-t', '0',
                                       'd.vmdk').rc)
        self.assertTrue(vmdk.same(self.descriptor, self.path('d.vmdk')))

    def test_a_volume_that_was_extended(self):
        larger = disk.Disk(self.volume.id, self.volume.title,
                           self.volume.name, 2 * _SIZE)
        self.store.extend(self.volume, larger)
        self.assertEqual(0, self.vdisk('-r', self.descriptor, '-t', '0',
                                       'd.vmdk').rc)
        (sectors, *_rest), = vmdk.extents(self.path('d.vmdk'))
        self.assertEqual(2 * _SIZE // 512, sectors)

    def test_a_running_vm_locks_the_volume_beside_its_descriptor(self):
        machine = self.vm()
        self.done('start', machine.vmx, 'nogui')
        lock = volume_files.lock_of(self.descriptor)
        holder, = locks.holders(lock)
        self.assertTrue(locks.is_vm(holder.program), holder)
        self.assertRaises(exception.FileInUse, self.store.remove, self.volume)
        self.assertEqual([], [name for name in machine.files()
                              if 'volume' in name])
        self.done('stop', machine.vmx, 'hard')
        self.wait_for(lambda: not list(locks.holders(lock)), 'the lock')
        self.store.remove(self.volume)
        self.assertEqual([], os.listdir(self.folder_of_volumes.path))

    def test_a_second_vm_does_not_get_the_volume(self):
        first, second = self.vm(), self.vm('second')
        self.done('start', first.vmx, 'nogui')
        self.assertNotEqual(0, self.vmrun('start', second.vmx, 'nogui').rc)

    def test_a_descriptor_that_a_vm_has_used_is_still_ours(self):
        machine = self.vm()
        self.done('start', machine.vmx, 'nogui')
        self.done('stop', machine.vmx, 'hard')
        inode = os.stat(self.descriptor).st_ino
        self.store.prepare(self.volume)
        self.assertEqual(inode, os.stat(self.descriptor).st_ino)
        self.assertEqual(CONTENT, self.extent_content()[:len(CONTENT)])

    def test_a_snapshot_of_the_vm_leaves_the_volume_alone(self):
        """It is independent, which is why the driver attaches it so."""
        machine = self.vm()
        self.vmrun('snapshot', machine.vmx, 's')
        names = os.listdir(self.folder_of_volumes.path)
        self.assertEqual([], volume_files.children(self.volume.name, names))
        self.assertEqual([], [name for name in machine.files()
                              if name.startswith('volume')])
        self.store.prepare(self.volume)
