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

"""Where devices sit on the PCI bus.

``pciSlotNumber`` is the device's number on its bus, plus 32 for each bus,
plus 1024 for each function of the root port that leads there (0-31: the root
bus; 32-63: behind pciBridge0; 160, 192, ...: behind pciBridge4, 5, ...).
QEMU's i440FX gets the same tree of conventional bridges, with a root port's
function as the device number behind it, so that guests find devices in the
order in which they find them on VMware.
"""

ROOT = 'pci.0'

_DEVICES = 32
_BUS, _FUNCTION = 32, 1024

#: The root bus: what is there, or is kept free for bridges.
_CHIPSET = (0, 1)
CHANNEL = 2             # the guest agent's
DISPLAY = 15            # as VMware's
_FIRST_FREE = 3
_BRIDGE0 = 17
_FIRST_PORT = 21        # pciBridge4
_FIRST_PORT_BUS = 5
_LAST_PORT = 30


class Slots(object):
    """The places of one machine's devices.

    :ivar notes: lines for the log, of devices that could not have theirs.
    """

    def __init__(self):
        self._taken = {(ROOT, number) for number in
                       _CHIPSET + (CHANNEL, DISPLAY, _BRIDGE0)}
        self._taken |= {(ROOT, number) for number in
                        range(_FIRST_PORT, _LAST_PORT + 1)}
        self._bridges = {}
        self.notes = []

    def address(self, config, device):
        """Return the properties ``bus`` and ``addr`` of a device.

        :param device: its name in the .vmx, ``scsi0`` or ``ethernet1``.
        """
        slot = config.integer(device + '.pciSlotNumber', -1)
        place = _place(slot)
        if place is None or place in self._taken:
            if slot >= 0:
                self.notes.append(
                    '%s.pciSlotNumber = "%d" is taken or cannot be had; '
                    'another is used.' % (device, slot))
            place = self._free()
        self._taken.add(place)
        bus, number = place
        if bus != ROOT:
            self._bridges[bus] = _bridge_number(bus)
        return {'bus': bus, 'addr': hex(number)}

    def _free(self):
        for bus in [ROOT] + ['pciBridge%d' % n for n in (0, 4, 5, 6, 7)]:
            for number in range(_FIRST_FREE if bus == ROOT else 0, _DEVICES):
                if (bus, number) not in self._taken:
                    return bus, number
        raise AssertionError('more devices than a .vmx can name')

    def bridges(self):
        """Return the bridges that are needed, as QEMU's devices.

        They must stand before the devices behind them.
        """
        return [{'driver': 'pci-bridge', 'id': name, 'bus': ROOT,
                 'addr': hex(number), 'chassis_nr': number, 'shpc': False}
                for name, number in sorted(self._bridges.items())]


def _place(slot):
    """Return (bus, device number) for a slot number, None if it has none."""
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


def _bridge_number(name):
    index = int(name[len('pciBridge'):])
    return _BRIDGE0 if index == 0 else _FIRST_PORT + index - 4
