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
from nova_vmrun.host import files
from nova_vmrun.storage import folder_identity
from tests.unit import base


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
