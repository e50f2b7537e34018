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


import bz2
import gzip
import io
import lzma
import tarfile
import zipfile

import testscenarios

from nova_vmrun.inspection import signatures
from tests.unit import base
from tests.unit import images
from tests.unit import vmdks


def at(offset, magic, size=70000):
    """Return the content of a disk with some bytes at an offset."""
    content = bytearray(size)
    content[offset:offset + len(magic)] = magic
    return bytes(content)


def _zip():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w') as file:
        file.writestr('disk.raw', images.partitioned())
    return buffer.getvalue()


def _tar(form):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode='w', format=form) as file:
        file.addfile(tarfile.TarInfo('etc'))
    return buffer.getvalue()


def _udf(with_iso=False):
    content = bytearray(140000)
    names = [b'BEA01', b'NSR02', b'TEA01']
    for number, name in enumerate([b'CD001'] * with_iso + names, 16):
        content[number * 2048 + 1:number * 2048 + 6] = name
    return bytes(content)


_DISK = images.partitioned()


class ForeignTestCase(testscenarios.TestWithScenarios, base.TestCase):
    """A file that is no disk is described, with advice for its owner."""

    scenarios = [
        (name, {'content': content, 'what': what, 'advice': advice})
        for name, content, what, advice in (
            ('empty', b'', 'empty', '0 bytes'),
            ('xz', lzma.compress(_DISK), 'compressed with xz', 'unxz'),
            ('lzma', lzma.compress(_DISK, lzma.FORMAT_ALONE), 'with lzma',
             'unlzma'),
            ('gzip', gzip.compress(_DISK), 'with gzip', 'gunzip'),
            ('bzip2', bz2.compress(_DISK), 'with bzip2', 'bunzip2'),
            ('bzip2 of nothing', bz2.compress(b''), 'with bzip2', 'bunzip2'),
            ('zstd', b'\x28\xb5\x2f\xfd' + bytes(99), 'with zstd', 'zstd -d'),
            ('lz4', b'\x04\x22\x4d\x18' + bytes(99), 'with lz4', 'unlz4'),
            ('zip', _zip(), 'with zip', 'unzip'),
            ('7z', b"7z\xbc\xaf'\x1c" + bytes(99), 'with 7-Zip', '7z x'),
            ('RAR', b'Rar!\x1a\x07\x01\0' + bytes(99), 'with RAR', 'unrar'),
            ('compress', b'\x1f\x9d\x90' + bytes(99), 'compressed',
             'uncompress'),
            ('tar', _tar(tarfile.USTAR_FORMAT), 'tar archive', 'tar -xf'),
            ('GNU tar', _tar(tarfile.GNU_FORMAT), 'tar archive', 'tar -xf'),
            ('UDF', _udf(), 'UDF alone', 'ISO 9660'),
            ('ELF', b'\x7fELF\2\1\1' + bytes(9999), 'program', 'disk'),
            ('EFI', b'MZ' + bytes(9999), 'program for Windows', 'disk'),
            ('kernel', b'MZ'.ljust(510, b'\0') + b'\x55\xaa\0\0HdrS' +
             bytes(9999), 'a Linux kernel', 'whole disk'),
            ('initrd', b'070701' + bytes(9999), 'cpio', 'disk'),
            ('Proxmox', b'VMA\0' + bytes(9999), 'Proxmox', 'vma extract'),
            ('QED', b'QED\0' + bytes(9999), 'a QED disk', 'qemu-img'),
            ('Parallels', b'WithoutFreeSpace' + bytes(9999), 'Parallels',
             'qemu-img convert -f parallels'),
            ('LUKS', b'LUKS\xba\xbe\0\1' + bytes(9999), 'encrypted', 'not'),
            ('Android', b'\x3a\xff\x26\xed' + bytes(99), 'Android',
             'simg2img'),
            ('macOS', bytes(4096) + b'koly'.ljust(512, b'\0'), '.dmg',
             'qemu-img convert -f dmg'),
            ('wim', b'MSWIM\0\0\0' + bytes(99), '.wim', 'ISO'),
            ('ESX', b'COWD' + bytes(99), 'an extent of an ESX disk',
             'descriptor'),
            ('qcow2 cut off', images.qcow2()[:60], 'part of a qcow2',
             'all of it'),
            ('descriptor', vmdks.descriptor().encode(), 'VMDK descriptor',
             'image upload'),
            ('web page', b'\n<!DOCTYPE HTML PUBLIC "x">\n<html>', 'web page',
             'Download'),
            ('web page with a mark', b'\xef\xbb\xbf<html lang="de">ja</html>',
             'web page', 'Download'),
            ('error of a store', b'<?xml version="1.0"?><Error>no</Error>',
             'XML', 'Download'),
            ('ovf', images.ovf(), 'an OVF descriptor', 'tar -cf'),
            ('ovf behind comments', b'<?xml version="1.0"?>\n<!-- a -->\n'
             b'<!-- b --> <ovf:Envelope>', 'an OVF descriptor', 'tar -cf'),
            # This once took a time that doubled with each comment.
            ('only comments', b'<!-- -->' * 400 + b'<a/>', 'XML',
             'Download'),
            ('Git LFS', b'version https://git-lfs.github.com/spec/v1\noid x',
             'Git LFS', 'git lfs pull'),
            ('vmx', b'.encoding = "UTF-8"\nconfig.version = "8"\n',
             'the .vmx of a VM', '.vmx'),
            ('passwd', b'root:x:0:0:root:/root:/bin/bash\n' * 40,
             'a text file', 'right file'),
            ('JSON', b'{"error": "not found"}', 'a text file', 'right'),
            ('text in Latin 1', b'Gr\xfc\xdfe aus M\xfcnchen, und so weiter.',
             'a text file', 'right'),
            ('text in UTF-16', 'no disk'.encode('utf-16'), 'a text file',
             'right'),
            ('text cut in a letter', 'é'.encode() * 3000 + b'\xff' * 9000,
             'a text file', 'right'))]

    def test_described(self):
        found = signatures.guess(io.BytesIO(self.content))
        self.assertIn(self.what, found.description)
        self.assertIn(self.advice, found.advice)
        self.assertTrue(found.is_foreign)
        self.assertFalse(found.is_disk)


_LIKE_DISKS = (
    ('boot sector', _DISK), ('boot sector', at(510, b'\x55\xaa', 512)),
    ('boot sector', at(0, b'MZ', 510) + b'\x55\xaa' + bytes(9999)),
    ('GUID partition table', at(512, b'EFI PART')),
    ('GUID partition table', at(4096, b'EFI PART')),
    ('ext2, ext3 or ext4', at(1080, b'\x53\xef')),
    ('XFS', at(0, b'XFSB')), ('Btrfs', at(65600, b'_BHRfS_M')),
    ('NTFS', at(3, b'NTFS    ')), ('FAT', at(54, b'FAT12   ')),
    ('FAT32', at(82, b'FAT32   ')), ('exFAT', at(3, b'EXFAT   ')),
    ('LVM', at(512, b'LABELONE')), ('F2FS', at(1024, b'\x10\x20\xf5\xf2')),
    ('APFS', at(32, b'NXSB')), ('HFS Plus', at(1024, b'H+\0\4')),
    ('SquashFS', at(0, b'hsqs')),
    ('EROFS', at(1024, b'\xe2\xe1\xf5\xe0')),
    ('Linux RAID', at(4096, b'\xfc\x4e\x2b\xa9')),
    ('BSD disk label', at(512, b'WEV\x82')),
    ('Apple partition map', at(0, b'ER\2\0'))
)


class DiskTestCase(testscenarios.TestWithScenarios, base.TestCase):

    scenarios = [('%s %d' % (name, number), {'name': name, 'content': content})
                 for number, (name, content) in enumerate(_LIKE_DISKS)]

    def test_looks_like_a_disk(self):
        found = signatures.guess(io.BytesIO(self.content))
        self.assertEqual('a raw disk (%s)' % self.name, found.description)
        self.assertTrue(found.is_disk)
        self.assertFalse(found.is_foreign)


class UnknownTestCase(base.TestCase):
    """A file that may be a raw disk, which only the user knows."""

    def test_neither_disk_nor_foreign(self):
        for content, what in (
                (bytes(70000), 'zeros'),
                (b'\x90\x8f' * 9999, 'unknown format'),
                (b'\0text', 'unknown format'),
                (bytes(200000) + b'x', 'zeros'),
                (_udf(True), 'unknown format')):
            found = signatures.guess(io.BytesIO(content))
            self.assertIn(what, found.description)
            self.assertIn('--disk-format raw', found.advice)
            self.assertEqual((False, False),
                             (found.is_disk, found.is_foreign))

    def test_limited_amount_is_read(self):
        class Counting(io.BytesIO):
            read_bytes = 0

            def read(self, size=-1):
                data = super().read(size)
                Counting.read_bytes += len(data)
                return data

        signatures.guess(Counting(bytes(10 << 20)))
        self.assertLessEqual(Counting.read_bytes, signatures.READ_SIZE + 512)
