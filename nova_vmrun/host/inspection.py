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

from oslo_utils.imageutils import format_inspector

from nova_vmrun import exception
from nova_vmrun.formats import vmdk

# Formats of Glance that a root disk may have, and qemu-img's names of them.
QEMU_FORMATS = {'raw': 'raw', 'qcow2': 'qcow2', 'vmdk': 'vmdk'}

_CHUNK = 64 * 1024
_LARGEST_FLOPPY = 2880 * 1024

# QEMU searches this much of a VMDK for the name of a parent, whatever length
# the header gives, and takes the first it finds, be it in a comment.
_QEMU_READS = 20 * vmdk.SECTOR
_PARENT = 'parentfilenamehint'


def inspect(path, image_id, disk_format, create_types):
    """Finds out what an image really is, or refuses it.

    :param path: the downloaded file
    :param image_id: its id in Glance, for the error
    :param disk_format: what Glance says of it
    :param create_types: VMDK create types that are allowed
    :returns: (format for qemu-img -f, virtual size in bytes)
    :raises ImageRefused: it is not what it says, or refers to other files
    """
    if disk_format not in QEMU_FORMATS:
        raise exception.ImageRefused(
            image_id, 'Its disk_format is %s.' % disk_format,
            'Use an image of format %s.' % ', '.join(sorted(QEMU_FORMATS)))
    try:
        inspector = _detect(path)
        found = str(inspector)
        # A raw disk with a GPT is an ordinary raw disk.
        if found != disk_format and (disk_format, found) != ('raw', 'gpt'):
            raise exception.ImageRefused(
                image_id, 'Its disk_format is %s but its content is %s.'
                % (disk_format, found),
                'Correct disk_format, or upload the right file.')
        inspector.safety_check()
    except format_inspector.SafetyCheckFailed as error:
        raise exception.ImageRefused(
            image_id, 'It fails the safety check: %s.'
            % ', '.join(sorted(map(str, error.failures))),
            'Convert it with qemu-img to a disk that stands alone.')
    except format_inspector.ImageFormatError:
        raise exception.ImageRefused(
            image_id, 'Its content looks like several formats at once.')
    if disk_format == 'vmdk':
        return 'vmdk', _vmdk_size(path, image_id, create_types)
    if disk_format == 'raw':
        return 'raw', _file_size(path)
    return QEMU_FORMATS[disk_format], inspector.virtual_size


def inspect_iso(path, image_id, disk_format):
    """Refuses an image that is no ISO image, or says that it is not.

    Installers are hybrids: their first sectors are a disk with partitions.

    :param path: the downloaded file
    :param image_id: its id in Glance, for the error
    :param disk_format: what Glance says of it
    :raises ImageRefused: it cannot be in a CD drive
    """
    found = {str(each) for each in _read(path).formats}
    if disk_format != 'iso' or 'iso' not in found or found - {'iso', 'gpt'}:
        raise exception.ImageRefused(
            image_id, 'It cannot be in a CD drive: its disk_format is %s and '
            'its content is %s.' % (disk_format, ', '.join(sorted(found))),
            'Use an ISO 9660 image, uploaded with disk_format iso.')


def inspect_floppy(path, image_id, disk_format):
    """Refuses an image that is no floppy disk's content; see inspect_iso."""
    found = {str(each) for each in _read(path).formats}
    size = _file_size(path)
    # The boot sector of a FAT file system looks like a partition table.
    if disk_format != 'raw' or found - {'raw', 'gpt'}:
        reason = ('its disk_format is %s and its content is %s.'
                  % (disk_format, ', '.join(sorted(found))))
    elif not 0 < size <= _LARGEST_FLOPPY:
        reason = 'it has %d bytes, a floppy disk at most %d.' % (
            size, _LARGEST_FLOPPY)
    else:
        return
    raise exception.ImageRefused(
        image_id, 'It cannot be in a floppy drive: ' + reason,
        'Use the raw content of a floppy disk, uploaded with disk_format '
        'raw.')


def _detect(path):
    return _read(path).format


def _read(path):
    """Reads as much of an image as tells its format."""
    with open(path, 'rb') as file:
        wrapper = format_inspector.InspectWrapper(file)
        try:
            while file.peek(1):
                wrapper.read(_CHUNK)
                if wrapper.formats:
                    break
        finally:
            wrapper.close()
    return wrapper


def _vmdk_size(path, image_id, create_types):
    try:
        with open(path, 'rb') as file:
            header = vmdk.parse_header(file.read(vmdk.HEADER_SIZE))
            file.seek(header.descriptor_offset)
            text = vmdk.decode_descriptor(file.read(
                max(header.descriptor_size, _QEMU_READS)))
        vmdk.refuse_unless_self_contained(vmdk.parse_descriptor(text),
                                          create_types)
        _refuse_what_qemu_reads_otherwise(header, text)
    except exception.InvalidVmdk as error:
        raise exception.ImageRefused(image_id, str(error))
    return header.capacity


def _refuse_what_qemu_reads_otherwise(header, text):
    if _PARENT in text.lower():
        raise exception.InvalidVmdk(
            'The VMDK descriptor names a parent where none can be.')
    if not header.capacity:
        # QEMU would take the descriptor for that of a disk in many files.
        raise exception.InvalidVmdk('The VMDK has no capacity.')


def _file_size(path):
    with open(path, 'rb') as file:
        return file.seek(0, 2)
