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

"""Inspection of images for a CD or floppy drive."""

from oslo_utils import units

from nova_vmrun import exception
from nova_vmrun.inspection import detection
from nova_vmrun.inspection import file_slice
from nova_vmrun.inspection import inspector
from nova_vmrun.inspection import signatures

_LARGEST_FLOPPY = 2880 * units.Ki


def require_iso(path: str, image: inspector.Image) -> None:
    """Refuse an image that is not an ISO image or not declared as one.

    :param path: the downloaded file
    :raises ImageRefused: a CD drive cannot hold it
    """
    with file_slice.open_slice(path) as file:
        inspector.refuse_empty(file, image.id)
        formats = set(map(str, detection.detect(file, image.id)))
        if image.disk_format == 'iso' and detection.is_iso(formats):
            return
        description, advice = _describe(file, formats)
    raise exception.ImageRefused(
        image.id, 'It cannot be in a CD drive: its disk_format is %s and its '
        'content is %s.' % (image.disk_format, description),
        advice or 'Use an ISO 9660 image, uploaded with disk_format iso.')


def require_floppy(path: str, image: inspector.Image) -> None:
    """Refuse an image that is not the raw content of a floppy disk.

    :param path: the downloaded file
    :raises ImageRefused: a floppy drive cannot hold it
    """
    with file_slice.open_slice(path) as file:
        inspector.refuse_empty(file, image.id)
        size = file_slice.size(file)
        formats = set(map(str, detection.detect(file, image.id)))
        guess = signatures.guess(file)
        description, _ = _describe(file, formats)
    if (image.disk_format != 'raw' or formats - detection.UNSTRUCTURED or
            guess.is_compressed):
        reason = ('its disk_format is %s and its content is %s.'
                  % (image.disk_format, description))
    elif size > _LARGEST_FLOPPY:
        reason = 'it has %d bytes, a floppy disk at most %d.' % (
            size, _LARGEST_FLOPPY)
    else:
        return
    raise exception.ImageRefused(
        image.id, 'It cannot be in a floppy drive: ' + reason,
        'Use the raw content of a floppy disk, uploaded with disk_format '
        'raw.')


def _describe(file: file_slice.Reader,
              formats: set[str]) -> tuple[str, str]:
    """Return what a file is and, if it is no disk at all, what to do."""
    if formats <= detection.UNSTRUCTURED:
        guess = signatures.guess(file)
        return guess.description, guess.advice if guess.is_foreign else ''
    return ', '.join(sorted(formats)), ''
