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
import fcntl
import os
from unittest import mock

import fixtures

from nova_vmrun.host import files
from nova_vmrun.host import strange_files
from nova_vmrun.server import layout
from nova_vmrun.storage import builds
from tests.unit import base
from tests.unit import forks


class BootsTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.layout = layout.Layout(
            self.useFixture(fixtures.TempDir()).path, '_base')
        self.layout.prepare()
        self.boots = builds.Builds(self.layout)

    def test_nothing_is_left_of_one(self):
        with self.boots.begin() as folder:
            files.write_atomically(os.path.join(folder, 'disk.vmdk'), b'')
        self.assertEqual([], os.listdir(self.layout.cache))
        self.assertIsNone(self.boots.oldest_start())

    def test_the_oldest_of_all(self):
        with self.boots.begin() as first:
            os.utime(os.path.join(first, 'lock'), (1000, 1000))
            with self.boots.begin():
                # Another process would see the same.
                self.assertEqual(
                    1000, builds.Builds(self.layout).oldest_start())
            self.assertEqual(1000, self.boots.oldest_start())

    def test_reservations(self):
        self.assertEqual(0, self.boots.reserved())
        with self.boots.begin(10 ** 12):
            with self.boots.begin(5), self.boots.begin():
                # Another process would see the same.
                self.assertEqual(10 ** 12 + 5,
                                 builds.Builds(self.layout).reserved())
            self.assertEqual(10 ** 12, self.boots.reserved())
        self.assertEqual(0, self.boots.reserved())

    def test_a_crash_drops_its_reservation(self):
        def boot(reached):
            with self.boots.begin(10 ** 9):
                reached()

        child = self.useFixture(forks.Fork(boot))
        child.wait_until_reached()
        self.assertEqual(10 ** 9, self.boots.reserved())
        child.kill()
        self.assertEqual(0, self.boots.reserved())

    def test_a_failure_ends_it_too(self):
        def fail():
            with self.boots.begin():
                raise ValueError('no')

        self.assertRaises(ValueError, fail)
        self.assertEqual([], os.listdir(self.layout.cache))

    def test_folder_that_cannot_be_removed_is_removed_later(self):
        with mock.patch.object(files, 'remove_tree',
                               side_effect=PermissionError(13, 'busy')):
            with self.boots.begin() as folder:
                self.assertTrue(os.path.isdir(folder))
        self.assertIn('busy', self.log.output)
        self.assertIsNone(self.boots.oldest_start())
        self.assertEqual([], os.listdir(self.layout.cache))

    def test_a_pipe_of_another_host_is_no_build(self):
        folder = os.path.join(self.layout.cache, 'boots', 'strange')
        os.makedirs(folder)
        os.mkfifo(os.path.join(folder, 'lock'))
        self.assertEqual(0, self.boots.reserved())
        self.assertIsNone(self.boots.oldest_start())
        self.assertFalse(os.path.exists(folder))

    def test_on_nfs_a_lock_needs_a_file_that_can_be_written(self):
        real = fcntl.flock

        def flock(file, operation):
            access = fcntl.fcntl(file, fcntl.F_GETFL) & os.O_ACCMODE
            if operation & fcntl.LOCK_EX and access == os.O_RDONLY:
                raise OSError(errno.EBADF, 'NFS 4 refuses this')
            real(file, operation)

        self.useFixture(fixtures.MockPatchObject(fcntl, 'flock', flock))
        with self.boots.begin(1000) as folder:
            other = builds.Builds(self.layout)
            self.assertEqual(1000, other.reserved())
            self.assertIsNotNone(other.oldest_start())
            self.assertTrue(os.path.isdir(folder))

    def test_a_build_is_not_over_because_it_cannot_be_seen(self):
        for target, name in ((strange_files, 'opened'), (fcntl, 'flock')):
            with self.boots.begin(1000) as folder:
                with mock.patch.object(target, name, side_effect=OSError(
                        errno.ESTALE, 'stale')):
                    self.assertRaises(OSError, self.boots.oldest_start)
                    self.assertRaises(OSError, self.boots.reserved)
                self.assertTrue(os.path.isdir(folder))

    def test_the_end_of_its_process_ends_it(self):
        def boot(reached):
            with self.boots.begin():
                reached()

        child = self.useFixture(forks.Fork(boot))
        child.wait_until_reached()
        self.assertIsNotNone(self.boots.oldest_start())
        child.kill()
        self.assertIsNone(self.boots.oldest_start())
        self.assertEqual([], os.listdir(self.layout.cache))
