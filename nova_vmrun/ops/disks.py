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

"""The disks that a server is built with: root, ephemeral, swap."""

from collections import abc
import os
from typing import Any

from nova import context as nova_context
from nova.objects import instance as nova_instance
from nova.virt import driver
from oslo_log import log as logging
from oslo_utils import units

from nova_vmrun import exception
from nova_vmrun.formats import vmdk
from nova_vmrun.host import space
from nova_vmrun.inspection import inspector
from nova_vmrun.machine import model
from nova_vmrun.ops import disk_places
from nova_vmrun.ops.nova import glance
from nova_vmrun.ops.nova import properties
from nova_vmrun.ops import parts
from nova_vmrun.server import disks as server_disks
from nova_vmrun.storage import image_cache
from nova_vmrun.storage import linked
from nova_vmrun.tools import qemu_img
from nova_vmrun.tools import vdiskmanager as vdiskmanager_module

LOG = logging.getLogger(__name__)

# What Nova passes about disks that are not part of the image.
BlockDeviceInfo = dict[str, Any] | None


class Disks:
    """Makes the disks of servers."""

    def __init__(self, host: parts.Host, servers: parts.Servers,
                 images: parts.Images) -> None:
        self._cache = images.cache
        self._layout = servers.layout
        self._disk_lists = servers.disk_lists
        self._storage = servers.storage
        self._vdiskmanager = host.vdiskmanager
        self._linked = (host.conf.use_cow_images and
                        host.conf.vmrun.use_linked_clone)

    def prepare(self, context: nova_context.RequestContext,
                instance: nova_instance.Instance, image: inspector.Image,
                places: disk_places.Places) -> image_cache.Base | None:
        """Return the base disk that a server's root disk is made of.

        The first server of an image fetches it, as the user who asked for
        the server; the others wait. The image of a shelved server is used
        once and then removed from Glance, so the cache does not keep it.

        :param context: of the user
        :returns: None for an ISO image, whose server gets a blank root disk
        :raises InvalidInput: a flavor without disk, and nothing to boot from
        """
        root_gb = instance.flavor.root_gb
        if image.disk_format == 'iso':
            if not root_gb:
                raise exception.InvalidInput(
                    'Image %s is an ISO image and the flavor has no root '
                    'disk.' % image.id,
                    resolution='Use a flavor with disk 1 or more.')
            return None
        download = glance.downloader(context, instance, image.id)
        base: image_cache.Base
        if properties.is_unshelved(instance):
            base = places.cache.private(image, root_gb, download,
                                        places.private)
        else:
            base = places.cache.base(image, root_gb, download,
                                     glance.certificates(instance))
        return base

    def plan(self, instance: nova_instance.Instance,
             base: image_cache.Base | None,
             block_device_info: BlockDeviceInfo,
             bus: str) -> list[server_disks.Disk]:
        """Return the disks that a new server is to have.

        :param base: what prepare returned
        """
        size = (instance.flavor.root_gb * units.Gi if base is None
                else linked.read_header(base.disk).capacity)
        planned = [server_disks.root(size, bus)]
        planned += [
            server_disks.ephemeral(number, each['size'] * units.Gi, bus)
            for number, each in enumerate(
                driver.block_device_info_get_ephemerals(block_device_info))]
        swap = driver.block_device_info_get_swap(block_device_info)
        if driver.swap_is_usable(swap):
            planned.append(
                server_disks.swap(swap['swap_size'] * units.Mi, bus))
        return planned

    def make(self, uuid: str, base: image_cache.Base | None,
             planned: abc.Sequence[server_disks.Disk],
             hardware: model.Hardware) -> None:
        """Make the disks of a server whose record lists them.

        :param base: what prepare returned
        :param planned: what plan returned
        """
        for folder in {os.path.dirname(disk.path) for disk in planned
                       if disk.is_in_storage}:
            self._storage.create(folder)
        for disk in planned:
            path = self._layout.file(uuid, disk.path)
            if disk.origin is server_disks.Origin.ROOT and base is not None:
                self._make_root(path, base, hardware)
            else:
                self._make_blank(uuid, path, disk.size or 0,
                                 hardware.disk_bus)

    def check(self, uuid: str, base: image_cache.Base | None,
              planned: abc.Iterable[server_disks.Disk],
              hardware: model.Hardware) -> None:
        """Raise an error if the disks of a rebuilt server cannot be made.

        The space of its present disks counts as free: they go first.
        Parameters are those of make.

        :raises InvalidConfiguration: nothing makes empty disks here
        :raises DiskFull: there is not enough space
        """
        needed: dict[str | None, int] = {}
        for disk in planned:
            size = 0
            if base is None or disk.origin is not server_disks.Origin.ROOT:
                self._require_vdiskmanager(uuid)
                size = qemu_img.table_size(disk.size or 0)
            elif not self._is_linked(hardware.linked_clone):
                size = space.allocated(base.disk)
            needed[disk.storage] = needed.get(disk.storage, 0) + size
        for disk in self.present(uuid):
            if (disk.device is server_disks.Device.DISK and
                    disk.deleted_with_server and disk.storage in needed):
                needed[disk.storage] -= space.reclaimable(
                    self._layout.file(uuid, disk.path))
        for storage, size in needed.items():
            if size > 0:
                space.of_instances(self._root(storage)).require(
                    size, 'There is not enough space for the disks of '
                    'server %s.' % uuid)

    def _root(self, storage: str | None) -> str:
        """Return the path of a storage folder, by its id."""
        if storage is None:
            return self._layout.root
        return self._storage.folders.require(storage).path

    def present(self, uuid: str) -> tuple[server_disks.Disk, ...]:
        """Return the disks that a server has, none if they are unknown."""
        try:
            return self._disk_lists.get(uuid)
        except (exception.VmNotFound, exception.RecordUnreadable) as error:
            # A rebuild also mends what is not whole.
            LOG.info('The disks that the server has are not known: %s', error)
            return ()

    def _is_linked(self, linked_clone: bool | None) -> bool:
        # An image may insist on one way; else the options decide.
        return self._linked if linked_clone is None else linked_clone

    def _make_root(self, path: str, base: image_cache.Base,
                   hardware: model.Hardware) -> None:
        if base.delta is None:
            linked.move(base.disk, path, hardware.disk_bus)
        elif self._is_linked(hardware.linked_clone):
            linked.make_child(base.delta, base.disk, path, hardware.disk_bus)
        else:
            linked.make_copy(base.disk, path, hardware.disk_bus)

    def make_rescue(self, context: nova_context.RequestContext,
                    instance: nova_instance.Instance, image: inspector.Image,
                    path: str, bus: str) -> None:
        """Make the disk that a server boots from in rescue.

        :param context: of the user
        :param path: the .vmdk to make
        :param bus: the controller that it will be on
        """
        base = self._cache.base(
            image, 0, glance.downloader(context, instance, image.id),
            glance.certificates(instance))
        linked.make_child(base.delta, base.disk, path, bus)

    def _make_blank(self, uuid: str, path: str, size: int, bus: str) -> None:
        self._require_vdiskmanager(uuid).create(
            path, size_mb=size // units.Mi, adapter=vmdk.adapter_type(bus))

    def _require_vdiskmanager(
            self, uuid: str) -> vdiskmanager_module.VDiskManager:
        if self._vdiskmanager is None:
            raise exception.InvalidConfiguration(
                'Server %s needs an empty disk and vmware-vdiskmanager is '
                'not installed.' % uuid,
                resolution='Set [vmrun] vdiskmanager_path, or use a flavor '
                           'without ephemeral and swap disks, and an image '
                           'that is not an ISO image.')
        return self._vdiskmanager
