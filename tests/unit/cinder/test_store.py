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
import errno
import os
import shutil
from unittest import mock

import fixtures
from oslo_utils import units

from nova_vmrun import exception
from nova_vmrun.host import files
from nova_vmrun.host import space
from tests.unit.cinder import base
from tests.unit import locks

_Usage = collections.namedtuple('_Usage', 'total used free')


class CreateTestCase(base.TestCase):

    def test_a_volume(self):
        self.addCleanup(os.umask, os.umask(0))
        volume = self.created()
        self.assert_volume(volume)
        self.assert_files(volume)

    def test_it_takes_no_space(self):
        volume = base.volume(8 * units.Ti)
        self.store.create(volume)
        self.assertEqual(0, space.allocated(self.extent(volume)))

    def test_sizes_that_vmware_has_no_disks_of(self):
        for size in (0, 64 * units.Ti):
            self.assertRaises(exception.InvalidInput, self.store.create,
                              base.volume(size))
        self.assert_files()

    def test_a_file_that_is_there_already(self):
        volume = self.created()
        self.assertRaises(exception.VolumeDamaged, self.store.create, volume)
        self.assert_content(volume)

    def test_a_full_file_system(self):
        real = files.write_atomically

        def full(path, *args):
            if path.endswith('.vmdk'):
                raise OSError(errno.ENOSPC, 'No space left on device')
            real(path, *args)

        with mock.patch.object(files, 'write_atomically', full):
            error = self.assertRaises(exception.DiskFull, self.store.create,
                                      base.volume())
        self.assertTrue(error.brief and error.details and error.resolution)
        self.assert_files()

    def test_a_file_system_that_fails(self):
        for code in (errno.EIO, errno.EROFS, errno.EFBIG):
            with mock.patch.object(os, 'truncate',
                                   side_effect=OSError(code, 'broken')):
                error = self.assertRaises(exception.FileSystemFailed,
                                          self.store.create, base.volume())
                self.assertIn('broken', error.details)
            self.assert_files()


class CopyTestCase(base.TestCase):

    def test_a_snapshot_and_a_volume_of_it(self):
        volume, snapshot = self.created(), base.snapshot()
        self.store.copy(volume, snapshot)
        self.write(volume, b'something else')
        clone = base.volume(3 * units.Gi)
        self.store.copy(snapshot, clone)
        self.assert_content(snapshot)
        self.assert_content(clone)
        self.assert_volume(clone)
        self.assert_files(volume, snapshot, clone)
        self.assertEqual(0o600, os.stat(self.extent(snapshot)).st_mode & 0o777)

    def test_holes_are_not_copied(self):
        volume, clone = self.created(), base.volume()
        self.store.copy(volume, clone)
        self.assertLess(space.allocated(self.extent(clone)), 64 * units.Ki)

    def test_a_volume_that_is_written_to_in_the_meantime(self):
        volume = self.created()
        real = files.copy

        def copy(source, target):
            real(source, target)
            self.write(volume, b'new')

        with mock.patch.object(files, 'copy', copy):
            error = self.assertRaises(exception.DiskChanged, self.store.copy,
                                      volume, base.snapshot())
        self.assertIn('Pause or stop', error.resolution)
        self.assert_files(volume)

    def test_a_write_right_before_the_copy_hides_none_during_it(self):
        """The file system may give both the same time."""
        volume = self.created()
        real, times = files.copy, []

        def copy(source, target):
            times.append(os.stat(source).st_mtime_ns)
            self.write(volume, b'new')
            times.append(os.stat(source).st_mtime_ns)
            real(source, target)

        with mock.patch.object(files, 'copy', copy):
            for _ in range(20):
                self.write(volume, b'old')
                self.assertRaises(exception.DiskChanged, self.store.copy,
                                  volume, base.snapshot())
        self.assertEqual(len(times), len(set(times)))

    def test_a_locked_volume_that_nobody_writes_to(self):
        """Its server is paused."""
        volume = self.created()
        locks.lock(self.descriptor(volume))
        self.store.copy(volume, base.snapshot())

    def test_too_little_space(self):
        volume = self.created()
        with mock.patch.object(shutil, 'disk_usage', return_value=_Usage(
                0, 0, space.RESERVE)):
            self.assertRaises(exception.DiskFull, self.store.copy, volume,
                              base.snapshot())
        self.assert_files(volume)

    def test_a_disk_that_is_full_in_the_middle(self):
        volume = self.created()
        self.useFixture(fixtures.MockPatchObject(
            files, 'copy', side_effect=OSError(errno.EDQUOT, 'quota')))
        self.assertRaises(exception.DiskFull, self.store.copy, volume,
                          base.volume())
        self.assert_files(volume)


class ReplaceTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.volume, self.snapshot = self.created(), base.snapshot()
        self.store.copy(self.volume, self.snapshot)
        self.write(self.volume, b'something new')

    def test_revert(self):
        self.store.revert(self.volume, self.snapshot)
        self.assert_content(self.volume)
        self.assert_volume(self.volume)
        self.assert_content(self.snapshot)
        self.assert_files(self.volume, self.snapshot)

    def test_a_volume_that_is_larger_by_now(self):
        self.store.extend(self.volume, base.larger(self.volume))
        self.store.revert(base.larger(self.volume), self.snapshot)
        self.assert_content(self.volume)
        self.assert_volume(base.larger(self.volume))

    def test_a_volume_in_use(self):
        locks.lock(self.descriptor(self.volume))
        error = self.assertRaises(exception.FileInUse, self.store.revert,
                                  self.volume, self.snapshot)
        self.assertIn(str(os.getpid()), error.details)
        self.assert_content(self.volume, b'something new')

    def test_a_volume_that_gets_in_use_in_the_meantime(self):
        self.assertRaises(exception.FileInUse, self.store.replace,
                          self.volume, 'Cannot.', lambda part: locks.lock(
                              self.descriptor(self.volume)))
        self.assert_content(self.volume, b'something new')

    def test_content_that_cannot_be_had(self):
        def fill(part):
            files.write_atomically(part, b'half')
            raise exception.ToolRefused('no')

        self.assertRaises(exception.ToolRefused, self.store.replace,
                          self.volume, 'Cannot.', fill)
        self.assert_content(self.volume, b'something new')
        self.assert_files(self.volume, self.snapshot)

    def test_the_rest_is_zeros(self):
        self.store.replace(self.volume, 'Cannot.', lambda part: (
            files.write_atomically(part, b'short')))
        self.assert_volume(self.volume)
        with open(self.extent(self.volume), 'rb') as file:
            self.assertEqual(b'short' + bytes(100), file.read(105))
            file.seek(-50, os.SEEK_END)
            self.assertEqual(bytes(50), file.read())


class ExtendTestCase(base.TestCase):

    def test_extend(self):
        volume = self.created()
        self.store.extend(volume, base.larger(volume))
        self.assert_volume(base.larger(volume))
        self.assert_content(volume)

    def test_a_volume_in_use(self):
        volume = self.created()
        locks.lock(self.descriptor(volume))
        self.assertRaises(exception.FileInUse, self.store.extend, volume,
                          base.larger(volume))
        self.assertEqual(units.Gi, os.stat(self.extent(volume)).st_size)

    def test_too_large(self):
        volume = self.created()
        self.assertRaises(exception.InvalidInput, self.store.extend, volume,
                          base.larger(volume, 64 * units.Ti))
        self.assert_volume(volume)

    def test_a_descriptor_that_cannot_be_written(self):
        volume = self.created()
        with mock.patch.object(files, 'write_atomically',
                               side_effect=OSError(errno.ENOSPC, 'full')):
            self.assertRaises(exception.DiskFull, self.store.extend, volume,
                              base.larger(volume))
        self.assert_volume(volume)


class RemoveTestCase(base.TestCase):

    def test_remove_twice(self):
        volume, other = self.created(), self.created()
        for _ in range(2):
            self.store.remove(volume)
            self.assert_files(other)

    def test_a_snapshot(self):
        volume, snapshot = self.created(), base.snapshot()
        self.store.copy(volume, snapshot)
        for _ in range(2):
            self.store.remove(snapshot)
            self.assert_files(volume)

    def test_a_volume_in_use(self):
        volume = self.created()
        locks.lock(self.descriptor(volume))
        self.assertRaises(exception.FileInUse, self.store.remove, volume)
        self.assert_volume(volume)

    def test_a_stale_lock_goes_with_the_volume(self):
        volume = self.created()
        locks.lock(self.descriptor(volume), born=1)
        self.store.remove(volume)
        self.assert_files()

    def test_links_are_removed_and_not_followed(self):
        volume = self.created()
        outside = self.useFixture(fixtures.TempDir()).path
        precious = os.path.join(outside, 'precious')
        files.write_atomically(precious, b'data')
        for path, target in ((self.extent(volume), precious),
                             (self.descriptor(volume), precious),
                             (self.descriptor(volume) + '.lck', outside)):
            if os.path.exists(path):
                os.remove(path)
            os.symlink(target, path)
        self.store.remove(volume)
        self.assert_files()
        self.assertEqual(b'data', files.read(precious))

    def test_a_folder_in_the_place_of_a_file(self):
        volume = self.created()
        os.remove(self.extent(volume))
        os.mkdir(self.extent(volume))
        files.write_atomically(self.extent(volume) + '/precious', b'data')
        self.assertRaises(exception.FileSystemFailed, self.store.remove,
                          volume)
        self.assertEqual(b'data',
                         files.read(self.extent(volume) + '/precious'))

    def test_a_volume_that_can_never_have_existed(self):
        other = self.created()
        self.store.remove(base.volume(0))
        self.store.remove(base.volume(name='../' + other.name))
        self.store.remove(base.volume(64 * units.Ti))
        self.assert_volume(other)


class StableTestCase(base.TestCase):

    def test_a_volume_that_no_server_has(self):
        volume = self.created()
        with self.store.stable(volume, False) as path:
            self.assertEqual(self.extent(volume), path)

    def test_an_attached_volume_is_copied(self):
        volume = self.created()
        with self.store.stable(volume, True) as path:
            self.assertNotEqual(self.extent(volume), path)
            self.write(volume, b'something new')
            with open(path, 'rb') as file:
                self.assertEqual(base.CONTENT,
                                 file.read(len(base.CONTENT)))
            self.assertEqual(0o600, os.stat(path).st_mode & 0o777)
        self.assert_files(volume)


class AdoptTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.file = os.path.join(self.path, 'data-flat.vmdk')
        files.write_atomically(self.file, b'data', 0o644)
        self.volume = base.volume()

    def test_a_file(self):
        self.store.adopt(self.volume, 'data-flat.vmdk')
        self.assert_volume(self.volume)
        self.assert_files(self.volume)
        with open(self.extent(self.volume), 'rb') as file:
            self.assertEqual(b'data' + bytes(10), file.read(14))

    def test_a_file_that_a_vm_uses(self):
        locks.lock(os.path.join(self.path, 'data.vmdk'))
        self.assertRaises(exception.FileInUse, self.store.adopt, self.volume,
                          'data-flat.vmdk')
        self.assertEqual(b'data', files.read(self.file))

    def test_a_volume_that_has_files(self):
        volume = self.created()
        self.assertRaises(exception.VolumeDamaged, self.store.adopt, volume,
                          'data-flat.vmdk')
        self.assert_content(volume)
