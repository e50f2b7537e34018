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
import typing

from nova_vmrun import exception
from nova_vmrun.formats import vmdk
from nova_vmrun.inspection import inspector
from nova_vmrun.inspection import tar_members


class Kind(typing.NamedTuple):
    """The formats that Glance is to be told.

    :ivar disk_format: of Glance's list
    :ivar container_format: bare or ova
    :ivar disk_type: what vmware_disktype must be, or None
    """

    disk_format: str
    container_format: str = 'bare'
    disk_type: str | None = None


def sniff(path: str, declared: str | None = None) -> Kind:
    """Finds out what a file is.

    :param path: the file
    :param declared: the disk_format that the user says it has; None: only
        what looks like a disk is taken for a raw one
    :returns: a Kind
    :raises ImageRefused: it is several things at once, or nothing known
    """
    with open(path, 'rb') as file:
        head = file.read(vmdk.MARK_WITHIN)
    if vmdk.is_descriptor(head):
        return Kind('vmdk')
    if tar_members.is_tar(head):
        return Kind('vmdk', inspector.OVA)
    found = inspector.formats(path, os.path.basename(path))
    if inspector.is_iso(found):
        return Kind('iso')
    if len(found) > 1:
        raise exception.ImageRefused(
            os.path.basename(path), 'Its content looks like several formats '
            'at once: %s.' % ', '.join(sorted(found)))
    name = found.pop()
    if name in inspector.QEMU_FORMATS and name != 'raw':
        return Kind(name)
    if inspector.is_fixed_vhd(path):
        return Kind('vhd')
    look = inspector.look(path)
    if not look.is_disk and declared is None:
        raise exception.ImageRefused(
            os.path.basename(path), 'Its content is %s.' % look.what,
            look.advice)
    if path.lower().endswith('.vmdk'):
        # Glance refuses a file without VMDK header that is declared as one.
        return Kind('raw', disk_type='preallocated')
    return Kind('raw')
