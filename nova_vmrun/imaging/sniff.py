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

"""What Glance must be told of a file, by its content."""

import os
import tarfile
import typing

from oslo_utils.imageutils import format_inspector

from nova_vmrun import exception
from nova_vmrun.host import inspection
from nova_vmrun.imaging import disk_files

_VHD_FOOTER = 512
_VHD_COOKIE = b'conectix'
_ESX_SPARSE = b'COWD'
_MAGIC_AT, _MAGIC = 257, b'ustar'
_CHUNK = 65536


class Kind(typing.NamedTuple):
    """The formats that Glance is to be told.

    :ivar disk_format: of Glance's list
    :ivar container_format: bare or ova
    :ivar disk_type: what vmware_disktype must be, or None
    """

    disk_format: str
    container_format: str = 'bare'
    disk_type: str | None = None


def sniff(path):
    """Finds out what a file is.

    :param path: the file
    :returns: a Kind
    :raises ImageRefused: it is several things at once, or nothing known
    """
    with open(path, 'rb') as file:
        head = file.read(tarfile.BLOCKSIZE)
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _VHD_FOOTER))
        tail = file.read(_VHD_FOOTER)
    if head.startswith(disk_files.DESCRIPTOR_MAGIC):
        return Kind('vmdk')
    if head[_MAGIC_AT:].startswith(_MAGIC):
        return Kind('vmdk', inspection.OVA)
    found = _formats(path)
    if 'iso' in found and found <= {'iso', 'gpt'}:
        return Kind('iso')
    if len(found) > 1:
        raise exception.ImageRefused(
            os.path.basename(path), 'Its content looks like several formats '
            'at once: %s.' % ', '.join(sorted(found)))
    name = found.pop()
    if name not in ('raw', 'gpt'):
        return Kind(name)
    if tail.startswith(_VHD_COOKIE):
        return Kind('vhd')
    if head.startswith(_ESX_SPARSE):
        raise exception.ImageRefused(
            os.path.basename(path), 'It is an extent of a disk of ESX.',
            'Name the .vmdk that is its descriptor.')
    if path.lower().endswith('.vmdk'):
        # Glance refuses a file without VMDK header that is declared as one.
        return Kind('raw', disk_type='preallocated')
    return Kind('raw')


def _formats(path):
    with open(path, 'rb') as file:
        wrapper = format_inspector.InspectWrapper(file)
        try:
            while wrapper.read(_CHUNK):
                if wrapper.formats:
                    break
        finally:
            wrapper.close()
        return {str(each) for each in wrapper.formats}
