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

"""PCI slots of devices, as VMware numbers them.

A pciSlotNumber is 32 times the bus, plus the device, plus 1024 times the
function. Bus 0 is the board itself, and bus n + 1 is behind pciBridgeN. PCI
Express devices are behind root ports, and no other devices are. VMware writes
the numbers at the first start and obeys them from then on. If a number does
not fit the devices of the .vmx, the VM's process ends; without a number,
VMware finds a slot.
"""

import collections
from collections.abc import Iterator
import re

from nova_vmrun.formats import vmx

_SLOT = re.compile('([a-z_]+[0-9]*)[.]pcislotnumber')
_BRIDGE = re.compile('pcibridge[0-9]+')
_ROOT_PORT = 'pcierootport'
# Models that are always PCI Express devices, and models that never are.
EXPRESS_MODELS = frozenset(['vmxnet3', 'e1000e', 'pvscsi'])
_PLAIN_MODELS = frozenset(['vlance', 'e1000', 'buslogic', 'lsilogic'])


def is_express(device: str, settings: vmx.Vmx) -> bool:
    """Return whether a device (ethernet0) needs a root port."""
    model = settings.get(device + '.virtualDev', '').lower()
    return (model in EXPRESS_MODELS or device.startswith('nvme') or
            device == 'usb_xhci')


def has_root_port(settings: vmx.Vmx) -> bool:
    """Return whether a VM has a root port for PCI Express devices."""
    return any(_is_root_port('pcibridge%d' % number, settings)
               for number in (4, 5, 6, 7))


def misplaced(settings: vmx.Vmx) -> Iterator[tuple[str, str]]:
    """Yield the slots that do not fit the devices of a VM.

    :returns: pairs of a key and what is wrong with it
    """
    found = []
    for key in settings:
        match = _SLOT.fullmatch(key.lower())
        text = settings[key]
        # Below zero: VMware finds a slot.
        if match and text.isdecimal() and int(text) and (
                _is_present(match.group(1), settings)):
            found.append((key, match.group(1), int(text)))
    taken = collections.Counter(slot for _, _, slot in found)
    bridges = {slot: device for _, device, slot in found
               if _BRIDGE.fullmatch(device)}
    for key, device, slot in found:
        if device == bridges.get(slot):
            continue
        if slot in bridges:
            yield key, 'is %d, which is %s itself.' % (slot, bridges[slot])
        elif taken[slot] > 1:
            yield key, 'is %d, which another device also has.' % slot
        else:
            problem = _problem(device, slot, settings)
            if problem:
                yield key, problem


def _problem(device: str, slot: int, settings: vmx.Vmx) -> str:
    function, bus = slot >> 10, slot >> 5 & 31
    express = is_express(device, settings)
    if bus == 0:
        return ('is %d, which is not a PCI Express port.' % slot
                if express else '')
    bridge = 'pcibridge%d' % (bus - 1)
    if not _is_present(bridge, settings):
        return 'is %d, on pciBridge%d, which is not present.' % (slot,
                                                                 bus - 1)
    is_port = _is_root_port(bridge, settings)
    if express and not is_port:
        return 'is %d, which is not a PCI Express port.' % slot
    model = settings.get(device + '.virtualDev', '').lower()
    if is_port and model in _PLAIN_MODELS:
        return 'is %d, which is for PCI Express devices.' % slot
    if is_port and function >= max(
            1, settings.get_int(bridge + '.functions', 1)):
        return 'is %d, a function that pciBridge%d does not have.' % (
            slot, bus - 1)
    return ''


def _is_present(device: str, settings: vmx.Vmx) -> bool:
    return settings.get_bool(device + '.present')


def _is_root_port(bridge: str, settings: vmx.Vmx) -> bool:
    return _is_present(bridge, settings) and (
        settings.get(bridge + '.virtualDev', '').lower() == _ROOT_PORT)


def missing_port(settings: vmx.Vmx) -> str | None:
    """Return a key of a device that lacks a root port, or None."""
    if has_root_port(settings):
        return None
    for key in settings:
        device, _, name = key.lower().rpartition('.')
        if name == 'present' and ':' not in device and (
                settings.get_bool(key) and is_express(device, settings)):
            model = device + '.virtualDev'
            return model if model in settings else key
    return None
