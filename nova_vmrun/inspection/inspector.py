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

"""Inspect an image before any tool opens it.

Nova's deep inspection accepts child VMDKs, and nova.virt.images.fetch() does
not inspect at all. So every image is inspected here, whatever [workarounds]
disable_deep_image_inspection says.
"""

from collections.abc import Collection
import contextlib
import dataclasses
import os
import struct

from oslo_utils.imageutils import format_inspector

from nova_vmrun import exception
from nova_vmrun.formats import vmdk
from nova_vmrun.inspection import detection
from nova_vmrun.inspection import disk_headers
from nova_vmrun.inspection import disk_tables
from nova_vmrun.inspection import file_slice
from nova_vmrun.inspection import ova
from nova_vmrun.inspection import signatures

# Glance's names of the formats that a root disk may have, and qemu-img's.
QEMU_FORMATS = {'raw': 'raw', 'qcow2': 'qcow2', 'vmdk': 'vmdk', 'vhd': 'vpc',
                'vhdx': 'vhdx', 'vdi': 'vdi'}
OVA = 'ova'

# Suffix of the file that a disk is unpacked to.
_UNPACKED = '.disk'
# Values of vmware_disktype for images that are an ESX extent without its
# descriptor.
_BARE_TYPES = (None, 'thin', 'preallocated')
ESX_SPARSE = b'COWD'
ESX_SE_SPARSE = b'\xbe\xba\xfe\xca\0\0\0\0'
# QEMU searches this much of a VMDK for the name of a parent, whatever length
# the header states, and takes the first match, even in a comment.
_QEMU_DESCRIPTOR_SIZE = 20 * vmdk.SECTOR
_PARENT = b'parentfilenamehint'
_VHD_DIFFERENCING = 4


@dataclasses.dataclass(frozen=True)
class Image:
    """The data in Glance about an image.

    :ivar id: its id in Glance
    :ivar disk_format: as Glance names it
    :ivar container_format: bare, or ova for a tar file with a VMDK in it
    :ivar disk_type: the property vmware_disktype, or None
    :ivar ova_disk: the property vmrun_ova_disk, which selects a disk of an
        OVA, or None
    """

    id: str
    disk_format: str
    container_format: str = 'bare'
    disk_type: str | None = None
    ova_disk: str | None = None

    @property
    def chosen_disk(self) -> str | None:
        """The disk that ova_disk selects; None if the image is no OVA."""
        return self.ova_disk if self.container_format == OVA else None


@dataclasses.dataclass(frozen=True)
class Content:
    """What an image really is.

    :ivar format: as qemu-img names it
    :ivar size: bytes of the disk as the guest sees it
    :ivar span: where the disk is in the file; None: it is the whole file
    :ivar adapter: ide or buslogic, if VMware wrote the disk for such a
        controller; else None
    :ivar unpacked_path: the file that the disk was unpacked to; None: it is
        still in the image
    """

    format: str
    size: int
    span: file_slice.Span | None = None
    adapter: str | None = None
    unpacked_path: str | None = None


def inspect(path: str, image: Image, create_types: Collection[str],
            scratch: str | None = None) -> Content:
    """Find out what an image really is, or refuse it.

    A disk in an OVA is read in place, unless it is compressed or split; if the
    OVA has a manifest, it is read twice.

    :param path: the downloaded file
    :param create_types: VMDK create types to accept
    :param scratch: the file to unpack a disk to, which the caller removes;
        None: a file beside the image
    :raises ImageRefused: it is not what it claims to be, or refers to other
        files
    :raises DiskFull: there is not enough space to unpack it
    """
    if image.disk_format not in QEMU_FORMATS:
        raise exception.ImageRefused(
            image.id, 'Its disk_format is %s.' % image.disk_format,
            'Use an image of format %s.' % ', '.join(sorted(QEMU_FORMATS)))
    if image.container_format != OVA:
        return _inspect_disk(path, None, image, create_types)
    guess = detection.guess(path)
    if guess.is_compressed:
        raise exception.ImageRefused(
            image.id, 'Its container_format is ova but its content is %s.'
            % guess.description, guess.advice)
    package = ova.read(path, image.id)
    disk = ova.find_disk(package, image.id, image.ova_disk)
    if disk.span_in_place is not None:
        content = _inspect_disk(path, disk.span_in_place, image, create_types)
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
    return dataclasses.replace(content, unpacked_path=unpacked)


def refuse_empty(file: file_slice.Reader, image_id: str) -> None:
    """Raise ImageRefused if a file has no content."""
    if not file_slice.size(file):
        raise exception.ImageRefused(
            image_id, 'It is empty: it has 0 bytes.', 'Upload it again.')


def _inspect_disk(path: str, span: file_slice.Span | None, image: Image,
                  create_types: Collection[str]) -> Content:
    with file_slice.open_slice(path, span) as file:
        refuse_empty(file, image.id)
        content = _inspect_content(file, image, create_types)
        if not 0 < content.size <= vmdk.LARGEST_DISK:
            raise exception.ImageRefused(
                image.id, 'It claims that its disk has %d bytes.'
                % content.size, 'VMware supports disks of up to 8 TiB.'
                if content.size > 0 else 'Upload the right file.')
        if not disk_tables.is_complete(content.format, file, content.size):
            raise exception.ImageRefused(
                image.id, 'Its content is truncated, or its tables are '
                'damaged.', 'Upload it again.')
    return dataclasses.replace(content, span=span)


def _inspect_content(file: file_slice.Slice, image: Image,
                     create_types: Collection[str]) -> Content:
    inspectors = detection.detect(file, image.id)
    if len(inspectors) > 1:
        raise exception.ImageRefused(
            image.id, 'Its content looks like several formats at once.')
    inspector, = inspectors
    found = str(inspector)
    if found in detection.UNSTRUCTURED:
        return _inspect_unstructured(file, image)
    if found != image.disk_format:
        if found not in (*QEMU_FORMATS, 'iso'):
            guess = signatures.guess(file)
            raise _mismatch(image, guess.description, guess.advice)
        raise _mismatch(image, found)
    _require_standalone(inspector, file, image.id)
    if found == 'vmdk':
        return _inspect_vmdk(file, image, create_types)
    if found == 'vhd':
        # A dynamic VHD begins with a copy of its footer.
        return _inspect_vhd(file, image, 0)
    try:
        return Content(QEMU_FORMATS[found], inspector.virtual_size)
    except (format_inspector.ImageFormatError, struct.error):
        raise _truncated_header(image.id)


def _require_standalone(inspector: format_inspector.FileInspector,
                        file: file_slice.Reader, image_id: str) -> None:
    advice = 'Convert it with qemu-img to a standalone disk.'
    try:
        inspector.safety_check()
    except format_inspector.SafetyCheckFailed as error:
        raise exception.ImageRefused(
            image_id, 'It fails the safety check: %s.'
            % ', '.join('%s (%s)' % each
                        for each in sorted(error.failures.items())), advice)
    except format_inspector.ImageFormatError:
        raise _truncated_header(image_id)
    problem = disk_headers.find_problem(str(inspector), file)
    if problem:
        raise exception.ImageRefused(image_id, problem, advice)


def _truncated_header(image_id: str) -> exception.ImageRefused:
    return exception.ImageRefused(
        image_id, 'Its header is incomplete.', 'Upload it again.')


def _mismatch(image: Image, found: str,
              advice: str = 'Correct disk_format, or upload the right file.'
              ) -> exception.ImageRefused:
    return exception.ImageRefused(
        image.id, 'Its disk_format is %s but its content is %s.'
        % (image.disk_format, found), advice)


def _inspect_unstructured(file: file_slice.Reader, image: Image) -> Content:
    """Inspect a file that does not begin with the header of a format."""
    size = file_slice.size(file)
    if image.disk_format == 'vhd' and detection.has_vhd_footer(file):
        return _inspect_vhd(file, image, size - detection.VHD_FOOTER_SIZE)
    guess = signatures.guess(file)
    if guess.is_foreign:
        raise _mismatch(image, guess.description, guess.advice)
    if image.disk_format == 'raw':
        return Content('raw', size)
    if (image.disk_format == 'vmdk' and image.container_format != OVA and
            image.disk_type in _BARE_TYPES):
        # An ESX extent, which is what vmware_disktype means by default.
        return Content('raw', size)
    raise _mismatch(image, guess.description, guess.advice)


def _inspect_vmdk(file: file_slice.Reader, image: Image,
                  create_types: Collection[str]) -> Content:
    try:
        file.seek(0)
        header = vmdk.parse_header(file.read(vmdk.HEADER_SIZE))
        if header.directory is None:
            _check_footer(file, header)
        file.seek(header.descriptor_offset)
        data = file.read(max(header.descriptor_size, _QEMU_DESCRIPTOR_SIZE))
        descriptor = vmdk.parse_descriptor(vmdk.decode_descriptor(data))
        vmdk.refuse_unless_self_contained(descriptor, create_types)
        _refuse_what_qemu_reads_differently(header, data)
    except exception.InvalidVmdk as error:
        raise exception.ImageRefused(image.id, str(error))
    return Content('vmdk', header.capacity,
                   adapter=descriptor.adapter_by_vmware)


def _check_footer(file: file_slice.Reader, header: vmdk.Header) -> None:
    file.seek(file_slice.size(file) - vmdk.FOOTER)
    footer = vmdk.parse_header(file.read(vmdk.HEADER_SIZE))
    if footer.capacity != header.capacity:
        raise exception.InvalidVmdk(
            'The header and the footer of the VMDK state different '
            'capacities.')


def _refuse_what_qemu_reads_differently(header: vmdk.Header,
                                        data: bytes) -> None:
    if header.descriptor_offset != vmdk.SECTOR:
        raise exception.InvalidVmdk(
            'The VMDK descriptor is not in the second sector.')
    if _PARENT in data.partition(b'\0')[0].lower():
        raise exception.InvalidVmdk(
            'The VMDK descriptor names a parent in an unexpected place.')
    if not header.capacity:
        # QEMU would treat the descriptor as that of a disk in several files.
        raise exception.InvalidVmdk('The VMDK has no capacity.')


def _inspect_vhd(file: file_slice.Reader, image: Image,
                 footer_offset: int) -> Content:
    file.seek(footer_offset)
    data = file.read(detection.VHD_FOOTER_SIZE)
    if int.from_bytes(data[60:64], 'big') == _VHD_DIFFERENCING:
        raise exception.ImageRefused(
            image.id, 'The VHD is the child of another disk.',
            'Convert it to a standalone disk.')
    return Content('vpc', int.from_bytes(data[48:56], 'big'))
