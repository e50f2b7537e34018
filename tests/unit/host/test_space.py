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
import types

import fixtures
from oslo_utils import units

from nova_vmrun import exception
from nova_vmrun.host import space
from tests.unit import base


class SpaceTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.useFixture(fixtures.MockPatch(
            'shutil.disk_usage', lambda folder: types.SimpleNamespace(
                free=self.free)))
        self.free = 700 * units.Mi

    def test_reserve_is_kept(self):
        file_system = space.of_instances('/')
        self.assertEqual(188 * units.Mi, file_system.available)
        file_system.require(188 * units.Mi, 'What failed.')
        error = self.assertRaises(
            exception.DiskFull, file_system.require, 188 * units.Mi + 1,
            'What failed.')
        self.assertEqual('What failed.', error.brief)
        for words in ('need 188 MiB', 'has 700 MiB', '512 MiB are kept'):
            self.assertIn(words, error.details)
        self.assertIn('file system of the instances', error.resolution)

    def test_details_name_advice_and_reserve_of_the_caller(self):
        file_system = space.FileSystem('/x on host b', 10 * units.Mi,
                                       reserve=units.Mi, advice='Do it.')
        file_system.require(9 * units.Mi, 'What failed.')
        error = self.assertRaises(
            exception.DiskFull, file_system.require, 9 * units.Mi + 1,
            'What failed.', 'A lot.')
        self.assertEqual('A lot. /x on host b has 10 MiB free, of which 1 MiB '
                         'are kept in reserve.', error.details)
        self.assertEqual('Do it.', error.resolution)

    def test_folder_names_its_file_system(self):
        file_system = space.of_folder('/x', 'Do it.')
        file_system.require(self.free, 'What failed.')
        error = self.assertRaises(
            exception.DiskFull, file_system.require, self.free + 1,
            'What failed.', 'A lot.')
        self.assertEqual('A lot. The file system of /x has 700 MiB free.',
                         error.details)
        self.assertEqual('Do it.', error.resolution)
        self.assertEqual(600 * units.Mi, space.of_folder(
            '/x', 'Do it.', 100 * units.Mi).available)

    def test_available_is_never_negative(self):
        self.free = 5
        self.assertEqual(0, space.of_instances('/').available)

    def test_holes_are_not_allocated(self):
        path = os.path.join(self.useFixture(fixtures.TempDir()).path, 'disk')
        with open(path, 'wb') as file:
            file.truncate(units.Gi)
        self.assertLess(space.allocated(path), units.Mi)

    def test_reclaimable(self):
        folder = self.useFixture(fixtures.TempDir()).path
        path = os.path.join(folder, 'disk')
        self.assertEqual(0, space.reclaimable(path))
        with open(path, 'wb') as file:
            file.write(b'x' * 10000)
        os.sync()
        self.assertEqual(space.allocated(path), space.reclaimable(path))
        os.link(path, os.path.join(folder, 'other name'))
        self.assertEqual(0, space.reclaimable(path))
