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

"""Check that a file contains all of a disk's content.

qemu-img reads zeros behind the end of a file, so a truncated image would
silently become a disk with holes. To detect this, read the tables that locate
the blocks, piece by piece and each of them once.
"""

from collections.abc import Callable
from collections.abc import Iterator
import struct

from oslo_utils import units

from nova_vmrun import exception
from nova_vmrun.formats import vmdk
from nova_vmrun.inspection import blocks
from nova_vmrun.inspection import file_slice
from nova_vmrun.inspection import qcow2_tables
from nova_vmrun.inspection import vhdx

# VMDK: limits of the format, and QEMU's own.
_SMALLEST_GRAIN = 8 * vmdk.SECTOR
_MAX_TABLE_ENTRIES = 512
# VMDK: smaller sector numbers mark grains that are absent or read as zeros.
_FIRST_GRAIN_SECTOR = 2

# VDI: offsets of the block table and of the first block; block size.
_VDI_OFFSETS = (0x154, struct.Struct('<II'))
_VDI_BLOCK_SIZE = (0x178, struct.Struct('<I'))
# Entries of blocks that are absent or read as zeros.
_VDI_ABSENT = (0xfffffffe, 0xffffffff)

# VHD: footer, of which a dynamic VHD has a copy at its start; offset of the
# dynamic header; in that header its cookie, the table offset and block size.
_VHD_COOKIE, _VHD_DYNAMIC_COOKIE = b'conectix', b'cxsparse'
_VHD_FOOTER_SIZE = 512
_VHD_DYNAMIC_HEADER = struct.Struct('>16xQ')
_VHD_TABLE = struct.Struct('>8s8xQ4x4xI')
_VHD_ABSENT = 0xffffffff

# VHDX: states of a block that is stored fully or partly; its offset is a
# multiple of 1 MiB. A sector bitmap follows every group of blocks.
_VHDX_STATE, _VHDX_PRESENT = 7, (6, 7)
_VHDX_SECTORS_PER_BITMAP = 1 << 23


def is_complete(disk_format: str, file: file_slice.Reader, size: int) -> bool:
    """Return whether every block of a disk ends before its file does.

    :param disk_format: as qemu-img names it
    :param file: open for reading
    :param size: bytes of the disk as the guest sees it
    """
    check = _CHECKS.get(disk_format)
    try:
        return check is None or check(file, size)
    except (blocks.Damaged, struct.error, exception.InvalidVmdk, vhdx.Invalid):
        return False


def _unpack(file: file_slice.Reader, offset: int,
            layout: struct.Struct) -> tuple[int, ...]:
    file.seek(offset)
    return layout.unpack(file.read(layout.size))


def _check_vmdk(file: file_slice.Reader, size: int) -> bool:
    header = _read_header(file, 0)
    if header.directory is None:
        header = _read_header(file, file_slice.size(file) - vmdk.FOOTER)
    if (header.directory is None or header.grain < _SMALLEST_GRAIN or
            not 0 < header.entries <= _MAX_TABLE_ENTRIES):
        return False
    disk = blocks.Disk(file, size, header.grain)
    grains = _last_grains(disk, header.directory, header.entries)
    if header.is_compressed:
        # qemu-img itself notices if such a grain is truncated.
        end = file_slice.size(file)
        return all(grain.offset < end for grain in grains)
    return disk.contains(grains)


def _read_header(file: file_slice.Reader, offset: int) -> vmdk.Header:
    file.seek(max(0, offset))
    return vmdk.parse_header(file.read(vmdk.HEADER_SIZE))


def _last_grains(disk: blocks.Disk, directory: int,
                 entries_per_table: int) -> Iterator[blocks.Block]:
    """Yield, for each grain table, the grains stored last in the file.

    A table that is referred to many times is read once, so that no more is
    read than the file contains.
    """
    tables = -(-disk.block_count // entries_per_table)
    seen = set()
    for number, sector in enumerate(disk.read_table(directory, tables, 'I')):
        if not sector or sector in seen and number < tables - 1:
            continue
        seen.add(sector)
        first = number * entries_per_table
        sectors = disk.read_entries(
            sector * vmdk.SECTOR, 0,
            min(entries_per_table, disk.block_count - first), 'I')
        for grain, grain_sector in (
                (first, max(sectors[:-1], default=0)),
                (first + len(sectors) - 1, sectors[-1])):
            if grain_sector >= _FIRST_GRAIN_SECTOR:
                yield blocks.Block(grain, grain_sector * vmdk.SECTOR)


def _check_vdi(file: file_slice.Reader, size: int) -> bool:
    table, data = _unpack(file, *_VDI_OFFSETS)
    (block_size,) = _unpack(file, *_VDI_BLOCK_SIZE)
    disk = blocks.Disk(file, size, block_size)
    return disk.contains(
        blocks.Block(number, data + entry * block_size)
        for number, entry in enumerate(
            disk.read_table(table, disk.block_count, 'I'))
        if entry not in _VDI_ABSENT)


def _check_vhd(file: file_slice.Reader, size: int) -> bool:
    file.seek(0)
    if file.read(len(_VHD_COOKIE)) != _VHD_COOKIE:
        # A fixed VHD: the content is followed by the footer.
        return size <= file_slice.size(file) - _VHD_FOOTER_SIZE
    (dynamic_header,) = _unpack(file, 0, _VHD_DYNAMIC_HEADER)
    file.seek(dynamic_header)
    cookie, table, block_size = _VHD_TABLE.unpack(file.read(_VHD_TABLE.size))
    if cookie != _VHD_DYNAMIC_COOKIE:
        return False
    disk = blocks.Disk(file, size, block_size)
    bitmap = -(-block_size // vmdk.SECTOR // 8 // vmdk.SECTOR) * vmdk.SECTOR
    return disk.contains(
        blocks.Block(number, entry * vmdk.SECTOR + bitmap)
        for number, entry in enumerate(disk.read_table(
            table, disk.block_count, 'I', big_endian=True))
        if entry != _VHD_ABSENT)


def _check_vhdx(file: file_slice.Reader, size: int) -> bool:
    header = vhdx.read_header(file)
    disk = blocks.Disk(file, size, header.block_size)
    # In the table, an entry for a bitmap follows this many blocks.
    ratio = _VHDX_SECTORS_PER_BITMAP * header.sector_size // header.block_size
    if not ratio:
        return False
    entries = disk.read_table(
        header.block_table,
        disk.block_count + (disk.block_count - 1) // ratio, 'Q')
    payload = (entry for number, entry in enumerate(entries, 1)
               if number % (ratio + 1))
    return disk.contains(
        blocks.Block(number, entry - entry % units.Mi)
        for number, entry in enumerate(payload)
        if entry & _VHDX_STATE in _VHDX_PRESENT)


_CHECKS: dict[str, Callable[[file_slice.Reader, int], bool]] = {
    'qcow2': qcow2_tables.is_complete, 'vmdk': _check_vmdk,
    'vdi': _check_vdi, 'vpc': _check_vhd, 'vhdx': _check_vhdx}
