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

"""Find out which formats to declare to Glance for a file."""

import os
from typing import NamedTuple

from nova_vmrun import exception
from nova_vmrun.formats import vmdk
from nova_vmrun.inspection import detection
from nova_vmrun.inspection import inspector
from nova_vmrun.inspection import tar_members


class GlanceFormat(NamedTuple):
    """The formats to declare to Glance.

    :ivar disk_format: as Glance names it
    :ivar container_format: bare or ova
    :ivar disk_type: what to set vmware_disktype to, or None
    """

    disk_format: str
    container_format: str = 'bare'
    disk_type: str | None = None


def sniff(path: str, declared: str | None = None) -> GlanceFormat:
    """Return the formats to declare for a file.

    :param path: the file
    :param declared: the disk_format that the user gave; None: only accept a
        file as a raw disk if it looks like one
    :raises ImageRefused: the file is of several formats at once or of none
    """
    with open(path, 'rb') as file:
        head = file.read(vmdk.MARK_WITHIN)
    if vmdk.is_descriptor(head):
        return GlanceFormat('vmdk')
    if tar_members.is_tar(head):
        return GlanceFormat('vmdk', inspector.OVA)
    formats = detection.detect_formats(path, os.path.basename(path))
    if detection.is_iso(formats):
        return GlanceFormat('iso')
    if len(formats) > 1:
        raise exception.ImageRefused(
            os.path.basename(path), 'Its content looks like several formats '
            'at once: %s.' % ', '.join(sorted(formats)))
    name = formats.pop()
    if name in inspector.QEMU_FORMATS and name != 'raw':
        return GlanceFormat(name)
    if detection.is_fixed_vhd(path):
        return GlanceFormat('vhd')
    guess = detection.guess(path)
    if not guess.is_disk and declared is None:
        raise exception.ImageRefused(
            os.path.basename(path), 'Its content is %s.' % guess.description,
            guess.advice)
    if path.lower().endswith('.vmdk'):
        # Glance refuses a file that is declared as vmdk and has no VMDK
        # header.
        return GlanceFormat('raw', disk_type='preallocated')
    return GlanceFormat('raw')
