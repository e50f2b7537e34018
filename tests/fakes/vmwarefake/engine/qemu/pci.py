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

"""The slots of devices on QEMU's PCI bus.

``pciSlotNumber`` is the number of the device on its bus, plus 32 times the
bus, plus 1024 times the function of the root port (0-31: the root bus; 32-63:
behind pciBridge0; 160, 192, ...: behind pciBridge4, 5, ...). QEMU's i440FX
gets the same tree of conventional bridges. The function of a root port becomes
the device number behind it, so that guests find devices in the same order.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any
    from vmwarefake import dictionary

ROOT = 'pci.0'

_DEVICES = 32
_BUS, _FUNCTION = 32, 1024

#: Slots of the root bus that are taken or reserved for bridges.
_CHIPSET = (0, 1)
CHANNEL = 2             # the guest agent
DISPLAY = 15            # as on VMware
_FIRST_FREE = 3
_BRIDGE0 = 17
_FIRST_PORT = 21        # pciBridge4
_FIRST_PORT_BUS = 5
_LAST_PORT = 30


class Slots:
    """The slots of a machine's devices.

    :ivar notes: lines for the log about devices in other slots.
    """

    def __init__(self) -> None:
        self._taken = {(ROOT, number) for number in
                       _CHIPSET + (CHANNEL, DISPLAY, _BRIDGE0)}
        self._taken |= {(ROOT, number) for number in
                        range(_FIRST_PORT, _LAST_PORT + 1)}
        self._bridges: dict[str, int] = {}
        self.notes: list[str] = []

    def address(self, config: dictionary.Dictionary,
                device: str) -> dict[str, str]:
        """Return the properties ``bus`` and ``addr`` of a device.

        :param device: its name in the .vmx, ``scsi0`` or ``ethernet1``.
        """
        slot = config.integer(device + '.pciSlotNumber', -1)
        place = _place(slot)
        if place is None or place in self._taken:
            if slot >= 0:
                self.notes.append(
                    '%s.pciSlotNumber = "%d" is taken or does not exist; '
                    'another is used.' % (device, slot))
            place = self._free()
        self._taken.add(place)
        bus, number = place
        if bus != ROOT:
            self._bridges[bus] = _bridge_number(bus)
        return {'bus': bus, 'addr': hex(number)}

    def _free(self) -> tuple[str, int]:
        for bus in [ROOT] + ['pciBridge%d' % n for n in (0, 4, 5, 6, 7)]:
            for number in range(_FIRST_FREE if bus == ROOT else 0, _DEVICES):
                if (bus, number) not in self._taken:
                    return bus, number
        raise AssertionError('more devices than a .vmx can name')

    def bridges(self) -> list[dict[str, Any]]:
        """Return the bridges that are needed, as QEMU devices.

        They must come before the devices behind them.
        """
        return [{'driver': 'pci-bridge', 'id': name, 'bus': ROOT,
                 'addr': hex(number), 'chassis_nr': number, 'shpc': False}
                for name, number in sorted(self._bridges.items())]


def _place(slot: int) -> tuple[str, int] | None:
    """Return (bus, device number) of a slot number, None if invalid."""
    if slot < 0:
        return None
    function, rest = divmod(slot, _FUNCTION)
    bus, number = divmod(rest, _BUS)
    if bus == 0:
        return ROOT, number
    if bus == 1:
        return 'pciBridge0', number
    port = bus - _FIRST_PORT_BUS
    if not 0 <= port <= _LAST_PORT - _FIRST_PORT or function > 7:
        return None
    return 'pciBridge%d' % (port + 4), number or function


def _bridge_number(name: str) -> int:
    index = int(name[len('pciBridge'):])
    return _BRIDGE0 if index == 0 else _FIRST_PORT + index - 4
