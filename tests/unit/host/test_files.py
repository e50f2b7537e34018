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
import stat

import fixtures

from nova_vmrun.host import files
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
