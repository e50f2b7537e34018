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

"""Which device node each disk, CD drive and network adapter gets.

The same Machine always gets the same nodes, and a device that is attached
later moves none that were there: disks and drives take the lowest free node
of their bus in the order given, after those that name a node themselves.
"""

from collections.abc import Iterable
from collections.abc import Iterator
import dataclasses
import re

from nova_vmrun.machine import model as machines

# Controllers and units of each; SCSI unit 7 is the controller itself.
_SCSI_UNITS = tuple(unit for unit in range(16) if unit != 7)
_UNITS = {
    'scsi': _SCSI_UNITS,
    'sata': tuple(range(30)),
    'nvme': tuple(range(15)),
    'ide': (0, 1),
}
_CONTROLLERS = {'scsi': 4, 'sata': 4, 'nvme': 4, 'ide': 2}
_ARM = 'arm'
# Where the firmware on Apple silicon was seen to find no medium (Fusion 26).
UNBOOTABLE_ON_ARM = 'sata0:0'
_NODE = re.compile('(scsi|sata|nvme|ide)([0-3]):([0-9]{1,2})')
# Where wizards put the CD drive: the master of the second channel.
_IDE_CDROM_NODES = ('ide1:0', 'ide1:1', 'ide0:1', 'ide0:0')


@dataclasses.dataclass(frozen=True)
class Placement:
    """Where everything is attached.

    :ivar controllers: (name, model) of each SCSI, SATA and NVMe controller;
        the model is None where there is only one
    :ivar disks: a node (scsi0:0) for each of Machine.disks, in its order
    :ivar cdroms: the same for Machine.cdroms
    :ivar nics: N of ethernetN for each of Machine.nics
    """

    controllers: tuple[tuple[str, str | None], ...]
    disks: tuple[str, ...]
    cdroms: tuple[str, ...]
    nics: tuple[int, ...]


def place(machine: machines.Machine) -> Placement:
    """Assigns controllers, units and slots.

    :param machine: a Machine
    :returns: a Placement
    :raises InvalidMachine: a bus is full, or two devices claim one node
    """
    planner = _Planner(is_arm(machine))
    for device in machine.disks + machine.cdroms:
        if device.node:
            planner.claim(device.node, device.bus)
    disks = tuple(disk.node or planner.find(disk.bus, is_cdrom=False)
                  for disk in machine.disks)
    cdroms = tuple(cdrom.node or planner.find(cdrom.bus, is_cdrom=True)
                   for cdrom in machine.cdroms)
    return Placement(planner.controllers(), disks, cdroms,
                     _nic_slots(machine.nics))


def is_arm(machine: machines.Machine) -> bool:
    """Tells whether a VM is one of Apple silicon."""
    return machine.family == _ARM


def family_of(bus: str) -> str:
    """Tells the part before the number in a node: scsi for lsilogic."""
    return 'scsi' if bus in machines.SCSI_BUSES else bus


class _Planner:

    def __init__(self, on_arm: bool = False) -> None:
        self._on_arm = on_arm
        self._taken: set[str] = set()
        self._models: dict[str, str] = {}

    def claim(self, node: str, bus: str) -> None:
        """Reserve the node that a device names."""
        kind = family_of(bus)
        match = _NODE.fullmatch(node)
        if (match is None or match.group(1) != kind or
                int(match.group(2)) >= _CONTROLLERS[kind] or
                int(match.group(3)) not in _UNITS[kind]):
            raise machines.InvalidMachine(
                'A device on the %s bus cannot be attached at %s.'
                % (bus, node))
        controller = node.partition(':')[0]
        model = self._models.setdefault(controller, bus)
        if node in self._taken or model != bus:
            raise machines.InvalidMachine(
                'Two devices claim the node %s.' % node)
        self._taken.add(node)

    def find(self, bus: str, is_cdrom: bool) -> str:
        """Takes the first free node of a bus."""
        for node in self._candidates(bus, is_cdrom):
            controller = node.partition(':')[0]
            if (node not in self._taken and
                    self._models.get(controller, bus) == bus):
                self._models[controller] = bus
                self._taken.add(node)
                return node
        raise machines.InvalidMachine(
            'No place is left on the %s bus.' % bus,
            resolution='Use fewer disks and CD drives, or another bus.')

    def _candidates(self, bus: str, is_cdrom: bool) -> Iterable[str]:
        if is_cdrom and bus == 'ide':
            return _IDE_CDROM_NODES
        kind = family_of(bus)
        if is_cdrom and self._on_arm:
            return [node for node in self._nodes(kind)
                    if node != UNBOOTABLE_ON_ARM]
        return self._nodes(kind)

    def _nodes(self, kind: str) -> Iterator[str]:
        return ('%s%d:%d' % (kind, number, unit)
                for number in range(_CONTROLLERS[kind])
                for unit in _UNITS[kind])

    def controllers(self) -> tuple[tuple[str, str | None], ...]:
        return tuple(
            (name, bus if bus in machines.SCSI_BUSES else None)
            for name, bus in sorted(self._models.items()) if bus != 'ide')


def _nic_slots(nics: tuple[machines.Nic, ...]) -> tuple[int, ...]:
    taken = set()
    for nic in nics:
        if nic.slot is None:
            continue
        if nic.slot in taken or not 0 <= nic.slot < machines.MAX_NICS:
            raise machines.InvalidMachine(
                'ethernet%s cannot be used for the adapter %s.'
                % (nic.slot, nic.mac))
        taken.add(nic.slot)
    free = (slot for slot in range(machines.MAX_NICS) if slot not in taken)
    return tuple(next(free) if nic.slot is None else nic.slot for nic in nics)
