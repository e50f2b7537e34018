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

"""Whether all of a disk's content is in its file.

qemu-img reads zeros where a file has ended, so that an image that was cut off
would become a disk with holes, and nobody would be told. The tables that say
where each block lies are read here, in pieces, each once.
"""

import struct

from oslo_utils import units

from nova_vmrun import exception
from nova_vmrun.formats import vmdk
from nova_vmrun.inspection import blocks
from nova_vmrun.inspection import file_slice
from nova_vmrun.inspection import qcow2_tables
from nova_vmrun.inspection import vhdx

# Limits of the format, and QEMU's own.
_SMALLEST_GRAIN = 8 * vmdk.SECTOR
_MOST_ENTRIES = 512
# Grains that read as zeros have the number of a sector where none can be.
_FIRST_GRAIN = 2

# VDI: offsets of the table and of the first block; size of a block.
_VDI_OFFSETS = (0x154, struct.Struct('<II'))
_VDI_BLOCK = (0x178, struct.Struct('<I'))
_VDI_NOWHERE = 0xfffffffe

# VHD: where a dynamic one's second header is; in that the table and the size
# of a block.
_VHD_COOKIES = (b'conectix', b'cxsparse')
_VHD_FOOTER = 512
_VHD_SECOND = struct.Struct('>16xQ')
_VHD_TABLE = struct.Struct('>8s8xQ4x4xI')
_VHD_NOWHERE = 0xffffffff

# VHDX: a block is wholly or partly there; it begins at a whole MiB. A bitmap
# of sectors follows the blocks that it is for.
_VHDX_STATE, _VHDX_THERE = 7, (6, 7)
_VHDX_BITS = 1 << 23


def is_whole(disk_format, file, size):
    """Tells whether each block of a disk ends before its file does.

    :param disk_format: as qemu-img names it
    :param file: open for reading
    :param size: bytes of the disk that a guest sees
    """
    check = {'qcow2': qcow2_tables.is_whole, 'vmdk': _vmdk, 'vdi': _vdi,
             'vpc': _vhd, 'vhdx': _vhdx}.get(disk_format)
    try:
        return check is None or check(file, size)
    except (blocks.Damaged, struct.error, exception.InvalidVmdk, vhdx.Invalid):
        return False


def _at(file, offset, layout):
    file.seek(offset)
    return layout.unpack(file.read(layout.size))


def _vmdk(file, size):
    header = _header(file, 0)
    if header.directory is None:
        header = _header(file, file_slice.size(file) - vmdk.FOOTER)
    if (header.directory is None or header.grain < _SMALLEST_GRAIN or
            not 0 < header.entries <= _MOST_ENTRIES):
        return False
    disk = blocks.Disk(file, size, header.grain)
    places = _grains(disk, header)
    if header.is_compressed:
        # It is for qemu-img to see where such a grain ends.
        end = file_slice.size(file)
        return all(offset < end for _number, offset in places)
    return disk.holds(places)


def _header(file, offset):
    file.seek(max(0, offset))
    return vmdk.parse_header(file.read(vmdk.HEADER_SIZE))


def _grains(disk, header):
    """Yields the places of grains; of each table those that lie last.

    A table that is named often is read once: it is never more than the file.
    """
    tables = -(-disk.count // header.entries)
    seen = set()
    for number, sector in enumerate(disk.table(header.directory, tables,
                                               'I')):
        if not sector or sector in seen and number < tables - 1:
            continue
        seen.add(sector)
        first = number * header.entries
        grains = disk.piece(sector * vmdk.SECTOR, 0,
                            min(header.entries, disk.count - first), 'I')
        for grain, place in ((first, max(grains[:-1], default=0)),
                             (first + len(grains) - 1, grains[-1])):
            if place >= _FIRST_GRAIN:
                yield grain, place * vmdk.SECTOR


def _vdi(file, size):
    table, data = _at(file, *_VDI_OFFSETS)
    disk = blocks.Disk(file, size, *_at(file, *_VDI_BLOCK))
    return disk.holds(
        (number, data + entry * disk.block)
        for number, entry in enumerate(disk.table(table, disk.count, 'I'))
        if entry < _VDI_NOWHERE)


def _vhd(file, size):
    file.seek(0)
    if file.read(8) != _VHD_COOKIES[0]:
        # The content comes first, as it is.
        return size <= file_slice.size(file) - _VHD_FOOTER
    cookie, table, block = _at(file, *_at(file, 0, _VHD_SECOND), _VHD_TABLE)
    if cookie != _VHD_COOKIES[1]:
        return False
    disk = blocks.Disk(file, size, block)
    bitmap = -(-block // vmdk.SECTOR // 8 // vmdk.SECTOR) * vmdk.SECTOR
    return disk.holds(
        (number, entry * vmdk.SECTOR + bitmap)
        for number, entry in enumerate(disk.table(table, disk.count, 'I',
                                                  big_endian=True))
        if entry != _VHD_NOWHERE)


def _vhdx(file, size):
    header = vhdx.read(file)
    disk = blocks.Disk(file, size, header.block)
    # So many blocks have a bitmap, which follows them in the table.
    ratio = _VHDX_BITS * header.sector // header.block
    if not ratio:
        return False
    entries = disk.table(header.blocks, disk.count + (disk.count - 1) // ratio,
                         'Q')
    payload = (entry for number, entry in enumerate(entries, 1)
               if number % (ratio + 1))
    return disk.holds(
        (number, entry - entry % units.Mi)
        for number, entry in enumerate(payload)
        if entry & _VHDX_STATE in _VHDX_THERE)
