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

"""The tables in which a VHDX says what it is and where its parts lie."""

import dataclasses
import struct
import uuid

from oslo_utils import units

# The first region table says where the metadata and the table of blocks are.
_REGION_TABLE = 192 * units.Ki
_REGIONS = (b'regi', 8, 16)
_METADATA = (b'metadata', 10, 32)
_METADATA_REGION = uuid.UUID('8b7ca206-4790-4b9a-b8fe-575f050f886e')
_BLOCK_REGION = uuid.UUID('2dc27766-f623-4200-9d64-115e9bfd4a08')
_FILE_PARAMETERS = uuid.UUID('caa16737-fa36-4d43-b3b6-33f0aa44e76b')
_SECTOR_SIZE = uuid.UUID('8141bf1d-a96f-4709-ba47-f233a8faab5f')
_PARENT_LOCATOR = uuid.UUID('a8d35f2d-b30b-454d-abf7-d3d84834ab0c')
_HAS_PARENT = 2
_MOST_ENTRIES = 2047
_ENTRY = 32


class Invalid(Exception):
    """Something that each VHDX has is not there."""


@dataclasses.dataclass(frozen=True)
class Header:
    """What a VHDX says of itself.

    :ivar has_parent: whether it is the child of another disk
    :ivar blocks: offset in bytes of the table of blocks
    :ivar block: bytes of a block
    :ivar sector: bytes of a sector, as the guest sees it
    """

    has_parent: bool
    blocks: int
    block: int
    sector: int


def read(file):
    """Reads the header of a VHDX.

    :param file: open for reading
    :returns: a Header
    :raises Invalid: it has not got all that a VHDX has
    :raises struct.error: it is cut off
    """
    regions = _table(file, _REGION_TABLE, *_REGIONS)
    metadata = _offset(regions, _METADATA_REGION, '<Q', 'metadata')
    items = _table(file, metadata, *_METADATA)
    parameters = _offset(items, _FILE_PARAMETERS, '<I', 'parameters')
    block, flags = struct.unpack('<II', _at(file, metadata + parameters, 8))
    sector = _offset(items, _SECTOR_SIZE, '<I', 'sector size')
    return Header(
        bool(flags & _HAS_PARENT) or _PARENT_LOCATOR in items,
        _offset(regions, _BLOCK_REGION, '<Q', 'table of blocks'), block,
        *struct.unpack('<I', _at(file, metadata + sector, 4)))


def _offset(entries, guid, layout, what):
    if guid not in entries:
        raise Invalid('The VHDX has no %s.' % what)
    return struct.unpack_from(layout, entries[guid], 16)[0]


def _at(file, offset, size):
    file.seek(offset)
    return file.read(size)


def _table(file, offset, magic, count_at, first):
    """Reads a table; returns GUIDs and their entries."""
    head = _at(file, offset, first)
    if not head.startswith(magic):
        return {}
    count = min(struct.unpack_from('<H', head, count_at)[0], _MOST_ENTRIES)
    data = file.read(count * _ENTRY)
    return {uuid.UUID(bytes_le=data[start:start + 16]):
            data[start:start + _ENTRY]
            for start in range(0, len(data) - _ENTRY + 1, _ENTRY)}
