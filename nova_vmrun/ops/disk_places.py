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

"""Choice of the storage folders that the disks of a new server go to."""

from collections import abc
import contextlib
import dataclasses
from typing import Any

from nova.objects import image_meta as nova_image
from nova.objects import instance as nova_instance
from nova.virt import driver
from oslo_utils import units

from nova_vmrun.host import space
from nova_vmrun.machine import model
from nova_vmrun.ops import parts
from nova_vmrun.server import disks as server_disks
from nova_vmrun.storage import folder_choice
from nova_vmrun.storage import folders as storage_folders
from nova_vmrun.storage import image_cache
from nova_vmrun.storage import server_folders

_ROOT = server_disks.Origin.ROOT
_EPHEMERAL = server_disks.Origin.EPHEMERAL
_SWAP = server_disks.Origin.SWAP


@dataclasses.dataclass(frozen=True)
class Places:
    """Where the disks of a server that is being built go.

    :ivar reserved: the storage folders by the origins of disks
    :ivar paths: of the server's folder in each storage folder, by the names
        of the storage folders
    """

    reserved: abc.Mapping[server_disks.Origin, storage_folders.Reserved]
    paths: abc.Mapping[str, str]

    @property
    def private(self) -> str:
        """A folder that no other build uses, where the root disk goes."""
        return self.reserved[_ROOT].private

    @property
    def cache(self) -> image_cache.ImageCache:
        """The image cache that the root disk is linked to."""
        return self.reserved[_ROOT].folder.cache

    def placed(self, disk: server_disks.Disk) -> server_disks.Disk:
        """Return a disk with the path and the storage folder chosen for it."""
        folder = self.reserved[disk.origin].folder
        if folder.is_default:
            return disk
        return server_disks.moved(disk, self.paths[folder.name],
                                  folder.identity)


class DiskPlaces:
    """Chooses storage folders."""

    def __init__(self, host: parts.Host, servers: parts.Servers) -> None:
        self._default_tag = host.conf.vmrun.default_storage_tag
        self._storage = servers.storage
        self._layout = servers.layout

    @contextlib.contextmanager
    def reserve(self, instance: nova_instance.Instance,
                image: nova_image.ImageMeta, hardware: model.Hardware,
                block_device_info: dict[str, Any] | None,
                present: abc.Iterable[server_disks.Disk] = ()
                ) -> abc.Iterator[Places]:
        """Begin a build, and reserve space for the disks that it makes.

        :param present: disks that a rebuild removes first
        :raises NoStorageFolder: no folder has a tag, or enough space
        """
        sizes = _sizes(instance, image, block_device_info)
        root_tag = self._tag(hardware)
        tags = {_ROOT: root_tag,
                _EPHEMERAL: hardware.ephemeral_storage_tag or root_tag,
                _SWAP: hardware.swap_storage_tag or root_tag}
        grouped: dict[str | None, int] = {}
        for origin, tag in tags.items():
            if origin is _ROOT or sizes[origin]:
                grouped[tag] = grouped.get(tag, 0) + sizes[origin]
        wishes = [folder_choice.Wish(tag, size)
                  for tag, size in grouped.items()]
        with self._storage.folders.begin(
                wishes, self._reclaimable(instance.uuid, present)) as found:
            by_tag = dict(zip(grouped, found))
            yield Places(
                {origin: by_tag[tag] for origin, tag in tags.items()
                 if tag in by_tag},
                {each.folder.name: server_folders.new_path(
                    each.folder.path, instance.uuid) for each in found})

    def _tag(self, hardware: model.Hardware) -> str | None:
        """Return the tag of a server's root disk, or None for any folder."""
        policy = (hardware.storage_policy if self._storage.folders.others
                  else None)
        tag: str | None = (hardware.storage_tag or policy or
                           self._default_tag or None)
        return tag

    def _reclaimable(self, uuid: str,
                     present: abc.Iterable[server_disks.Disk]
                     ) -> dict[str, int]:
        """Return how many bytes become free, by names of storage folders."""
        folders, found = self._storage.folders, dict[str, int]()
        if not folders.others:
            return found
        for disk in present:
            if disk.volume_id is None:
                folder = (folders.default if disk.storage is None
                          else folders.require(disk.storage))
                found[folder.name] = found.get(folder.name, 0) + (
                    space.reclaimable(self._layout.file(uuid, disk.path)))
        return found


def _sizes(instance: nova_instance.Instance, image: nova_image.ImageMeta,
           block_device_info: dict[str, Any] | None
           ) -> dict[server_disks.Origin, int]:
    """Return how many bytes the disks of a server can grow to."""
    swap = driver.block_device_info_get_swap(block_device_info)
    return {
        # A server without an image boots from a volume.
        _ROOT: _root_size(instance, image) if instance.image_ref else 0,
        _EPHEMERAL: sum(
            each['size'] * units.Gi for each in
            driver.block_device_info_get_ephemerals(block_device_info)),
        _SWAP: (swap['swap_size'] * units.Mi
                if driver.swap_is_usable(swap) else 0)}


def _root_size(instance: nova_instance.Instance,
               image: nova_image.ImageMeta) -> int:
    if instance.flavor.root_gb:
        return int(instance.flavor.root_gb * units.Gi)
    # The size of the image decides, and only its content says how large.
    found = [image.min_disk * units.Gi if 'min_disk' in image else 0,
             image.size if 'size' in image else 0]
    return max(int(each or 0) for each in found)
