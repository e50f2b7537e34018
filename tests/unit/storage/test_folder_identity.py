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

import contextlib
import os
import threading

import fixtures

from nova_vmrun import exception
from nova_vmrun.host import files
from nova_vmrun.storage import folder_identity
from tests.unit import base

ID = '11111111-2222-3333-4444-555555555555'


class IdentityTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = self.useFixture(fixtures.TempDir()).path
        self.other = self.useFixture(fixtures.TempDir()).path
        self.path = os.path.join(
            self.useFixture(fixtures.TempDir()).path, 'storage.json')
        self.known = folder_identity.KnownFolders(self.path)

    def adopt(self, folder, name='usb'):
        return folder_identity.adopt(folder, name, self.known)

    def test_new_folder(self):
        found = self.adopt(self.folder)
        self.assertEqual(found, folder_identity.read(self.folder))
        self.assertEqual({'usb': found}, self.known.load())
        self.assertEqual(found, self.adopt(self.folder))

    def test_mount_point_of_an_unplugged_drive(self):
        self.adopt(self.folder)
        os.remove(os.path.join(self.folder, folder_identity.FILE))
        self.assertIsNone(self.adopt(self.folder))
        self.assertEqual([], os.listdir(self.folder))

    def test_drive_that_is_mounted_elsewhere(self):
        found = self.adopt(self.folder)
        os.rename(os.path.join(self.folder, folder_identity.FILE),
                  os.path.join(self.other, folder_identity.FILE))
        self.assertEqual(found, self.adopt(self.other))

    def test_another_drive_in_its_place(self):
        self.adopt(self.folder)
        folder_identity.create(self.other)
        self.assertIsNone(self.adopt(self.other))

    def test_folder_that_another_host_has_used(self):
        found = folder_identity.create(self.folder)
        self.assertEqual(found, self.adopt(self.folder))

    def test_crash_before_the_host_remembers_it(self):
        found = self.adopt(self.folder)
        os.remove(self.path)
        self.assertEqual(found, self.adopt(self.folder))

    def test_two_hosts_that_start_at_once(self):
        """Both see no id, and both have the same one in the end."""
        other = folder_identity.KnownFolders(self.path + '-of-the-other')
        barrier, real, found = threading.Barrier(2), folder_identity.read, []

        def read(folder):
            identity = real(folder)
            if not barrier.broken and identity is None:
                with contextlib.suppress(threading.BrokenBarrierError):
                    barrier.wait(5)
            return identity

        with fixtures.MockPatchObject(folder_identity, 'read', read):
            threads = [threading.Thread(target=lambda known=known: (
                found.append(folder_identity.adopt(
                    self.folder, 'usb', known))))
                for known in (self.known, other)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.assertEqual([real(self.folder)] * 2, found)
        self.assertEqual(self.known.load(), other.load())

    def test_two_folders_that_are_remembered_at_once(self):
        barrier, real = threading.Barrier(2), self.known.load
        again = folder_identity.KnownFolders(self.path)

        def load():
            found = real()
            with contextlib.suppress(threading.BrokenBarrierError):
                barrier.wait(0.2)
            return found

        self.known.load = again.load = load
        threads = [threading.Thread(target=known.add, args=(name, name))
                   for known, name in ((self.known, 'usb'), (again, 'nas'))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual({'usb': 'usb', 'nas': 'nas'}, real())

    def test_a_file_that_a_crash_has_left_half_written(self):
        self.useFixture(fixtures.MockPatchObject(folder_identity,
                                                 '_PATIENCE', 0))
        files.write_atomically(
            os.path.join(self.folder, folder_identity.FILE), '{"id": ')
        found = self.adopt(self.folder)
        self.assertEqual(found, folder_identity.read(self.folder))
        self.assertIsNotNone(found)

    def test_a_file_that_another_host_is_writing(self):
        path = os.path.join(self.folder, folder_identity.FILE)
        files.write_atomically(path, '')
        self.useFixture(fixtures.MockPatch(
            'time.sleep', side_effect=lambda _seconds: (
                files.write_atomically(path, '{"id": "%s"}' % ID))))
        self.assertEqual(ID, self.adopt(self.folder))

    def test_a_strange_file_is_not_read(self):
        path = os.path.join(self.folder, folder_identity.FILE)
        for make in (os.mkfifo, lambda name: os.symlink('/dev/zero', name),
                     lambda name: files.write_atomically(name, b' ' * 5000)):
            make(path)
            self.assertRaises(OSError, self.adopt, self.folder)
            os.remove(path)

    def test_damaged_file(self):
        for text in ('', '[]', '{"id": 3}', '{"id": "../x"}', '\x00'):
            files.write_atomically(
                os.path.join(self.folder, folder_identity.FILE), text)
            self.assertIsNone(folder_identity.read(self.folder))

    def test_damaged_memory(self):
        for text in ('', '[1]', '3'):
            files.write_atomically(self.path, text)
            error = self.assertRaises(exception.InvalidConfiguration,
                                      self.adopt, self.folder)
            self.assertIn(self.path, error.brief)
        self.assertEqual([], os.listdir(self.folder))
