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

"""Rendering a VM again whose .vmx VMware has rewritten in the meantime.

VMware adds keys of its own (generated addresses, PCI slots, state), some of
which no document names. They are kept as long as the device they belong to
is there.
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
from nova_vmrun.machine import model as machines
from nova_vmrun.machine import placement

Drive = TypeVar('Drive', machines.Disk, machines.Cdrom)

_DEVICE = re.compile(
    '((?:scsi|sata|nvme|ide)[0-9]+:[0-9]+'
    '|(?:scsi|sata|nvme|ethernet|serial|floppy)[0-9]+)[.].*')
_UUID = re.compile('([0-9a-f]{2}[ -]){15}[0-9a-f]{2}', re.IGNORECASE)
# VMware's name for a disk while snapshots of it exist: root-000001.vmdk.
_SNAPSHOT = re.compile('-[0-9]{6}$')


def keep_places(machine: machines.Machine, existing: vmx.Vmx, folder: str = '',
                ours: Container[str] | None = None) -> machines.Machine:
    """Gives devices the places that they have in a file.

    Network adapters are recognised by their MAC address, disks and drives by
    their files; a disk of which VMware has made a snapshot goes on with the
    snapshot's file.

    :param machine: a Machine, as it is to be
    :param existing: the Vmx that it has now
    :param folder: the .vmx's, against which its relative paths are read
    :param ours: the Vmx of the file as it was last rendered, or None
    :returns: a Machine
    :raises InvalidMachine: no place is left for a network adapter
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


def _nodes(existing: vmx.Vmx, folder: str) -> dict[str, tuple[str, str]]:
    """Maps paths of disks and drives to (node, path as it is written)."""
    exact: dict[str, tuple[str, str]] = {}
    parents: dict[str, tuple[str, str]] = {}
    for key, path in existing.items():
        match = re.fullmatch(
            '((?:scsi|sata|nvme|ide)[0-3]:[0-9]+)[.]filename', key.lower())
        if match and existing.get_bool(match.group(1) + '.present'):
            place = match.group(1), path
            exact.setdefault(_whole(path, folder), place)
            stem, extension = os.path.splitext(path)
            parent = _SNAPSHOT.sub('', stem) + extension
            parents.setdefault(_whole(parent, folder), place)
    return {**parents, **exact}


def _without_unbootable(nodes: dict[str, tuple[str, str]]
                        ) -> dict[str, tuple[str, str]]:
    """Lets CD drives move that the firmware of arm VMs boots nothing from."""
    if all(node != placement.UNBOOTABLE_ON_ARM for node, _ in nodes.values()):
        return nodes
    # All of them move, so that the first of them stays the first.
    return {path: place for path, place in nodes.items()
            if not (place[0].startswith('sata') and
                    path.lower().endswith('.iso'))}


def _whole(path: str, folder: str) -> str:
    return os.path.normpath(os.path.join(folder, path))


def _at_its_node(device: Drive, existing: vmx.Vmx,
                 nodes: dict[str, tuple[str, str]], folder: str) -> Drive:
    if device.path is None:
        return device
    place = nodes.get(_whole(device.path, folder))
    if place is None:
        return device
    node, path = place
    if _whole(path, folder) != _whole(device.path, folder):
        # Wherever it is attached, what the snapshot's file holds is newer.
        device = dataclasses.replace(device, path=path)
    if device.node is not None or not _fits(device.bus, node, existing):
        return device
    return dataclasses.replace(device, node=node)


def _fits(bus: str, node: str, existing: vmx.Vmx) -> bool:
    controller = node.partition(':')[0]
    if bus in machines.SCSI_BUSES:
        return existing.get(controller + '.virtualDev', '').lower() == bus
    return controller.startswith(placement.family_of(bus))


def merge(rendered: vmx.Vmx, existing: vmx.Vmx,
          ours: Container[str] | None = None) -> vmx.Vmx:
    """Joins what was rendered with what VMware has added.

    :param rendered: the Vmx of the new file
    :param existing: the Vmx of the file as it is now
    :param ours: the Vmx of the file as it was last rendered, or any container
        of names that were ours; None: those that the table of keys says are
    :returns: a Vmx: all that is rendered, and then what is kept
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
    # Guests name adapters by their places: those that fit stay.
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
    """Tells whether a key describes what was here before."""
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


# Keys that Nova alone decides, at every start.
_NOVAS = re.compile('(ethernet|serial)[0-9]+[.]|remotedisplay[.]')


def keep_edits(merged: vmx.Vmx, rendered: vmx.Vmx, existing: vmx.Vmx,
               former: vmx.Vmx) -> vmx.Vmx:
    """Lets stay what somebody changed by hand and Nova wants as before.

    Adapters, serial ports and the screen are Nova's. A device of which Nova
    wants anything else is Nova's as a whole.

    :param merged: what merge returned
    :param rendered: the Vmx of the new file
    :param existing: the Vmx of the file as it is now
    :param former: the Vmx of the file as it was last rendered
    """
    changed = {_group(key) for key in [*rendered, *former]
               if rendered.get(key) != former.get(key)}
    result = merged.copy()
    for key, value in existing.items():
        if (key in rendered and key in former and
                _group(key) not in changed and
                not _NOVAS.match(key.lower())):
            result[key] = value
    return result


def _group(key: str) -> str:
    match = _DEVICE.fullmatch(key.lower())
    return match.group(1) if match else key.lower()


def append_kept(text: str, merged: vmx.Vmx) -> str:
    """Adds to a rendered text what a merge has kept.

    :param text: the rendered text that went into the merge
    :param merged: what merge returned for it
    :returns: text that parses to merged
    """
    return _append(text, merged, '# --- Written by VMware and kept ---')


def append_new(former: str, rendered: str) -> str:
    """Adds to the text that was rendered last what is ours from now on.

    It stands until the .vmx is written: whether a crash comes before or
    after, all of ours in the .vmx is known as ours, by the values that it had.

    :param former: as it was last rendered
    :param rendered: as it is rendered now
    """
    return _append(former, vmx.parse(rendered), '# --- On its way in ---')


def _append(text: str, more: vmx.Vmx, heading: str) -> str:
    rendered = vmx.parse(text)
    added = [vmx.entry(key, value, allow_controls=True)
             for key, value in more.items() if key not in rendered]
    if not added:
        return text
    return '\n'.join([text, heading.ljust(76, '-'), *added, ''])
