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

"""The disks of a server: root, ephemeral, swap."""

import os

from nova.objects import instance as nova_instance
from nova.virt import driver
from oslo_utils import units

from nova_vmrun import exception
from nova_vmrun.formats import vmdk
from nova_vmrun.host import space
from nova_vmrun.machine import model
from nova_vmrun.ops.nova import glance
from nova_vmrun.ops.nova import properties
from nova_vmrun.storage import image_cache
from nova_vmrun.storage import linked
from nova_vmrun.tools import qemu_img


class Disks:
    """Makes the disks of servers.

    :param conf: nova.conf.CONF
    :param cache: a nova_vmrun.storage.image_cache.ImageCache
    :param layout: a nova_vmrun.server.layout.Layout
    :param vdiskmanager: a nova_vmrun.tools.vdiskmanager.VDiskManager, or None
    """

    def __init__(self, conf, cache, layout, vdiskmanager):
        self._cache = cache
        self._layout = layout
        self._vdiskmanager = vdiskmanager
        self._linked = conf.use_cow_images and conf.vmrun.use_linked_clone

    def prepare(self, context, instance, image, private):
        """Returns the base disk that a server's root disk is made of.

        The first server of an image fetches it, as the user who asked for
        the server; the others wait. The image of a shelved server is used
        once and removed from Glance then, so that the cache does not keep it.

        :param context: nova.context.RequestContext of the user
        :param instance: nova.objects.Instance
        :param image: a nova_vmrun.inspection.inspector.Image
        :param private: a folder of this server's alone, which is there until
            its disks are made
        :returns: a nova_vmrun.storage.image_cache.Base; None for an ISO image,
            whose server gets a blank root disk
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
        if properties.is_unshelved(instance):
            return self._cache.private(image, root_gb, download, private)
        return self._cache.base(image, root_gb, download,
                                glance.certificates(instance))

    def make(self, instance, base, block_device_info, hardware):
        """Makes all disks of a server; its folder exists.

        :param instance: nova.objects.Instance
        :param base: what prepare returned
        :param block_device_info: as Nova gives it: ephemeral disks and swap
        :param hardware: a nova_vmrun.machine.model.Hardware
        """
        uuid, bus = instance.uuid, hardware.disk_bus
        if base is None:
            self._make_blank(uuid, 'root', instance.flavor.root_gb * units.Ki,
                             bus)
        else:
            self._make_root(uuid, base, bus, hardware.linked_clone)
        ephemerals = driver.block_device_info_get_ephemerals(
            block_device_info)
        for number, ephemeral in enumerate(ephemerals):
            self._make_blank(uuid, _ephemeral(number),
                             ephemeral['size'] * units.Ki, bus)
        swap = driver.block_device_info_get_swap(block_device_info)
        if driver.swap_is_usable(swap):
            self._make_blank(uuid, 'swap', swap['swap_size'], bus)

    def check(self, instance: nova_instance.Instance,
              base: image_cache.Base | None, block_device_info: dict | None,
              hardware: model.Hardware) -> list[str]:
        """Finds out whether the disks of a rebuilt server can be made.

        Its present disks are counted as free space: they go first.
        Parameters are those of make.

        :returns: their names, as Layout.disk has them
        :raises InvalidConfiguration: nothing makes empty disks here
        :raises DiskFull: there is not enough space
        """
        ephemerals = driver.block_device_info_get_ephemerals(
            block_device_info)
        swap = driver.block_device_info_get_swap(block_device_info)
        blank = [each['size'] * units.Gi for each in ephemerals]
        names = ['root', *map(_ephemeral, range(len(ephemerals)))]
        if driver.swap_is_usable(swap):
            blank.append(swap['swap_size'] * units.Mi)
            names.append('swap')
        needed = 0
        if base is None:
            blank.append(instance.flavor.root_gb * units.Gi)
        elif not self._is_linked(hardware.linked_clone):
            needed = space.allocated(base.disk)
        if blank:
            self._require_vdiskmanager(instance.uuid)
            needed += sum(map(qemu_img.table_size, blank))
        freed = sum(map(space.reclaimable, self.existing(instance.uuid)))
        if needed > freed:
            space.of_instances(self._layout.root).require(
                needed - freed, 'There is not enough space for the disks of '
                'server %s.' % instance.uuid)
        return names

    def _is_linked(self, linked_clone: bool | None) -> bool:
        # An image may insist on one way; else the options decide.
        return self._linked if linked_clone is None else linked_clone

    def _make_root(self, uuid, base, bus, linked_clone):
        disk = self._layout.disk(uuid, 'root')
        if base.delta is None:
            linked.move(base.disk, disk, bus)
        elif self._is_linked(linked_clone):
            linked.make_child(base.delta, base.disk, disk, bus)
        else:
            linked.make_copy(base.disk, disk, bus)

    def make_rescue(self, context, instance, image, path, bus):
        """Makes the disk that a server boots from in rescue.

        :param context: nova.context.RequestContext of the user
        :param instance: nova.objects.Instance
        :param image: a nova_vmrun.inspection.inspector.Image
        :param path: the .vmdk to make
        :param bus: the controller that it will be on
        """
        base = self._cache.base(
            image, 0, glance.downloader(context, instance, image.id),
            glance.certificates(instance))
        linked.make_child(base.delta, base.disk, path, bus)

    def _make_blank(self, uuid, name, size_mb, bus):
        self._require_vdiskmanager(uuid)
        self._vdiskmanager.create(
            self._layout.disk(uuid, name), size_mb=size_mb,
            adapter=vmdk.adapter_type(bus))

    def _require_vdiskmanager(self, uuid: str) -> None:
        if self._vdiskmanager is None:
            raise exception.InvalidConfiguration(
                'Server %s needs an empty disk and vmware-vdiskmanager is '
                'not installed.' % uuid,
                resolution='Set [vmrun] vdiskmanager_path, or use a flavor '
                           'without ephemeral and swap disks, and an image '
                           'that is no ISO image.')

    def existing(self, uuid):
        """Returns the paths of a server's disks, in the guest's order."""
        paths = [self._layout.disk(uuid, 'root')]
        while os.path.exists(self._layout.disk(
                uuid, _ephemeral(len(paths) - 1))):
            paths.append(self._layout.disk(uuid, _ephemeral(len(paths) - 1)))
        swap = self._layout.disk(uuid, 'swap')
        return paths + ([swap] if os.path.exists(swap) else [])


def _ephemeral(number):
    return 'ephemeral%d' % number
