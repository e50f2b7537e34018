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


"""What a file without the header of a disk format is, by its first bytes.

A raw disk has no header, so everything that no reader knows used to be called
raw: compressed images, error pages, archives. Only what has a partition
table, a boot sector or a file system looks like a disk; the rest has a name,
and something that its owner can do.
"""

import codecs
import dataclasses
import io
import re

from oslo_utils import units

from nova_vmrun.formats import vmdk
from nova_vmrun.inspection import file_slice

# So much is read: the superblock of Btrfs and those of UDF are within it.
READS = 132 * units.Ki
_SECTOR = 512
_TEXT_WITHIN = 4096
_DMG_TRAILER = (512, b'koly')

_ADVICE = 'Upload the disk itself.'
_UNPACK = 'Unpack it ("%s") and use the disk that comes out.'
_CONVERT = 'Convert it with "qemu-img convert -O qcow2".'
_SAY_RAW = ('If it is a raw disk nevertheless, say so with disk_format raw '
            '("nova-vmrun image" has --disk-format raw).')


@dataclasses.dataclass(frozen=True)
class Look:
    """What a file looks like.

    :ivar what: a phrase, such as "a text file"
    :ivar advice: what to do with it
    :ivar is_disk: whether it looks like a disk
    :ivar is_foreign: whether it is known to be something else; if neither,
        it is a raw disk for one who says so
    :ivar is_packed: whether it is compressed
    """

    what: str
    advice: str = _ADVICE
    is_disk: bool = False
    is_foreign: bool = True
    is_packed: bool = False


def _packed(name: str, command: str) -> Look:
    return Look('compressed with %s' % name, _UNPACK % command,
                is_packed=True)


_ZSTD, _LZ4 = _packed('zstd', 'zstd -dk'), _packed('lz4', 'unlz4')
_PARALLELS = Look('a disk of Parallels',
                  'Convert it with "qemu-img convert -f parallels -O qcow2".')
_STATE = Look('the memory or the snapshot of a VM of VMware',
              'Use the .vmdk, or the .vmx of the VM.')
_OVF_ADVICE = ('Put it into an OVA with its disks: "tar -cf vm.ova vm.ovf '
               'disk.vmdk", the .ovf first.')
_ISO_ADVICE = ('Make it anew with ISO 9660 beside UDF, as "genisoimage -udf" '
               'does.')
_KERNEL = Look('a kernel of Linux', 'Use an image of a whole disk; a kernel '
               'alone cannot be booted by VMware.')
_PROGRAM = 'Use an image of a disk; this is a program.'

# Each is long enough, or in such a place, that no disk has it by chance.
_STRONG = (
    (0, b'\xfd7zXZ\0', _packed('xz', 'unxz -k')),
    (0, b'\x1f\x8b\x08', _packed('gzip', 'gunzip -k')),
    (0, b'\x28\xb5\x2f\xfd', _ZSTD), (0, b'\x37\xa4\x30\xec', _ZSTD),
    (0, b'\x04\x22\x4d\x18', _LZ4), (0, b'\x02\x21\x4c\x18', _LZ4),
    (0, b'PK\x03\x04', _packed('zip', 'unzip')),
    (0, b'PK\x05\x06', _packed('zip', 'unzip')),
    (0, b"7z\xbc\xaf'\x1c", _packed('7-Zip', '7z x')),
    (0, b'Rar!\x1a\x07', _packed('RAR', 'unrar x')),
    (0, b'LZIP', _packed('lzip', 'lzip -dk')),
    (0, b'\x89LZO\0\r\n\x1a\n', _packed('lzop', 'lzop -d')),
    (0, b'LRZI', _packed('lrzip', 'lrzip -d')),
    (0, b'\x5d\0\0\x80\0', _packed('lzma', 'unlzma -k')),
    (0, b'\x5d\0\0\0\x04', _packed('lzma', 'unlzma -k')),
    (0, b'MSCF\0\0\0\0', _packed('cabinet', 'cabextract')),
    (0, b'xar!\0', _packed('xar', 'xar -xf')),
    (0, b'MSWIM\0\0\0', Look(
        'a Windows image (.wim)', 'Install Windows from its ISO image.')),
    (257, b'ustar', Look(
        'a tar archive and no OVA', _UNPACK % 'tar -xf'
        + ' An OVA begins with its .ovf.')),
    (0, b'070701', Look('a cpio archive, such as an initrd')),
    (0, b'070702', Look('a cpio archive, such as an initrd')),
    (0, b'!<arch>\n', Look('a package of Debian or an archive of ar')),
    (0, b'\xed\xab\xee\xdb', Look('an RPM package')),
    (0, b'VMA\0', Look(
        'a backup of Proxmox', 'Unpack it with "vma extract" on Proxmox.')),
    (0, b'QED\0', Look('a QED disk', _CONVERT)),
    (0, b'WithoutFreeSpace', _PARALLELS), (0, b'WithouFreSpacExt',
                                           _PARALLELS),
    (0, b'Bochs Virtual HD Image', Look('a disk of Bochs', _CONVERT)),
    (0, b'#!/bin/sh\n#V2.0 Format', Look('a cloop disk', _CONVERT)),
    (0, b'LUKS\xba\xbe', Look(
        'encrypted with LUKS', 'Use an image that is not encrypted.')),
    (0, b'\x3a\xff\x26\xed', Look(
        'a sparse image of Android', _UNPACK % 'simg2img')),
    (0, b'COWD', Look('an extent of a disk of ESX',
                      'Name the .vmdk that is its descriptor.')),
    (0, b'\xbe\xba\xfe\xca\0\0\0\0', Look(
        'an extent of a disk of ESX',
        'Name the .vmdk that is its descriptor.')),
    (0, b'QFI\xfb', Look('a part of a qcow2 disk', 'Upload all of it.')),
    (0, b'vhdxfile', Look('a part of a VHDX disk', 'Upload all of it.')),
    (0, b'KDMV', Look('a part of a VMDK disk', 'Upload all of it.')),
    (0, b'<<< ', Look('a part of a VDI disk', 'Upload all of it.')),
    (0, b'\xd2\xbe\xd2\xbe', _STATE), (0, b'\xd0\xbe\xd2\xbe', _STATE),
    (0, b'\xd1\xbe\xd2\xbe', _STATE), (0, b'\xd3\xbe\xd2\xbe', _STATE),
    (0, b'MRVN', Look('the NVRAM of a VM of VMware',
                      'Use the .vmdk, or the .vmx of the VM.')),
    (0, b'\x7fELF', Look('a program (ELF)', _PROGRAM)),
    (0, b'\xcf\xfa\xed\xfe', Look('a program (Mach-O)', _PROGRAM)),
    (0, b'%PDF-', Look('a PDF document')),
    (0, b'\x89PNG\r\n\x1a\n', Look('a picture (PNG)')),
    (0, b'\xff\xd8\xff', Look('a picture (JPEG)')),
    (0, b'GIF8', Look('a picture (GIF)')),
    (0, b'SQLite format 3\0', Look('a database (SQLite)')),
    (514, b'HdrS', _KERNEL), (56, b'ARMd', _KERNEL),
)
# They may be bytes of a boot sector, so that is looked for first.
_WEAK = (
    (0, b'MZ', Look('a program for Windows or EFI', _PROGRAM)),
    (0, b'\x1f\x9d', _packed('compress', 'uncompress')),
)
_BZIP2 = re.compile(rb'BZh[1-9](1AY&SY|\x17rE8P\x90)')

# Partition tables and file systems: offset, bytes, name.
_DISKS = (
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
) + tuple((number * _SECTOR, b'LABELONE', 'LVM') for number in range(4))
_BOOT_SECTOR = (510, b'\x55\xaa', 'boot sector')

# UDF: its recognition sequence begins where that of ISO 9660 does.
_VOLUMES = range(32768, 32768 + 16 * 2048, 2048)
_UDF = (b'NSR02', b'NSR03')
_ISO = b'CD001'

# Texts that say what they are; the first that fits.
_TEXTS = (
    (re.compile(r'\s*<(!doctype\s+html|html|head|body)', re.I).match, Look(
        'a web page', 'Download the image again: a server has answered with '
        'a page, an error perhaps.')),
    (re.compile(r'\s*(<\?xml.*?)?(<!--.*?-->\s*)*<(\w+:)?Envelope\b',
                re.S).match, Look('an OVF descriptor', _OVF_ADVICE)),
    (re.compile(r'\s*<').match, Look(
        'an XML or HTML text', 'Download the image again: a server has '
        'answered with an error, perhaps.')),
    (re.compile(r'version https://git-lfs').match, Look(
        'a pointer of Git LFS', 'Fetch the file that it stands for with "git '
        'lfs pull".')),
    (re.compile(r'-----BEGIN ').match,
     Look('a key, certificate or signature')),
    (re.compile(r'^\s*(config\.version|virtualHW\.version)\s*=',
                re.I | re.M).search, Look(
        'the .vmx of a VM', 'Let its name end in .vmx, beside its disks.')),
)
_DESCRIPTOR = Look(
    'a VMDK descriptor without its disk', 'Make one file of it and the files '
    'that it names: "nova-vmrun image upload" does.')
_TEXT = Look('a text file', 'Upload the right file.')
_NOT_IN_TEXT = re.compile('[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]')
_ZEROS = Look('zeros where a disk has its partition table and file system',
              'Upload the right file. ' + _SAY_RAW, is_foreign=False)
_UNKNOWN = Look('of no known format: it has no header of a disk format, no '
                'partition table, no boot sector and no file system',
                'Upload the right file. ' + _SAY_RAW, is_foreign=False)


def look(file: io.RawIOBase) -> Look:
    """Tells what a file is that has no header of a disk format.

    :param file: open for reading; READS bytes of it are read at most, and
        its last sector
    """
    file.seek(0)
    head = file.read(READS)
    if not head:
        return Look('empty', 'Upload it again: it has 0 bytes.')
    if vmdk.is_descriptor(head[:vmdk.MARK_WITHIN]):
        return _DESCRIPTOR
    return (_first(_STRONG, head) or _bzip2(head) or _udf(head) or
            _disk(head) or _first(_WEAK, head) or _dmg(file) or
            _text(head) or (_UNKNOWN if any(head) else _ZEROS))


def _first(signatures: tuple, head: bytes) -> Look | None:
    for offset, magic, found in signatures:
        if head.startswith(magic, offset):
            return found
    return None


def _bzip2(head: bytes) -> Look | None:
    return (_packed('bzip2', 'bunzip2 -k') if _BZIP2.match(head) else None)


def _disk(head: bytes) -> Look | None:
    for offset, magic, name in (*_DISKS, _BOOT_SECTOR):
        if head.startswith(magic, offset):
            return Look('a raw disk (%s)' % name, 'Set disk_format to raw.',
                        is_disk=True, is_foreign=False)
    return None


def _udf(head: bytes) -> Look | None:
    found = {head[place + 1:place + 6] for place in _VOLUMES}
    if found.isdisjoint(_UDF) or _ISO in found:
        return None
    return Look('a disc image of UDF alone, without ISO 9660', _ISO_ADVICE)


def _dmg(file: io.RawIOBase) -> Look | None:
    distance, magic = _DMG_TRAILER
    file.seek(max(0, file_slice.size(file) - distance))
    if file.read(len(magic)) != magic:
        return None
    return Look('a disk image of macOS (.dmg)',
                'Convert it with "qemu-img convert -f dmg -O qcow2".')


def _text(head: bytes) -> Look | None:
    text = _decoded(head[:_TEXT_WITHIN])
    if text is None or _NOT_IN_TEXT.search(text):
        return None
    return next((found for fits, found in _TEXTS if fits(text)), _TEXT)


def _decoded(head: bytes) -> str | None:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return head.decode('utf-16', 'ignore')
    try:
        # The last character may be cut off.
        return codecs.getincrementaldecoder('utf-8-sig')().decode(head)
    except UnicodeDecodeError:
        plain = len(head.translate(None, bytes(range(128, 256))))
        return head.decode('latin-1') if plain * 4 > len(head) * 3 else None
