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

"""VMDK headers and descriptors, as bytes and text.

A sparse VMDK in one file begins with a header of one sector. The descriptor, a
text that describes the disk, follows in a reserved range of sectors (VMware's
Virtual Disk Format 1.1). Nothing in a descriptor can be escaped.
"""

import codecs
from collections.abc import Iterable
from collections.abc import Iterator
import dataclasses
import re
import struct

from oslo_utils import units

from nova_vmrun import exception
from nova_vmrun.formats import encodings

SECTOR = 512
MAGIC = b'KDMV'
HEADER_SIZE = SECTOR
FOOTER = 2 * SECTOR
NO_PARENT = 'ffffffff'
# VMware supports no larger ones.
LARGEST_DISK = 8 * units.Ti

# Controllers that a descriptor names; lsilogic stands for all others.
NAMED_ADAPTERS = ('ide', 'buslogic')

MONOLITHIC_SPARSE = 'monolithicSparse'
STREAM_OPTIMIZED = 'streamOptimized'

# Bytes that are enough to recognise a descriptor.
MARK_WITHIN = 8 * SECTOR

# Maximum size of a descriptor, as in QEMU.
_MAX_DESCRIPTOR = units.Mi

# magic, version, flags, capacity, grain size, descriptor offset and size,
# entries of a grain table, offsets of the redundant grain directory and of the
# one in use
_HEADER = struct.Struct('<4sIIQQQQIQQ')
_COMPRESSED = 1 << 16
# An offset in bytes is a positive 64-bit number, so no file has more.
_LAST_SECTOR = (1 << 63) // SECTOR - 1
# Offset of the directory if a second header, in the last sector but one,
# replaces the first one.
_IN_FOOTER = (1 << 64) - 1
_EXTENT = re.compile(
    r'(RW|RDONLY|NOACCESS)[ \t]++([0-9]{1,19})[ \t]++([A-Z]++)'
    r'(?:[ \t]++"([^"]*+)")?(?:[ \t]++([0-9]{1,19})'
    # The identifiers of a partition and of the device that it is on.
    r'(?:[ \t]++(?:"[^"]*+"|[^ \t"]++)){0,2})?',
    re.IGNORECASE)
_FIELD = re.compile(r'([A-Za-z][A-Za-z0-9._]*+)\s*+=\s*+(.*)')
_LINE_END = re.compile('\r\n|\n|\r')
_CONTROL = re.compile('[\x00-\x08\x0b-\x1f\x7f]')
_ENCODING_LINE = encodings.line_of('encoding')
# VMware writes "# Disk DescriptorFile", VirtualBox also accepts two words, and
# QEMU only looks at the version.
_MARK = re.compile(rb'#[ \t]*disk[ \t]*descriptor[ \t]*file', re.IGNORECASE)
_VERSION = re.compile(rb'version[ \t]*=[ \t]*"?[1-9]', re.IGNORECASE)

# Fields that the descriptor of a disk in one file may have. Any other field
# could name a file (changeTrackPath, or a future one), so it is refused.
_KNOWN_FIELDS = frozenset([
    'version', 'encoding', 'cid', 'parentcid', 'isnativesnapshot',
    'createtype'])
_PARENT_HINT = 'parentfilenamehint'


@dataclasses.dataclass(frozen=True)
class Header:
    """The first sector of a sparse extent.

    :ivar capacity: size that the guest sees, bytes
    :ivar descriptor_offset: bytes from the start of the file; 0: no descriptor
    :ivar descriptor_size: bytes reserved for the descriptor
    :ivar grain: bytes of the disk per entry of a grain table
    :ivar entries: number of entries in a grain table
    :ivar directory: bytes from the start of the file to the grain directory;
        None: a second header, FOOTER bytes before the end, has it
    :ivar is_compressed: whether the grains are compressed
    """

    capacity: int
    descriptor_offset: int
    descriptor_size: int
    grain: int = 0
    entries: int = 0
    directory: int | None = None
    is_compressed: bool = False


@dataclasses.dataclass(frozen=True)
class Extent:
    """A line that says where a part of the disk's content is.

    :ivar offset: sectors from the start of the file, for flat extents
    """

    access: str
    sectors: int
    kind: str
    name: str
    offset: int = 0


@dataclasses.dataclass(frozen=True)
class Descriptor:
    """A parsed descriptor.

    :ivar fields: header fields by lower-case name, without quotes
    :ivar ddb: disk database entries by lower-case name
    """

    fields: dict[str, str]
    extents: tuple[Extent, ...]
    ddb: dict[str, str]

    @property
    def create_type(self) -> str:
        return self.fields.get('createtype', '')

    @property
    def is_ascii(self) -> bool:
        """Whether programs that ignore encodings read the same text."""
        return all(text.isascii() for text in (
            *self.fields.values(), *self.ddb.values(),
            *(extent.name for extent in self.extents)))

    @property
    def cid(self) -> str:
        return self._content_id('cid')

    @property
    def parent_cid(self) -> str:
        return self._content_id('parentcid')

    def _content_id(self, field: str) -> str:
        # qemu-img omits leading zeros, VMware writes eight digits.
        return self.fields.get(field, NO_PARENT).lower().zfill(8)

    @property
    def adapter_by_vmware(self) -> str | None:
        """ide or buslogic if VMware wrote the disk for one of them, else None.

        None leaves the controller open: VMware writes lsilogic for SATA, NVMe
        and paravirtual SCSI too, and qemu-img writes ide for any controller.
        """
        if not {'ddb.longcontentid', 'ddb.uuid'} & set(self.ddb):
            return None
        adapter = self.ddb.get('ddb.adaptertype', '').lower()
        return adapter if adapter in NAMED_ADAPTERS else None

    @property
    def parent_hint(self) -> str | None:
        """Path of the parent as written, or None for a disk without one."""
        return self.fields.get(_PARENT_HINT)


def parse_header(data: bytes) -> Header:
    """Parse the first sector of a VMDK.

    :param data: at least one sector
    :raises InvalidVmdk: it is not a sparse extent of a desktop product
    """
    if len(data) < HEADER_SIZE or not data.startswith(MAGIC):
        raise exception.InvalidVmdk('The file is not a sparse VMDK.')
    (_magic, _version, flags, capacity, grain, offset, size, entries, _spare,
     directory) = _HEADER.unpack_from(data)
    if size * SECTOR > _MAX_DESCRIPTOR:
        raise exception.InvalidVmdk('The descriptor is larger than 1 MiB.')
    if offset > _LAST_SECTOR:
        raise exception.InvalidVmdk('The descriptor is outside the file.')
    return Header(capacity * SECTOR, offset * SECTOR, size * SECTOR,
                  grain * SECTOR, entries,
                  None if directory == _IN_FOOTER else directory * SECTOR,
                  bool(flags & _COMPRESSED))


def decode_descriptor(data: bytes) -> str:
    """Return the text of a descriptor that is padded with zeros.

    :raises InvalidVmdk: the bytes are not valid in the encoding they name
    """
    try:
        return encodings.decode(data.partition(b'\0')[0], _ENCODING_LINE)[0]
    except encodings.Unknown as error:
        raise exception.InvalidVmdk('The descriptor cannot be read. %s'
                                    % error.brief)
    except UnicodeDecodeError as error:
        raise exception.InvalidVmdk(
            'The descriptor is not valid %s.' % error.encoding)


def is_descriptor(head: bytes) -> bool:
    """Return whether a file is only a descriptor, without content.

    :param head: the first MARK_WITHIN bytes of the file
    """
    head = head.removeprefix(codecs.BOM_UTF8)
    for line in re.split(rb'[\r\n]+', head):
        line = line.strip()
        if line and not line.startswith(b'#'):
            return _VERSION.match(line) is not None
        if _MARK.match(line):
            return True
    return False


def parse_descriptor(text: str) -> Descriptor:
    """Parse a descriptor.

    :raises InvalidVmdk: a line is neither a field nor an extent
    """
    fields: dict[str, str] = {}
    ddb: dict[str, str] = {}
    extents: list[Extent] = []
    for line in map(str.strip, _LINE_END.split(text)):
        if not line or line.startswith('#'):
            continue
        if _CONTROL.search(line):
            raise exception.InvalidVmdk(
                'The descriptor contains a control character.')
        extent = _EXTENT.fullmatch(line)
        if extent:
            access, sectors, kind, name, offset = extent.groups()
            extents.append(Extent(access.upper(), int(sectors), kind.upper(),
                                  name or '', int(offset or 0)))
            continue
        field = _FIELD.fullmatch(line)
        if not field:
            raise exception.InvalidVmdk(
                'The descriptor has a malformed line.')
        name, value = field.group(1).lower(), field.group(2).strip('"').strip()
        known = ddb if name.startswith('ddb.') else fields
        if name in known:
            raise exception.InvalidVmdk(
                'The descriptor sets %s twice.' % name)
        known[name] = value
    return Descriptor(fields, tuple(extents), ddb)


def refuse_unless_self_contained(descriptor: Descriptor,
                                 create_types: Iterable[str]) -> None:
    """Refuse a tenant's disk unless all of it is in one file.

    oslo.utils accepts child disks, names with backslashes and flat extents;
    each of them would make a tool read another file of the host.

    :param create_types: allowed create types
    :raises InvalidVmdk: the disk refers to another file, or could; the error
        lists all reasons
    """
    faults = list(_faults(descriptor, create_types))
    if faults:
        raise exception.InvalidVmdk(' '.join(faults))


def _faults(descriptor: Descriptor,
            create_types: Iterable[str]) -> Iterator[str]:
    allowed = {kind.lower() for kind in create_types}
    if descriptor.create_type.lower() not in allowed:
        yield ('VMDK images of type %r are not accepted; convert it to %s.'
               % (descriptor.create_type[:40], next(
                   (kind for kind in (STREAM_OPTIMIZED, MONOLITHIC_SPARSE)
                    if kind.lower() in allowed), 'qcow2')))
    if descriptor.parent_cid != NO_PARENT or descriptor.parent_hint:
        yield ('The VMDK is the child of another disk; a snapshot or linked '
               'clone must be consolidated before it is uploaded.')
    yield from unknown_fields(descriptor)
    if len(descriptor.extents) != 1:
        yield ('The VMDK is split into %d extents instead of one.'
               % len(descriptor.extents))
    elif (descriptor.extents[0].kind != 'SPARSE' or
            re.search(r'[/\\:]', descriptor.extents[0].name)):
        yield 'The VMDK keeps its content in another file.'


def unknown_fields(descriptor: Descriptor) -> Iterator[str]:
    """Yield a sentence if a field could name a file that we don't check."""
    unknown = set(descriptor.fields) - _KNOWN_FIELDS - {_PARENT_HINT}
    if unknown:
        yield ('The VMDK descriptor has the field %r, which may name another '
               'file.' % sorted(unknown)[0][:40])


def rewrite_descriptor(text: str, *, name: str, cid: str, adapter: str,
                       parent_cid: str = NO_PARENT,
                       parent_hint: str | None = None) -> str:
    """Return the descriptor of a copy, derived from the original's.

    :param text: descriptor of a disk in one sparse file
    :param name: file name of the copy, without the folder
    :param cid: content id of the copy, eight hexadecimal digits
    :param adapter: ide, buslogic or lsilogic
    :param parent_cid: content id of the parent
    :param parent_hint: path of the parent, None for a disk without a parent
    :raises InvalidText: a descriptor cannot contain a name
    """
    for value in filter(None, (name, parent_hint)):
        if re.search(r'["\x00-\x1f\x7f]', value):
            raise exception.InvalidText(
                'A disk cannot be named %r.' % value,
                'A VMDK descriptor cannot contain quotes or control '
                'characters.',
                'Choose another [DEFAULT] instances_path.')
    lines = []
    for line in _LINE_END.split(text.removesuffix('\n')):
        extent = _EXTENT.fullmatch(line.strip())
        key = line.partition('=')[0].strip().lower()
        if extent:
            line = '%s %s %s "%s"' % (extent.group(1), extent.group(2),
                                      extent.group(3), name)
        elif key == 'encoding':
            # The copy is written in UTF-8, whatever the original's encoding.
            line = 'encoding="UTF-8"'
        elif key == 'cid':
            line = 'CID=%s' % cid
        elif key == 'parentcid':
            line = 'parentCID=%s' % parent_cid
        elif key == _PARENT_HINT:
            continue
        elif key == 'createtype' and parent_hint is not None:
            line = '%s\nparentFileNameHint="%s"' % (line, parent_hint)
        elif key == 'ddb.adaptertype':
            line = 'ddb.adapterType = "%s"' % adapter
        lines.append(line)
    return '\n'.join(lines) + '\n'


def adapter_type(bus: str) -> str:
    """Return the ddb.adapterType of a disk on a bus.

    VMware writes lsilogic for every controller except IDE and BusLogic.
    """
    return bus if bus in NAMED_ADAPTERS else 'lsilogic'
