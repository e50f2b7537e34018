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

"""Tests of files with power cuts and unusual file systems."""

import errno
import os
import socket
import stat

import fixtures

from nova_vmrun.host import files
from nova_vmrun import system
from tests.unit import base


class DurableTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = self.useFixture(fixtures.TempDir()).path
        self.path = os.path.join(self.folder, 'file')
        self.steps = []
        self.record(os, 'fsync', self._name_of)
        self.record(os, 'rename', lambda source, target: target)

    def record(self, module, name, subject):
        real = getattr(module, name)

        def run(*args):
            self.steps.append((name, subject(*args)))
            return real(*args)

        self.useFixture(fixtures.MockPatchObject(module, name, run))

    def _name_of(self, descriptor):
        return ('folder' if stat.S_ISDIR(os.fstat(descriptor).st_mode)
                else 'content')

    def test_flush_order_is_content_name_folder(self):
        files.write_atomically(self.path, 'text')
        self.assertEqual([('fsync', 'content'), ('rename', self.path),
                          ('fsync', 'folder')], self.steps)


class PrivateTestCase(base.TestCase):
    """Whoever has opened a file reads what is written to it later."""

    def setUp(self):
        super().setUp()
        self.path = os.path.join(self.useFixture(fixtures.TempDir()).path,
                                 'file')
        self.addCleanup(os.umask, os.umask(0))
        self.modes = []
        chmod = os.chmod

        def look(path, mode):
            self.modes.append(stat.S_IMODE(os.stat(path).st_mode))
            chmod(path, mode)

        self.useFixture(fixtures.MockPatch('os.chmod', look))

    def test_nobody_else_can_open_it_before_it_is_complete(self):
        files.write_atomically(self.path, 'secret', mode=0o644)
        self.assertEqual([0o600], self.modes)
        self.assertEqual(0o644, stat.S_IMODE(os.stat(self.path).st_mode))

    def test_nor_one_that_is_created(self):
        files.create_atomically(self.path, 'secret')
        self.assertEqual([0o600], self.modes)

    def test_a_name_that_somebody_has_guessed(self):
        self.useFixture(fixtures.MockPatch('secrets.token_hex',
                                           return_value='0' * 8))
        os.symlink('theirs', os.path.join(
            os.path.dirname(self.path), '.file.00000000.part'))
        self.assertRaises(FileExistsError, files.write_atomically, self.path,
                          'secret')


class CreateTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = self.useFixture(fixtures.TempDir()).path
        self.path = os.path.join(self.folder, 'file')

    def check(self):
        files.create_atomically(self.path, 'first')
        self.assertRaises(FileExistsError, files.create_atomically,
                          self.path, 'second')
        self.assertEqual(b'first', files.read(self.path))
        self.assertEqual(['file'], os.listdir(self.folder))

    def test_once(self):
        self.check()

    def test_a_file_system_without_hard_links(self):
        self.useFixture(fixtures.MockPatch(
            'os.link', side_effect=OSError(errno.EPERM, 'No links.')))
        self.check()

    def test_a_crash_before_it_has_its_name(self):
        self.useFixture(fixtures.MockPatch(
            'os.link', side_effect=KeyboardInterrupt))
        self.assertRaises(KeyboardInterrupt, self.check)
        self.assertEqual([], os.listdir(self.folder))


class RemoveTestCase(base.TestCase):
    """VMware removes its locks when it ends, and may write to its log."""

    def setUp(self):
        super().setUp()
        self.root = self.useFixture(fixtures.TempDir()).path
        self.folder = os.path.join(self.root, 'server')
        os.makedirs(os.path.join(self.folder, 'vm.vmx.lck'))
        self.paths = [os.path.join(self.folder, name) for name in (
            os.path.join('vm.vmx.lck', 'M1.lck'), 'root.vmdk', 'vm.log')]
        for path in self.paths:
            files.write_atomically(path, 'content')

    def interfere(self, name, work):
        """Do something just before the first call of a function of os."""
        real = getattr(os, name)
        begun = []

        def run(*args, **options):
            if not begun:
                begun.append(True)
                work()
            return real(*args, **options)

        self.useFixture(fixtures.MockPatchObject(os, name, run))

    def test_remove_tree(self):
        files.remove_tree(self.folder)
        self.assertEqual([], os.listdir(self.root))

    def test_folder_does_not_exist(self):
        files.remove_tree(self.folder + '.deleted')

    def test_files_are_removed_concurrently(self):
        def remove():
            for path in self.paths:
                os.remove(path)
            os.rmdir(os.path.dirname(self.paths[0]))

        self.interfere('unlink', remove)
        files.remove_tree(self.folder)
        self.assertEqual([], os.listdir(self.root))

    def test_files_are_added_concurrently(self):
        self.interfere('rmdir', lambda: files.write_atomically(
            os.path.join(self.folder, 'vmware.log'), 'The end'))
        files.remove_tree(self.folder)
        self.assertEqual([], os.listdir(self.root))

    def test_file_that_cannot_be_removed(self):
        self.useFixture(fixtures.MockPatchObject(
            os, 'unlink', side_effect=PermissionError(13, 'no')))
        self.assertRaises(PermissionError, files.remove_tree, self.folder)

    def test_folder_that_keeps_filling(self):
        self.useFixture(fixtures.MockPatchObject(
            os, 'unlink', side_effect=FileNotFoundError(2, 'gone')))
        error = self.assertRaises(OSError, files.remove_tree, self.folder)
        self.assertEqual(errno.ENOTEMPTY, error.errno)


class RemoveDiskTestCase(base.TestCase):

    def test_a_disk_and_the_lock_that_a_power_cut_left(self):
        folder = self.useFixture(fixtures.TempDir()).path
        path = os.path.join(folder, 'a.vmdk')
        for parts in ((), ('a.vmdk',), ('a.vmdk.lck',),
                      ('a.vmdk', 'a.vmdk.lck')):
            for name in parts:
                if name.endswith('.lck'):
                    os.mkdir(os.path.join(folder, name))
                    name = os.path.join(name, 'M1.lck')
                files.write_atomically(os.path.join(folder, name), b'')
            files.remove_disk(path)
            self.assertEqual([], os.listdir(folder))


class DigestTestCase(base.TestCase):

    def test_known_digests(self):
        path = os.path.join(self.useFixture(fixtures.TempDir()).path, 'file')
        files.write_atomically(path, b'abc')
        self.assertEqual('900150983cd24fb0d6963f7d28e17f72',
                         files.digest(path, 'md5'))
        self.assertEqual('a9993e364706816aba3e25717850c26c9cd0d89d',
                         files.digest(path, 'sha1'))


class RemoveSocketTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.path = os.path.join(
            self.useFixture(fixtures.TempDir()).path, 'agent')

    def test_a_socket(self):
        with socket.socket(socket.AF_UNIX) as served:
            served.bind(self.path)
        files.remove_socket(self.path)
        self.assertFalse(os.path.exists(self.path))
        files.remove_socket(self.path)

    def test_another_file_stays(self):
        files.write_atomically(self.path, '')
        files.remove_socket(self.path)
        self.assertTrue(os.path.exists(self.path))


class LinkTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = self.useFixture(fixtures.TempDir()).path
        self.source, self.target = (
            os.path.join(self.folder, name) for name in ('a', 'b'))
        files.write_atomically(self.source, 'content', mode=0o400)

    def test_link_instead_of_copy(self):
        files.link_or_copy(self.source, self.target)
        self.assertTrue(os.path.samefile(self.source, self.target))

    def test_copy_if_links_are_not_supported(self):
        for code in (errno.EPERM, errno.EMLINK, errno.EXDEV):
            self.useFixture(fixtures.MockPatchObject(
                os, 'link', side_effect=OSError(code, 'no link')))
            files.link_or_copy(self.source, self.target)
            self.assertFalse(os.path.samefile(self.source, self.target))
            self.assertEqual(b'content', files.read(self.target))
            self.assertEqual(
                0o400, stat.S_IMODE(os.stat(self.target).st_mode))

    def test_short_copy_is_continued(self):
        """Let the kernel copy less than it was asked for."""
        files.write_atomically(self.source, b'x' * 10000)
        real = os.copy_file_range

        def copy_a_little(source, target, count):
            return real(source, target, min(count, 999))

        self.useFixture(fixtures.MockPatchObject(os, 'copy_file_range',
                                                 copy_a_little))
        files.copy(self.source, self.target)
        self.assertEqual(b'x' * 10000, files.read(self.target))

    def test_file_system_that_silently_copies_nothing(self):
        self.useFixture(fixtures.MockPatchObject(
            os, 'copy_file_range', return_value=0))
        files.copy(self.source, self.target)
        self.assertEqual(b'content', files.read(self.target))


class SparseCopyTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = self.useFixture(fixtures.TempDir()).path
        self.source, self.target = (
            os.path.join(self.folder, name) for name in ('a', 'b'))
        with open(self.source, 'wb') as file:
            file.write(b'start')
            file.seek(5 << 20)
            file.write(b'middle' * 10000)
            file.truncate(64 << 20)

    def assert_copied(self):
        files.copy(self.source, self.target)
        self.assertEqual(files.read(self.source), files.read(self.target))
        self.assertLess(os.stat(self.target).st_blocks * 512, 1 << 20)

    def test_holes_stay_holes(self):
        self.assert_copied()

    def test_holes_stay_holes_where_blocks_cannot_be_shared(self):
        self.useFixture(fixtures.MockPatchObject(
            system.here(), 'share_blocks',
            side_effect=OSError(errno.EXDEV, 'two file systems')))
        self.assert_copied()

    def test_only_holes(self):
        os.truncate(self.source, 0)
        os.truncate(self.source, 1 << 40)
        files.copy(self.source, self.target)
        self.assertEqual((1 << 40, 0), (os.stat(self.target).st_size,
                                        os.stat(self.target).st_blocks))

    def test_a_target_that_was_longer(self):
        files.write_atomically(self.target, b'x' * (65 << 20))
        self.assert_copied()

    def test_a_source_that_is_cut_off_in_the_meantime(self):
        with open(self.source, 'rb') as reader, open(
                self.target, 'wb') as writer:
            files._copy_bytes(reader, writer, 1 << 40)
        self.assertEqual(files.read(self.source), files.read(self.target))


class PartsTestCase(base.TestCase):

    def test_only_those_that_could_be_of_the_caller(self):
        folder = self.useFixture(fixtures.TempDir()).path
        names = ['.a.0123abcd.part', '.b.0123abcd.part', '.a.part',
                 'a.0123abcd.part', '.a.0123abcdx.part', 'a']
        for name in names:
            files.write_atomically(os.path.join(folder, name), '')
        files.remove_parts(folder, lambda name: name == 'a')
        self.assertEqual(set(names[1:]), set(os.listdir(folder)))
        files.remove_parts(folder)
        self.assertEqual(set(names[2:]), set(os.listdir(folder)))

    def test_a_name_of_several_lines(self):
        folder = self.useFixture(fixtures.TempDir()).path
        with files.replacing(os.path.join(folder, 'a\nb')) as part:
            files.write_atomically(part + '2', '')
            os.rename(part + '2', part)
            files.remove_parts(folder)
            self.assertEqual([], os.listdir(folder))
            files.write_atomically(part, '')
