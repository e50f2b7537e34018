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

"""What happens to each disk of a server that is resized or moved.

A disk stays as it is where possible. One that must grow, or that refers to a
base disk which another host does not have, becomes a file of its own. Volumes
stay where they are, also the one that a server boots from. All that can be
refused is refused here, while the server runs.
"""

from collections import abc
import dataclasses
import os

from nova.objects import flavor as nova_flavor
from nova.objects import instance as nova_instance
from oslo_utils import units

from nova_vmrun import exception
from nova_vmrun.formats import vmdk
from nova_vmrun.formats import vmsd
from nova_vmrun.formats import vmx
from nova_vmrun.host import files
from nova_vmrun.host import space
from nova_vmrun.machine import attached
from nova_vmrun.server import disk_lists as disk_lists_module
from nova_vmrun.server import disks as server_disks
from nova_vmrun.server import layout as layout_module
from nova_vmrun.server import vmx_file
from nova_vmrun.storage import disk_chain
from nova_vmrun.storage import linked
from nova_vmrun.storage import server_storage

# VMware keeps two tables with four bytes for each 64 KiB.
_BYTES_PER_TABLE_BYTE = 8192

_ROOT = server_disks.Origin.ROOT
_BOOT_VOLUME = server_disks.Origin.BOOT_VOLUME
_EPHEMERAL = server_disks.Origin.EPHEMERAL
_SWAP = server_disks.Origin.SWAP


@dataclasses.dataclass(frozen=True)
class Disk:
    """A disk of a server.

    :ivar listed: as the server's record lists it
    :ivar attached: as its .vmx attaches it
    :ivar chain: paths of its files, the topmost first
    :ivar capacity: bytes
    """

    listed: server_disks.Disk
    attached: attached.Attached
    chain: tuple[str, ...]
    capacity: int

    @property
    def content(self) -> int:
        """Bytes that a copy of it may need."""
        present = sum(map(space.allocated, self.chain))
        return min(present,
                   self.capacity + self.capacity // _BYTES_PER_TABLE_BYTE)

    @property
    def continues_beside_vmx(self) -> bool:
        """Whether VMware writes to a file beside the .vmx, in its place."""
        return self.listed.is_in_storage and (
            os.path.basename(os.path.dirname(self.chain[0])) !=
            os.path.basename(os.path.dirname(self.listed.path)))

    @property
    def adapter(self) -> str:
        """The ddb.adapterType that a copy of it gets."""
        return vmdk.adapter_type(self.attached.bus)


@dataclasses.dataclass(frozen=True)
class Copy:
    """A disk that becomes a file of its own.

    :ivar size_mb: MiB that the file is to have; None: as many as now
    """

    disk: Disk
    size_mb: int | None

    @property
    def bytes(self) -> int:
        """Bytes that the file may need."""
        return (self.disk.content + (self.size_mb or 0) * units.Mi
                // _BYTES_PER_TABLE_BYTE)

    @property
    def listed(self) -> server_disks.Disk:
        """The disk as the new record lists it."""
        size = (self.disk.capacity if self.size_mb is None
                else self.size_mb * units.Mi)
        return dataclasses.replace(self.disk.listed, size=size)


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is to be done; the rest of the folder goes along.

    :ivar uuid: of the server
    :ivar bus: of new disks
    :ivar kept: stay as they are
    :ivar copied: become files of their own
    :ivar blank: new, empty disks
    :ivar removed: the server is not to have them any longer
    :ivar others: what its record lists beside its disks: CDs, floppies, and
        disks that belong to somebody else
    """

    uuid: str
    bus: str
    kept: tuple[Disk, ...]
    copied: tuple[Copy, ...]
    blank: tuple[server_disks.Disk, ...]
    removed: tuple[Disk, ...]
    others: disk_lists_module.Disks

    @property
    def copied_bytes(self) -> int:
        """Bytes that the copies may need, 0 if nothing is copied."""
        return sum(copy.bytes for copy in self.copied)

    @property
    def left_out(self) -> set[str]:
        """Paths of disk files that have no place in the new folder."""
        disks = [copy.disk for copy in self.copied] + list(self.removed)
        return {path for disk in disks for path in disk.chain}

    @property
    def listed(self) -> disk_lists_module.Disks:
        """The disks that the new record lists."""
        return server_disks.in_order([
            *(disk.listed for disk in self.kept),
            *(copy.listed for copy in self.copied),
            *self.blank, *self.others])


def make(layout: layout_module.Layout,
         disk_lists: disk_lists_module.DiskLists,
         storage: server_storage.ServerStorage,
         instance: nova_instance.Instance, flavor: nova_flavor.Flavor,
         to_other_host: bool, can_make_disks: bool) -> Plan:
    """Decide what happens to a server's disks.

    :param instance: with its present flavor
    :param flavor: the one that it is to have
    :param can_make_disks: whether vmware-vdiskmanager is installed
    :raises VmrunError: it cannot be done
    """
    uuid, old = instance.uuid, instance.flavor
    listed = disk_lists.get(uuid)
    boot_volume = server_disks.first(listed, _BOOT_VOLUME)
    if to_other_host:
        refuse_volumes(uuid, [disk.volume_id for disk in listed
                              if disk.volume_id])
    if (flavor.root_gb < old.root_gb and boot_volume is None or
            flavor.ephemeral_gb < old.ephemeral_gb):
        raise exception.InvalidInput(
            'Server %s cannot be resized: its disks cannot shrink.' % uuid,
            'They have %d and %d GiB, the flavor has %d and %d.' % (
                old.root_gb, old.ephemeral_gb, flavor.root_gb,
                flavor.ephemeral_gb),
            'Choose a flavor with disks that are as large or larger.')
    keys = vmx_file.VmxFiles(layout).load(uuid)
    disks = attached_disks(layout, storage, uuid, keys, listed)
    if to_other_host:
        _refuse_disks_of_others(uuid, keys, disks, listed)
    sizes = _sizes(uuid, disks, old, flavor)
    bus = boot_volume.bus if boot_volume else disks[0].attached.bus
    blank = _blank(disks, old, flavor, bus or '')
    removed = tuple(disk for disk in disks if disk.listed.origin is _SWAP and
                    flavor.swap != old.swap)
    staying = [disk for disk in disks if disk not in removed]
    copied = tuple(
        Copy(disk, sizes.get(disk.listed.name)) for disk in staying
        if disk.listed.name in sizes or disk.continues_beside_vmx or
        to_other_host and _needs_other_files(disk))
    kept = tuple(disk for disk in staying
                 if disk not in [copy.disk for copy in copied])
    if not can_make_disks and (sizes or blank):
        raise exception.InvalidConfiguration(
            'Server %s cannot be resized: its host has no '
            'vmware-vdiskmanager, which enlarges disks.' % uuid,
            resolution='Install it, or set [vmrun] vdiskmanager_path.')
    in_storage = any(disk.listed.is_in_storage for disk in disks)
    if copied or removed or to_other_host or in_storage:
        # The names in the list of snapshots would be wrong.
        refuse_snapshots(layout, uuid)
    return Plan(uuid, bus or '', kept, copied, blank, removed,
                _others(listed, disks, blank, to_other_host))


def attached_disks(layout: layout_module.Layout,
                   storage: server_storage.ServerStorage,
                   uuid: str, keys: vmx.Vmx,
                   listed: disk_lists_module.Disks) -> list[Disk]:
    """Return the server's own disks, the root disk first if it has one."""
    folder = layout.folder(uuid)
    roots = (folder, *layout.caches(), *storage.chain_folders(listed))
    disks = []
    for disk in listed:
        if disk.origin not in server_disks.OF_FLAVOR:
            continue
        attachment = disk.attachment(keys, folder)
        if attachment is None:
            continue
        chain = disk_chain.follow(os.path.join(folder, attachment.file),
                                  roots)
        disks.append(Disk(disk, attachment, tuple(chain),
                          linked.read_header(chain[0]).capacity))
    if _ROOT not in [disk.listed.origin for disk in disks] and (
            server_disks.first(listed, _BOOT_VOLUME) is None):
        raise exception.VmIncomplete(
            'The root disk of server %s is not in its .vmx.' % uuid,
            'No line of %s names it.' % layout.vmx(uuid),
            'Attach it again, or reboot the server hard.')
    return disks


def refuse_volumes(uuid: str, volumes: abc.Collection[str]) -> None:
    """Refuse the move of a server to another host if it has volumes.

    :param volumes: their ids
    """
    if volumes:
        raise exception.NotSupported(
            'Server %s has volumes, and cannot move to another host.' % uuid,
            'The files of these volumes are on this host: %s.'
            % ', '.join(volumes),
            'Stop the server and detach them first. A server that boots from '
            'a volume has to stay.')


def _refuse_disks_of_others(uuid: str, keys: vmx.Vmx, disks: list[Disk],
                            listed: disk_lists_module.Disks) -> None:
    nodes = [disk.attached.node for disk in disks]
    for each in attached.every(keys):
        if each.node not in nodes:
            raise exception.NotSupported(
                'Server %s has a disk that is not from Nova: %s.'
                % (uuid, each.file), 'Such a disk cannot move along.',
                'Detach it in the VMware window first.')
    for disk in listed:
        if disk.is_outside and not disk.is_in_storage:
            raise exception.NotSupported(
                'Server %s has a disk outside its folder: %s.'
                % (uuid, disk.path), 'Such a disk cannot move along.',
                'Detach it first.')


def _sizes(uuid: str, disks: list[Disk], old: nova_flavor.Flavor,
           flavor: nova_flavor.Flavor) -> dict[str, int]:
    """Return the sizes in MiB of the disks that must grow, by their names."""
    wanted: list[tuple[Disk, int]] = []
    if flavor.root_gb != old.root_gb:
        wanted += [(disk, flavor.root_gb * units.Ki) for disk in disks
                   if disk.listed.origin is _ROOT]
    ephemerals = _ephemerals(disks)
    if flavor.ephemeral_gb != old.ephemeral_gb and len(ephemerals) == 1 and (
            ephemerals[0].capacity == old.ephemeral_gb * units.Gi):
        # Several disks, or a smaller one, are what a user has asked for.
        wanted.append((ephemerals[0], flavor.ephemeral_gb * units.Ki))
    for disk, size_mb in wanted:
        if size_mb * units.Mi < disk.capacity:
            raise exception.InvalidInput(
                'Server %s cannot be resized: its %s disk cannot shrink.'
                % (uuid, disk.listed.name), 'It has %d MiB, the flavor %d.'
                % (disk.capacity // units.Mi, size_mb),
                'Choose a flavor with a larger disk.')
    return {disk.listed.name: size_mb for disk, size_mb in wanted
            if size_mb * units.Mi > disk.capacity}


def _ephemerals(disks: abc.Iterable[Disk]) -> list[Disk]:
    return [disk for disk in disks if disk.listed.origin is _EPHEMERAL]


def _blank(disks: list[Disk], old: nova_flavor.Flavor,
           flavor: nova_flavor.Flavor,
           bus: str) -> tuple[server_disks.Disk, ...]:
    blank = []
    if flavor.ephemeral_gb and not old.ephemeral_gb and not _ephemerals(disks):
        blank.append(server_disks.ephemeral(
            0, flavor.ephemeral_gb * units.Gi, bus))
    if flavor.swap and flavor.swap != old.swap:
        blank.append(server_disks.swap(flavor.swap * units.Mi, bus))
    return tuple(blank)


def _needs_other_files(disk: Disk) -> bool:
    return (len(disk.chain) > 1 or
            os.path.basename(disk.chain[0]) !=
            os.path.basename(disk.listed.path))


def _others(listed: disk_lists_module.Disks, disks: list[Disk],
            blank: tuple[server_disks.Disk, ...],
            to_other_host: bool) -> disk_lists_module.Disks:
    """Return what goes along as it is, or stays where it is.

    No disk that is missing from the .vmx moves to another host.
    """
    names = [disk.listed.name for disk in disks] + [
        disk.name for disk in blank]
    return tuple(disk for disk in listed if disk.name not in names and not (
        to_other_host and disk.device is server_disks.Device.DISK))


def refuse_snapshots(layout: layout_module.Layout, uuid: str) -> None:
    """Refuse to change the disks of a server with snapshots in VMware.

    :raises HasSnapshots: it has some
    """
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
