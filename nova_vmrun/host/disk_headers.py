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

"""What the headers of disks say of other disks and of encryption.

oslo.utils does not look at this: for it every VHDX, VDI and VHD is safe. Each
of them can be the child of another disk, and a qcow2 can be encrypted.
"""

import struct
import uuid

from oslo_utils import units

from nova_vmrun.host import qcow2_tables

_CHILD = 'The %s is the child of another disk.'

# VDI: type of the image, 1 grows and 2 does not; ids of link and parent.
_VDI_KIND = 0x4c
_VDI_WHOLE = (1, 2)
_VDI_LINKS = (0x1a8, 32)

_QCOW2_ENCRYPTION = 32

# VHDX: the first region table says where the metadata are, and these whether
# there is a parent.
_REGION_TABLE = 192 * units.Ki
_REGIONS = (b'regi', 8, 16)
_METADATA = (b'metadata', 10, 32)
_METADATA_REGION = uuid.UUID('8b7ca206-4790-4b9a-b8fe-575f050f886e')
_FILE_PARAMETERS = uuid.UUID('caa16737-fa36-4d43-b3b6-33f0aa44e76b')
_PARENT_LOCATOR = uuid.UUID('a8d35f2d-b30b-454d-abf7-d3d84834ab0c')
_HAS_PARENT = 2
_MOST_ENTRIES = 2047
_ENTRY = 32


def trouble(found, file):
    """Tells why a disk does not stand alone.

    :param found: its format, as oslo.utils names it
    :param file: open for reading
    :returns: a sentence, or None
    """
    check = {'qcow2': _qcow2, 'vdi': _vdi, 'vhdx': _vhdx}.get(found)
    try:
        return check(file) if check else None
    except struct.error:
        return 'The %s is cut off.' % found.upper()


def _at(file, offset, size):
    file.seek(offset)
    return file.read(size)


def _qcow2(file):
    (method,) = struct.unpack('>I', _at(file, _QCOW2_ENCRYPTION, 4))
    if method:
        return 'The qcow2 is encrypted.'
    return None if qcow2_tables.is_whole(file) else 'The qcow2 is cut off.'


def _vdi(file):
    (kind,) = struct.unpack('<I', _at(file, _VDI_KIND, 4))
    if kind not in _VDI_WHOLE or any(_at(file, *_VDI_LINKS)):
        return _CHILD % 'VDI'
    return None


def _vhdx(file):
    regions = _table(file, _REGION_TABLE, *_REGIONS)
    if _METADATA_REGION not in regions:
        return 'The VHDX has no metadata.'
    offset = struct.unpack_from('<Q', regions[_METADATA_REGION], 16)[0]
    items = _table(file, offset, *_METADATA)
    if _FILE_PARAMETERS not in items:
        return 'The VHDX has no parameters.'
    at = struct.unpack_from('<I', items[_FILE_PARAMETERS], 16)[0]
    (flags,) = struct.unpack('<4xI', _at(file, offset + at, 8))
    if flags & _HAS_PARENT or _PARENT_LOCATOR in items:
        return _CHILD % 'VHDX'
    return None


def _table(file, offset, magic, count_at, first):
    """Reads a table of a VHDX; returns GUIDs and their entries."""
    head = _at(file, offset, first)
    if not head.startswith(magic):
        return {}
    count = min(struct.unpack_from('<H', head, count_at)[0], _MOST_ENTRIES)
    data = file.read(count * _ENTRY)
    return {uuid.UUID(bytes_le=data[start:start + 16]):
            data[start:start + _ENTRY]
            for start in range(0, len(data) - _ENTRY + 1, _ENTRY)}
