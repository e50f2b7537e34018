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

"""How the VM of a server changes while the server is in rescue."""

import dataclasses
from typing import TypeVar

from nova_vmrun import exception
from nova_vmrun.machine import model
from nova_vmrun.machine import placement
from nova_vmrun.server import disks

_Drive = TypeVar('_Drive', model.Disk, model.Cdrom)

# A disk needs none: it takes the place of the disk that is booted first.
_BOOT_ORDERS = {
    disks.Device.CDROM: ('cdrom', 'hdd', 'floppy'),
    disks.Device.FLOPPY: ('floppy', 'hdd', 'cdrom'),
}


def attach(server: model.Machine, medium: disks.Disk,
           config_drive: disks.Disk | None,
           rescue_config_drive: disks.Disk | None) -> model.Machine:
    """Return a server that boots from a rescue medium before its own disks.

    :param server: as it usually is
    :param medium: what it is to boot from
    :param config_drive: its own
    :param rescue_config_drive: takes the place of its own
    """
    cdroms = list(server.cdroms)
    if config_drive and rescue_config_drive:
        cdroms = [dataclasses.replace(each, path=rescue_config_drive.path)
                  if each.path == config_drive.path else each
                  for each in cdroms]
    own_disks, floppy = server.disks, server.floppy
    if medium.device is disks.Device.DISK:
        own_disks = (model.Disk(medium.path, _bus(medium)), *own_disks)
    elif medium.device is disks.Device.CDROM:
        cdroms.insert(0, model.Cdrom(medium.path, _bus(medium)))
    else:
        floppy = medium.path
    hardware = server.hardware
    if medium.device in _BOOT_ORDERS:
        hardware = dataclasses.replace(
            hardware, boot_order=_BOOT_ORDERS[medium.device],
            origins=dict(hardware.origins, boot_order='rescue'))
    server = dataclasses.replace(
        server, disks=own_disks, cdroms=tuple(cdroms), floppy=floppy,
        hardware=hardware)
    # Otherwise the old disk would keep its place.
    places = placement.place(server)
    return dataclasses.replace(
        server,
        disks=_at(server.disks, places.disks),
        cdroms=_at(server.cdroms, places.cdroms))


def _bus(medium: disks.Disk) -> str:
    if medium.bus is None:
        raise exception.VmIncomplete(
            'The bus of the rescue medium %s is not known.' % medium.path,
            'The record of its server does not name it.',
            'Unrescue the server, and rescue it again.')
    return medium.bus


def _at(devices: tuple[_Drive, ...],
        nodes: tuple[str, ...]) -> tuple[_Drive, ...]:
    return tuple(dataclasses.replace(device, node=node)
                 for device, node in zip(devices, nodes))
