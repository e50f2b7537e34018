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


import collections
import os
import shutil
import stat
from unittest import mock

import fixtures
from oslo_utils import units

from nova_vmrun.cinder import folder as folders
from nova_vmrun import exception
from nova_vmrun.host import files
from nova_vmrun.host import space
from tests.unit.cinder import base

_Usage = collections.namedtuple('_Usage', 'total used free')


class FolderTestCase(base.TestCase):

    def mode(self):
        return stat.S_IMODE(os.stat(self.path).st_mode)

    def reopen(self):
        self.folder.close()
        self.folder.open()

    def test_a_new_folder_is_for_its_owner_only(self):
        self.addCleanup(os.umask, os.umask(0))
        path = os.path.join(self.path, 'a', 'b')
        folder = folders.Folder(path)
        folder.open()
        self.addCleanup(folder.close)
        self.assertEqual(0o700, stat.S_IMODE(os.stat(path).st_mode))

    def test_the_mode_is_corrected(self):
        for mode in (0o755, 0o777, 0o500):
            os.chmod(self.path, mode)
            self.reopen()
            self.assertEqual(0o700, self.mode())

    def test_a_second_back_end(self):
        other = folders.Folder(self.path)
        error = self.assertRaises(exception.InvalidConfiguration, other.open)
        self.assertIn('Another back end', str(error))
        self.folder.close()
        other.open()
        other.close()

    def test_opening_it_twice(self):
        """Cinder repeats the set-up of a driver that has failed to start."""
        with files.temporary(os.path.join(self.path, 'a.vmdk')) as part:
            files.write_atomically(part, '')
            self.folder.open()
            self.assertTrue(os.path.exists(part))

    def test_a_folder_of_somebody_else(self):
        self.folder.close()
        with mock.patch.object(os, 'geteuid', return_value=os.geteuid() + 1):
            error = self.assertRaises(exception.InvalidConfiguration,
                                      self.folder.open)
        self.assertIn('belongs to user', str(error))

    def test_a_relative_path(self):
        for path in ('volumes', './volumes', ''):
            error = self.assertRaises(exception.InvalidConfiguration,
                                      folders.Folder(path).open)
            self.assertIn('not absolute', str(error))
        self.assertFalse(os.path.exists('volumes'))

    def test_a_file(self):
        path = os.path.join(self.path, 'file')
        files.write_atomically(path, '')
        error = self.assertRaises(exception.InvalidConfiguration,
                                  folders.Folder(path).open)
        self.assertIn('vmrun_volume_folder', error.resolution)

    def test_a_file_system_without_sparse_files(self):
        self.folder.close()
        with mock.patch.object(os, 'fstat', return_value=mock.Mock(
                st_blocks=units.Mi // 512)):
            error = self.assertRaises(exception.InvalidConfiguration,
                                      self.folder.open)
        self.assertIn('sparse', str(error))

    def test_a_read_only_file_system(self):
        self.folder.close()
        self.useFixture(fixtures.MockPatch(
            'tempfile.TemporaryFile', side_effect=OSError(30, 'Read-only')))
        self.assertRaises(exception.InvalidConfiguration, self.folder.open)

    def test_leftovers_of_ours_only_are_removed(self):
        ours = ['.volume-1-flat.vmdk.0123abcd.part',
                '.volume-1.vmdk.0123abcd.part',
                '.snapshot-1-flat.vmdk.89abcdef.part']
        others = ['volume-1-flat.vmdk', 'volume-1.vmdk', 'notes.part',
                  '.hidden', '.volume-1.vmdk.part', '.a b.0123abcd.part',
                  '.volume-1.vmdk.0123ABCD.part', 'volume-1.vmdk.new']
        for name in ours + others:
            files.write_atomically(os.path.join(self.path, name), '')
        self.reopen()
        self.assertEqual(set(others), set(os.listdir(self.path)))


class CapacityTestCase(base.TestCase):

    def test_volumes_count_fully_and_snapshots_as_they_are(self):
        self.created(size=3 * units.Gi)
        volume = self.created(size=5 * units.Gi)
        snapshot = base.snapshot(5 * units.Gi)
        self.store.copy(volume, snapshot)
        taken = os.stat(self.extent(snapshot)).st_blocks * 512
        self.assertTrue(0 < taken < units.Mi, taken)
        files.write_atomically(os.path.join(self.path, 'other'), b'x' * 5000)
        self.assertEqual(8 * units.Gi + taken,
                         self.folder.capacity().provisioned)

    def test_a_reserve_is_kept(self):
        with mock.patch.object(shutil, 'disk_usage', return_value=_Usage(
                100 * units.Gi, 0, 7 * units.Gi)):
            found = self.folder.capacity()
            self.assertEqual((100 * units.Gi, 7 * units.Gi - space.RESERVE),
                             found[:2])
        with mock.patch.object(shutil, 'disk_usage', return_value=_Usage(
                100 * units.Gi, 0, 5)):
            self.assertEqual(0, self.folder.capacity().free)

    def test_a_volume_that_is_being_deleted(self):
        volume = self.created()
        names = os.listdir(self.path)
        self.store.remove(volume)
        with mock.patch.object(os, 'listdir', return_value=names):
            self.assertEqual(0, self.folder.capacity().provisioned)
