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

"""Detect the format of an image by its content."""

from typing import cast, IO

from oslo_utils.imageutils import format_inspector
from oslo_utils import units

from nova_vmrun import exception
from nova_vmrun.formats import vmdk
from nova_vmrun.inspection import file_slice
from nova_vmrun.inspection import signatures

# What oslo.utils calls a file without the header of a disk format. It uses
# gpt for the boot sector of a partitioned disk or of a FAT file system.
UNSTRUCTURED = frozenset(['raw', 'gpt'])

VHD_FOOTER_SIZE = 512
_VHD_COOKIE = b'conectix'
_CHUNK = 64 * units.Ki
# Of a VMDK, oslo.utils gets the start and the end only: it looks for headers
# there, and what lies between is content.
_VMDK_START, _VMDK_END = units.Mi + _CHUNK, _CHUNK


def detect(file: file_slice.Reader,
           image_id: str) -> list[format_inspector.FileInspector]:
    """Return the inspectors of all formats that a file looks like.

    :param file: open for reading; only as much as necessary is read
    :param image_id: its id in Glance, for the error
    :raises ImageRefused: the format cannot be determined
    """
    file.seek(0)
    head = file.read(vmdk.HEADER_SIZE)
    file.seek(0)
    is_vmdk = head.startswith(vmdk.MAGIC)
    # It only calls read() and close().
    wrapper = format_inspector.InspectWrapper(cast(
        'IO[bytes]', _AsciiDescriptor(file, head) if is_vmdk else file))
    try:
        while wrapper.read(_CHUNK):
            if wrapper.formats:
                break
            if is_vmdk and file.tell() >= _VMDK_START:
                is_vmdk = False
                file.seek(max(file.tell(), file_slice.size(file) - _VMDK_END))
        wrapper.close()
        return wrapper.formats or []
    except Exception as error:
        # For example a text that starts like a VMDK descriptor and turns out
        # to be binary.
        guess = signatures.guess(file)
        raise exception.ImageRefused(
            image_id, 'Its content is %s.' % guess.description,
            guess.advice) from error


def detect_formats(path: str, image_id: str) -> set[str]:
    """Return the names of all formats that a file looks like.

    :param path: the file
    :param image_id: its id in Glance, for the error
    :returns: names of oslo.utils; raw and gpt mean that it may be a raw disk
    :raises ImageRefused: the format cannot be determined
    """
    with file_slice.open_slice(path) as file:
        return set(map(str, detect(file, image_id)))


def is_iso(formats: set[str]) -> bool:
    """Return whether a file is an ISO image, which may also be a disk.

    Installers are hybrids: their first sectors are those of a disk with
    partitions.

    :param formats: as returned by detect_formats()
    """
    return 'iso' in formats and formats <= {'iso', 'gpt'}


def guess(path: str) -> signatures.Guess:
    """Return what a file without the header of a disk format may be."""
    with file_slice.open_slice(path) as file:
        return signatures.guess(file)


def is_fixed_vhd(path: str) -> bool:
    """Return whether a file is a VHD whose content comes before its footer."""
    with file_slice.open_slice(path) as file:
        return has_vhd_footer(file)


def has_vhd_footer(file: file_slice.Reader) -> bool:
    """Return whether a file ends with the footer of a VHD."""
    file.seek(max(0, file_slice.size(file) - VHD_FOOTER_SIZE))
    return file.read(len(_VHD_COOKIE)) == _VHD_COOKIE


class _AsciiDescriptor:
    """A VMDK for oslo.utils, which understands ASCII descriptors only.

    Replace the bytes of the descriptor above 127 with underscores. In all
    encodings that a descriptor may use, they only occur in names.

    :param file: open for reading
    :param head: its first sector
    """

    _UNDERSCORES = bytes(range(128)) + b'_' * 128

    def __init__(self, file: file_slice.Reader, head: bytes) -> None:
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
        """Leave the file open for its owner."""
