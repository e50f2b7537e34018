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

"""What changes in a VM while its server is in rescue."""

import dataclasses

from nova_vmrun.machine import model
from nova_vmrun.machine import placement
from nova_vmrun.server import rescued

_BOOT_ORDERS = {
    rescued.DISK: None,
    rescued.CDROM: ('cdrom', 'hdd', 'floppy'),
    rescued.FLOPPY: ('floppy', 'hdd', 'cdrom'),
}


def attach(server, rescue, medium, drive, rescue_drive):
    """Makes a server boot from a rescue medium, before its own disks.

    :param server: the machine.Machine as it usually is
    :param rescue: a Rescued
    :param medium: path of the medium, as the .vmx names it
    :param drive: path of the usual config drive, as the .vmx names it
    :param rescue_drive: path of the rescue's, or None
    :returns: a machine.Machine
    """
    changes = {}
    cdroms = [dataclasses.replace(each, path=rescue_drive)
              if rescue_drive and each.path == drive else each
              for each in server.cdroms]
    if rescue.device == rescued.DISK:
        changes['disks'] = (model.Disk(medium, rescue.bus),) + server.disks
    elif rescue.device == rescued.CDROM:
        cdroms.insert(0, model.Cdrom(medium, rescue.bus))
    else:
        changes['floppy'] = medium
    order = _BOOT_ORDERS[rescue.device]
    if order:
        changes['hardware'] = dataclasses.replace(
            server.hardware, boot_order=order,
            origins=dict(server.hardware.origins, boot_order='rescue'))
    server = dataclasses.replace(server, cdroms=tuple(cdroms), **changes)
    # The old disk must give up its place, which it would keep otherwise.
    places = placement.place(server)
    return dataclasses.replace(
        server,
        disks=_at(server.disks, places.disks),
        cdroms=_at(server.cdroms, places.cdroms))


def _at(devices, nodes):
    return tuple(dataclasses.replace(device, node=node)
                 for device, node in zip(devices, nodes))
