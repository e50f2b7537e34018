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

import gzip
import io
import os
import stat
import struct

import fixtures
import testtools

from tests.unit import guest  # noqa: F401 - makes guestbuilder importable

from guestbuilder import boot
from guestbuilder import cache
from guestbuilder import formats
from guestbuilder import initramfs
from guestbuilder import modules
from guestbuilder import packages
from guestbuilder import rootfs

STANZA = """Package: qemu-guest-agent
Version: 1:7.2+dfsg-7
Pre-Depends: init-system-helpers (>= 1.54~)
Depends: libc6 (>= 2.34), libglib2.0-0 (>= 2.66.0) | libglib-compat, libudev1
Description: Guest-side agent
 Depends: not this one
"""


class PackagesTest(testtools.TestCase):

    def test_package_is_read_from_its_stanza(self):
        package = packages.Package(STANZA)

        self.assertEqual('qemu-guest-agent=1:7.2+dfsg-7', str(package))
        self.assertEqual(
            ['init-system-helpers', 'libc6', 'libglib2.0-0', 'libudev1'],
            package.depends)

    def test_missing_program_is_named(self):
        e = self.assertRaises(packages.PackageError, packages.run,
                              ['/nonexistent/apt-get'])

        self.assertIn('/nonexistent/apt-get is not installed', str(e))

    def test_failing_program_is_quoted(self):
        e = self.assertRaises(packages.PackageError, packages.run,
                              ['sh', '-c', 'echo why >&2; exit 3'])

        self.assertIn('failed with 3: why', str(e))


class LibrariesTest(testtools.TestCase):

    def test_names_are_never_paths(self):
        listing = ('\tlinux-vdso.so.1 (0x1)\n'
                   '\tlibc.so.6 => /pkg/lib/libc.so.6 (0x2)\n'
                   '\t/lib64/ld-linux-x86-64.so.2 => /pkg/ld.so (0x3)\n'
                   '\tlibgone.so.1 => not found\n')

        self.assertEqual({'libc.so.6': '/pkg/lib/libc.so.6'},
                         rootfs.libraries(listing))


class ModulesTest(testtools.TestCase):

    def _module(self, folder, name, needs=''):
        path = os.path.join(folder, 'kernel', name + '.ko')
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'wb') as f:
            f.write(b'\x7fELF\0license=GPL\0depends=%s\0' % needs.encode())

    def test_needed_modules_come_along_and_absent_ones_do_not(self):
        folder = self.useFixture(fixtures.TempDir()).path
        self._module(folder, 'drivers/mptspi', 'mptbase,scsi-mod')
        self._module(folder, 'drivers/mptbase', 'scsi_mod')
        self._module(folder, 'drivers/scsi-mod')
        self._module(folder, 'drivers/unwanted')

        selected = modules.select(folder, ['mptspi', 'floppy'])

        self.assertEqual(
            ['kernel/drivers/mptbase.ko', 'kernel/drivers/mptspi.ko',
             'kernel/drivers/scsi-mod.ko'], sorted(selected))
        self.assertTrue(all(content.startswith(b'\x7fELF')
                            for content in selected.values()))


class InitramfsTest(testtools.TestCase):

    def test_archive_entry(self):
        file = io.BytesIO()
        archive = initramfs.Archive(file)
        archive.add('init', stat.S_IFREG | 0o755, b'abc')
        archive.close()

        data = file.getvalue()
        self.assertTrue(data.startswith(b'070701'))
        self.assertEqual('%08X' % 0o100755, data[14:22].decode())
        self.assertEqual('%08X' % 3, data[54:62].decode())
        self.assertEqual(b'init\0', data[110:115])
        self.assertEqual(b'abc\0', data[116:120])
        self.assertIn(b'TRAILER!!!\0', data)
        self.assertEqual(0, len(data) % 4)

    def test_same_folder_gives_same_bytes(self):
        folder = self.useFixture(fixtures.TempDir()).path
        root = os.path.join(folder, 'root')
        os.makedirs(os.path.join(root, 'bin'))
        with open(os.path.join(root, 'bin', 'sh'), 'w') as f:
            f.write('x')
        os.symlink('sh', os.path.join(root, 'bin', 'ash'))
        contents = []
        for name, when in (('one', 1), ('two', 2)):
            os.utime(os.path.join(root, 'bin', 'sh'), (when, when))
            path = os.path.join(folder, name)
            initramfs.write(root, path)
            with open(path, 'rb') as f:
                contents.append(f.read())

        self.assertEqual(contents[0], contents[1])
        unpacked = gzip.decompress(contents[0])
        for name in (b'bin/ash\0', b'bin/sh\0', b'dev/console\0'):
            self.assertIn(name, unpacked)


class PartitionTest(testtools.TestCase):

    def test_entry_counts_in_sectors(self):
        entry = boot._partition(0x83, 1, 8, active=True)

        self.assertEqual(16, len(entry))
        self.assertEqual(0x80, entry[0])
        self.assertEqual(0x83, entry[4])
        self.assertEqual((2048, 16384), struct.unpack('<II', entry[8:]))


class KeyTest(testtools.TestCase):

    def setUp(self):
        super().setUp()
        self.chosen = ['a=1']

    def test_key_changes_with_package_version_and_name(self):
        keys = {cache.key(self.chosen, 'guest'),
                cache.key(self.chosen, 'rescue'),
                cache.key(['a=2'], 'guest')}

        self.assertEqual(3, len(keys))

    def test_key_is_stable(self):
        self.assertEqual(cache.key(self.chosen, 'guest'),
                         cache.key(self.chosen, 'guest'))


class SelectionTest(testtools.TestCase):
    """apt is asked again only if its lists have changed."""

    def setUp(self):
        super().setUp()
        folder = self.useFixture(fixtures.TempDir()).path
        self.lists = os.path.join(folder, 'lists')
        os.mkdir(self.lists)
        self.add_list('one')
        self.path = os.path.join(folder, 'selection.json')
        self.useFixture(fixtures.MockPatchObject(
            cache, '_APT_LISTS', self.lists))
        self.select = self.useFixture(fixtures.MockPatchObject(
            packages, 'select', side_effect=lambda kernel: {
                'a': packages.Package('Package: %s\nVersion: 1\n' % kernel)}
        )).mock

    def add_list(self, name):
        with open(os.path.join(self.lists, name), 'w'):
            pass

    def test_apt_is_asked_once_for_each_kernel(self):
        for _ in range(2):
            self.assertEqual(['cloud=1'], cache.selected('cloud', self.path))
            self.assertEqual(['full=1'], cache.selected('full', self.path))

        self.assertEqual(2, self.select.call_count)

    def test_apt_is_asked_again_when_its_lists_have_changed(self):
        cache.selected('cloud', self.path)
        self.add_list('two')

        cache.selected('cloud', self.path)

        self.assertEqual(2, self.select.call_count)

    def test_damaged_file_is_replaced(self):
        with open(self.path, 'w') as file:
            file.write('{')

        self.assertEqual(['cloud=1'], cache.selected('cloud', self.path))
        self.assertEqual(['cloud=1'], cache.selected('cloud', self.path))

        self.assertEqual(1, self.select.call_count)


class KeptTest(testtools.TestCase):

    def test_disk_is_converted_once(self):
        folder = self.useFixture(fixtures.TempDir()).path
        raw = os.path.join(folder, 'disk.raw')
        with open(raw, 'wb') as file:
            file.truncate(1024 ** 2)
        kept = formats.keep(raw, 'qcow2')
        before = os.stat(kept).st_ino

        copy = formats.convert(raw, 'qcow2', folder, 'guest', 'ide')

        self.assertEqual(before, os.stat(kept).st_ino)
        self.assertEqual(['disk.qcow2', 'disk.raw', 'guest.qcow2'],
                         sorted(os.listdir(folder)))
        with open(kept, 'rb') as one, open(copy, 'rb') as other:
            self.assertEqual(one.read(), other.read())
