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

import collections
import os
from unittest import mock

import fixtures

from nova_vmrun import exception
from nova_vmrun.formats import vmx
from nova_vmrun.host import files
from nova_vmrun.ops import evict
from nova_vmrun.ops import stopped
from nova_vmrun.server import disks
from nova_vmrun.server import vmx_file
from nova_vmrun.storage import image_cache
from nova_vmrun.storage import linked
from nova_vmrun.storage import server_folders
from nova_vmrun.storage import server_storage
from nova_vmrun.tools import qemu_img
from tests.unit.ops import hosts
from tests.unit.storage import storages
from tests.unit import vmdks

UUID, IMAGE = hosts.UUID, 'aaaaaaaa-1111-2222-3333-444444444444'
GIB = 1 << 30
WRITTEN = b'what the guest wrote'
_Usage = collections.namedtuple('_Usage', 'total used free')


class TestCase(hosts.TestCase):
    """A stopped server with a linked root disk and a swap disk."""

    def setUp(self):
        super().setUp()
        self.add_base(self.layout)
        self.add_server(vmx=hosts.VMX + (
            'scsi0.virtualDev = "pvscsi"\n'
            'scsi0:0.present = "TRUE"\n'
            'scsi0:0.fileName = "root.vmdk"\n'
            'scsi0:1.present = "TRUE"\n'
            'scsi0:1.fileName = "swap.vmdk"\n'
            'sata0:0.present = "TRUE"\n'
            'sata0:0.fileName = "config-drive.iso"\n'),
            disks=disks.dump([disks.root(GIB, 'pvscsi'),
                              disks.swap(1 << 20, 'pvscsi'),
                              disks.config_drive('sata')]))
        vmdks.write(self.path('root.vmdk'), cid='00000002',
                    parent_cid='00000001', hint=self.base(self.layout),
                    sectors=GIB // 512, content=WRITTEN)
        vmdks.write(self.path('swap.vmdk'), cid='00000009')
        files.write_atomically(self.path('config-drive.iso'), 'iso')
        self.qemu_img = mock.create_autospec(qemu_img.QemuImg, instance=True)
        self.evictor = evict.Evictor(
            self.host(qemu_img=self.qemu_img), self.servers,
            stopped.StoppedServers(self.servers, lambda _seconds: None))

    def make_storage(self):
        root = self.useFixture(fixtures.TempDir()).path
        for name in ('ssd', 'usb'):
            os.mkdir(os.path.join(root, name))
        self.folders = storages.folders(
            self.layout, 'ssd:%s/ssd' % root, 'usb:%s/usb' % root,
            cache=self.cache(self.layout))
        for folder in self.folders.others:
            folder.cache = self.cache(folder.layout)
        self.folders.check()
        self.ssd, self.usb = self.folders.others
        return server_storage.ServerStorage(
            self.folders, self.layout, self.records,
            vmx_file.VmxFiles(self.layout), 'this-node')

    def cache(self, layout):
        return image_cache.ImageCache(layout, mock.Mock(), None, [],
                                      mock.Mock())

    def base(self, layout):
        return os.path.join(layout.cache, IMAGE, 'disk-1.vmdk')

    def add_base(self, layout):
        """Add the base disk as the image cache does."""
        with self.cache(layout).locked(IMAGE) as entry:
            entry.start_work()
            vmdks.write(entry.work('disk-1.vmdk'), cid='00000001',
                        sectors=GIB // 512)
            entry.save_facts(virtual_size=GIB)
            entry.publish(entry.work('disk-1.vmdk'), 'disk-1.vmdk')

    def path(self, name):
        return self.layout.file(UUID, name)

    def keys(self):
        return vmx.load(files.read(self.layout.vmx(UUID)))

    def listed(self, name='root'):
        return next(disk for disk in self.disk_lists.get(UUID)
                    if disk.name == name)

    def server_folders(self, folder):
        return [path for _uuid, path in server_folders.find(folder.path)]

    def chain(self):
        """Return what is attached, and its parents up to the base disk."""
        found = [os.path.join(self.layout.folder(UUID),
                              self.keys()['scsi0:0.fileName'])]
        while True:
            here = linked.read_descriptor(found[-1])
            if here.parent_hint is None:
                return found
            found.append(os.path.join(os.path.dirname(found[-1]),
                                      here.parent_hint))
            self.assertEqual(linked.read_descriptor(found[-1]).cid,
                             here.parent_cid)

    def check_in(self, folder, count=1):
        """Check that all disks are in a folder, with whole chains."""
        own = (self.layout.folder(UUID) if folder.is_default
               else self.server_folders(folder)[0])
        chain = self.chain()
        self.assertEqual([own] * count + [os.path.dirname(self.base(
            folder.layout))], list(map(os.path.dirname, chain)))
        self.assertIn(WRITTEN, files.read(chain[count - 1]))
        for name in ('root', 'swap'):
            disk = self.listed(name)
            self.assertEqual(os.path.join(own, name + '.vmdk'),
                             disk.file(self.layout.folder(UUID)))
            self.assertEqual(folder.identity, disk.storage)
        swap = os.path.join(self.layout.folder(UUID),
                            self.keys()['scsi0:1.fileName'])
        self.assertEqual(os.path.join(own, 'swap.vmdk'), swap)
        self.assertEqual('00000009', linked.read_descriptor(swap).cid)
        for other in self.folders.others:
            self.assertEqual(int(other is folder),
                             len(self.server_folders(other)))
        self.assertTrue(os.path.exists(self.path('config-drive.iso')))
        self.assertEqual(
            folder.is_default, os.path.exists(self.path('root.vmdk')))
        self.assertFalse(os.path.exists(self.layout.moving(UUID)))
        self.assertEqual(0, folder.builds.reserved())


class EvictTestCase(TestCase):

    def test_there_and_back(self):
        moved = self.evictor.evict(UUID, 'usb')
        self.assertEqual(('usb', ['root', 'swap']),
                         (moved.folder, moved.disks))
        self.assertLess(0, moved.size)
        self.check_in(self.usb)
        self.evictor.evict(UUID, 'ssd')
        self.check_in(self.ssd)
        self.assertFalse(self.qemu_img.have_same_content.called)
        self.evictor.evict(UUID, 'default')
        self.check_in(self.folders.default)
        self.qemu_img.have_same_content.assert_called_once_with(
            self.base(self.ssd.layout), self.base(self.layout))

    def test_repeated(self):
        self.evictor.evict(UUID, 'usb')
        moved = self.evictor.evict(UUID, 'usb')
        self.assertEqual(evict.Moved('usb', [], 0), moved)
        self.check_in(self.usb)

    def test_a_disk_that_is_there_stays(self):
        self.evictor.evict(UUID, 'usb')
        root = self.listed().path
        swap = self.listed('swap')
        os.rename(swap.path, self.path('swap.vmdk'))
        self.records.change(UUID, disks=disks.dump(
            [self.listed(), disks.moved(swap, '', None)]))
        self.servers.vmx_files.edit(UUID, lambda keys: keys.update(
            {'scsi0:1.fileName': 'swap.vmdk'}))
        self.assertEqual(['swap'], self.evictor.evict(UUID, 'usb').disks)
        self.assertEqual(root, self.listed().path)
        self.assertTrue(self.listed('swap').is_in_storage)
        self.assertEqual(2, len(self.server_folders(self.usb)))

    def test_most_free_space_where_nothing_is_named(self):
        spaces = {self.layout.root: 9, self.ssd.path: 3, self.usb.path: 5}
        self.useFixture(fixtures.MockPatch(
            'shutil.disk_usage', lambda path: _Usage(
                9 * GIB, 0, spaces.get(path, 9) * GIB)))
        for expected in (self.usb, self.folders.default, self.usb):
            self.assertEqual(expected.name,
                             self.evictor.evict(UUID).folder)
            self.check_in(expected)

    def test_what_vmware_has_written_since_a_snapshot(self):
        """It is beside the disk, or beside the .vmx."""
        vmdks.write(self.path('root-000001.vmdk'), cid='00000003',
                    parent_cid='00000002', hint='root.vmdk')
        self.attach('root-000001.vmdk')
        self.evictor.evict(UUID, 'usb')
        self.check_in(self.usb, 2)
        self.assertFalse(os.path.exists(self.path('root-000001.vmdk')))
        for target in (self.ssd, self.folders.default):
            top = self.chain()[0]
            vmdks.write(self.path('root-000001.vmdk'), cid='00000004',
                        parent_cid='00000003', hint=top)
            self.attach('root-000001.vmdk')
            self.evictor.evict(UUID, target.name)
            self.check_in(target, 3)
            self.assertFalse(os.path.exists(self.path('root-000001.vmdk')))
            # As if VMware had merged the newest file into the one below it.
            newest, below = self.chain()[:2]
            self.attach(below)
            os.remove(newest)

    def attach(self, path):
        self.servers.vmx_files.edit(UUID, lambda keys: keys.update(
            {'scsi0:0.fileName': path}))

    def test_a_disk_without_a_parent(self):
        vmdks.write(self.path('root.vmdk'), cid='00000002',
                    sectors=GIB // 512, content=WRITTEN)
        self.evictor.evict(UUID, 'usb')
        self.assertEqual([self.listed().path], self.chain())
        self.assertFalse(os.path.exists(self.base(self.usb.layout)))

    def test_what_an_interrupted_move_has_left_goes_first(self):
        left = server_folders.new_path(self.usb.path, UUID)
        self.servers.storage.create(left)
        self.evictor.evict(UUID, 'usb')
        self.assertFalse(os.path.exists(left))
        self.check_in(self.usb)


class FailureTestCase(TestCase):

    def require_untouched(self):
        self.assertEqual('root.vmdk', self.listed().path)
        self.assertEqual('root.vmdk', self.keys()['scsi0:0.fileName'])
        self.assertIn(WRITTEN, files.read(self.path('root.vmdk')))
        self.assertEqual([], self.server_folders(self.usb))
        self.assertFalse(os.path.exists(self.layout.moving(UUID)))
        self.assertEqual(0, self.usb.builds.reserved())

    def refused(self, kind, *words, to='usb', uuid=UUID):
        error = self.assertRaises(kind, self.evictor.evict, uuid, to)
        for word in words:
            self.assertIn(word, str(error))
        self.require_untouched()

    def test_a_copy_that_fails(self):
        real = linked.make_twin
        for number in range(2):
            with fixtures.MockPatchObject(
                    linked, 'make_twin', side_effect=(
                        [real] * number + [OSError(5, 'Broken')])):
                self.refused(OSError, 'Broken')

    def test_a_base_disk_that_cannot_be_copied(self):
        with fixtures.MockPatchObject(linked, 'make_copy',
                                      side_effect=OSError(28, 'Full')):
            self.refused(exception.DiskFull)

    def test_a_base_disk_that_was_written_to(self):
        os.chmod(self.base(self.layout), 0o600)
        vmdks.write(self.base(self.layout), cid='00000001',
                    sectors=GIB // 512, content=b'written')
        self.refused(exception.BaseDamaged, self.base(self.layout))

    def test_another_base_disk_in_the_other_cache(self):
        self.add_base(self.usb.layout)
        self.qemu_img.have_same_content.return_value = False
        self.refused(exception.BaseDamaged, self.base(self.usb.layout),
                     'Its content differs')

    def test_written_to_meanwhile(self):
        real = linked.make_twin

        def write(disk, *args):
            real(disk, *args)
            os.utime(disk, (1, 1))

        with fixtures.MockPatchObject(linked, 'make_twin', write):
            self.refused(exception.DiskChanged, 'Stop the server')

    def test_started_meanwhile(self):
        real = linked.make_twin

        def start(*args):
            real(*args)
            if not self.is_running():
                self.start()

        with fixtures.MockPatchObject(linked, 'make_twin', start):
            self.refused(exception.NotStopped, 'It is running')

    def test_a_folder_without_room(self):
        self.useFixture(fixtures.MockPatch(
            'shutil.disk_usage', return_value=_Usage(GIB, GIB, 512 << 20)))
        self.refused(exception.DiskFull, 'do not fit', 'storage folder usb',
                     '512 MiB free')

    def test_space_that_a_build_has_reserved(self):
        self.useFixture(fixtures.MockPatch(
            'shutil.disk_usage', return_value=_Usage(GIB, 0, GIB)))
        with self.usb.builds.begin(GIB // 2):
            self.refused_while_reserved()
        self.evictor.evict(UUID, 'usb')

    def refused_while_reserved(self):
        self.assertRaises(exception.DiskFull, self.evictor.evict, UUID,
                          'usb')

    def test_an_unknown_folder(self):
        self.refused(exception.InvalidInput, "'tape'", 'default, ssd, usb',
                     to='tape')

    def test_a_folder_that_is_not_there(self):
        os.remove(os.path.join(self.usb.path, 'nova-vmrun-storage.json'))
        self.refused(exception.StorageFolderMissing, 'usb is not there')

    def test_no_other_folder(self):
        self.folders.others = ()
        self.refused(exception.InvalidInput, 'no other storage folder',
                     to=None)

    def test_not_stopped(self):
        self.start()
        self.refused(exception.NotStopped, 'It is running')

    def test_suspended(self):
        self.servers.vmx_files.edit(UUID, lambda keys: keys.update(
            {'checkpoint.vmState': 'x.vmss'}))
        self.refused(exception.NotStopped, 'It is suspended')

    def test_in_rescue(self):
        self.disk_lists.add(UUID, disks.rescue(disks.Device.DISK, 'pvscsi'))
        self.refused(exception.NotStopped, 'in rescue')

    def test_being_resized(self):
        for folder in self.layout.beside(UUID):
            os.mkdir(folder)
            self.refused(exception.NotStopped, 'resize')
            os.rmdir(folder)

    def test_with_snapshots(self):
        files.write_atomically(self.layout.vmsd(UUID), (
            'snapshot.numSnapshots = "1"\n'
            'snapshot0.uid = "1"\nsnapshot0.displayName = "mine"\n'
            'snapshot0.disk0.fileName = "root.vmdk"\n'
            'snapshot0.disk0.node = "scsi0:0"\n'))
        self.refused(exception.HasSnapshots, 'mine')

    def test_nova_compute_works_on_it(self):
        with self.servers.storage.held(UUID):
            self.refused(exception.ServerInUse, 'nova-compute')

    def test_a_server_of_another_host(self):
        self.refused(exception.VmNotFound, 'not on this host',
                     uuid=hosts.OTHER)

    def test_a_record_of_an_older_release(self):
        listed = self.records.get(UUID).disks
        self.records.change(UUID, disks=None)
        self.assertRaises(exception.RecordUnreadable, self.evictor.evict,
                          UUID, 'usb')
        self.records.change(UUID, disks=listed)
        self.require_untouched()

    def test_a_disk_that_is_not_attached(self):
        self.servers.vmx_files.edit(
            UUID, lambda keys: keys.pop('scsi0:1.fileName'))
        self.refused(exception.VmIncomplete, 'swap')

    def test_a_file_in_the_way(self):
        self.evictor.evict(UUID, 'usb')
        files.write_atomically(self.path('root.vmdk'), 'mine')
        error = self.assertRaises(exception.FileInUse, self.evictor.evict,
                                  UUID, 'default')
        self.assertIn(self.path('root.vmdk'), error.details)
        self.assertEqual(b'mine', files.read(self.path('root.vmdk')))
        self.assertEqual(1, len(self.server_folders(self.usb)))

    def test_a_file_that_would_be_removed_with_the_disks(self):
        self.evictor.evict(UUID, 'usb')
        own, = self.server_folders(self.usb)
        mine = os.path.join(own, 'mine.vmdk')
        files.write_atomically(mine, 'mine')
        error = self.assertRaises(exception.FileInUse, self.evictor.evict,
                                  UUID, 'ssd')
        self.assertIn('mine.vmdk', error.details)
        self.assertTrue(os.path.exists(mine))
