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

"""Placement of disks, CD drives and network adapters on device nodes.

The same Machine always gets the same nodes, and attaching a device later moves
no other. After the devices that name their node, disks and drives take the
lowest free node of their bus in the given order.
"""

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
import dataclasses
import re

from nova_vmrun.machine import model as machines

# Numbers of controllers and units; SCSI unit 7 is the controller itself.
_SCSI_UNITS = tuple(unit for unit in range(16) if unit != 7)
_UNITS = {
    'scsi': _SCSI_UNITS,
    'sata': tuple(range(30)),
    'nvme': tuple(range(15)),
    'ide': (0, 1),
}
_CONTROLLERS = {'scsi': 4, 'sata': 4, 'nvme': 4, 'ide': 2}
_ARM = 'arm'
# Nodes and slots that are given were read from the VM's own files.
_BY_HAND = 'If somebody has changed the .vmx by hand, undo that.'
# The firmware on Apple silicon does not boot from this node (Fusion 26).
UNBOOTABLE_ON_ARM = 'sata0:0'
_NODE = re.compile('(scsi|sata|nvme|ide)([0-3]):([0-9]{1,2})')
# Wizards put the CD drive on the second channel, as master.
_IDE_CDROM_NODES = ('ide1:0', 'ide1:1', 'ide0:1', 'ide0:0')


@dataclasses.dataclass(frozen=True)
class Placement:
    """The nodes of all devices.

    :ivar controllers: (name, model) of each SCSI, SATA and NVMe controller;
        the model is None if there is only one
    :ivar disks: a node (scsi0:0) for each of Machine.disks, in order
    :ivar cdroms: a node for each of Machine.cdroms, in order
    :ivar nics: N of ethernetN for each of Machine.nics, in order
    """

    controllers: tuple[tuple[str, str | None], ...]
    disks: tuple[str, ...]
    cdroms: tuple[str, ...]
    nics: tuple[int, ...]


def place(machine: machines.Machine) -> Placement:
    """Assign controllers, nodes and slots.

    :raises InvalidMachine: a bus is full, or two devices claim the same node
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


def find_volume_node(bus: str, volumes: Mapping[str, str],
                     others: Iterable[str]) -> str:
    """Return a free node for one more volume.

    Volumes are on controllers that nothing else uses. So no other device ever
    has to move, and firmware finds all other disks before them.

    :param bus: that the volume is to be on
    :param volumes: nodes of the other volumes to their buses
    :param others: nodes of all other devices
    :raises InvalidMachine: no controller is left
    """
    kind = family_of(bus)
    used = {node.partition(':')[0] for node in others}
    buses = {node.partition(':')[0]: each for node, each in volumes.items()}
    for number in range(_CONTROLLERS[kind] - 1, 0, -1):
        controller = '%s%d' % (kind, number)
        if controller in used or buses.get(controller, bus) != bus:
            continue
        for unit in _UNITS[kind]:
            node = '%s:%d' % (controller, unit)
            if node not in volumes:
                return node
    raise machines.InvalidMachine(
        'There is no place for another volume on the %s bus.' % bus,
        'Volumes only use controllers without other disks and drives.',
        'Detach a volume.')


def is_arm(machine: machines.Machine) -> bool:
    """Return whether a VM runs on Apple silicon."""
    return machine.family == _ARM


def family_of(bus: str) -> str:
    """Return the part of a node before the number: scsi for lsilogic."""
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
                % (bus, node), resolution=_BY_HAND)
        controller = node.partition(':')[0]
        model = self._models.setdefault(controller, bus)
        if node in self._taken or model != bus:
            raise machines.InvalidMachine(
                'Two devices claim the node %s.' % node,
                resolution=_BY_HAND)
        self._taken.add(node)

    def find(self, bus: str, is_cdrom: bool) -> str:
        """Reserve and return the first free node of a bus."""
        for node in self._candidates(bus, is_cdrom):
            controller = node.partition(':')[0]
            if (node not in self._taken and
                    self._models.get(controller, bus) == bus):
                self._models[controller] = bus
                self._taken.add(node)
                return node
        raise machines.InvalidMachine(
            'The %s bus is full.' % bus,
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
                % (nic.slot, nic.mac), resolution=_BY_HAND)
        taken.add(nic.slot)
    free = (slot for slot in range(machines.MAX_NICS) if slot not in taken)
    return tuple(next(free) if nic.slot is None else nic.slot for nic in nics)
