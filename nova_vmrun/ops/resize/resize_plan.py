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

"""What becomes of each disk of a server when it is resized or moved.

A disk stays as it is where that can be. One that must grow, or that refers to
a base which another host does not have, becomes a file of its own. All that
can be refused is refused here, while the server runs.
"""

import dataclasses
import os
import re

from oslo_utils import units

from nova_vmrun import exception
from nova_vmrun.formats import vmdk
from nova_vmrun.formats import vmsd
from nova_vmrun.host import files
from nova_vmrun.host import space
from nova_vmrun.machine import attached
from nova_vmrun.server import vmx_file
from nova_vmrun.storage import disk_chain
from nova_vmrun.storage import linked

_OURS = re.compile('(root|ephemeral[0-9]+|swap)(-[0-9]{6})?[.]vmdk')
# VMware keeps two tables with four bytes for each 64 KiB.
_TABLES = 8192


@dataclasses.dataclass(frozen=True)
class Disk:
    """A disk of a server.

    :ivar name: root, ephemeral0 and so on, or swap
    :ivar attached: a nova_vmrun.machine.attached.Attached
    :ivar chain: paths of its files, the topmost first
    :ivar capacity: bytes
    """

    name: str
    attached: attached.Attached
    chain: tuple
    capacity: int

    @property
    def content(self):
        """Bytes that a copy of it may need."""
        there = sum(map(space.allocated, self.chain))
        return min(there, self.capacity + self.capacity // _TABLES)


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is to be done; the rest of the folder goes along.

    :ivar uuid: of the server
    :ivar bus: of new disks
    :ivar kept: tuple of Disk that stay as they are
    :ivar copied: tuple of (Disk, MiB that it is to have or None) that become
        files of their own
    :ivar blank: dict of names to MiB of new, empty disks
    :ivar removed: tuple of Disk that the server is to have no more
    """

    uuid: str
    bus: str
    kept: tuple
    copied: tuple
    blank: dict
    removed: tuple

    @property
    def copied_bytes(self):
        """Bytes that the copies may need, 0 if nothing is copied."""
        return sum(disk.content + (size_mb or 0) * units.Mi // _TABLES
                   for disk, size_mb in self.copied)

    @property
    def left_out(self):
        """Paths of disk files that have no place in the new folder."""
        disks = [disk for disk, _size in self.copied] + list(self.removed)
        return {path for disk in disks for path in disk.chain}


def make(layout, instance, flavor, to_other_host, can_make_disks):
    """Decides what becomes of a server's disks.

    :param layout: a nova_vmrun.server.layout.Layout
    :param instance: nova.objects.Instance with its present flavor
    :param flavor: nova.objects.Flavor that it is to have
    :param to_other_host: whether it moves to another host
    :param can_make_disks: whether vmware-vdiskmanager is there
    :returns: a Plan
    :raises VmrunError: it cannot be done
    """
    uuid, old = instance.uuid, instance.flavor
    if flavor.root_gb < old.root_gb or flavor.ephemeral_gb < old.ephemeral_gb:
        raise exception.InvalidInput(
            'Server %s cannot be resized: its disks cannot shrink.' % uuid,
            'They have %d and %d GiB, the flavor has %d and %d.' % (
                old.root_gb, old.ephemeral_gb, flavor.root_gb,
                flavor.ephemeral_gb),
            'Choose a flavor with disks that are as large or larger.')
    keys = vmx_file.VmxFiles(layout).load(uuid)
    disks = _disks(layout, uuid, keys, to_other_host)
    sizes = _sizes(uuid, disks, old, flavor)
    blank = _blank(disks, old, flavor)
    removed = tuple(disk for disk in disks if disk.name == 'swap' and
                    flavor.swap != old.swap)
    staying = [disk for disk in disks if disk not in removed]
    copied = tuple(
        (disk, sizes.get(disk.name)) for disk in staying
        if disk.name in sizes or to_other_host and _needs_others(disk))
    kept = tuple(disk for disk in staying
                 if disk not in [each for each, _size in copied])
    if not can_make_disks and (sizes or blank):
        raise exception.InvalidConfiguration(
            'Server %s cannot be resized: its host has no '
            'vmware-vdiskmanager, which enlarges disks.' % uuid,
            resolution='Install it, or set [vmrun] vdiskmanager_path.')
    if copied or removed or to_other_host:
        _refuse_snapshots(layout, uuid)
    return Plan(uuid, disks[0].attached.bus, kept, copied, blank, removed)


def _disks(layout, uuid, keys, to_other_host):
    folder = layout.folder(uuid)
    disks = []
    for each in attached.every(keys):
        name = _OURS.fullmatch(each.file)
        if name:
            chain = disk_chain.follow(os.path.join(folder, each.file),
                                      (folder, *layout.caches()))
            disks.append(Disk(name.group(1), each, tuple(chain),
                              linked.read_header(chain[0]).capacity))
        elif to_other_host:
            raise exception.NotSupported(
                'Server %s has a disk that is not from Nova: %s.'
                % (uuid, each.file), 'Such a disk cannot move along.',
                'Detach it in the VMware window first.')
    if 'root' not in [disk.name for disk in disks]:
        raise exception.VmIncomplete(
            'The root disk of server %s is not in its .vmx.' % uuid,
            'No line of %s names root.vmdk.' % layout.vmx(uuid),
            'Attach it again, or reboot the server hard.')
    return sorted(disks, key=lambda disk: disk.name != 'root')


def _sizes(uuid, disks, old, flavor):
    """Returns the sizes in MiB of the disks that must grow."""
    wanted = {}
    if flavor.root_gb != old.root_gb:
        wanted['root'] = flavor.root_gb * units.Ki
    ephemerals = _ephemerals(disks)
    if flavor.ephemeral_gb != old.ephemeral_gb and len(ephemerals) == 1 and (
            ephemerals[0].capacity == old.ephemeral_gb * units.Gi):
        # Several disks, or a smaller one, are what a user has asked for.
        wanted[ephemerals[0].name] = flavor.ephemeral_gb * units.Ki
    capacities = {disk.name: disk.capacity for disk in disks}
    for name, size_mb in wanted.items():
        if size_mb * units.Mi < capacities[name]:
            raise exception.InvalidInput(
                'Server %s cannot be resized: its %s disk cannot shrink.'
                % (uuid, name), 'It has %d MiB, the flavor %d.' % (
                    capacities[name] // units.Mi, size_mb),
                'Choose a flavor with a larger disk.')
    return {name: size_mb for name, size_mb in wanted.items()
            if size_mb * units.Mi > capacities[name]}


def _ephemerals(disks):
    return [disk for disk in disks if disk.name.startswith('ephemeral')]


def _blank(disks, old, flavor):
    blank = {}
    if flavor.ephemeral_gb and not old.ephemeral_gb and not _ephemerals(disks):
        blank['ephemeral0'] = flavor.ephemeral_gb * units.Ki
    if flavor.swap and flavor.swap != old.swap:
        blank['swap'] = flavor.swap
    return blank


def _needs_others(disk):
    return (len(disk.chain) > 1 or
            os.path.basename(disk.chain[0]) != disk.name + '.vmdk')


def _refuse_snapshots(layout, uuid):
    try:
        snapshots = vmsd.parse(files.read(layout.vmsd(uuid)))
    except FileNotFoundError:
        return
    if snapshots:
        raise exception.HasSnapshots(
            'Server %s has snapshots in VMware, which its disks would lose.'
            % uuid, 'They are: %s.' % ', '.join(
                snapshot.name for snapshot in snapshots),
            'Remove them in the VMware window, or by "vmrun deleteSnapshot".')


def kind(disk):
    """Returns the ddb.adapterType that a copy of a disk gets."""
    return vmdk.adapter_type(disk.attached.bus)
