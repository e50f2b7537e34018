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

"""Guess what a file without the header of a disk format is.

A raw disk has no header, so anything could pass as one: compressed images,
error pages, archives. Only a file with a partition table, a boot sector or a
file system looks like a disk. For everything else say what it is, and what its
owner can do.
"""

import codecs
from collections.abc import Callable
import dataclasses
import re
from typing import NamedTuple

from oslo_utils import units

from nova_vmrun.formats import vmdk
from nova_vmrun.inspection import file_slice

# How much to read: enough for the superblocks of Btrfs and UDF.
READ_SIZE = 132 * units.Ki
_SECTOR = 512
# How much of a file to examine as text.
_TEXT_SIZE = 4096
_DMG_TRAILER_SIZE, _DMG_MAGIC = 512, b'koly'

_ADVICE = 'Upload the disk itself.'
_UNPACK = 'Unpack it ("%s") and use the disk that comes out.'
_CONVERT = 'Convert it with "qemu-img convert -O qcow2".'
_SAY_RAW = ('If it is a raw disk after all, declare it with disk_format raw '
            '("nova-vmrun image" has --disk-format raw).')


@dataclasses.dataclass(frozen=True)
class Guess:
    """What a file looks like.

    :ivar description: a phrase, such as "a text file"
    :ivar advice: what to do with it
    :ivar is_disk: whether it looks like a disk
    :ivar is_foreign: whether it is certainly something else. A file that is
        neither is_disk nor is_foreign is a raw disk if the user says so.
    :ivar is_compressed: whether it is compressed
    """

    description: str
    advice: str = _ADVICE
    is_disk: bool = False
    is_foreign: bool = True
    is_compressed: bool = False


class _Signature(NamedTuple):
    """Bytes at a fixed offset that identify a file."""

    offset: int
    magic: bytes
    guess: Guess


class _DiskSignature(NamedTuple):
    """Bytes at a fixed offset that show that a file is a raw disk."""

    offset: int
    magic: bytes
    name: str


def _signatures(*rows: tuple[int, bytes, Guess]) -> tuple[_Signature, ...]:
    return tuple(_Signature(*row) for row in rows)


def _disk_signatures(*rows: tuple[int, bytes, str]
                     ) -> tuple[_DiskSignature, ...]:
    return tuple(_DiskSignature(*row) for row in rows)


def _compressed(name: str, command: str) -> Guess:
    return Guess('compressed with %s' % name, _UNPACK % command,
                 is_compressed=True)


_ZSTD, _LZ4 = _compressed('zstd', 'zstd -dk'), _compressed('lz4', 'unlz4')
_PARALLELS = Guess('a Parallels disk',
                   'Convert it with "qemu-img convert -f parallels -O qcow2".')
_STATE = Guess('the memory or a snapshot of a VMware VM',
               'Use the .vmdk, or the .vmx of the VM.')
_OVF_ADVICE = ('Put it into an OVA with its disks: "tar -cf vm.ova vm.ovf '
               'disk.vmdk", the .ovf first.')
_ISO_ADVICE = ('Recreate it with ISO 9660 in addition to UDF, as '
               '"genisoimage -udf" does.')
_KERNEL = Guess('a Linux kernel',
                'Use an image of a whole disk; VMware cannot '
                'boot a kernel alone.')
_ESX_EXTENT = Guess('an extent of an ESX disk',
                    'Name the .vmdk that is its descriptor.')
_PROGRAM = 'Use an image of a disk; this is a program.'

# So long, or in such a place, that no disk has these bytes by chance.
_STRONG = _signatures(
    (0, b'\xfd7zXZ\0', _compressed('xz', 'unxz -k')),
    (0, b'\x1f\x8b\x08', _compressed('gzip', 'gunzip -k')),
    (0, b'\x28\xb5\x2f\xfd', _ZSTD), (0, b'\x37\xa4\x30\xec', _ZSTD),
    (0, b'\x04\x22\x4d\x18', _LZ4), (0, b'\x02\x21\x4c\x18', _LZ4),
    (0, b'PK\x03\x04', _compressed('zip', 'unzip')),
    (0, b'PK\x05\x06', _compressed('zip', 'unzip')),
    (0, b"7z\xbc\xaf'\x1c", _compressed('7-Zip', '7z x')),
    (0, b'Rar!\x1a\x07', _compressed('RAR', 'unrar x')),
    (0, b'LZIP', _compressed('lzip', 'lzip -dk')),
    (0, b'\x89LZO\0\r\n\x1a\n', _compressed('lzop', 'lzop -d')),
    (0, b'LRZI', _compressed('lrzip', 'lrzip -d')),
    (0, b'\x5d\0\0\x80\0', _compressed('lzma', 'unlzma -k')),
    (0, b'\x5d\0\0\0\x04', _compressed('lzma', 'unlzma -k')),
    (0, b'MSCF\0\0\0\0', _compressed('cabinet', 'cabextract')),
    (0, b'xar!\0', _compressed('xar', 'xar -xf')),
    (0, b'MSWIM\0\0\0', Guess(
        'a Windows image (.wim)', 'Install Windows from its ISO image.')),
    (257, b'ustar', Guess(
        'a tar archive, but not an OVA', _UNPACK % 'tar -xf'
        + ' An OVA begins with its .ovf.')),
    (0, b'070701', Guess('a cpio archive, such as an initrd')),
    (0, b'070702', Guess('a cpio archive, such as an initrd')),
    (0, b'!<arch>\n', Guess('a Debian package or an ar archive')),
    (0, b'\xed\xab\xee\xdb', Guess('an RPM package')),
    (0, b'VMA\0', Guess(
        'a Proxmox backup', 'Unpack it with "vma extract" on Proxmox.')),
    (0, b'QED\0', Guess('a QED disk', _CONVERT)),
    (0, b'WithoutFreeSpace', _PARALLELS), (0, b'WithouFreSpacExt',
                                           _PARALLELS),
    (0, b'Bochs Virtual HD Image', Guess('a Bochs disk', _CONVERT)),
    (0, b'#!/bin/sh\n#V2.0 Format', Guess('a cloop disk', _CONVERT)),
    (0, b'LUKS\xba\xbe', Guess(
        'encrypted with LUKS', 'Use an image that is not encrypted.')),
    (0, b'\x3a\xff\x26\xed', Guess(
        'an Android sparse image', _UNPACK % 'simg2img')),
    (0, b'COWD', _ESX_EXTENT),
    (0, b'\xbe\xba\xfe\xca\0\0\0\0', _ESX_EXTENT),
    (0, b'QFI\xfb', Guess('part of a qcow2 disk', 'Upload all of it.')),
    (0, b'vhdxfile', Guess('part of a VHDX disk', 'Upload all of it.')),
    (0, b'KDMV', Guess('part of a VMDK disk', 'Upload all of it.')),
    (0, b'<<< ', Guess('part of a VDI disk', 'Upload all of it.')),
    (0, b'\xd2\xbe\xd2\xbe', _STATE), (0, b'\xd0\xbe\xd2\xbe', _STATE),
    (0, b'\xd1\xbe\xd2\xbe', _STATE), (0, b'\xd3\xbe\xd2\xbe', _STATE),
    (0, b'MRVN', Guess('the NVRAM of a VMware VM',
                       'Use the .vmdk, or the .vmx of the VM.')),
    (0, b'\x7fELF', Guess('a program (ELF)', _PROGRAM)),
    (0, b'\xcf\xfa\xed\xfe', Guess('a program (Mach-O)', _PROGRAM)),
    (0, b'%PDF-', Guess('a PDF document')),
    (0, b'\x89PNG\r\n\x1a\n', Guess('a picture (PNG)')),
    (0, b'\xff\xd8\xff', Guess('a picture (JPEG)')),
    (0, b'GIF8', Guess('a picture (GIF)')),
    (0, b'SQLite format 3\0', Guess('a database (SQLite)')),
    (514, b'HdrS', _KERNEL), (56, b'ARMd', _KERNEL),
)
# A boot sector may have these bytes, so look for one first.
_WEAK = _signatures(
    (0, b'MZ', Guess('a program for Windows or EFI', _PROGRAM)),
    (0, b'\x1f\x9d', _compressed('compress', 'uncompress')),
)
_BZIP2 = re.compile(rb'BZh[1-9](1AY&SY|\x17rE8P\x90)')

# Partition tables and file systems.
_DISKS = _disk_signatures(
    (512, b'EFI PART', 'GUID partition table'),
    (4096, b'EFI PART', 'GUID partition table'),
    (3, b'NTFS    ', 'NTFS'), (3, b'EXFAT   ', 'exFAT'),
    (3, b'ReFS\0', 'ReFS'), (3, b'-FVE-FS-', 'BitLocker'),
    (54, b'FAT', 'FAT'), (82, b'FAT32', 'FAT32'),
    (1080, b'\x53\xef', 'ext2, ext3 or ext4'), (0, b'XFSB', 'XFS'),
    (65600, b'_BHRfS_M', 'Btrfs'), (1024, b'\x10\x20\xf5\xf2', 'F2FS'),
    (32, b'NXSB', 'APFS'), (1024, b'H+\0\x04', 'HFS Plus'),
    (1024, b'HX\0\x05', 'HFS Plus'), (32768, b'JFS1', 'JFS'),
    (65588, b'ReIsEr', 'ReiserFS'), (8244, b'ReIsEr', 'ReiserFS'),
    (1024, b'\xe2\xe1\xf5\xe0', 'EROFS'), (0, b'hsqs', 'SquashFS'),
    (9564, b'\x19\x01\x54\x19', 'UFS'), (66908, b'\x19\x01\x54\x19', 'UFS'),
    (4096, b'\xc6\x85\x73\xf6\x4e\x1a\x45\xca', 'bcache'),
    (0, b'\xfc\x4e\x2b\xa9', 'Linux RAID'),
    (4096, b'\xfc\x4e\x2b\xa9', 'Linux RAID'),
    (0, b'ER\x02\0', 'Apple partition map'),
    (512, b'PM\0\0', 'Apple partition map'),
    (512, b'\x57\x45\x56\x82', 'BSD disk label'),
    (508, b'\xda\xbe', 'Sun disk label'),
    (0, b'\x0b\xe5\xa9\x41', 'SGI disk label'),
    (0, b'RDSK', 'Amiga partition table'),
    *((number * _SECTOR, b'LABELONE', 'LVM') for number in range(4)),
    # The weakest one comes last.
    (510, b'\x55\xaa', 'boot sector'),
)

# The volume recognition sequence of UDF begins where that of ISO 9660 does.
_VOLUME_DESCRIPTORS = range(32768, 32768 + 16 * 2048, 2048)
_UDF = (b'NSR02', b'NSR03')
_ISO = b'CD001'

# Texts that can be recognized; the first match wins.
_TEXTS: tuple[tuple[Callable[[str], re.Match[str] | None], Guess], ...] = (
    (re.compile(r'\s*<(!doctype\s+html|html|head|body)', re.I).match, Guess(
        'a web page', 'Download the image again: the server sent a page, '
        'perhaps an error.')),
    # Atomic groups, since the number of ways to divide a text into comments
    # doubles with each comment.
    (re.compile(r'\s*+(?><\?xml[^>]*>\s*)?(?>(<!--.*?-->\s*)*)'
                r'<(\w+:)?Envelope\b', re.S).match,
     Guess('an OVF descriptor', _OVF_ADVICE)),
    (re.compile(r'\s*<').match, Guess(
        'an XML or HTML text', 'Download the image again: the server '
        'perhaps sent an error.')),
    (re.compile(r'version https://git-lfs').match, Guess(
        'a Git LFS pointer', 'Fetch the file that it stands for with "git lfs '
        'pull".')),
    (re.compile(r'-----BEGIN ').match,
     Guess('a key, certificate or signature')),
    (re.compile(r'^\s*(config\.version|virtualHW\.version)\s*=',
                re.I | re.M).search, Guess(
        'the .vmx of a VM', 'Give it a name that ends in .vmx, and keep it '
        'beside its disks.')),
)
_DESCRIPTOR = Guess(
    'a VMDK descriptor without its disk', 'Combine it with the files that it '
    'names into one file, as "nova-vmrun image upload" does.')
_TEXT = Guess('a text file', 'Upload the right file.')
_NOT_IN_TEXT = re.compile('[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]')
_ZEROS = Guess('zeros where a disk has its partition table and file system',
               'Upload the right file. ' + _SAY_RAW, is_foreign=False)
_UNKNOWN = Guess('of unknown format: it has no header of a disk format, no '
                 'partition table, no boot sector and no file system',
                 'Upload the right file. ' + _SAY_RAW, is_foreign=False)


def guess(file: file_slice.Reader) -> Guess:
    """Return what a file without the header of a disk format may be.

    :param file: open for reading; at most READ_SIZE bytes and the last sector
        are read
    """
    file.seek(0)
    head = file.read(READ_SIZE)
    if not head:
        return Guess('empty', 'Upload it again: it has 0 bytes.')
    if vmdk.is_descriptor(head[:vmdk.MARK_WITHIN]):
        return _DESCRIPTOR
    return (_guess_by_signature(_STRONG, head) or _guess_bzip2(head) or
            _guess_udf(head) or _guess_disk(head) or
            _guess_by_signature(_WEAK, head) or _guess_dmg(file) or
            _guess_text(head) or (_UNKNOWN if any(head) else _ZEROS))


def _guess_by_signature(signatures: tuple[_Signature, ...],
                        head: bytes) -> Guess | None:
    for signature in signatures:
        if head.startswith(signature.magic, signature.offset):
            return signature.guess
    return None


def _guess_bzip2(head: bytes) -> Guess | None:
    return _compressed('bzip2', 'bunzip2 -k') if _BZIP2.match(head) else None


def _guess_disk(head: bytes) -> Guess | None:
    for signature in _DISKS:
        if head.startswith(signature.magic, signature.offset):
            return Guess('a raw disk (%s)' % signature.name,
                         'Set disk_format to raw.', is_disk=True,
                         is_foreign=False)
    return None


def _guess_udf(head: bytes) -> Guess | None:
    found = {head[offset + 1:offset + 6] for offset in _VOLUME_DESCRIPTORS}
    if found.isdisjoint(_UDF) or _ISO in found:
        return None
    return Guess('a disc image with UDF alone, without ISO 9660', _ISO_ADVICE)


def _guess_dmg(file: file_slice.Reader) -> Guess | None:
    file.seek(max(0, file_slice.size(file) - _DMG_TRAILER_SIZE))
    if file.read(len(_DMG_MAGIC)) != _DMG_MAGIC:
        return None
    return Guess('a macOS disk image (.dmg)',
                 'Convert it with "qemu-img convert -f dmg -O qcow2".')


def _guess_text(head: bytes) -> Guess | None:
    text = _decode(head[:_TEXT_SIZE])
    if text is None or _NOT_IN_TEXT.search(text):
        return None
    return next((found for matches, found in _TEXTS if matches(text)), _TEXT)


def _decode(head: bytes) -> str | None:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return head.decode('utf-16', 'ignore')
    try:
        # The last character may be incomplete.
        return codecs.getincrementaldecoder('utf-8-sig')().decode(head)
    except UnicodeDecodeError:
        ascii_count = len(head.translate(None, bytes(range(128, 256))))
        is_mostly_ascii = ascii_count * 4 > len(head) * 3
        return head.decode('latin-1') if is_mostly_ascii else None
