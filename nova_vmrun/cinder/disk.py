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

"""What Cinder says about a volume or snapshot, and how to name it."""

import dataclasses
from typing import Protocol

from oslo_utils import units
from oslo_utils import uuidutils

from nova_vmrun import exception
from nova_vmrun.formats import flat
from nova_vmrun.formats import vmdk
from nova_vmrun.formats import volume_files


class CinderVolume(Protocol):
    """The part of cinder.objects.Volume that the driver uses.

    :ivar name: what files are called; made from the id, or from another one
        after a migration
    :ivar size: GiB
    """

    id: str
    name: str
    name_id: str
    size: int
    host: str
    status: str
    encryption_key_id: str | None

    @property
    def volume_attachment(self) -> list[object]: ...


class CinderSnapshot(Protocol):
    """The part of cinder.objects.Snapshot that the driver uses.

    :ivar volume_size: GiB
    """

    id: str
    name: str
    volume_size: int

    @property
    def volume(self) -> CinderVolume: ...


@dataclasses.dataclass(frozen=True)
class Disk:
    """A volume or snapshot.

    :ivar title: how messages name it
    :ivar name: of its files, without the suffixes
    :ivar size: bytes
    :ivar is_snapshot: whether it is a snapshot, which no VM ever opens
    """

    id: str
    title: str
    name: str
    size: int
    is_snapshot: bool = False

    @property
    def can_exist(self) -> bool:
        """Whether files can have been made for it."""
        return (volume_files.is_name(self.name) and
                uuidutils.is_uuid_like(self.id))

    def validate(self) -> None:
        """Check what a tenant or an unusual configuration may have chosen.

        :raises InvalidInput: there can be no such disk
        """
        if not self.can_exist:
            raise exception.InvalidInput(
                '%s cannot be stored.' % self.title,
                'Its files would be named %r.' % self.name,
                'Use letters, digits, "-", "_" and "." in '
                'volume_name_template and snapshot_name_template.')
        if not 0 < self.size <= vmdk.LARGEST_DISK:
            raise exception.InvalidInput(
                '%s cannot have %d GiB.' % (self.title, self.size // units.Gi),
                'VMware supports disks from 1 GiB to %d GiB.'
                % (vmdk.LARGEST_DISK // units.Gi), 'Choose another size.')

    @property
    def flat(self) -> flat.FlatDisk:
        """What the descriptor has to say."""
        return flat.FlatDisk(volume_files.extent(self.name),
                             self.size // vmdk.SECTOR, self.id)


def of_volume(volume: CinderVolume, size_gb: int | None = None) -> Disk:
    """Return what Cinder says about a volume.

    :param size_gb: GiB; None: as Cinder says
    """
    return Disk(volume.id, 'Volume %s' % volume.id, volume.name,
                (volume.size if size_gb is None else size_gb) * units.Gi)


def of_snapshot(snapshot: CinderSnapshot) -> Disk:
    """Return what Cinder says about a snapshot."""
    return Disk(snapshot.id, 'Snapshot %s' % snapshot.id, snapshot.name,
                snapshot.volume_size * units.Gi, is_snapshot=True)
