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

"""The disks of a server, as its record lists them.

Only the record says what a disk is, where its file is and who owns it; names
of files have no meaning. The names of new files are chosen here, too.
"""

from collections import abc
import dataclasses
import enum
import os
import re

from oslo_utils import uuidutils

from nova_vmrun.formats import vmx
from nova_vmrun.machine import attached
from nova_vmrun.machine import model

_NAME = re.compile('[a-z][a-z0-9-]{0,50}')
_NODE = re.compile('(scsi|sata|nvme|ide)[0-3]:[0-9]{1,2}')
_UNPRINTABLE = re.compile('[\x00-\x1f\x7f\ud800-\udfff]')
_VOLUME_NAME = 'volume-'
_VOLUME_FILE = re.compile(
    'volume-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}[.]vmdk')
# What VMware appends to the name of a disk when it takes a snapshot.
_SNAPSHOT_NUMBER = '-[0-9]{6}'
_MAX_DISKS = 200


class Origin(enum.Enum):
    """What a disk was created for."""

    ROOT = 'root'
    # A Cinder volume instead of a root disk.
    BOOT_VOLUME = 'boot volume'
    EPHEMERAL = 'ephemeral'
    SWAP = 'swap'
    VOLUME = 'volume'
    # An image in a CD or floppy drive of the server.
    DRIVE_IMAGE = 'drive image'
    CONFIG_DRIVE = 'config drive'
    RESCUE = 'rescue'
    RESCUE_CONFIG_DRIVE = 'rescue config drive'


class Device(enum.Enum):
    """The kind of device that the guest sees."""

    DISK = 'disk'
    CDROM = 'cdrom'
    FLOPPY = 'floppy'


# Made for the server, with the sizes that its flavor asks for.
OF_FLAVOR = (Origin.ROOT, Origin.EPHEMERAL, Origin.SWAP)
OF_VOLUMES = (Origin.BOOT_VOLUME, Origin.VOLUME)
OF_RESCUE = (Origin.RESCUE, Origin.RESCUE_CONFIG_DRIVE)
# The order in which a guest finds its disks.
_ORDER = list(Origin)
_EXTENSIONS = {Device.DISK: '.vmdk', Device.CDROM: '.iso',
               Device.FLOPPY: '.flp'}


@dataclasses.dataclass(frozen=True)
class Disk:
    """A disk, CD or floppy of a server.

    :ivar name: unique among the disks of the server
    :ivar path: the file that was created; the .vmx may name a snapshot of it.
        A plain name is in the server's folder, an absolute path elsewhere.
    :ivar bus: one of nova_vmrun.machine.model.BUSES; None for a floppy
    :ivar node: where it was attached when its .vmx was last written
        (scsi0:0); None if that is unknown, and for a floppy
    :ivar size: bytes that the guest sees; None if nothing needs it
    :ivar deleted_with_server: False if the file does not belong to the server
    :ivar storage: id of the storage folder that the file is in, in a folder
        of the server's own; None if it is in no other than instances_path
    """

    name: str
    path: str
    origin: Origin
    device: Device = Device.DISK
    bus: str | None = None
    node: str | None = None
    size: int | None = None
    deleted_with_server: bool = True
    storage: str | None = None

    @property
    def is_outside(self) -> bool:
        """Whether the file is outside the server's folder."""
        return os.path.isabs(self.path)

    @property
    def is_in_storage(self) -> bool:
        """Whether the file is in one of [vmrun] storage_folders."""
        return self.storage is not None

    @property
    def volume_id(self) -> str | None:
        """The id of a Cinder volume; None for any other disk."""
        if self.origin not in OF_VOLUMES:
            return None
        return self.name.removeprefix(_VOLUME_NAME)

    def file(self, folder: str) -> str:
        """Return the absolute path of the file.

        :param folder: the server's
        """
        return os.path.join(folder, self.path)

    def has_name(self, name: str) -> bool:
        """Return whether a file is named like the disk or a snapshot of it."""
        return name == os.path.basename(self.path) or bool(
            self._snapshots().fullmatch(name))

    def _snapshots(self) -> re.Pattern[str]:
        stem, extension = os.path.splitext(os.path.basename(self.path))
        return re.compile(
            re.escape(stem) + _SNAPSHOT_NUMBER + re.escape(extension))

    def attachment(self, keys: vmx.Vmx,
                   folder: str) -> attached.Attached | None:
        """Return how the disk is attached, or a snapshot in its place.

        After a snapshot, VMware writes to root-000001.vmdk instead of
        root.vmdk. That file is beside the disk, or beside the .vmx if the disk
        is outside the server's folder.

        :param keys: of the server's .vmx
        :param folder: the server's
        """
        file = self.file(folder)
        snapshot = self._snapshots()
        beside = {os.path.dirname(file), folder}
        found = None
        for each in attached.files(keys):
            path = os.path.normpath(os.path.join(folder, each.file))
            if path == file:
                return each
            if found is None and os.path.dirname(path) in beside and (
                    snapshot.fullmatch(os.path.basename(path))):
                found = each
        return found


def root(size: int | None, bus: str | None) -> Disk:
    return Disk('root', 'root.vmdk', Origin.ROOT, bus=bus, size=size)


def ephemeral(number: int, size: int | None, bus: str | None) -> Disk:
    name = 'ephemeral%d' % number
    return Disk(name, name + '.vmdk', Origin.EPHEMERAL, bus=bus, size=size)


def swap(size: int | None, bus: str | None) -> Disk:
    return Disk('swap', 'swap.vmdk', Origin.SWAP, bus=bus, size=size)


def volume(volume_id: str, path: str, size: int, bus: str,
           node: str | None = None, is_boot: bool = False) -> Disk:
    """Return a Cinder volume.

    :param path: absolute path of its descriptor
    """
    return Disk(_VOLUME_NAME + volume_id, path,
                Origin.BOOT_VOLUME if is_boot else Origin.VOLUME, bus=bus,
                node=node, size=size, deleted_with_server=False)


def is_volume_file(path: str) -> bool:
    """Return whether a file is named like the descriptor of a volume."""
    return bool(_VOLUME_FILE.fullmatch(os.path.basename(path)))


def cd_image(number: int, bus: str | None) -> Disk:
    name = 'cd%d' % number
    return Disk(name, name + '.iso', Origin.DRIVE_IMAGE, Device.CDROM, bus)


def floppy_image() -> Disk:
    return Disk('floppy', 'floppy.flp', Origin.DRIVE_IMAGE, Device.FLOPPY)


def config_drive(bus: str | None) -> Disk:
    return Disk('config-drive', 'config-drive.iso', Origin.CONFIG_DRIVE,
                Device.CDROM, bus)


def rescue(device: Device, bus: str | None) -> Disk:
    return Disk('rescue', 'rescue' + _EXTENSIONS[device], Origin.RESCUE,
                device, bus)


def rescue_config_drive(bus: str | None) -> Disk:
    return Disk('rescue-config-drive', 'config-drive-rescue.iso',
                Origin.RESCUE_CONFIG_DRIVE, Device.CDROM, bus)


def moved(disk: Disk, folder: str, storage: str | None) -> Disk:
    """Return a disk whose file has the same name in another folder.

    :param folder: in a storage folder; empty: the server's
    :param storage: id of the storage folder; None: instances_path
    """
    return dataclasses.replace(
        disk, path=os.path.join(folder, os.path.basename(disk.path)),
        storage=storage)


def first(disks: abc.Iterable[Disk], *origins: Origin) -> Disk | None:
    """Return the first disk of the given origins."""
    return next((disk for disk in disks if disk.origin in origins), None)


def in_order(disks: abc.Iterable[Disk]) -> tuple[Disk, ...]:
    """Return disks in the order in which a guest finds them."""
    return tuple(sorted(disks, key=lambda disk: _ORDER.index(disk.origin)))


def dump(disks: abc.Iterable[Disk]) -> list[dict[str, object]]:
    """Return disks in a form that JSON can represent."""
    return [_dump(disk) for disk in disks]


def _dump(disk: Disk) -> dict[str, object]:
    found = {**dataclasses.asdict(disk), 'origin': disk.origin.value,
             'device': disk.device.value}
    if disk.storage is None:
        # Hosts without storage folders may have an older release.
        del found['storage']
    return found


def parse(found: object) -> tuple[Disk, ...]:
    """Return disks from what dump returned, which may have been edited since.

    :raises ValueError: they cannot be the disks of a server
    """
    if not isinstance(found, list) or len(found) > _MAX_DISKS:
        raise ValueError('The disks are no list, or too many.')
    disks = tuple(map(_parse, found))
    for texts in ([disk.name for disk in disks],
                  [disk.path for disk in disks]):
        if len(set(texts)) < len(texts):
            raise ValueError('Two disks have the same name or path.')
    return disks


def _parse(found: object) -> Disk:
    if not isinstance(found, dict):
        raise ValueError('A disk is no mapping.')
    # A later release may have written more.
    known = {field.name: found[field.name]
             for field in dataclasses.fields(Disk) if field.name in found}
    known['origin'] = Origin(known.get('origin'))
    known['device'] = Device(known.get('device'))
    try:
        disk = Disk(**known)
    except TypeError as error:
        raise ValueError('A disk is incomplete: %s.' % error) from error
    _validate(disk)
    return disk


def _validate(disk: Disk) -> None:
    for value, is_good, what in (
            (disk.name, _is_name, 'name'),
            (disk.path, _is_path, 'path'),
            (disk.bus, _is_bus, 'bus'),
            (disk.node, _is_node, 'node'),
            (disk.size, _is_size, 'size'),
            (disk.deleted_with_server, lambda value: isinstance(value, bool),
             'deleted_with_server'),
            (disk.storage, _is_storage, 'storage')):
        if not is_good(value):
            raise ValueError('%r cannot be the %s of a disk.' % (value, what))
    if disk.is_in_storage and not disk.is_outside:
        raise ValueError('The disk %s is in a storage folder, but its path is '
                         'not absolute.' % disk.name)
    if disk.is_outside and disk.deleted_with_server and (
            not disk.is_in_storage):
        raise ValueError('The disk %s lies outside the folder of the server '
                         'and is to be deleted with it.' % disk.path)


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(_NAME.fullmatch(value))


def _is_path(value: object) -> bool:
    if not isinstance(value, str) or _UNPRINTABLE.search(value):
        return False
    if os.path.isabs(value):
        return os.path.normpath(value) == value
    return os.path.basename(value) == value and value not in ('', '.', '..')


def _is_bus(value: object) -> bool:
    return value is None or value in model.BUSES


def _is_node(value: object) -> bool:
    return value is None or (
        isinstance(value, str) and bool(_NODE.fullmatch(value)))


def _is_storage(value: object) -> bool:
    return value is None or uuidutils.is_uuid_like(value)


def _is_size(value: object) -> bool:
    return value is None or (
        isinstance(value, int) and not isinstance(value, bool) and value >= 0)
