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

import errno
import json
import os
from unittest import mock

from nova_vmrun import exception
from nova_vmrun.host import files
from nova_vmrun.server import disk_lists
from nova_vmrun.server import disks
from nova_vmrun.server import records
from tests.unit.ops import hosts

UUID = hosts.UUID
ROOT = disks.root(1 << 30, 'pvscsi')
SWAP = disks.swap(1 << 20, 'pvscsi')


class ListTestCase(hosts.TestCase):

    def setUp(self):
        super().setUp()
        self.add_server(disks=disks.dump([ROOT]))

    def test_listed_disks(self):
        self.assertEqual((ROOT,), self.disk_lists.get(UUID))
        self.assertEqual(ROOT, self.disk_lists.find(UUID, disks.Origin.ROOT))
        self.assertIsNone(self.disk_lists.find(UUID, disks.Origin.SWAP))
        self.assertEqual(self.layout.file(UUID, 'root.vmdk'),
                         self.disk_lists.file(UUID, ROOT))

    def test_a_disk_comes_and_goes(self):
        drive = disks.config_drive('ide')
        self.disk_lists.add(UUID, drive, SWAP)
        self.assertEqual((ROOT, SWAP, drive), self.disk_lists.get(UUID))
        self.disk_lists.add(UUID, disks.swap(5, 'ide'))
        self.assertEqual(5, self.disk_lists.find(
            UUID, disks.Origin.SWAP).size)
        self.disk_lists.remove(UUID, SWAP, drive)
        self.assertEqual((ROOT,), self.disk_lists.get(UUID))

    def test_the_rest_of_the_record_stays(self):
        self.records.change(UUID, vnc_port=5907)
        self.disk_lists.add(UUID, SWAP)
        self.assertEqual(5907, self.records.get(UUID).vnc_port)

    def test_equal_list_is_not_written(self):
        with mock.patch.object(files, 'write_atomically') as write:
            self.disk_lists.add(UUID, ROOT)
            self.disk_lists.remove(UUID, SWAP)
        self.assertFalse(write.called)

    def test_where_the_disks_are_attached(self):
        files.write_atomically(self.layout.vmx(UUID), (
            'ide0:0.present = "TRUE"\nide0:0.fileName = "root-000001.vmdk"'))
        self.disk_lists.record_places(
            UUID, disk_lists.vmx_file.VmxFiles(self.layout).load(UUID))
        root, = self.disk_lists.get(UUID)
        self.assertEqual(('ide', 'ide0:0', 'root.vmdk'),
                         (root.bus, root.node, root.path))

    def test_no_such_server(self):
        self.assertRaises(exception.VmNotFound, self.disk_lists.get,
                          hosts.OTHER)
        other = records.Records(self.layout, 'that-node')
        self.assertRaises(exception.VmNotFound, disk_lists.DiskLists(
            self.layout, other).get, UUID)

    def test_a_spoiled_list_does_not_hide_the_server(self):
        self.records.change(UUID, disks=[{'path': '/etc/passwd'}])
        error = self.assertRaises(exception.RecordUnreadable,
                                  self.disk_lists.get, UUID)
        self.assertIn(UUID, error.brief)
        self.assertIn('remove it', error.resolution)
        self.assertIsNotNone(self.records.get(UUID))
        # What it says to do helps.
        files.write_atomically(self.layout.file(UUID, 'root.vmdk'), '')
        self.records.change(UUID, disks=None)
        self.assertEqual(['root'],
                         [disk.name for disk in self.disk_lists.get(UUID)])


class VolumeTestCase(hosts.TestCase):

    VOLUME = disks.volume('6ca404f3-d844-4169-bb96-bc792f37de98',
                          '/volumes/one.vmdk', 1 << 30, 'pvscsi', 'scsi3:0')

    def setUp(self):
        super().setUp()
        self.add_server(disks=disks.dump([ROOT]))

    def marked(self):
        return self.records.get(UUID).detached_volumes

    def test_one_that_is_being_detached_is_listed_but_not_attached(self):
        self.disk_lists.attach_volume(UUID, self.VOLUME)
        self.assertEqual((ROOT, self.VOLUME), self.disk_lists.attached(UUID))
        for _ in range(2):
            self.disk_lists.mark_detached(UUID, self.VOLUME)
        self.assertEqual((ROOT,), self.disk_lists.attached(UUID))
        self.assertEqual((ROOT, self.VOLUME), self.disk_lists.get(UUID))
        self.assertEqual([self.VOLUME.volume_id], self.marked())

    def test_the_mark_stays_until_it_is_attached_again(self):
        self.disk_lists.mark_detached(UUID, self.VOLUME)
        self.disk_lists.remove(UUID, self.VOLUME)
        self.assertEqual([self.VOLUME.volume_id], self.marked())
        self.disk_lists.attach_volume(UUID, self.VOLUME)
        self.assertEqual([], self.marked())


class OldRecordTestCase(hosts.TestCase):

    def setUp(self):
        super().setUp()
        self.add_server()
        self.path = self.layout.file(UUID, 'root.vmdk')
        files.write_atomically(self.path, '')

    def test_its_list_is_made_once(self):
        self.assertEqual(['root'],
                         [disk.name for disk in self.disk_lists.get(UUID)])
        os.rename(self.path, self.layout.file(UUID, 'swap.vmdk'))
        self.assertEqual(['root'],
                         [disk.name for disk in self.disk_lists.get(UUID)])

    def test_a_vmx_that_cannot_be_read(self):
        files.write_atomically(self.layout.vmx(UUID), 'half of a li')
        self.assertIsNone(self.disk_lists.get(UUID)[0].node)

    def test_on_a_full_file_system_it_is_made_again(self):
        with mock.patch.object(files, 'write_atomically',
                               side_effect=OSError(errno.ENOSPC, 'full')):
            self.assertEqual('root', self.disk_lists.get(UUID)[0].name)
        self.assertIsNone(self.records.get(UUID).disks)
        self.assertIn('full', self.log.output)


class OtherHostTestCase(hosts.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = self.layout.folder(UUID)
        os.mkdir(self.folder)

    def test_the_list_that_was_sent(self):
        self.disk_lists.write_for_other_host(self.folder, (ROOT, SWAP))
        self.assertEqual((ROOT, SWAP), self.disk_lists.from_other_host(UUID))
        self.disk_lists.remove_sent(UUID)
        self.disk_lists.remove_sent(UUID)
        self.assertEqual([], os.listdir(self.folder))

    def test_an_older_release_sends_none(self):
        files.write_atomically(self.layout.file(UUID, 'root.vmdk'), '')
        self.assertEqual(['root.vmdk'], [
            disk.path for disk in self.disk_lists.from_other_host(UUID)])

    def test_one_that_was_spoiled(self):
        for content in ('', '{', '[{}]', '{"root": 1}', b'\xff'):
            files.write_atomically(self.layout.disk_list(self.folder),
                                   content)
            error = self.assertRaises(
                exception.RecordUnreadable,
                self.disk_lists.from_other_host, UUID)
            self.assertIn('disks.json', error.details)


class CopyTestCase(hosts.TestCase):

    def test_the_record_of_another_folder_of_the_server(self):
        self.add_server(vnc_port=5901, disks=disks.dump([ROOT]))
        folder = self.layout.preparing(UUID)
        os.mkdir(folder)
        self.disk_lists.write_copy(UUID, folder, (ROOT, SWAP))
        with open(os.path.join(folder, 'nova.json')) as file:
            found = json.load(file)
        self.assertEqual((5901, 'this-node', (ROOT, SWAP)), (
            found['vnc_port'], found['compute_id'],
            disks.parse(found['disks'])))
        self.assertEqual((ROOT,), self.disk_lists.get(UUID))
