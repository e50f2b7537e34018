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

"""Network cards: which model, where, on which virtual network."""

from __future__ import annotations

import glob

from vmwarefake import devices
from vmwarefake.engine import base

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any
    from vmwarefake import dictionary
    from vmwarefake.engine.qemu import pci

_MODELS = {'e1000': 'e1000-82545em', 'e1000e': 'e1000e',
           'vmxnet3': 'vmxnet3', 'vlance': 'pcnet', '': 'pcnet'}
_NEAREST = {'vmxnet': 'pcnet'}
_CLOUD = 'vmxnet3'

_BOOT_ROMS = ('/usr/share/qemu/efi-%s.rom', '/usr/lib/ipxe/qemu/efi-%s.rom',
              '/usr/share/qemu/pxe-%s.rom')


class Link:
    """The network cable of a NIC.

    :ivar netdev: QEMU's name for it: ``net-ethernet0``.
    :ivar network: ``vmnet8``; for a LAN segment ``pvn-`` and its id.
    :ivar connected: whether the cable is connected at power-on.
    """

    def __init__(self, netdev: str, network: str,
                 connected: bool) -> None:
        self.netdev = netdev
        self.network = network
        self.connected = connected


class Cards:
    """The network cards of a .vmx.

    :ivar devices: arguments of QEMU's -device.
    :ivar notes: lines for the log.
    """

    def __init__(self, config: dictionary.Dictionary, slots: pci.Slots,
                 hardware: str, order: dict[str, int]) -> None:
        self.devices: list[dict[str, Any]] = []
        self.links: list[Link] = []
        self.notes: list[str] = []
        self._config = config
        self._hardware = hardware
        for number in devices.nics(config):
            self._add(number, slots, order)

    def _add(self, number: int, slots: pci.Slots,
             order: dict[str, int]) -> None:
        config = self._config
        name = 'ethernet%d' % number
        model = self._model(name)
        device = {'driver': model, 'id': name, 'netdev': 'net-' + name}
        mac = devices.mac(config, number)
        if mac:
            device['mac'] = mac
        device.update(slots.address(config, name))
        device.update(self._boot(name, model, order))
        self.devices.append(device)
        self.links.append(Link(
            device['netdev'], _network(config, number, name),
            config.true(name + '.startConnected', True)))

    def _model(self, name: str) -> str:
        key = name + '.virtualDev'
        said = self._config.get(key, '').lower()
        if self._hardware == 'cloud':
            return self._instead(key, said, _CLOUD)
        if said in _MODELS:
            return _MODELS[said]
        if self._hardware == 'exact' or said not in _NEAREST:
            raise base.Unsupported(key, 'QEMU has no %s' % said)
        return self._instead(key, said, _NEAREST[said])

    def _instead(self, key: str, said: str, given: str) -> str:
        if said != given:
            self.notes.append('%s = "%s": the guest gets %s instead.'
                              % (key, said, given))
        return given

    def _boot(self, name: str, model: str,
              order: dict[str, int]) -> dict[str, Any]:
        """Return the boot ROM; without one a NIC starts faster."""
        if name not in order:
            return {'romfile': ''}
        for pattern in _BOOT_ROMS:
            found = glob.glob(pattern % model)
            if found:
                return {'romfile': found[0], 'bootindex': order[name]}
        self.notes.append('%s is in the boot order, but there is no boot ROM '
                          'for it: apt-get install ipxe-qemu.' % name)
        return {'romfile': ''}


def _network(config: dictionary.Dictionary, number: int,
             name: str) -> str:
    segment = config.get(name + '.pvnID')
    if config.get(name + '.connectionType', '').lower() == 'pvn' and segment:
        return 'pvn-' + ''.join(c for c in segment.lower() if c.isalnum())
    return devices.vmnet(config, number) or ''
