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

"""Rendering a VM again after VMware has changed its .vmx.

VMware adds keys (generated addresses, PCI slots, state), some of which are
undocumented. They are kept as long as their device exists.
"""

from collections.abc import Container
import dataclasses
import os
import re
from typing import TypeVar

from nova_vmrun.formats import vmx
from nova_vmrun.formats.vmx import keys
from nova_vmrun.formats.vmx import pci
from nova_vmrun.machine import adapters
from nova_vmrun.machine import attached
from nova_vmrun.machine import model as machines
from nova_vmrun.machine import placement

Drive = TypeVar('Drive', machines.Disk, machines.Cdrom)

_DEVICE = re.compile(
    '((?:scsi|sata|nvme|ide)[0-9]+:[0-9]+'
    '|(?:scsi|sata|nvme|ethernet|serial|floppy)[0-9]+)[.].*')
_UUID = re.compile('([0-9a-f]{2}[ -]){15}[0-9a-f]{2}', re.IGNORECASE)
# VMware's name for a disk that has snapshots: root-000001.vmdk.
_SNAPSHOT = re.compile('-[0-9]{6}$')


def keep_places(machine: machines.Machine, existing: vmx.Vmx, folder: str = '',
                ours: Container[str] | None = None) -> machines.Machine:
    """Return a VM whose devices keep the places that they have in a file.

    Network adapters are recognised by their MAC address, disks and drives by
    their files. If VMware has taken a snapshot of a disk, the disk continues
    in the snapshot's file.

    :param machine: the VM as wanted
    :param existing: its current settings
    :param folder: folder of the .vmx, which relative paths start from
    :param ours: the settings as last rendered, or None
    :raises InvalidMachine: no slot is free for a network adapter
    """
    nodes = _nodes(existing, folder)
    if placement.is_arm(machine):
        nodes = _without_unbootable(nodes)
    return dataclasses.replace(
        machine,
        uuid_location=_location(existing) or machine.uuid_location,
        nics=adapters.keep_slots(machine.nics, existing, ours),
        disks=tuple(_at_its_node(disk, existing, nodes, folder)
                    for disk in machine.disks),
        cdroms=tuple(_at_its_node(cdrom, existing, nodes, folder)
                     for cdrom in machine.cdroms))


def _location(existing: vmx.Vmx) -> str | None:
    text = existing.get('uuid.location', '')
    return text if _UUID.fullmatch(text) else None


def _nodes(existing: vmx.Vmx, folder: str) -> dict[str, attached.Attached]:
    """Return all disks and drives by their paths.

    A disk with snapshots is also listed under its original path.
    """
    exact: dict[str, attached.Attached] = {}
    parents: dict[str, attached.Attached] = {}
    for device in attached.files(existing):
        exact.setdefault(_absolute(device.file, folder), device)
        stem, extension = os.path.splitext(device.file)
        parent = _SNAPSHOT.sub('', stem) + extension
        parents.setdefault(_absolute(parent, folder), device)
    return {**parents, **exact}


def _without_unbootable(nodes: dict[str, attached.Attached]
                        ) -> dict[str, attached.Attached]:
    """Free the CD drives from which the firmware of arm VMs does not boot."""
    if all(device.node != placement.UNBOOTABLE_ON_ARM
           for device in nodes.values()):
        return nodes
    # All of them move so that they keep their order.
    return {path: device for path, device in nodes.items()
            if not (device.is_cdrom and device.bus == 'sata')}


def _absolute(path: str, folder: str) -> str:
    return os.path.normpath(os.path.join(folder, path))


def _at_its_node(device: Drive, existing: vmx.Vmx,
                 nodes: dict[str, attached.Attached], folder: str) -> Drive:
    if device.path is None:
        return device
    found = nodes.get(_absolute(device.path, folder)) or (
        _snapshot_beside_vmx(device, nodes, folder))
    if found is None:
        return device
    if _absolute(found.file, folder) != _absolute(device.path, folder):
        # The snapshot's file has the newer content, whatever its node.
        device = dataclasses.replace(device, path=found.file)
    if device.node is not None or not _fits(device.bus, found.node, existing):
        return device
    return dataclasses.replace(device, node=found.node)


def _snapshot_beside_vmx(device: machines.Disk | machines.Cdrom,
                         nodes: dict[str, attached.Attached],
                         folder: str) -> attached.Attached | None:
    """Return the snapshot of a disk that is in another folder, if any.

    VMware makes it beside the .vmx and not beside the disk.
    """
    if not isinstance(device, machines.Disk) or device.is_independent or (
            device.path is None):
        return None
    parent = _absolute(os.path.basename(device.path), folder)
    found = nodes.get(parent)
    if found is None or _absolute(found.file, folder) == parent:
        return None
    return found


def _fits(bus: str, node: str, existing: vmx.Vmx) -> bool:
    controller = node.partition(':')[0]
    if bus in machines.SCSI_BUSES:
        return existing.get(controller + '.virtualDev', '').lower() == bus
    return controller.startswith(placement.family_of(bus))


def merge(rendered: vmx.Vmx, existing: vmx.Vmx,
          ours: Container[str] | None = None) -> vmx.Vmx:
    """Return rendered settings with what VMware has added to a file.

    :param rendered: settings of the new file
    :param existing: the current settings
    :param ours: the settings as last rendered, or any container of the
        driver's keys; None: ask the table of keys
    :returns: all rendered settings, followed by those that are kept
    """
    macs = adapters.slots(rendered)
    foreign = {'ethernet%d' % slot
               for slot in adapters.foreign_slots(existing, macs, ours)
               if 'ethernet%d.present' % slot not in rendered}
    if ours is None:
        ours = _OursByTable()
    result = rendered.copy()
    for key, value in existing.items():
        if key not in rendered and (
                key.lower().partition('.')[0] in foreign or
                _is_kept(key, rendered, existing, ours)):
            result[key] = value
    # Guests name adapters by their PCI slots, so the ones that fit are kept.
    for key, _ in list(pci.misplaced(result)):
        del result[key]
    return result


class _OursByTable:

    def __contains__(self, key: object) -> bool:
        known = keys.find(str(key))
        return (known.ours or known.constant) and not known.vmware


def _is_kept(key: str, rendered: vmx.Vmx, existing: vmx.Vmx,
             ours: Container[str]) -> bool:
    if key in ours:
        return False
    match = _DEVICE.fullmatch(key.lower())
    if not match:
        return True
    device = match.group(1)
    present = device + '.present'
    if present not in rendered:
        return present not in ours and not adapters.is_static(device, existing)
    return not _was_replaced(device, key, rendered, existing)


def _was_replaced(device: str, key: str, rendered: vmx.Vmx,
                  existing: vmx.Vmx) -> bool:
    """Return whether a key describes a device that was replaced."""
    if not rendered.get_bool(device + '.present'):
        return True
    if device.startswith('ethernet'):
        number = device.removeprefix('ethernet')
        if adapters.mac(rendered, number) != adapters.mac(existing, number):
            return True
    if key.lower().endswith('.redo'):
        name = device + '.fileName'
        return rendered.get(name) != existing.get(name)
    name = device + '.virtualDev'
    before, after = existing.get(name), rendered.get(name)
    return before is not None and after is not None and (
        before.lower() != after.lower())


# Keys that only Nova decides, at every start.
_ONLY_NOVA = re.compile('(ethernet|serial)[0-9]+[.]|remotedisplay[.]')


def keep_edits(merged: vmx.Vmx, rendered: vmx.Vmx, existing: vmx.Vmx,
               former: vmx.Vmx) -> vmx.Vmx:
    """Return merged settings with manual changes that Nova does not override.

    Adapters, serial ports and the display are always Nova's. If Nova changes
    anything about a device, all of that device is Nova's. So are volumes, with
    their controllers.

    :param merged: what merge returned
    :param rendered: settings of the new file
    :param existing: the current settings
    :param former: the settings as last rendered
    """
    changed = {_group(key) for key in [*rendered, *former]
               if rendered.get(key) != former.get(key)}
    only_nova = changed | _of_volumes(rendered)
    result = merged.copy()
    for key, value in existing.items():
        if (key in rendered and key in former and
                _group(key) not in only_nova and
                not _ONLY_NOVA.match(key.lower())):
            result[key] = value
    return result


def _of_volumes(rendered: vmx.Vmx) -> set[str]:
    """Return the nodes of volumes, and their controllers."""
    nodes = {_group(key) for key in rendered if key.lower().endswith('.mode')}
    return nodes | {node.partition(':')[0] for node in nodes}


def _group(key: str) -> str:
    match = _DEVICE.fullmatch(key.lower())
    return match.group(1) if match else key.lower()


def append_kept(text: str, merged: vmx.Vmx) -> str:
    """Return a rendered text with the settings that a merge has kept.

    :param text: the rendered text that went into the merge
    :param merged: what merge returned for it
    :returns: text that parses to merged
    """
    return _append(text, merged, '# --- Kept from the previous file ---')


def append_new(former: str, rendered: str) -> str:
    """Return the text that was last rendered with the keys of a new one added.

    It is stored until the .vmx is written. Whether a crash comes before or
    after that, it identifies all of the driver's keys in the .vmx, with the
    values that they had.

    :param former: the text that was last rendered
    :param rendered: the new text
    """
    return _append(former, vmx.parse(rendered), '# --- To be written ---')


def _append(text: str, more: vmx.Vmx, heading: str) -> str:
    rendered = vmx.parse(text)
    added = [vmx.entry(key, value, allow_controls=True)
             for key, value in more.items() if key not in rendered]
    if not added:
        return text
    return '\n'.join([text, heading.ljust(76, '-'), *added, ''])
