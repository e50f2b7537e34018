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

"""Devices that are attached to a VM, read from its .vmx."""

from collections.abc import Iterator
import dataclasses
import re

from nova_vmrun import exception
from nova_vmrun.formats import identity
from nova_vmrun.formats import vmx
from nova_vmrun.machine import model

_FILE = re.compile('((?:scsi|sata|nvme|ide)[0-9]+:[0-9]+)[.]filename')
_ADDRESS = re.compile('(ethernet[0-9]+)[.]address')


@dataclasses.dataclass(frozen=True)
class Attached:
    """A disk or CD drive that is attached to a VM.

    :ivar node: scsi0:0
    :ivar file: path as written; for the driver's disks, a name in the VM's
        folder
    :ivar bus: one of machine.BUSES
    :ivar is_cdrom: whether it is a CD drive
    """

    node: str
    file: str
    bus: str
    is_cdrom: bool = False


def every(keys: vmx.Vmx) -> Iterator[Attached]:
    """Yield all disks of a VM as the .vmx has them, without its CD drives."""
    for each in files(keys):
        if each.file.lower().endswith('.vmdk'):
            yield each


def files(keys: vmx.Vmx) -> Iterator[Attached]:
    """Yield the disks and CD drives of a VM as the .vmx has them."""
    for key, path in keys.items():
        match = _FILE.fullmatch(key.lower())
        if match and keys.get_bool(match.group(1) + '.present'):
            node = match.group(1)
            # cdrom-image, cdrom-raw, or atapi-cdrom in old files.
            kind = keys.get(node + '.deviceType', '').lower()
            yield Attached(node, path, _bus(keys, node.partition(':')[0]),
                           'cdrom' in kind)


def _bus(keys: vmx.Vmx, controller: str) -> str:
    family = controller.rstrip('0123456789')
    if family != 'scsi':
        return family
    adapter = keys.get(controller + '.virtualDev', '').lower()
    return adapter if adapter in model.SCSI_BUSES else 'lsilogic'


@dataclasses.dataclass(frozen=True)
class Adapter:
    """A network adapter that is attached to a VM.

    :ivar name: ethernet0
    :ivar network: nat, bridged, hostonly, the name of a virtual network, or
        ``LAN segment`` and the id of the Neutron network that it carries
    """

    name: str
    mac: str
    network: str


def adapters(keys: vmx.Vmx) -> list[Adapter]:
    """Return the network adapters of a VM, in the order of their numbers."""
    found = []
    for key, mac in keys.items():
        match = _ADDRESS.fullmatch(key.lower())
        if match and keys.get_bool(match.group(1) + '.present'):
            name = match.group(1)
            found.append(Adapter(name, mac, _network(keys, name)))
    return sorted(found, key=lambda each: int(each.name[len('ethernet'):]))


def _network(keys: vmx.Vmx, name: str) -> str:
    # VMware's default is bridged.
    kind = keys.get(name + '.connectionType', 'bridged')
    if kind == 'custom':
        return keys.get(name + '.vnet', kind)
    if kind == model.SEGMENT:
        segment = keys.get(name + '.pvnID', 'without an id')
        try:
            segment = identity.from_segment(segment)
        except exception.InvalidVmx:
            # Somebody has edited the .vmx; show what it says.
            pass
        return 'LAN segment ' + segment
    return kind
