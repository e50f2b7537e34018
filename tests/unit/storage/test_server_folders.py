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
import os
from unittest import mock

import fixtures

from nova_vmrun.host import files
from nova_vmrun.host import strange_files
from nova_vmrun.storage import server_folders
from tests.unit import base

UUID = '11111111-2222-3333-4444-555555555555'


class ServerFoldersTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.root = self.useFixture(fixtures.TempDir()).path
        self.path = server_folders.new_path(self.root, UUID)

    def test_owner(self):
        self.assertEqual([], server_folders.find(self.root))
        server_folders.create(self.path, 'node')
        server_folders.create(self.path, 'node')
        self.assertEqual([(UUID, self.path)], server_folders.find(self.root))
        self.assertEqual('node', server_folders.owner(self.path))
        self.assertEqual(0o700, os.stat(self.path).st_mode & 0o777)

    def test_other_folders(self):
        for name in (UUID, UUID + '_x', '_base', 'locks', UUID + '_resize'):
            os.mkdir(os.path.join(self.root, name))
        os.symlink('/', self.path)
        self.assertEqual([], server_folders.find(self.root))

    def test_names(self):
        self.assertTrue(server_folders.is_of(self.path, UUID))
        for path in (self.root, os.path.join(self.root, UUID), self.path + '/',
                     self.path + 'x', self.path.replace('1', '2')):
            self.assertFalse(server_folders.is_of(path, UUID), path)

    def test_crash_before_the_owner_is_recorded(self):
        os.mkdir(self.path)
        self.assertIsNone(server_folders.owner(self.path))
        files.write_atomically(os.path.join(self.path, 'owner.json'), '')
        self.assertIsNone(server_folders.owner(self.path))

    def test_strange_files_make_it_anothers(self):
        """All hosts look at all folders, and none waits for a pipe."""
        os.mkdir(self.path)
        owner = os.path.join(self.path, server_folders.OWNER)
        for make in (os.mkfifo, os.mkdir,
                     lambda name: os.symlink('/dev/zero', name),
                     lambda name: os.symlink(__file__, name),
                     lambda name: files.write_atomically(name, b' ' * 5000)):
            make(owner)
            self.assertEqual(server_folders.UNKNOWN,
                             server_folders.owner(self.path))
            (os.rmdir if os.path.isdir(owner) else os.remove)(owner)
        files.write_atomically(owner, b'[' * 4000)
        self.assertIsNone(server_folders.owner(self.path))

    def test_an_error_that_passes_makes_it_nobodys(self):
        server_folders.create(self.path, 'node')
        with mock.patch.object(
                strange_files, 'read',
                side_effect=OSError(errno.ESTALE, 'stale')):
            self.assertRaises(OSError, server_folders.owner, self.path)

    def test_new_folders(self):
        os.mkdir(self.path)
        self.assertTrue(server_folders.is_new(self.path))
        part = os.path.join(self.path, '.owner.json.0badcafe.part')
        files.write_atomically(part, 'ha')
        self.assertTrue(server_folders.is_new(self.path))
        files.write_atomically(os.path.join(
            self.path, '.root.vmdk.0badcafe.part'), 'half')
        self.assertFalse(server_folders.is_new(self.path))

    def test_the_second_record_goes_first(self):
        server_folders.create(self.path, 'node')
        files.write_atomically(os.path.join(self.path, 'root.vmdk'), b'')
        record = os.path.join(self.path, server_folders.RECORD)
        os.mkdir(record)
        for name in ('nova.json', 'config-drive.iso'):
            files.write_atomically(os.path.join(record, name), b'')
        removed, remove = [], os.remove
        with fixtures.MockPatch('os.remove', side_effect=lambda path: (
                removed.append(os.path.basename(path)), remove(path))):
            server_folders.remove(self.path)
        self.assertEqual('nova.json', removed[0])
        self.assertFalse(os.path.exists(self.path))

    def test_the_owner_goes_last(self):
        server_folders.create(self.path, 'node')
        for name in ('a.vmdk', 'z.vmdk'):
            files.write_atomically(os.path.join(self.path, name), b'')
        os.mkdir(os.path.join(self.path, 'a.vmdk.lck'))
        removed, remove = [], os.remove
        self.useFixture(fixtures.MockPatch(
            'os.remove', side_effect=lambda path, *args, **kwargs: (
                removed.append(os.path.basename(path)),
                remove(path, *args, **kwargs))))
        server_folders.remove(self.path)
        self.assertEqual({'a.vmdk', 'z.vmdk'}, set(removed[:2]))
        self.assertFalse(os.path.exists(self.path))
        server_folders.remove(self.path)
