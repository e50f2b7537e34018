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

from nova_vmrun import exception
from nova_vmrun.storage import file_systems
from tests.unit import base


class FileSystemsTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = self.useFixture(fixtures.TempDir()).path

    def assertRefused(self, *texts):
        error = self.assertRaises(
            exception.InvalidConfiguration, file_systems.require_for_vms,
            'usb', self.folder)
        for text in ('usb', self.folder, *texts):
            self.assertIn(text, str(error))
        self.assertTrue(error.resolution)
        if os.path.isdir(self.folder):
            self.assertEqual([], os.listdir(self.folder))

    def test_one_that_can(self):
        file_systems.require_for_vms('usb', self.folder)
        self.assertEqual([], os.listdir(self.folder))

    def test_fat_has_small_files_only(self):
        with mock.patch.object(
                file_systems.os, 'truncate', side_effect=OSError(
                    errno.EFBIG, 'File too large')):
            self.assertRefused('4 GiB', 'File too large')

    def test_exfat_has_no_permissions(self):
        with mock.patch.object(file_systems.os, 'chmod'):
            self.assertRefused('private', 'permissions stay')

    def test_no_permission_to_change_permissions(self):
        with mock.patch.object(
                file_systems.os, 'chmod', side_effect=PermissionError(
                    errno.EPERM, 'Operation not permitted')):
            self.assertRefused('private', 'Operation not permitted')

    def test_no_locks(self):
        with mock.patch.object(
                file_systems.fcntl, 'flock', side_effect=OSError(
                    errno.ENOLCK, 'No locks available')):
            self.assertRefused('lock files', 'No locks available')

    def test_missing_folder(self):
        self.folder = os.path.join(self.folder, 'missing')
        self.assertRefused('No such file')
