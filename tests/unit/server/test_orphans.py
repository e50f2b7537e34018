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
import shutil
import subprocess
import sys
import time
from unittest import mock

import fixtures

from nova_vmrun.formats import vmx
from nova_vmrun.host import files
from nova_vmrun.server import orphans
from nova_vmrun.server import records
from nova_vmrun.storage import base_disk_usage
from nova_vmrun.storage import builds
from nova_vmrun.storage import image_cache
from tests.unit import locks
from tests.unit.ops import hosts

UUID = hosts.UUID
OTHER = hosts.OTHER
VOLUME = '33333333-2222-3333-4444-555555555555'
IMAGE = '22222222-2222-3333-4444-555555555555'
HOUR = 3600
HERE = orphans.Server(is_here=True, is_busy=False, image_id=IMAGE)
BUSY = orphans.Server(is_here=True, is_busy=True)
ELSEWHERE = orphans.Server(is_here=False, is_busy=False)


class TestCase(hosts.TestCase):

    def setUp(self):
        super().setUp()
        self.users = base_disk_usage.BaseDiskUsage(self.layout)
        self.cache = image_cache.ImageCache(self.layout, None, None, [],
                                            self.users)
        self.boots = builds.Builds(self.layout)
        self.now = time.time() + 2 * HOUR
        self.finder = orphans.Finder(
            self.layout, self.records, self.states, self.cache, self.users,
            self.boots, mock.Mock(unused_everywhere=list),
            clock=lambda: self.now)

    def find(self, **servers):
        return self.finder.of_servers(
            {uuid: server for uuid, server in zip(
                (UUID, OTHER), (servers.get('one'), servers.get('two')))
             if server}, HOUR)

    def only(self, found):
        self.assertEqual(1, len(found), found)
        return found[0]


class StorageTestCase(TestCase):
    """A folder in a storage folder that no record names."""

    def setUp(self):
        super().setUp()
        self.path = self.useFixture(fixtures.TempDir()).path
        self.finder = orphans.Finder(
            self.layout, self.records, self.states, self.cache, self.users,
            self.boots,
            mock.Mock(unused_everywhere=lambda: [(UUID, self.path)]),
            clock=lambda: self.now)

    def kept(self, **servers):
        found = self.only(self.find(**servers))
        self.assertEqual((orphans.LEFTOVER, self.path, UUID),
                         (found.kind, found.path, found.owner))
        return found.kept

    def test_one_of_a_server_that_nova_does_not_have(self):
        self.assertEqual('', self.kept())

    def test_one_that_a_resize_has_left(self):
        self.add_server()
        self.assertEqual('', self.kept(one=HERE))
        self.assertEqual([], self.find(one=BUSY))

    def test_the_folder_of_the_server_is_missing(self):
        """The drive with instances_path may be unplugged."""
        self.assertIn(self.layout.root, self.kept(one=HERE))
        self.assertEqual('', self.kept(one=ELSEWHERE))

    def test_a_vm_uses_it(self):
        locks.lock(os.path.join(self.path, 'root.vmdk'))
        self.assertEqual('A VM uses it.', self.kept())

    def test_one_that_changed_just_now(self):
        self.now = time.time() + HOUR / 2
        self.assertIn('60 minutes', self.kept())


class FolderTestCase(TestCase):

    def test_the_folders_of_novas_servers_are_none(self):
        self.add_server()
        self.add_server(OTHER, running=True)
        self.assertEqual([], self.find(one=HERE, two=HERE))

    def test_a_folder_of_a_server_that_nova_does_not_have(self):
        self.add_server()
        self.add_server(OTHER)
        found = self.only(self.find(two=HERE))
        self.assertEqual((orphans.FOLDER, self.layout.folder(UUID), UUID, ''),
                         (found.kind, found.path, found.owner, found.kept))

    def test_folders_of_a_resize_are_found(self):
        for path in self.layout.beside(UUID):
            os.mkdir(path)
        self.assertEqual(
            [(path, '') for path in sorted(self.layout.beside(UUID))],
            [(each.path, each.kept) for each in self.find()])

    def test_one_that_changed_just_now_is_kept(self):
        self.add_server()
        self.now = time.time() + HOUR / 2
        self.assertIn('60 minutes', self.only(self.find()).kept)

    def test_folder_with_a_recently_changed_file_is_kept(self):
        self.add_server()
        disk = self.layout.file(UUID, 'root.vmdk')
        files.write_atomically(disk, '')
        os.utime(disk, (self.now, self.now))
        self.assertIn('60 minutes', self.only(self.find()).kept)

    def test_one_in_which_a_vm_runs_is_kept(self):
        self.add_server(running=True)
        kept = {each.kind: each.kept for each in self.find()}
        self.assertEqual(
            {orphans.FOLDER: 'A VM runs in it.',
             orphans.VM: 'It is running. Stop it with vmrun first.'}, kept)

    def test_folder_with_locked_files_is_kept(self):
        self.add_server()
        locks.lock(self.layout.file(UUID, 'root.vmdk'))
        self.assertIn('Another program', self.only(self.find()).kept)

    def test_folder_with_an_unreadable_record_is_kept(self):
        self.add_server(running=True)
        files.write_atomically(self.layout.record(UUID), 'spoiled')
        kept = {each.kind: each.kept for each in self.find()}
        self.assertEqual({orphans.FOLDER, orphans.VM}, set(kept))
        self.assertIn('nova.json', kept[orphans.FOLDER])
        self.assertIn('remove the file', kept[orphans.FOLDER])

    def test_a_folder_of_another_compute_node_is_passed_over(self):
        records.Records(self.layout, 'that-node').create(UUID, 'instance-1')
        os.rename(self.layout.folder(UUID), self.layout.kept(UUID))
        records.Records(self.layout, 'that-node').create(UUID, 'instance-1')
        self.vmrun.running.add(self.layout.vmx(UUID))
        self.assertEqual([], self.find())

    def test_folder_of_somebody_else_is_kept(self):
        os.mkdir(self.layout.folder(UUID))
        files.write_atomically(self.layout.file(UUID, 'disk.vmdk'), '')
        self.assertIn('Nothing in it shows', self.only(self.find()).kept)

    def test_empty_folder_can_be_removed(self):
        os.mkdir(self.layout.folder(UUID))
        self.assertEqual('', self.only(self.find()).kept)

    def test_names_that_are_no_servers_are_passed_over(self):
        for name in ('notes', UUID + '_backup', UUID + '.deleted.old'):
            os.mkdir(os.path.join(self.layout.root, name))
        os.symlink(self.layout.cache, self.layout.folder(UUID))
        self.assertEqual([], self.find())

    def test_while_a_server_is_resized_its_folders_are_its_own(self):
        self.add_server()
        for path in self.layout.beside(UUID):
            os.mkdir(path)
        self.assertEqual([], self.find(one=BUSY))

    def test_after_it_they_are_shown_and_kept(self):
        self.add_server()
        os.mkdir(self.layout.kept(UUID))
        found = self.only(self.find(one=HERE))
        self.assertEqual((self.layout.kept(UUID),
                          'Nova still has the server.'),
                         (found.path, found.kept))

    def test_server_on_another_host_is_kept(self):
        self.add_server()
        self.assertEqual('Nova still has the server.',
                         self.only(self.find(one=ELSEWHERE)).kept)

    def test_interrupted_removal_is_a_leftover(self):
        for server in (None, HERE, BUSY):
            os.makedirs(self.layout.deleted(UUID), exist_ok=True)
            found = self.only(self.find(one=server))
            self.assertEqual((orphans.LEFTOVER, ''),
                             (found.kind, found.kept))

    def add_volume(self):
        os.makedirs(self.layout.volume(UUID, VOLUME))

    def test_volumes_of_a_server_whose_folder_is_gone(self):
        self.add_volume()
        self.assertEqual({UUID}, self.finder.server_ids())
        found = self.only(self.find(two=HERE))
        self.assertEqual(
            (orphans.VOLUMES, self.layout.volumes(UUID), UUID, ''),
            (found.kind, found.path, found.owner, found.kept))

    def test_volumes_connected_just_now_are_kept(self):
        self.add_volume()
        self.now = time.time() + HOUR / 2
        self.assertIn('60 minutes', self.only(self.find()).kept)

    def test_volumes_of_a_running_vm_are_kept(self):
        self.add_volume()
        self.add_server(running=True)
        shutil.rmtree(self.layout.folder(UUID))
        kept = {each.kind: each.kept for each in self.find()}
        self.assertEqual('A VM of the server is running.',
                         kept[orphans.VOLUMES])

    def test_volumes_that_nova_knows_or_that_go_with_their_server(self):
        self.add_volume()
        self.assertEqual([], self.find(one=HERE))
        self.add_server()
        self.assertEqual(orphans.FOLDER, self.only(self.find()).kind)

    def test_unknown_running_vms_are_an_error(self):
        self.add_server()
        self.vmrun.fail('list', hosts.hung())
        self.assertRaises(hosts.exception.ToolTimeout, self.find)

    def test_all_servers_are_asked_for(self):
        self.add_server()
        os.mkdir(self.layout.kept(OTHER))
        gone = '33333333-2222-3333-4444-555555555555'
        self.vmrun.running.add(self.layout.vmx(gone))
        self.assertEqual({UUID, OTHER, gone}, self.finder.server_ids())


class InsideTestCase(TestCase):

    VMSD = ('snapshot.numSnapshots = "1"\n'
            'snapshot0.displayName = "%s"\n')

    def leave(self, name):
        path = os.path.join(self.layout.folder(UUID), name)
        files.write_atomically(path, '')
        return path

    def test_unfinished_files(self):
        self.add_server()
        paths = [self.leave('.root.vmdk.0123abcd.part'),
                 self.layout.snapshot_work(UUID)]
        os.mkdir(paths[1])
        found = self.find(one=HERE)
        self.assertEqual(sorted(paths), sorted(each.path for each in found))
        self.assertEqual({(orphans.LEFTOVER, '')},
                         {(each.kind, each.kept) for each in found})
        self.assertEqual([], self.find(one=BUSY))

    def test_files_of_others_are_passed_over(self):
        self.add_server()
        self.leave('mine.part')
        self.leave('.profile')
        self.assertEqual([], self.find(one=HERE))

    def test_snapshot_of_the_driver(self):
        self.add_server(running=True)
        files.write_atomically(self.layout.vmsd(UUID),
                               self.VMSD % ('nova-vmrun-' + IMAGE))
        found = self.only(self.find(one=HERE))
        self.assertEqual((orphans.SNAPSHOT, ''), (found.kind, found.kept))
        self.assertEqual([], self.find(one=BUSY))
        self.now = time.time()
        self.assertIn('60 minutes', self.only(self.find(one=HERE)).kept)

    def test_a_snapshot_of_the_hosts_owner_is_none(self):
        self.add_server()
        files.write_atomically(self.layout.vmsd(UUID), self.VMSD % 'mine')
        self.assertEqual([], self.find(one=HERE))

    def test_a_vmsd_that_is_being_written(self):
        self.add_server()
        files.write_atomically(self.layout.vmsd(UUID), 'snapshot.num = "')
        self.assertEqual([], self.find(one=HERE))


class VmTestCase(TestCase):

    def test_a_vm_whose_files_are_gone(self):
        self.vmrun.running.add(self.layout.vmx(UUID))
        for server, reason in ((None, 'no such server'), (HERE, 'are gone')):
            found = self.only(self.find(one=server))
            self.assertIn(reason, found.reason)
            self.assertIn('vmrun', found.kept)

    def test_a_vm_beside_its_server(self):
        self.add_server()
        os.mkdir(self.layout.kept(UUID))
        vmx_path = os.path.join(self.layout.kept(UUID), UUID + '.vmx')
        files.write_atomically(vmx_path, vmx.dump({'a': 'b'}))
        self.vmrun.running.add(vmx_path)
        kinds = [each.kind for each in self.find(one=HERE)]
        self.assertEqual([orphans.VM, orphans.FOLDER], kinds)

    def test_a_vm_of_a_server_that_nova_has_elsewhere(self):
        self.add_server(running=True)
        self.assertIn('on another host',
                      self.find(one=ELSEWHERE)[0].reason)

    def test_vms_of_the_hosts_owner_are_none(self):
        self.vmrun.running.update((
            '/home/me/vm/vm.vmx', os.path.join(self.layout.root, 'my.vmx')))
        self.assertEqual([], self.find())

    def test_a_process_that_vmrun_does_not_show(self):
        path = self.layout.vmx(UUID)
        process = subprocess.Popen(
            ['vmware-vmx', '-c', 'print(flush=True); input()', path],
            executable=sys.executable, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE)
        self.addCleanup(process.communicate, b'\n')
        # Its command line may be empty until it runs.
        process.stdout.readline()
        found = self.only(self.find())
        self.assertEqual((orphans.VM, path), (found.kind, found.path))
        self.assertIn('as another user', found.kept)


class CacheTestCase(TestCase):

    def setUp(self):
        super().setUp()
        self.folder = os.path.join(self.layout.cache, IMAGE)
        os.mkdir(self.folder)

    def base(self, name='disk-1.vmdk'):
        path = os.path.join(self.folder, name)
        files.write_atomically(path, '')
        return path

    def find(self, *servers):
        return self.finder.of_cache(dict(zip((UUID, OTHER), servers)), HOUR)

    def test_a_base_that_served_no_server_for_long(self):
        for name in ('disk-1.vmdk', 'cd.iso'):
            path = self.base(name)
            found = self.only(self.find())
            self.assertEqual((orphans.BASE, path, IMAGE),
                             (found.kind, found.path, found.owner))
            os.remove(path)

    def test_a_base_that_was_used_lately(self):
        self.base()
        self.now = time.time() + HOUR / 2
        self.assertEqual([], self.find())

    def test_a_base_under_a_disk(self):
        path = self.base()
        self.add_server()
        files.write_atomically(self.layout.file(UUID, 'root.vmdk'),
                               'parentFileNameHint="%s"\n' % path)
        self.assertEqual([], self.find())

    def test_a_base_of_an_image_that_servers_were_made_of(self):
        self.base()
        self.assertEqual([], self.find(HERE))
        self.only(self.find(BUSY))

    def test_an_image_that_somebody_is_busy_with(self):
        self.base()
        with self.cache.locked(IMAGE) as entry:
            entry.start_work()
            self.assertEqual([], self.find())

    def test_leftovers_of_a_crash_in_the_cache(self):
        paths = [os.path.join(self.folder, 'work-1'), self.folder + '.deleted',
                 os.path.join(self.layout.cache, 'boots', 'one')]
        for path in paths:
            os.makedirs(path)
        self.base()
        found = [each for each in self.find()
                 if each.kind == orphans.LEFTOVER]
        self.assertEqual(sorted(paths), [each.path for each in found])
        with self.boots.begin():
            self.assertEqual(len(paths) + 1, len(self.find()))

    def test_a_disk_that_cannot_be_read(self):
        self.base()
        with mock.patch.object(self.users, 'find_all', side_effect=OSError):
            self.assertRaises(OSError, self.find)
