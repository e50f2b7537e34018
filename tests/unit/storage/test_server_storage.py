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

import fixtures

from nova_vmrun import exception
from nova_vmrun.formats import vmx
from nova_vmrun.host import files
from nova_vmrun.server import disks
from nova_vmrun.server import layout as layouts
from nova_vmrun.server import records
from nova_vmrun.server import vmx_file
from nova_vmrun.storage import linked
from nova_vmrun.storage import server_folders
from nova_vmrun.storage import server_storage
from tests.unit import base
from tests.unit.storage import storages
from tests.unit import vmdks

UUID = '11111111-2222-3333-4444-555555555555'
IMAGE = '22222222-2222-3333-4444-555555555555'


class TestCase(base.TestCase):
    """A server with a linked disk in the storage folder usb."""

    def setUp(self):
        super().setUp()
        self.useFixture(fixtures.MockPatch('os.fsync'))
        self.root = self.useFixture(fixtures.TempDir()).path
        self.usb = os.path.join(self.root, 'usb')
        os.mkdir(self.usb)
        self.layout = layouts.Layout(os.path.join(self.root, 'instances'),
                                     '_base')
        self.layout.prepare()
        self.records = records.Records(self.layout, 'node')
        self.open()
        self.base = os.path.join(self.usb, '_base', IMAGE, 'disk-1.vmdk')
        os.mkdir(os.path.dirname(self.base))
        vmdks.write(self.base, cid='00000001')
        self.path = server_folders.new_path(self.usb, UUID)
        self.disk = disks.moved(
            disks.root(1 << 30, 'lsilogic'), self.path,
            self.folders.others[0].identity)
        self.disk = disks.parse(disks.dump([self.disk]))[0]
        self.records.create(UUID, 'instance-1', disks=[
            {**disks.dump([self.disk])[0], 'node': 'scsi0:0'}])
        self.storage.create(self.path)
        vmdks.write(self.disk.path, cid='00000002', parent_cid='00000001',
                    hint=self.base)
        self.write_vmx()

    def open(self):
        self.folders = storages.folders(self.layout, 'usb:' + self.usb)
        self.folders.check()
        self.storage = server_storage.ServerStorage(
            self.folders, self.layout, self.records,
            vmx_file.VmxFiles(self.layout), 'node')

    def write_vmx(self, extra=''):
        files.write_atomically(
            self.layout.vmx(UUID), 'scsi0:0.fileName = "%s"\n%s'
            % (self.disk.path, extra))

    def vmx(self):
        return vmx.load(files.read(self.layout.vmx(UUID)))

    def move(self):
        """Mount the drive elsewhere."""
        new = os.path.join(self.root, 'elsewhere')
        os.rename(self.usb, new)
        os.mkdir(self.usb)
        self.usb = new
        self.open()

    def listed(self):
        return disks.parse(self.records.get(UUID).disks)[0]

    def is_there(self):
        return self.storage.is_there(self.records.get(UUID))


class RequireTestCase(TestCase):

    def test_a_snapshot_beside_the_vmx_goes_on_after_a_move(self):
        child = self.layout.file(UUID, 'root-000001.vmdk')
        vmdks.write(child, cid='00000003', parent_cid='00000002',
                    hint=self.disk.path)
        files.write_atomically(self.layout.vmx(UUID),
                               'scsi0:0.fileName = "root-000001.vmdk"\n')
        self.move()
        self.storage.require(UUID)
        self.assertEqual('root-000001.vmdk', self.vmx()['scsi0:0.fileName'])
        self.assertEqual(self.listed().path,
                         linked.read_descriptor(child).parent_hint)
        self.assertTrue(os.path.exists(self.listed().path))

    def test_disks_that_are_there(self):
        before = files.read(self.layout.record(UUID))
        self.storage.require(UUID)
        self.assertTrue(self.is_there())
        self.assertEqual(before, files.read(self.layout.record(UUID)))

    def test_servers_of_others(self):
        self.storage.require(IMAGE)
        self.storage.require_all(IMAGE)

    def test_unplugged(self):
        os.rename(self.usb, self.usb + '-aside')
        os.mkdir(self.usb)
        self.assertFalse(self.is_there())
        for method in (self.storage.require, self.storage.require_all):
            error = self.assertRaises(exception.StorageFolderMissing, method,
                                      UUID)
            self.assertIn('usb', error.brief)

    def test_mounted_elsewhere(self):
        self.move()
        self.storage.require(UUID)
        self.assertTrue(self.listed().path.startswith(self.usb))
        self.assertEqual(self.listed().path, self.vmx()['scsi0:0.fileName'])
        found = linked.read_descriptor(self.listed().path)
        self.assertEqual(os.path.join(self.usb, '_base', IMAGE,
                                      'disk-1.vmdk'), found.parent_hint)
        self.assertEqual(('00000001', '00000002'),
                         (found.parent_cid, found.cid))

    def test_mounted_elsewhere_with_a_snapshot(self):
        """VMware writes to a disk beside it, whose parent it names alone."""
        child = os.path.join(self.path, 'root-000001.vmdk')
        vmdks.write(child, cid='00000003', parent_cid='00000002',
                    hint='root.vmdk')
        files.write_atomically(self.layout.vmx(UUID),
                               'scsi0:0.fileName = "%s"\n' % child)
        self.move()
        self.storage.require(UUID)
        moved = os.path.join(os.path.dirname(self.listed().path),
                             'root-000001.vmdk')
        self.assertEqual(moved, self.vmx()['scsi0:0.fileName'])
        self.assertEqual('root.vmdk',
                         linked.read_descriptor(moved).parent_hint)

    def test_suspended_until_the_old_path_is_back(self):
        self.write_vmx('checkpoint.vmState = "x.vmss"\n')
        old = self.usb
        self.move()
        error = self.assertRaises(exception.NotStopped, self.storage.require,
                                  UUID)
        self.assertIn(self.usb, error.details)
        os.rmdir(old)
        os.rename(self.usb, old)
        self.usb = old
        self.open()
        self.storage.require(UUID)

    def test_crash_at_every_step(self):
        """What was done is done again, whatever was the last step."""
        self.move()
        for module, name in ((linked, 'point'), (vmx_file, '_write'),
                             (records, '_write')):
            with fixtures.MockPatchObject(module, name,
                                          side_effect=RuntimeError):
                self.assertRaises(RuntimeError, self.storage.require, UUID)
        self.storage.require(UUID)
        self.assertEqual(self.listed().path, self.vmx()['scsi0:0.fileName'])


class FoldersTestCase(TestCase):

    def test_servers_by_folder(self):
        usb = self.folders.others[0].identity
        self.assertEqual({usb: {UUID}}, self.storage.servers_by_folder())
        self.records.create(IMAGE, 'instance-2', disks=disks.dump([
            disks.root(1, 'ide'),
            disks.moved(disks.swap(1, 'ide'), self.path, usb),
            disks.config_drive('ide')]))
        self.assertEqual({usb: {UUID, IMAGE}, None: {IMAGE}},
                         self.storage.servers_by_folder())

    def test_chain(self):
        self.assertEqual(
            [self.path, os.path.join(self.usb, '_base')],
            self.storage.chain_folders([self.disk]))
        self.assertEqual([], self.storage.chain_folders(
            [disks.root(1, 'ide')]))

    def test_removal(self):
        self.storage.remove(UUID, self.layout.folder(UUID))
        self.assertFalse(os.path.exists(self.path))
        self.storage.remove(UUID, self.layout.folder(UUID))

    def test_disks_that_no_record_names(self):
        unused = server_folders.new_path(self.usb, UUID)
        self.storage.create(unused)
        server_folders.create(server_folders.new_path(self.usb, UUID),
                              'another node')
        self.assertEqual([(UUID, unused)], self.storage.unused_everywhere())
        self.storage.remove_unused([IMAGE])
        self.assertTrue(os.path.exists(unused))
        self.storage.remove_unused()
        self.assertFalse(os.path.exists(unused))
        self.assertTrue(os.path.exists(self.path))

    def test_a_pipe_of_another_host(self):
        """It takes the folder from nobody."""
        other = server_folders.new_path(self.usb, UUID)
        unused = server_folders.new_path(self.usb, UUID)
        os.mkdir(other)
        os.mkfifo(os.path.join(other, server_folders.OWNER))
        self.storage.create(unused)
        self.storage.finish_interrupted()
        self.assertTrue(os.path.exists(other))
        self.assertFalse(os.path.exists(unused))
        self.storage.require(UUID)

    def test_half_written_disks(self):
        part = os.path.join(self.path, '.root.vmdk.0badcafe.part')
        for folder in (self.layout.folder(UUID), self.layout.prepared(UUID)):
            files.write_atomically(part, 'half')
            if folder != self.layout.folder(UUID):
                os.rename(self.layout.folder(UUID), folder)
            self.storage.finish_interrupted()
            self.assertEqual(['owner.json', 'root.vmdk'],
                             sorted(os.listdir(self.path)))
        os.rename(self.usb, self.usb + '-aside')
        self.storage.finish_interrupted()

    def test_disks_of_servers_without_a_folder_are_orphans(self):
        orphan = server_folders.new_path(self.usb, IMAGE)
        self.storage.create(orphan)
        self.storage.remove_unused()
        self.assertEqual([(IMAGE, orphan)], self.storage.unused_everywhere())

    def test_disks_of_a_server_that_is_resized(self):
        for name in (self.layout.kept(UUID), self.layout.prepared(UUID),
                     self.layout.deleted(UUID)):
            os.rename(self.layout.folder(UUID), name)
            self.assertEqual([], self.storage.unused_everywhere())
            os.rename(name, self.layout.folder(UUID))

    def test_a_record_that_names_the_whole_storage_folder(self):
        record = files.read(self.layout.record(UUID)).decode()
        for other in (self.usb, os.path.join(self.usb, IMAGE),
                      self.path.replace(UUID, IMAGE), '/'):
            files.write_atomically(self.layout.record(UUID), record.replace(
                os.path.dirname(self.disk.path), other.rstrip('/')))
            self.assertRaises(
                exception.RecordUnreadable, self.storage.remove, UUID,
                self.layout.folder(UUID))
        self.assertTrue(os.path.exists(self.disk.path))
        self.assertTrue(os.path.exists(self.base))

    def test_records_that_do_not_say_which_disks_there_are(self):
        record = files.read(self.layout.record(UUID)).decode()
        name = os.path.basename(self.disk.path)
        for text in ('{', record.replace('"root"', '1'),
                     record.replace('"node"', '"another node"'),
                     record.replace(name, '')):
            self.assertNotEqual(record, text)
            files.write_atomically(self.layout.record(UUID), text)
            self.assertEqual([], self.storage.unused_everywhere(), text)
        os.remove(self.layout.record(UUID))
        self.storage.remove_unused()
        self.assertTrue(os.path.exists(self.disk.path))
