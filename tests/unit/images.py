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

"""Disk images for unit tests: real headers, no content. VMDKs: vmdks.py."""

import io
import struct
import tarfile

from oslo_utils import units

DIRTY, CORRUPT, DATA_FILE, COMPRESSION = 1, 2, 4, 8


def qcow2(size=units.Mi, backing_file=b'', features=0, version=3):
    """Returns the bytes of a qcow2 image.

    :param size: virtual size in bytes
    :param features: the incompatible features that it says it uses
    """
    offset = 1024 if backing_file else 0
    header = struct.pack(
        '>4sIQIIQIIQQIIQQQQII', b'QFI\xfb', version, offset,
        len(backing_file), 16, size, 0, 1, 65536, 131072, 1, 0, 0,
        features, 0, 0, 4, 104)
    return (header.ljust(1024, b'\0') + backing_file).ljust(3 * 65536, b'\0')


def partitioned(size=units.Mi):
    """Returns the bytes of a raw disk with a GUID partition table."""
    partition = struct.pack('<B3BB3BII', 0, 0, 2, 0, 0xEE, 255, 255, 255,
                            1, size // 512 - 1)
    sector = bytes(446) + partition + bytes(48) + b'\x55\xaa'
    return sector.ljust(size, b'\0')


def vhd_footer(size=units.Mi, kind=3):
    """Returns the sector that ends a VHD, and begins a dynamic one.

    :param kind: 2 fixed, 3 dynamic, 4 differencing
    """
    return struct.pack('>8sIIQI4sI4sQQIII', b'conectix', 2, 0x10000, 512, 0,
                       b'vpc ', 0x50003, b'Wi2k', size, size, 0, kind,
                       0).ljust(512, b'\0')


def vhd(size=units.Mi, kind=3, block=2 * units.Mi, entries=()):
    """Returns the bytes of a dynamic VHD.

    :param entries: of its table; the others say that a block is nowhere
    """
    count = min(-(-size // block), 4096)
    table = struct.pack('>%dI' % count, *entries,
                        *[0xffffffff] * (count - len(entries)))
    second = struct.pack('>8sQQIII', b'cxsparse', (1 << 64) - 1, 1536,
                         0x10000, count, block)
    return (vhd_footer(size, kind) + second.ljust(1024, b'\0') +
            table.ljust(-(-len(table) // 512) * 512, b'\xff'))


def tar(members, form=tarfile.USTAR_FORMAT, **options):
    """Returns the bytes of a tar file.

    :param members: (name, content) or (name, content, changes of TarInfo)
    :param form: as tarfile has it
    :param options: of tarfile.open
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode='w', format=form,
                      **options) as file:
        for name, content, *changes in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            for key, value in dict(*changes).items():
                setattr(info, key, value)
            file.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def ovf(files=(('file1', 'disk.vmdk', ''),), disks=('file1',)):
    """Returns an OVF descriptor.

    :param files: (id, href, more attributes)
    :param disks: ids of files
    """
    return (
        '<?xml version="1.0"?>\n<!-- A comment -->\n'
        '<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" '
        'xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1">'
        '<References>%s</References><DiskSection>%s</DiskSection></Envelope>'
        % (''.join('<File ovf:id="%s" ovf:href="%s" %s/>' % file
                   for file in files),
           ''.join('<Disk ovf:diskId="d" ovf:fileRef="%s"/>' % disk
                   for disk in disks))).encode('utf-8')
