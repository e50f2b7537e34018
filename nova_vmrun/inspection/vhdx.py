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

"""The header of a VHDX: what it is and where its parts are."""

from collections.abc import Mapping
import dataclasses
import struct
from typing import NamedTuple
import uuid

from oslo_utils import units

from nova_vmrun.inspection import file_slice


class _Layout(NamedTuple):
    """The layout of a table.

    :ivar magic: its first bytes
    :ivar count_offset: offset in bytes of the number of entries
    :ivar entries_offset: offset in bytes of the first entry
    """

    magic: bytes
    count_offset: int
    entries_offset: int


# The first region table locates the metadata and the block table.
_REGION_TABLE = 192 * units.Ki
_REGIONS = _Layout(b'regi', 8, 16)
_METADATA = _Layout(b'metadata', 10, 32)
_METADATA_REGION = uuid.UUID('8b7ca206-4790-4b9a-b8fe-575f050f886e')
_BLOCK_REGION = uuid.UUID('2dc27766-f623-4200-9d64-115e9bfd4a08')
_FILE_PARAMETERS = uuid.UUID('caa16737-fa36-4d43-b3b6-33f0aa44e76b')
_SECTOR_SIZE = uuid.UUID('8141bf1d-a96f-4709-ba47-f233a8faab5f')
_PARENT_LOCATOR = uuid.UUID('a8d35f2d-b30b-454d-abf7-d3d84834ab0c')
_HAS_PARENT = 2
_MAX_ENTRIES = 2047
_ENTRY_SIZE = 32


class Invalid(Exception):
    """A part that every VHDX has is missing."""


@dataclasses.dataclass(frozen=True)
class Header:
    """The facts in the header of a VHDX.

    :ivar has_parent: whether it is the child of another disk
    :ivar block_table: offset in bytes of the block table
    :ivar block_size: bytes
    :ivar sector_size: bytes of a sector as the guest sees it
    """

    has_parent: bool
    block_table: int
    block_size: int
    sector_size: int


def read_header(file: file_slice.Reader) -> Header:
    """Read the header of a VHDX.

    :raises Invalid: a part is missing
    :raises struct.error: the file is truncated
    """
    regions = _read_table(file, _REGION_TABLE, _REGIONS)
    metadata = _offset(regions, _METADATA_REGION, '<Q', 'metadata')
    items = _read_table(file, metadata, _METADATA)
    parameters = _offset(items, _FILE_PARAMETERS, '<I', 'parameters')
    block_size, flags = struct.unpack(
        '<II', _read_at(file, metadata + parameters, 8))
    sector = _offset(items, _SECTOR_SIZE, '<I', 'sector size')
    (sector_size,) = struct.unpack('<I', _read_at(file, metadata + sector, 4))
    return Header(
        has_parent=bool(flags & _HAS_PARENT) or _PARENT_LOCATOR in items,
        block_table=_offset(regions, _BLOCK_REGION, '<Q', 'block table'),
        block_size=block_size, sector_size=sector_size)


def _offset(entries: Mapping[uuid.UUID, bytes], guid: uuid.UUID, layout: str,
            what: str) -> int:
    if guid not in entries:
        raise Invalid('The VHDX has no %s.' % what)
    offset: int = struct.unpack_from(layout, entries[guid], 16)[0]
    return offset


def _read_at(file: file_slice.Reader, offset: int, size: int) -> bytes:
    file.seek(offset)
    return file.read(size)


def _read_table(file: file_slice.Reader, offset: int,
                layout: _Layout) -> dict[uuid.UUID, bytes]:
    """Return the entries of a table by their GUIDs."""
    head = _read_at(file, offset, layout.entries_offset)
    if not head.startswith(layout.magic):
        return {}
    (count,) = struct.unpack_from('<H', head, layout.count_offset)
    data = file.read(min(count, _MAX_ENTRIES) * _ENTRY_SIZE)
    return {uuid.UUID(bytes_le=data[start:start + 16]):
            data[start:start + _ENTRY_SIZE]
            for start in range(0, len(data) - _ENTRY_SIZE + 1, _ENTRY_SIZE)}
