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
import resource
import subprocess
import sys
import time
from unittest import mock

import fixtures
import psutil

from nova_vmrun import system
from nova_vmrun.system import linux
from nova_vmrun.system import macos
from tests.unit import base

RLIMITS = (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_CORE,
           resource.RLIMIT_FSIZE)


class ChoiceTestCase(base.TestCase):

    def test_the_side_of_a_system(self):
        for platform, side in (('linux', linux.Linux),
                               ('darwin', macos.MacOS),
                               ('freebsd14', linux.Linux)):
            self.assertIsInstance(system.of(platform), side)
        self.assertIsInstance(system.here(), type(system.of(sys.platform)))

    def test_a_test_takes_the_decisions_of_the_other_side(self):
        before = system.here()
        with system.pretend(macos.MacOS()) as side:
            self.assertIs(side, system.here())
        self.assertIs(before, system.here())


class Sides(base.TestCase):
    """What is true of both sides."""

    def setUp(self):
        super().setUp()
        self.folder = self.useFixture(fixtures.TempDir()).path
        self.path = os.path.join(self.folder, 'file')
        with open(self.path, 'wb') as file:
            file.write(b'x' * 10000)

    def sides(self):
        for side in (linux.Linux(), macos.MacOS()):
            yield side

    def test_programs_print_english_and_take_paths_as_utf8(self):
        for side in self.sides():
            self.assertTrue(side.locale['LC_ALL'].endswith('.UTF-8'))
            self.assertEqual('', side.locale['LANGUAGE'])

    def test_a_process_has_a_birth_until_it_has_ended(self):
        for side in self.sides():
            self.assertEqual(side.start_mark(os.getpid()),
                             side.start_mark(os.getpid()))
            child = subprocess.Popen(['true'])
            os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
            # A zombie.
            self.assertIsNone(side.start_mark(child.pid))
            child.wait()
            self.assertIsNone(side.start_mark(child.pid))
            self.assertIsNone(side.lock_start_time(child.pid))

    def test_holder_of_a_lock(self):
        for side in self.sides():
            born = side.lock_start_time(os.getpid())
            self.assertTrue(side.is_lock_holder(os.getpid(), born))
            self.assertFalse(side.is_lock_holder(os.getpid(),
                                                 born - 60 * 10 ** 6))

    def test_a_file_without_a_name(self):
        for side in self.sides():
            with side.temporary_file() as file:
                file.write(b'output')
                file.seek(0)
                self.assertEqual(b'output', file.read())
                self.assertEqual(0, os.fstat(file.fileno()).st_nlink)

    def test_a_lower_hard_limit_of_our_own_is_kept(self):
        with mock.patch.object(resource, 'getrlimit', return_value=(5, 10)):
            for side in self.sides():
                self.assertEqual(
                    {resource.RLIMIT_CPU: 10, resource.RLIMIT_CORE: 0},
                    side.allowed_limits({resource.RLIMIT_CPU: 20,
                                         resource.RLIMIT_CORE: 0}))

    def test_no_limit_of_our_own(self):
        unlimited = (resource.RLIM_INFINITY,) * 2
        with mock.patch.object(resource, 'getrlimit', return_value=unlimited):
            for side in self.sides():
                self.assertEqual({resource.RLIMIT_CPU: 20},
                                 side.allowed_limits(
                                     {resource.RLIMIT_CPU: 20}))


class DataTestCase(Sides):
    """Where a file has holes."""

    def data(self, side):
        with open(self.path, 'rb') as file:
            return list(side.data(file.fileno()))

    def test_holes_are_left_out(self):
        with open(self.path, 'wb') as file:
            file.seek(1 << 20)
            file.write(b'x' * 5000)
            file.truncate(3 << 20)
        for side in self.sides():
            (start, length), = self.data(side)
            self.assertEqual(1 << 20, start)
            self.assertTrue(5000 <= length <= 1 << 16, length)

    def test_no_hole(self):
        for side in self.sides():
            self.assertEqual([(0, 10000)], self.data(side))

    def test_nothing_but_a_hole(self):
        for size in (0, 1 << 40):
            os.truncate(self.path, 0)
            os.truncate(self.path, size)
            for side in self.sides():
                self.assertEqual([], self.data(side))

    def test_a_file_system_that_cannot_tell(self):
        for code in (errno.EINVAL, errno.ENOTSUP):
            with mock.patch.object(os, 'lseek', side_effect=OSError(
                    code, 'no')):
                for side in self.sides():
                    self.assertEqual([(0, 10000)], self.data(side))


class LinuxTestCase(base.TestCase):

    side = linux.Linux()

    def test_each_limit_is_kept(self):
        for kind in RLIMITS:
            self.assertTrue(self.side.enforces_limit(kind))

    def test_names_are_case_sensitive(self):
        self.assertNotEqual(self.side.normalized('/vm/A'),
                            self.side.normalized('/vm/a'))

    def test_hidden_process_may_hold_a_lock(self):
        """With hidepid, Linux shows a process to its owner alone."""
        with mock.patch.object(
                self.side, 'lock_start_time', return_value=None), mock.patch(
                    'os.kill', side_effect=PermissionError(1, 'no')):
            for is_shown in (True, False):
                with mock.patch('os.path.exists', return_value=is_shown):
                    self.assertEqual(not is_shown,
                                     self.side.is_lock_holder(5, 1))

    def test_a_kernel_without_files_in_memory(self):
        with mock.patch.object(os, 'memfd_create', create=True,
                               side_effect=OSError(38, 'not implemented')):
            with self.side.temporary_file() as file:
                file.write(b'output')


class MacOSTestCase(Sides):

    side = macos.MacOS()

    def test_the_limit_of_memory_is_not_set(self):
        """setrlimit fails for it, whatever the number."""
        self.assertEqual([resource.RLIMIT_AS], [
            kind for kind in RLIMITS if not self.side.enforces_limit(kind)])

    def test_all_spellings_of_a_path_are_one(self):
        self.assertEqual(self.side.normalized('/Vm/\u00c4'),
                         self.side.normalized('/vM/a\u0308'))
        self.assertNotEqual(self.side.normalized('/vm/a'),
                            self.side.normalized('/vm/b'))

    def test_locks_count_microseconds(self):
        born = self.side.lock_start_time(os.getpid())
        self.assertEqual(
            int(psutil.Process().create_time()), born // 10 ** 6)
        self.assertLess(abs(time.time() * 10 ** 6 - born), 10 ** 11)

    def test_a_flush_reaches_the_disk_itself(self):
        with mock.patch('fcntl.fcntl') as fcntl, mock.patch('os.fsync') as fs:
            self.side.flush(5)
            fcntl.assert_called_once_with(5, 51)
            fs.assert_not_called()

    def test_a_file_system_that_cannot_flush_so(self):
        with mock.patch('fcntl.fcntl', side_effect=OSError(25, 'no')), \
                mock.patch('os.fsync') as fsync:
            self.side.flush(5)
            fsync.assert_called_once_with(5)

    def test_a_clone(self):
        target = os.path.join(self.folder, 'target')
        os.chmod(self.path, 0o400)
        for name in ('target', 'file'):
            calls = []

            def clonefile(source, path, flags):
                calls.append((source, path, flags))
                # As the real one does, with the mode too.
                self.assertFalse(os.path.exists(target))
                with open(target, 'wb') as file:
                    file.write(b'clone')
                os.chmod(target, 0o400)
                return 0

            with mock.patch('ctypes.CDLL',
                            return_value=mock.Mock(clonefile=clonefile)):
                self.side.share_blocks(self.path, target)
            self.assertEqual([(os.fsencode(self.path), os.fsencode(target),
                               0)], calls)
            self.assertEqual(0o600, os.stat(target).st_mode & 0o777)

    def test_a_clone_that_is_refused(self):
        libc = mock.Mock(clonefile=mock.Mock(return_value=-1))
        with mock.patch('ctypes.CDLL', return_value=libc), mock.patch(
                'ctypes.get_errno', return_value=errno.EXDEV):
            error = self.assertRaises(OSError, self.side.share_blocks,
                                      self.path, self.folder + '/target')
        self.assertEqual(errno.EXDEV, error.errno)

    def test_a_hole(self):
        with mock.patch('fcntl.fcntl') as fcntl:
            self.side.punch_hole(5, 8192)
        self.assertEqual((5, 99), fcntl.call_args[0][:2])
        self.assertEqual(
            bytes(8) + bytes(8) + (8192).to_bytes(8, sys.byteorder),
            fcntl.call_args[0][2])

    def test_names_of_the_processor(self):
        for brand, vendor, expected in (
                ('Apple M2', None, ('Apple', 'Apple M2')),
                ('Intel(R) Core(TM)', 'GenuineIntel',
                 ('GenuineIntel', 'Intel(R) Core(TM)')),
                (None, None, (None, None))):
            values = {'machdep.cpu.brand_string': brand,
                      'machdep.cpu.vendor': vendor}
            with mock.patch.object(macos, '_sysctl', values.get):
                self.assertEqual(expected, self.side.processor())

    def test_the_kernel_is_asked_by_name(self):
        def sysctlbyname(name, value, size, *rest):
            self.assertEqual(b'machdep.cpu.vendor', name)
            value.value = b'GenuineIntel'
            return 0

        with mock.patch('ctypes.CDLL', return_value=mock.Mock(
                sysctlbyname=sysctlbyname)):
            self.assertEqual('GenuineIntel',
                             macos._sysctl('machdep.cpu.vendor'))

    def test_a_kernel_that_has_no_such_call(self):
        """As Linux: the tests of the other side must not end there."""
        with mock.patch('ctypes.CDLL', return_value=object()):
            self.assertIsNone(macos._sysctl('machdep.cpu.vendor'))
            self.assertRaises(OSError, self.side.share_blocks, self.path,
                              self.folder + '/target')
