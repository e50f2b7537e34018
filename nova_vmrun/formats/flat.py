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

"""Descriptors of disks whose content is raw bytes in one file or device.

VMware calls such a disk monolithicFlat, or fullDevice if a device of the host
has the content. The descriptor is a small text beside the content. Whoever can
write to it could make VMware open another file, so check it before each use.
"""

from collections.abc import Iterator
import dataclasses
import re
import uuid

from nova_vmrun import exception
from nova_vmrun.formats import vmdk

MONOLITHIC_FLAT = 'monolithicFlat'
FULL_DEVICE = 'fullDevice'

_TEXT = '''# Disk DescriptorFile
version=1
encoding="UTF-8"
CID=%(cid)s
parentCID=ffffffff
createType="%(create_type)s"

# Extent description
RW %(sectors)d FLAT "%(extent)s" 0

# The Disk Data Base
#DDB

ddb.adapterType = "%(adapter)s"
ddb.geometry.cylinders = "%(cylinders)d"
ddb.geometry.heads = "%(heads)d"
ddb.geometry.sectors = "63"
ddb.uuid = "%(uuid)s"
ddb.virtualHWVersion = "4"
'''
# The prefix that VMware gives to the UUIDs of its disks: the assigned name of
# a vendor, which SCSI inquiries return to the guest.
_VENDOR = '6000c29'
_MOST_IDE_CYLINDERS = 16383


@dataclasses.dataclass(frozen=True)
class FlatDisk:
    """A disk whose content is raw bytes in one file or device.

    :ivar extent: file name of the content, without a folder if the descriptor
        is beside it; an absolute path for a device
    :ivar sectors: of 512 bytes
    :ivar uuid: of the disk; the guest sees its last 25 digits as a serial
        number
    :ivar adapter: ide, buslogic or lsilogic; see vmdk.adapter_type()
    :ivar is_device: whether the extent is a device
    """

    extent: str
    sectors: int
    uuid: str
    adapter: str = 'lsilogic'
    is_device: bool = False

    @property
    def create_type(self) -> str:
        return FULL_DEVICE if self.is_device else MONOLITHIC_FLAT

    @property
    def size(self) -> int:
        """Bytes."""
        return self.sectors * vmdk.SECTOR


def serial(disk_uuid: str) -> str:
    """Return the serial number that a guest sees, 32 hexadecimal digits.

    VMware shows it on SCSI controllers if the .vmx has disk.EnableUUID.
    """
    return _VENDOR + uuid.UUID(disk_uuid).hex[len(_VENDOR):]


def descriptor(disk: FlatDisk) -> str:
    """Return the text of a disk's descriptor.

    The same disk always gets the same text. VMware changes the CID when a VM
    first writes to the disk, so compare descriptors with check().

    :raises InvalidText: a descriptor cannot contain the name of the extent
    """
    if not disk.extent or re.search(r'["\x00-\x1f\x7f]', disk.extent):
        raise exception.InvalidText(
            'The content of a disk cannot be in a file named %r.'
            % disk.extent,
            'A VMDK descriptor cannot contain quotes or control characters.',
            'Choose another name or folder.')
    digits = serial(disk.uuid)
    pairs = [digits[at:at + 2] for at in range(0, len(digits), 2)]
    cylinders, heads = _geometry(disk)
    return _TEXT % {
        'cid': _cid(disk.uuid), 'create_type': disk.create_type,
        'sectors': disk.sectors, 'extent': disk.extent,
        'adapter': disk.adapter, 'cylinders': cylinders, 'heads': heads,
        'uuid': '%s-%s' % (' '.join(pairs[:8]), ' '.join(pairs[8:]))}


def check(data: bytes, disk: FlatDisk) -> None:
    """Raise InvalidVmdk unless a descriptor is that of a disk.

    It may have another adapter, UUID and content ID, and more entries in its
    disk database, which VMware writes.

    :param data: all of the file
    :raises InvalidVmdk: VMware could read it as another disk; the error lists
        all reasons
    """
    parsed = vmdk.parse_descriptor(vmdk.decode_descriptor(data))
    faults = list(_faults(parsed, disk))
    if faults:
        raise exception.InvalidVmdk(' '.join(faults))


def _faults(parsed: vmdk.Descriptor, disk: FlatDisk) -> Iterator[str]:
    if parsed.create_type.lower() != disk.create_type.lower():
        yield 'Its type is %r instead of %s.' % (
            parsed.create_type[:40], disk.create_type)
    if parsed.parent_cid != vmdk.NO_PARENT or parsed.parent_hint:
        yield 'It is the child of another disk.'
    yield from vmdk.unknown_fields(parsed)
    if len(parsed.extents) != 1:
        yield 'It has %d extents instead of one.' % len(parsed.extents)
        return
    extent, = parsed.extents
    if (extent.access, extent.kind, extent.offset) != ('RW', 'FLAT', 0):
        yield 'Its extent is not a flat file that can be written to.'
    if extent.name != disk.extent:
        yield 'Its content is in %r instead of %r.' % (
            extent.name[:200], disk.extent)
    if extent.sectors != disk.sectors:
        yield 'It has %d sectors instead of %d.' % (
            extent.sectors, disk.sectors)


def _geometry(disk: FlatDisk) -> tuple[int, int]:
    """Return the cylinders and heads that VMware gives to such a disk."""
    heads = 16 if disk.adapter == 'ide' else 255
    cylinders = max(1, disk.sectors // (heads * 63))
    if disk.adapter == 'ide':
        cylinders = min(cylinders, _MOST_IDE_CYLINDERS)
    return cylinders, heads


def _cid(disk_uuid: str) -> str:
    cid = uuid.UUID(disk_uuid).hex[:8]
    # This one says that a disk has no parent.
    return '0' * 8 if cid == vmdk.NO_PARENT else cid
