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

"""The disks of a server whose record has no list.

Older releases recognized a disk by the name of its file. Only this module
still does, once for each server of theirs.
"""

from collections import abc
import dataclasses
import itertools
import os

from oslo_serialization import jsonutils

from nova_vmrun import exception
from nova_vmrun.formats import vmdk
from nova_vmrun.formats import vmx
from nova_vmrun.host import files
from nova_vmrun.server import disks

# File in which an older release recorded what a server in rescue boots from.
_RESCUE_NOTE = 'rescue.json'


def find(folder: str, keys: vmx.Vmx | None) -> tuple[disks.Disk, ...]:
    """Return the disks whose files are in a server's folder.

    :param keys: of the server's .vmx; None if it cannot be read
    :raises OSError: the folder cannot be read
    """
    def is_there(disk: disks.Disk) -> bool:
        # VMware can remove a disk's own file and use a snapshot of it.
        return os.path.exists(disk.file(folder)) or (
            keys is not None and disk.attachment(keys, folder) is not None)

    return disks.in_order([
        disk if keys is None else placed(disk, keys, folder)
        for disk in _named(folder, is_there) if is_there(disk)])


def placed(disk: disks.Disk, keys: vmx.Vmx, folder: str) -> disks.Disk:
    """Return a disk with the bus and node that a .vmx gives it.

    :param folder: the server's
    """
    attachment = disk.attachment(keys, folder)
    if attachment is None:
        return disk
    return dataclasses.replace(disk, bus=attachment.bus, node=attachment.node)


def _named(folder: str, is_there: abc.Callable[[disks.Disk], bool]
           ) -> abc.Iterator[disks.Disk]:
    """Yield the disks that an older release may have created in a folder."""
    def numbered(make: abc.Callable[[int], disks.Disk]
                 ) -> abc.Iterator[disks.Disk]:
        return itertools.takewhile(is_there, map(make, itertools.count()))

    yield _with_size(disks.root(None, None), folder)
    for disk in numbered(lambda number: disks.ephemeral(number, None, None)):
        yield _with_size(disk, folder)
    yield _with_size(disks.swap(None, None), folder)
    yield from numbered(lambda number: disks.cd_image(number, None))
    yield disks.floppy_image()
    yield disks.config_drive(None)
    yield disks.rescue_config_drive(None)
    yield from _rescue_disks(folder)


def _rescue_disks(folder: str) -> abc.Iterator[disks.Disk]:
    """Yield the rescue medium on record, or else any that exists."""
    try:
        note = dict(jsonutils.loads(files.read(
            os.path.join(folder, _RESCUE_NOTE))))
        yield disks.rescue(disks.Device(note['device']), note['bus'])
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        media = [disks.rescue(device, None) for device in disks.Device]
        yield from [disk for disk in media
                    if os.path.exists(disk.file(folder))][:1]


def _with_size(disk: disks.Disk, folder: str) -> disks.Disk:
    try:
        with open(disk.file(folder), 'rb') as file:
            header = vmdk.parse_header(file.read(vmdk.HEADER_SIZE))
    except (OSError, exception.InvalidVmdk):
        return disk
    return dataclasses.replace(disk, size=header.capacity)
