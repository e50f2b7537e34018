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

"""Slots of the network adapters of a VM that already has a .vmx."""

from collections.abc import Container
from collections.abc import Iterable
import dataclasses

from nova_vmrun.formats import vmx
from nova_vmrun.machine import model as machines


def keep_slots(nics: tuple[machines.Nic, ...], existing: vmx.Vmx,
               ours: Container[str] | None = None) -> tuple[machines.Nic, ...]:
    """Return adapters with the slots that they have; new ones get a free slot.

    Adapters are recognised by their MAC addresses.

    :param existing: the VM's current settings
    :param ours: as for foreign_slots
    :raises InvalidMachine: too few slots are free
    """
    places = slots(existing)
    nics = tuple(dataclasses.replace(nic, slot=places.get(nic.mac.lower()))
                 if nic.slot is None else nic for nic in nics)
    foreign = foreign_slots(existing, [nic.mac for nic in nics], ours)
    taken = foreign | {nic.slot for nic in nics}
    free = [slot for slot in range(machines.MAX_NICS) if slot not in taken]
    new = [nic for nic in nics if nic.slot is None]
    if len(new) > len(free):
        raise machines.InvalidMachine(
            'A VM cannot have %d network adapters.'
            % (len(nics) + len(foreign)),
            'Of these, %d were added in the VMware window.' % len(foreign),
            'Use at most %d, or remove some in the window.'
            % machines.MAX_NICS)
    return tuple(nic if nic.slot is not None else
                 dataclasses.replace(nic, slot=free.pop(0)) for nic in nics)


def foreign_slots(existing: vmx.Vmx, macs: Iterable[str],
                  ours: Container[str] | None = None) -> set[int]:
    """Return the slots of adapters that somebody added in the VMware window.

    The driver's adapters have static addresses, and the window creates
    adapters with generated ones. This identifies them even if the rendered
    copy is lost, or newer than the .vmx.

    :param existing: the VM's current settings
    :param macs: addresses of the driver's adapters
    :param ours: the settings as last rendered, or None
    :returns: N of each ethernetN
    """
    places = slots(existing)
    known = {places.get(mac.lower()) for mac in macs}
    return {slot for slot in range(machines.MAX_NICS)
            if slot not in known and
            existing.get_bool('ethernet%d.present' % slot) and
            'ethernet%d.present' % slot not in (ours or ()) and
            not is_static('ethernet%d' % slot, existing)}


def is_static(device: str, settings: vmx.Vmx) -> bool:
    """Return whether a device (ethernet0) has a static address."""
    return settings.get(device + '.addressType', '').lower() == 'static'


def slots(existing: vmx.Vmx) -> dict[str, int]:
    """Return the N of each ethernetN by its MAC address in lower case."""
    found: dict[str, int] = {}
    for slot in range(machines.MAX_NICS):
        address = mac(existing, slot)
        if address and existing.get_bool('ethernet%d.present' % slot):
            found.setdefault(address, slot)
    return found


def static_slots(existing: vmx.Vmx) -> dict[str, int]:
    """Return the same for the adapters that Nova created."""
    return {address: slot for address, slot in slots(existing).items()
            if is_static('ethernet%d' % slot, existing)}


def mac(settings: vmx.Vmx, slot: int | str) -> str:
    """Return the address of an adapter in lower case; empty if it has none.

    :param slot: N of ethernetN
    """
    name = 'ethernet%s.' % slot
    return (settings.get(name + 'address') or
            settings.get(name + 'generatedAddress') or '').lower()
