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


import dataclasses
import os
import stat

import fixtures

from nova_vmrun import exception
from nova_vmrun.host import files
from nova_vmrun.server import layout
from nova_vmrun.server import records
from tests.unit import base

UUID = '11111111-2222-3333-4444-555555555555'
OTHER = '99999999-2222-3333-4444-555555555555'


class LayoutTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.root = self.useFixture(fixtures.TempDir()).path
        self.layout = layout.Layout(self.root, '_base')

    def test_prepare_makes_the_folders(self):
        inner = layout.Layout(os.path.join(self.root, 'instances'), '_base')
        inner.prepare()
        self.assertEqual(['_base', 'locks'], sorted(os.listdir(inner.root)))

    def test_prepare_leaves_no_probe(self):
        self.layout.prepare()
        self.assertEqual([], os.listdir(self.layout.locks))

    def test_a_path_below_a_file_is_refused(self):
        path = os.path.join(self.root, 'file')
        with open(path, 'w'):
            error = self.assertRaises(
                exception.InvalidConfiguration,
                layout.Layout(path, '_base').prepare)
        self.assertIn('instances_path', str(error))
        self.assertIn(path, str(error))

    def test_a_path_that_a_descriptor_cannot_hold_is_refused(self):
        for bad in ('a"b', 'a\nb', 'a\x7fb', os.fsdecode(b'a\xff')):
            path = os.path.join(self.root, bad)
            self.assertRaises(exception.InvalidConfiguration,
                              layout.Layout(path, '_base').prepare)
            self.assertFalse(os.path.exists(path))

    def test_only_a_uuid_becomes_a_path(self):
        for bad in ('../../etc', 'name', '', UUID + '/..'):
            self.assertRaises(exception.InvalidInput, self.layout.folder,
                              bad)

    def test_uuids_are_folders_named_so(self):
        for name in (UUID, '_base', 'locks', OTHER + '.deleted'):
            os.mkdir(os.path.join(self.root, name))
        with open(os.path.join(self.root, OTHER), 'w'):
            self.assertEqual([UUID], self.layout.uuids())

    def test_half_deleted(self):
        for name in (UUID + '.deleted', 'mine.deleted', OTHER):
            os.mkdir(os.path.join(self.root, name))
        self.assertEqual([self.layout.deleted(UUID)],
                         self.layout.half_deleted())


class RecordsTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.layout = layout.Layout(
            self.useFixture(fixtures.TempDir()).path, '_base')
        self.records = records.Records(self.layout, 'this-node')

    def test_what_is_created_is_found(self):
        made = self.records.create(UUID, 'instance-1', 5900)
        self.assertEqual(made, self.records.get(UUID))
        self.assertEqual([made], self.records.all())

    def test_nobody_else_may_read_a_servers_folder(self):
        self.records.create(UUID, 'instance-1')
        mode = os.stat(self.layout.folder(UUID)).st_mode
        self.assertEqual(0o700, stat.S_IMODE(mode))

    def test_another_nodes_server_is_not_ours(self):
        records.Records(self.layout, 'that-node').create(UUID, 'instance-1')
        self.assertIsNone(self.records.get(UUID))
        self.assertEqual([], self.records.all())

    def test_a_folder_that_was_copied_is_not_ours(self):
        self.records.create(UUID, 'instance-1')
        os.rename(self.layout.folder(UUID), self.layout.folder(OTHER))
        self.assertIsNone(self.records.get(OTHER))

    def test_records_that_cannot_be_read_are_not_ours(self):
        os.mkdir(self.layout.folder(UUID))
        self.assertIsNone(self.records.get(UUID))
        for content in ('', '[]', '{"uuid": 1}', '{'):
            files.write_atomically(self.layout.record(UUID), content)
            self.assertIsNone(self.records.get(UUID))

    def test_taken_ports(self):
        self.records.create(UUID, 'instance-1', 5901)
        self.records.create(OTHER, 'instance-2')
        self.assertEqual({5901}, self.records.taken_ports())

    def test_ports_of_other_nodes_are_taken_too(self):
        other = records.Records(self.layout, 'other-node')
        other.create(UUID, 'instance-1', 5901)
        self.records.create(OTHER, 'instance-2', 5902)
        os.rename(self.layout.folder(UUID), self.layout.kept(UUID))
        other.create(UUID, 'instance-1', 5903)
        self.assertEqual({5901, 5902, 5903}, self.records.taken_ports())

    def test_another_port(self):
        before = self.records.create(UUID, 'instance-1', 5901,
                                     show_gui=False, image_adapter='ide')
        self.records.change_port(UUID, 5902)
        self.assertEqual(dataclasses.replace(before, vnc_port=5902),
                         self.records.get(UUID))


class FilesTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = self.useFixture(fixtures.TempDir()).path
        self.path = os.path.join(self.folder, 'file')

    def test_write_replaces(self):
        files.write_atomically(self.path, 'old')
        files.write_atomically(self.path, 'n\xe9w')
        self.assertEqual('n\xe9w'.encode(), files.read(self.path))
        self.assertEqual(['file'], os.listdir(self.folder))

    def test_written_files_are_the_owners_alone(self):
        files.write_atomically(self.path, 'secret')
        self.assertEqual(0o600, stat.S_IMODE(os.stat(self.path).st_mode))

    def test_a_failure_leaves_the_old_file_and_nothing_else(self):
        files.write_atomically(self.path, 'old')

        def fail():
            with files.replacing(self.path) as part:
                with open(part, 'w') as file:
                    file.write('half')
                raise ValueError()

        self.assertRaises(ValueError, fail)
        self.assertEqual(b'old', files.read(self.path))
        self.assertEqual(['file'], os.listdir(self.folder))

    def test_copy(self):
        content = os.urandom(100000)
        files.write_atomically(self.path, content)
        files.copy(self.path, self.path + '2')
        self.assertEqual(content, files.read(self.path + '2'))

    def test_copy_where_blocks_cannot_be_shared(self):
        files.write_atomically(self.path, 'content')

        def refuse(*args):
            raise OSError(18, 'Invalid cross-device link')

        self.useFixture(fixtures.MockPatchObject(
            os, 'copy_file_range', refuse))
        files.copy(self.path, self.path + '2')
        self.assertEqual(b'content', files.read(self.path + '2'))

    def test_a_full_disk_ends_a_copy(self):
        files.write_atomically(self.path, 'content')

        def refuse(*args):
            raise OSError(28, 'No space left on device')

        self.useFixture(fixtures.MockPatchObject(
            os, 'copy_file_range', refuse))
        self.assertRaises(OSError, files.copy, self.path, self.path + '2')

    def test_remove_tree_twice(self):
        folder = os.path.join(self.folder, 'a', 'b')
        os.makedirs(folder)
        files.remove_tree(os.path.dirname(folder))
        files.remove_tree(os.path.dirname(folder))
        self.assertEqual([], os.listdir(self.folder))


class CachesTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.layout = layout.Layout(
            self.useFixture(fixtures.TempDir()).path, 'new_base')
        self.layout.prepare()

    def add(self, name, image=UUID, mode=0o700):
        path = os.path.join(self.layout.root, name)
        os.makedirs(os.path.join(path, image))
        files.write_atomically(os.path.join(path, image, 'image.json'), '{}')
        os.chmod(path, mode)
        return path

    def test_todays_comes_first_and_others_count(self):
        old = [self.add('_base', mode=0o755), self.add('a_base')]
        self.assertEqual([self.layout.cache, *old], self.layout.caches())

    def test_folders_that_are_not_caches(self):
        self.add('group', mode=0o770)
        self.add('others', mode=0o707)
        self.add('no image', image='x')
        self.add(UUID)
        self.add(UUID + '_resize')
        os.symlink(self.add('writable', mode=0o777),
                   os.path.join(self.layout.root, 'link'))
        files.write_atomically(os.path.join(self.layout.root, 'file'), '')
        os.mkdir(os.path.join(self.layout.root, 'empty'))
        self.assertEqual([self.layout.cache], self.layout.caches())

    def test_folder_of_another_user(self):
        self.add('_base')
        with fixtures.MockPatch('os.geteuid', return_value=12345):
            self.assertEqual([self.layout.cache], self.layout.caches())
