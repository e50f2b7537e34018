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

"""Images: what is written to volumes, and what is read from them."""

from collections.abc import Collection
from collections.abc import Mapping
import os

from oslo_utils import units

from nova_vmrun import exception
from nova_vmrun.formats import vmdk
from nova_vmrun.inspection import detection
from nova_vmrun.inspection import drive_images
from nova_vmrun.inspection import inspector

_RAW = 'raw'
_ISO = 'iso'


def inspect(path: str, image_id: str, metadata: Mapping[str, object],
            create_types: Collection[str], size: int) -> int:
    """Inspect an image before Cinder converts it.

    :param path: the downloaded file
    :param metadata: what Glance says about the image
    :param create_types: VMDK create types to accept
    :param size: of the volume in bytes
    :returns: bytes of the image's disk
    :raises ImageRefused: it is not what it claims to be, refers to other
        files, or does not fit
    """
    container = metadata.get('container_format')
    if container != 'bare':
        raise exception.ImageRefused(
            image_id, 'Its container_format is %s.' % container,
            'Only images with container_format bare can become volumes; '
            'upload the disk itself.')
    image = inspector.Image(image_id, str(metadata.get('disk_format')))
    if image.disk_format == _ISO:
        drive_images.require_iso(path, image)
        length = os.path.getsize(path)
    else:
        content = inspector.inspect(path, image, create_types)
        if content.format != inspector.QEMU_FORMATS[image.disk_format]:
            raise exception.ImageRefused(
                image_id, 'Its disk_format is %s but its content is %s.'
                % (image.disk_format, content.format),
                'Set disk_format to %s.' % content.format)
        length = content.size
    if length > size:
        raise exception.ImageRefused(
            image_id, 'Its disk has %d bytes, and the volume %d GiB.'
            % (length, size // units.Gi), 'Create a larger volume.')
    return length


def require_complete(path: str, image_id: str, length: int) -> None:
    """Raise ImageRefused if the conversion of an image has lost its end.

    qemu-img may take the size of a VHD from its geometry, which is less.

    :param path: the converted disk
    :param length: bytes of the image's disk
    """
    converted = os.path.getsize(path)
    if converted < length:
        raise exception.ImageRefused(
            image_id, 'qemu-img read %d of the %d bytes of its disk.'
            % (converted, length), 'Convert it to qcow2 and upload that.')


def refuse_disguised(path: str, volume_title: str,
                     metadata: Mapping[str, object]) -> None:
    """Refuse to convert a volume that qemu-img would not read as raw bytes.

    Whoever writes to a volume could otherwise have qemu-img open another file
    of this host.

    :param path: the content of the volume
    :param metadata: of the image to be made
    :raises InvalidInput: the volume begins like the header of a format
    """
    if metadata.get('disk_format') == _RAW and (
            metadata.get('container_format') != 'compressed'):
        return
    try:
        found = detection.detect_formats(path, volume_title)
    except exception.ImageRefused:
        found = {'damaged'}
    with open(path, 'rb') as file:
        head = file.read(vmdk.MARK_WITHIN)
    if vmdk.is_descriptor(head) or head.startswith(inspector.ESX_SPARSE):
        found.add('vmdk')
    disguises = sorted(found - detection.UNSTRUCTURED - {_ISO})
    if disguises:
        raise exception.InvalidInput(
            '%s cannot be converted to %s.'
            % (volume_title, metadata.get('disk_format')),
            'Its content looks like a disk image (%s).'
            % ', '.join(disguises), 'Upload it with disk format raw.')
