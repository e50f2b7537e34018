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
import socket

import fixtures

from nova_vmrun.host import files
from nova_vmrun.host import strange_files
from tests.unit import base


class StrangeFilesTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = self.useFixture(fixtures.TempDir()).path
        self.path = os.path.join(self.folder, 'file')

    def read(self, limit=10):
        return strange_files.read(self.path, limit)

    def test_a_file(self):
        files.write_atomically(self.path, b'content')
        self.assertEqual(b'content', self.read())
        self.assertEqual(b'content', self.read(limit=7))
        self.assertTrue(strange_files.is_file(self.path))

    def test_a_large_file(self):
        files.write_atomically(self.path, b'content')
        self.assertRaises(OSError, self.read, limit=6)
        with strange_files.opened(self.path) as file:
            self.assertEqual(b'content', file.read())

    def test_nothing(self):
        self.assertRaises(FileNotFoundError, self.read)
        self.assertFalse(strange_files.is_file(self.path))

    def test_a_pipe_is_not_awaited(self):
        os.mkfifo(self.path)
        self.assertRaises(OSError, self.read)
        self.assertFalse(strange_files.is_file(self.path))

    def test_a_socket(self):
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self.path)
            self.assertRaises(OSError, self.read)

    def test_a_folder(self):
        os.mkdir(self.path)
        self.assertRaises(IsADirectoryError, self.read)
        before = self.open_files()
        for _look in range(5):
            self.assertRaises(IsADirectoryError, self.read)
        self.assertEqual(before, self.open_files())

    def open_files(self):
        return len(os.listdir('/proc/self/fd'))

    def test_a_device(self):
        os.symlink('/dev/zero', self.path)
        self.assertRaises(OSError, self.read)
        with self.assertRaises(OSError):
            strange_files.opened(self.path, follow=True).__enter__()

    def test_linked_folders(self):
        inner = os.path.join(self.folder, 'outer', 'inner')
        os.makedirs(inner)
        files.write_atomically(os.path.join(inner, 'file'), b'content')
        os.symlink(os.path.join(self.folder, 'outer'),
                   os.path.join(self.folder, 'link'))
        path = os.path.join(self.folder, 'link', 'inner', 'file')
        for depth in (0, 1):
            self.assertEqual(b'content', strange_files.read(path, 10, depth))
        self.assertRaises(OSError, strange_files.read, path, 10, 2)
        self.assertEqual(b'content', strange_files.read(
            os.path.join(inner, 'file'), 10, 2))

    def test_folders(self):
        os.mkdir(self.path)
        link = os.path.join(self.folder, 'link')
        os.symlink(self.path, link)
        self.assertTrue(strange_files.is_folder(self.path))
        strange_files.require_folder(self.path)
        for path in (link, self.path + '-gone'):
            self.assertFalse(strange_files.is_folder(path))
            self.assertRaises(OSError, strange_files.require_folder, path)

    def test_a_link_is_followed_on_demand_only(self):
        target = os.path.join(self.folder, 'target')
        files.write_atomically(target, b'content')
        os.symlink(target, self.path)
        self.assertRaises(OSError, self.read)
        self.assertFalse(strange_files.is_file(self.path))
        with strange_files.opened(self.path, follow=True) as file:
            self.assertEqual(b'content', file.read())
