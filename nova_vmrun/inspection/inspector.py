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

"""Looks at an image before any tool opens it.

Nova's deep inspection lets child VMDKs pass, and nova.virt.images.fetch()
makes none at all, so this is done here for every image, whatever
[workarounds] disable_deep_image_inspection says.
"""

import contextlib
import dataclasses
import io
import os
import struct

from oslo_utils.imageutils import format_inspector
from oslo_utils import units

from nova_vmrun import exception
from nova_vmrun.formats import vmdk
from nova_vmrun.inspection import disk_headers
from nova_vmrun.inspection import disk_tables
from nova_vmrun.inspection import file_slice
from nova_vmrun.inspection import ova
from nova_vmrun.inspection import signatures

# Formats of Glance that a root disk may have, and qemu-img's names of them.
QEMU_FORMATS = {'raw': 'raw', 'qcow2': 'qcow2', 'vmdk': 'vmdk', 'vhd': 'vpc',
                'vhdx': 'vhdx', 'vdi': 'vdi'}
OVA = 'ova'
LARGEST_DISK = 8 * units.Ti

# Of the file that a disk is unpacked into.
_UNPACKED = '.disk'
_CHUNK = 64 * units.Ki
_LARGEST_FLOPPY = 2880 * units.Ki
# The boot sector of a disk with partitions, or of a FAT file system, is what
# the inspector calls gpt; as a disk it is raw.
_UNSTRUCTURED = frozenset(['raw', 'gpt'])
# vmware_disktype of images that are an extent of ESX, without a descriptor.
_BARE_TYPES = (None, 'thin', 'preallocated')
ESX_SPARSE = b'COWD'
ESX_SE_SPARSE = b'\xbe\xba\xfe\xca\0\0\0\0'
# QEMU searches this much of a VMDK for the name of a parent, whatever length
# the header gives, and takes the first it finds, be it in a comment.
_QEMU_READS = 20 * vmdk.SECTOR
_PARENT = b'parentfilenamehint'
_VHD_COOKIE = b'conectix'
_VHD_FOOTER = 512
# Of a VMDK that begins thus and has a second header in its end, no more than
# these are looked at; what lies between them is content.
_BOTH_ENDS = vmdk.MAGIC
_FIRST, _LAST = units.Mi + _CHUNK, _CHUNK
_VHD_DIFFERENCING = 4


@dataclasses.dataclass(frozen=True)
class Image:
    """What Glance says of an image.

    :ivar id: its id
    :ivar disk_format: of Glance's list
    :ivar container_format: bare, or ova for a tar file with a VMDK in it
    :ivar disk_type: the property vmware_disktype, or None
    :ivar ova_disk: which disk of an OVA it is, as vmrun_ova_disk says, or
        None
    """

    id: str
    disk_format: str
    container_format: str = 'bare'
    disk_type: str | None = None
    ova_disk: str | None = None

    @property
    def chosen_disk(self) -> str | None:
        """The disk that ova_disk chooses; None if that means nothing."""
        return self.ova_disk if self.container_format == OVA else None


@dataclasses.dataclass(frozen=True)
class Content:
    """What an image really is.

    :ivar format: for qemu-img
    :ivar size: bytes of the disk that a guest sees
    :ivar span: (offset, length) in bytes of the disk in the file; None: all
    :ivar adapter: ide or buslogic, if VMware wrote the disk for one of these
        controllers; else None
    :ivar path: the file that the disk is in, if it had to be unpacked from
        the image; else None
    """

    format: str
    size: int
    span: tuple | None = None
    adapter: str | None = None
    path: str | None = None


def inspect(path: str, image: Image, create_types: tuple,
            scratch: str | None = None) -> Content:
    """Finds out what an image really is, or refuses it.

    A disk is read where it lies, but for one in an OVA that is compressed or
    in pieces. The disk of an OVA with a manifest is read once more.

    :param path: the downloaded file
    :param image: an Image
    :param create_types: VMDK create types that are allowed
    :param scratch: the file that a disk is unpacked into, which the caller
        removes; None: beside the image
    :returns: a Content
    :raises ImageRefused: it is not what it says, or refers to other files
    :raises DiskFull: there is no room to unpack it
    """
    if image.disk_format not in QEMU_FORMATS:
        raise exception.ImageRefused(
            image.id, 'Its disk_format is %s.' % image.disk_format,
            'Use an image of format %s.' % ', '.join(sorted(QEMU_FORMATS)))
    if image.container_format != OVA:
        return _inspect_disk(path, None, image, create_types)
    outside = look(path)
    if outside.is_packed:
        raise exception.ImageRefused(
            image.id, 'Its container_format is ova but its content is %s.'
            % outside.what, outside.advice)
    package = ova.read(path, image.id)
    disk = ova.find_disk(package, image.id, image.ova_disk)
    if disk.in_place is not None:
        content = _inspect_disk(path, disk.in_place, image, create_types)
        ova.verify(path, package, disk, image.id)
        return content
    unpacked = scratch or path + _UNPACKED
    try:
        ova.unpack(path, disk, unpacked, image.id)
        content = _inspect_disk(unpacked, None, image, create_types)
        ova.verify(path, package, disk, image.id)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.remove(unpacked)
        raise
    return dataclasses.replace(content, path=unpacked)


def _inspect_disk(path: str, span: tuple | None, image: Image,
                  create_types: tuple) -> Content:
    with file_slice.opened(path, span) as file:
        _refuse_empty(file, image.id)
        content = _inspect(file, image, create_types)
        if not 0 < content.size <= LARGEST_DISK:
            raise exception.ImageRefused(
                image.id, 'It says that its disk has %d bytes.'
                % content.size, 'VMware has disks of up to 8 TiB.'
                if content.size > 0 else 'Upload the right file.')
        if not disk_tables.is_whole(content.format, file, content.size):
            raise exception.ImageRefused(
                image.id, 'Its content is cut off, or its tables are '
                'damaged.', 'Upload it again.')
    return dataclasses.replace(content, span=span)


def _inspect(file, image, create_types):
    found = _read(file, image.id)
    if len(found) > 1:
        raise exception.ImageRefused(
            image.id, 'Its content looks like several formats at once.')
    inspector, = found
    found = str(inspector)
    if found in _UNSTRUCTURED:
        return _unstructured(file, image)
    if found != image.disk_format:
        if found not in (*QEMU_FORMATS, 'iso'):
            look = signatures.look(file)
            raise _mismatch(image, look.what, look.advice)
        raise _mismatch(image, found)
    try:
        inspector.safety_check()
    except format_inspector.SafetyCheckFailed as error:
        raise exception.ImageRefused(
            image.id, 'It fails the safety check: %s.'
            % ', '.join('%s (%s)' % each
                        for each in sorted(error.failures.items())),
            'Convert it with qemu-img to a disk that stands alone.')
    except format_inspector.ImageFormatError:
        raise _cut_off(image)
    trouble = disk_headers.trouble(found, file)
    if trouble:
        raise exception.ImageRefused(
            image.id, trouble,
            'Convert it with qemu-img to a disk that stands alone.')
    if found == 'vmdk':
        return _vmdk(file, image, create_types)
    if found == 'vhd':
        return _vhd(file, image, 0)
    try:
        return Content(QEMU_FORMATS[found], inspector.virtual_size)
    except (format_inspector.ImageFormatError, struct.error):
        raise _cut_off(image)


def _refuse_empty(file: io.RawIOBase, image_id: str) -> None:
    if not file_slice.size(file):
        raise exception.ImageRefused(
            image_id, 'It is empty: it has 0 bytes.', 'Upload it again.')


def _cut_off(image):
    return exception.ImageRefused(
        image.id, 'Its header is not whole.', 'Upload it again.')


def _mismatch(image: Image, found: str,
              advice: str = 'Correct disk_format, or upload the right file.'
              ) -> exception.ImageRefused:
    return exception.ImageRefused(
        image.id, 'Its disk_format is %s but its content is %s.'
        % (image.disk_format, found), advice)


def _unstructured(file: io.RawIOBase, image: Image) -> Content:
    """An image that has no header which names its format."""
    size = file_slice.size(file)
    if image.disk_format == 'vhd' and _ends_as_vhd(file):
        return _vhd(file, image, size - _VHD_FOOTER)
    look = signatures.look(file)
    if look.is_foreign:
        raise _mismatch(image, look.what, look.advice)
    if image.disk_format == 'raw':
        return Content('raw', size)
    if (image.disk_format == 'vmdk' and image.container_format != OVA and
            image.disk_type in _BARE_TYPES):
        # An extent of ESX, the default of vmware_disktype.
        return Content('raw', size)
    raise _mismatch(image, look.what, look.advice)


def _vmdk(file, image, create_types):
    try:
        file.seek(0)
        header = vmdk.parse_header(file.read(vmdk.HEADER_SIZE))
        if header.directory is None:
            _refuse_another_capacity(file, header)
        file.seek(header.descriptor_offset)
        data = file.read(max(header.descriptor_size, _QEMU_READS))
        descriptor = vmdk.parse_descriptor(vmdk.decode_descriptor(data))
        vmdk.refuse_unless_self_contained(descriptor, create_types)
        _refuse_what_qemu_reads_otherwise(header, data)
    except exception.InvalidVmdk as error:
        raise exception.ImageRefused(image.id, str(error))
    return Content('vmdk', header.capacity,
                   adapter=descriptor.adapter_by_vmware)


def _refuse_another_capacity(file, header):
    file.seek(file_slice.size(file) - vmdk.FOOTER)
    footer = vmdk.parse_header(file.read(vmdk.HEADER_SIZE))
    if footer.capacity != header.capacity:
        raise exception.InvalidVmdk('The VMDK tells two capacities.')


def _refuse_what_qemu_reads_otherwise(header: vmdk.Header,
                                      data: bytes) -> None:
    if header.descriptor_offset != vmdk.SECTOR:
        raise exception.InvalidVmdk(
            'The VMDK descriptor is not in the second sector.')
    if _PARENT in data.partition(b'\0')[0].lower():
        raise exception.InvalidVmdk(
            'The VMDK descriptor names a parent where none can be.')
    if not header.capacity:
        # QEMU would take the descriptor for that of a disk in many files.
        raise exception.InvalidVmdk('The VMDK has no capacity.')


def _vhd(file, image, footer):
    """A dynamic VHD has a copy of its footer first, a fixed one has not."""
    file.seek(footer)
    data = file.read(_VHD_FOOTER)
    if int.from_bytes(data[60:64], 'big') == _VHD_DIFFERENCING:
        raise exception.ImageRefused(
            image.id, 'The VHD is the child of another disk.',
            'Convert it to a disk that stands alone.')
    return Content('vpc', int.from_bytes(data[48:56], 'big'))


def inspect_iso(path, image):
    """Refuses an image that is no ISO image, or says that it is not.

    Installers are hybrids: their first sectors are a disk with partitions.

    :param path: the downloaded file
    :param image: an Image
    :raises ImageRefused: it cannot be in a CD drive
    """
    with file_slice.opened(path) as file:
        _refuse_empty(file, image.id)
        found = set(map(str, _read(file, image.id)))
        if image.disk_format == 'iso' and is_iso(found):
            return
        what, advice = _told(file, found)
    raise exception.ImageRefused(
        image.id, 'It cannot be in a CD drive: its disk_format is %s and its '
        'content is %s.' % (image.disk_format, what),
        advice or 'Use an ISO 9660 image, uploaded with disk_format iso.')


def is_iso(found: set[str]) -> bool:
    """Tells whether a file is an ISO image and at most a disk as well.

    :param found: what formats returned
    """
    return 'iso' in found and found <= {'iso', 'gpt'}


def _told(file: io.RawIOBase, found: set[str]) -> tuple[str, str]:
    """Returns what a file is, in words, and what to do if it is foreign."""
    if found <= _UNSTRUCTURED:
        look = signatures.look(file)
        return look.what, look.advice if look.is_foreign else ''
    return ', '.join(sorted(found)), ''


def inspect_floppy(path, image):
    """Refuses an image that is no floppy disk's content; see inspect_iso."""
    with file_slice.opened(path) as file:
        _refuse_empty(file, image.id)
        size = file_slice.size(file)
        found = set(map(str, _read(file, image.id)))
        look = signatures.look(file)
        what, _ = _told(file, found)
    if (image.disk_format != 'raw' or found - _UNSTRUCTURED or
            look.is_packed):
        reason = ('its disk_format is %s and its content is %s.'
                  % (image.disk_format, what))
    elif size > _LARGEST_FLOPPY:
        reason = 'it has %d bytes, a floppy disk at most %d.' % (
            size, _LARGEST_FLOPPY)
    else:
        return
    raise exception.ImageRefused(
        image.id, 'It cannot be in a floppy drive: ' + reason,
        'Use the raw content of a floppy disk, uploaded with disk_format '
        'raw.')


def formats(path, image_id):
    """Returns the names of all formats that a file looks like.

    :param path: the file
    :param image_id: its id in Glance, for the error
    :returns: set of oslo.utils' names; raw and gpt say that it may be any disk
    :raises ImageRefused: nobody can tell
    """
    with file_slice.opened(path) as file:
        return set(map(str, _read(file, image_id)))


def look(path: str) -> signatures.Look:
    """Tells what a file is in which formats has found none."""
    with file_slice.opened(path) as file:
        return signatures.look(file)


def is_fixed_vhd(path):
    """Tells whether a file is a VHD whose content comes first, as it is."""
    with file_slice.opened(path) as file:
        return _ends_as_vhd(file)


def _ends_as_vhd(file):
    file.seek(max(0, file_slice.size(file) - _VHD_FOOTER))
    return file.read(len(_VHD_COOKIE)) == _VHD_COOKIE


def _read(file, image_id):
    """Reads as much of an image as tells its format; returns inspectors."""
    file.seek(0)
    head = file.read(vmdk.HEADER_SIZE)
    file.seek(0)
    is_vmdk = head.startswith(_BOTH_ENDS)
    wrapper = format_inspector.InspectWrapper(
        _AsciiDescriptor(file, head) if is_vmdk else file)
    try:
        while wrapper.read(_CHUNK):
            if wrapper.formats:
                break
            if is_vmdk and file.tell() >= _FIRST:
                is_vmdk = False
                file.seek(max(file.tell(), file_slice.size(file) - _LAST))
        wrapper.close()
        return wrapper.formats
    except Exception as error:
        # Such as a text that may be a VMDK's descriptor, and is no text later.
        look = signatures.look(file)
        raise exception.ImageRefused(
            image_id, 'Its content is %s.' % look.what,
            look.advice) from error


class _AsciiDescriptor:
    """A VMDK for oslo.utils, which knows descriptors in ASCII only.

    Bytes of the descriptor above 127 are shown as underscores. In none of the
    encodings that a descriptor may have are they more than parts of names.

    :param file: open for reading
    :param head: its first sector
    """

    _UNDERSCORES = bytes(range(128)) + b'_' * 128

    def __init__(self, file: io.RawIOBase, head: bytes) -> None:
        self._file = file
        try:
            header = vmdk.parse_header(head)
            self._start = header.descriptor_offset
            self._end = self._start + header.descriptor_size
        except exception.InvalidVmdk:
            self._start = self._end = 0

    def read(self, size: int) -> bytes:
        position = self._file.tell()
        data = self._file.read(size)
        start = max(0, self._start - position)
        end = max(start, self._end - position)
        return (data[:start] + data[start:end].translate(self._UNDERSCORES) +
                data[end:])

    def close(self) -> None:
        """Leaves the file to who opened it."""
