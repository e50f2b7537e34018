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

"""The slots of devices on the PCI bus.

``pciSlotNumber`` is the number of a device on its bus, plus 32 times the bus,
plus 1024 times the function of a root port. Bus 0 is the root, bus 1 is behind
pciBridge0, and buses 5 to 8 are behind the root ports pciBridge4 to 7. PCIe
devices sit behind root ports; other devices do not.
"""

from __future__ import annotations

from vmwarefake import devices
from vmwarefake import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import abc
    from vmwarefake import dictionary
    from vmwarefake import vm as vms

_BRIDGES = {'pciBridge0': 17, 'pciBridge4': 21, 'pciBridge5': 22,
            'pciBridge6': 23, 'pciBridge7': 24}
_BUS, _FUNCTION = 32, 1024
_FIRST_PORT_BUS = 5
#: The chipset, the IDE controller's bridge and the display.
_CHIPSET = (0, 1, 7, 15)
_PCIE_NICS = ('vmxnet3', 'e1000e')
_PCIE_CONTROLLERS = ('pvscsi', 'lsisas1068')
_NAMES = {'scsi': 'SCSI', 'nvme': 'NVME', 'sata': 'SATA',
          'ethernet': 'Ethernet', 'usb_xhci': 'usb_xhci'}
#: The last message of a device model before the process dies.
_LAST_WORDS = {
    'e1000e': 'E1000PCI: failed to register e1000e device.',
    'vmxnet3': 'Vmxnet3 PCI: failed to reserve slot for vmxnet3 PCIe device'}


class Device:
    """A device that has a pciSlotNumber.

    :ivar first: the first slot to try for a conventional device.
    """

    def __init__(self, name: str, model: str, is_pcie: bool,
                 first: int = 0) -> None:
        self.name = name
        self.model = model
        self.is_pcie = is_pcie
        self.first = first

    @property
    def key(self) -> str:
        return self.name + '.pciSlotNumber'

    @property
    def title(self) -> str:
        """The name in messages: ``Ethernet0``, ``SCSI0``."""
        kind = self.name.rstrip('0123456789')
        return _NAMES.get(kind, kind) + self.name[len(kind):]


def pci_devices(config: dictionary.Dictionary, directory: str) -> list[Device]:
    """Return the devices in the order in which they get slots."""
    controllers = {d.controller: d.bus
                   for d in devices.drives(config, directory)}
    listed = []
    for name, bus in sorted(controllers.items()):
        model = config.get(name + '.virtualDev', '').lower()
        if bus == 'nvme' or model in _PCIE_CONTROLLERS:
            listed.append(Device(name, model or bus, True))
        elif bus != 'ide':
            listed.append(Device(name, model, False,
                                 16 if bus == 'scsi' else 32))
    for n in devices.nics(config):
        model = config.get('ethernet%d.virtualDev' % n, '').lower()
        listed.append(Device('ethernet%d' % n, model, model in _PCIE_NICS,
                             33))
    if config.true('usb_xhci.present'):
        listed.append(Device('usb_xhci', 'xhci', True))
    return listed


def assign(vm: vms.VM) -> None:
    """Assign slots to bridges, and to devices that have none.

    If there is no slot left, a device gets none; see :func:`check`.
    """
    config = vm.config
    for bridge, slot in _BRIDGES.items():
        if config.true(bridge + '.present'):
            config.setdefault(bridge + '.pciSlotNumber', str(slot))
    used = {config.integer(key) for key in config
            if key.lower().endswith('.pcislotnumber')}
    for device in pci_devices(config, vm.directory):
        if config.integer(device.key, -1) >= 0:
            continue
        for slot in _candidates(config, device):
            if slot not in used:
                used.add(slot)
                config[device.key] = str(slot)
                break


def _candidates(config: dictionary.Dictionary,
                device: Device) -> abc.Iterator[int]:
    """Yield the slots to try for a device, in order."""
    if device.is_pcie:
        for function in range(8):
            for port in range(4):
                slot = (_BUS * (_FIRST_PORT_BUS + port)
                        + _FUNCTION * function)
                if _fits(config, device, slot):
                    yield slot
        return
    first = device.first
    if first >= _BUS and not config.true('pciBridge0.present'):
        first = 18
    for slot in range(first, 2 * _BUS):
        if _fits(config, device, slot):
            yield slot


def _fits(config: dictionary.Dictionary, device: Device, slot: int) -> bool:
    """Return whether a device fits into a slot, taken or not."""
    function, rest = divmod(slot, _FUNCTION)
    bus, number = divmod(rest, _BUS)
    if device.is_pcie:
        bridge = 'pciBridge%d' % (bus - _FIRST_PORT_BUS + 4)
        return (bridge in _BRIDGES and bus >= _FIRST_PORT_BUS
                and config.true(bridge + '.present') and number == 0
                and function < max(1, config.integer(
                    bridge + '.functions', 1)))
    if function:
        return False
    if bus == 0:
        return number not in _CHIPSET and number not in _BRIDGES.values()
    return bus == 1 and config.true('pciBridge0.present')


def check(vm: vms.VM) -> None:
    """Kill the VM if a device has no slot or one that does not fit.

    :raises errors.Died: with the last lines of vmware.log.
    """
    config = vm.config
    taken = {config.integer(bridge + '.pciSlotNumber', -1)
             for bridge in _BRIDGES}
    for device in pci_devices(config, vm.directory):
        slot = config.integer(device.key, -1)
        if slot < 0 or slot in taken or not _fits(config, device, slot):
            raise errors.Died(_last_words(device))
        taken.add(slot)


def _last_words(device: Device) -> list[str]:
    kind = 'PCIe' if device.is_pcie else 'PCI'
    lines = ['Msg_Post: Error', '[msg.pci.noslotavail] No %s slot available '
             'for %s. Remove %s and try again.' % (
                 kind, device.title, device.title), '-' * 40]
    if device.model in _LAST_WORDS:
        lines.append(_LAST_WORDS[device.model])
    return lines + ['Unexpected signal: 11.']
