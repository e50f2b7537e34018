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

"""The volumes of a server, as Nova's block device mappings list them."""

from typing import Any

from nova import context as nova_context
from nova.objects import block_device
from nova.objects import instance as nova_instance
from nova.virt import driver

from nova_vmrun.volumes import connection

BlockDeviceInfo = dict[str, Any] | None


def volumes(block_device_info: BlockDeviceInfo) -> list[connection.Volume]:
    """Return the volumes in a block_device_info.

    Volumes that are not attached yet have no connection_info; they are left
    out.

    :raises InvalidInput: a connection_info is malformed or cannot be used
    """
    found: dict[str, connection.Volume] = {}
    for mapping in driver.block_device_info_get_mapping(block_device_info):
        info = mapping.get('connection_info')
        if info:
            volume = connection.parse(info, mapping.get('boot_index') == 0)
            found[volume.id] = volume
    return list(found.values())


def has_disks(instance: nova_instance.Instance,
              block_device_info: BlockDeviceInfo) -> bool:
    """Return whether a server has disks that are no volumes of Cinder.

    A server that boots from a volume has no image.
    """
    return bool(
        instance.image_ref or
        driver.block_device_info_get_ephemerals(block_device_info) or
        driver.swap_is_usable(
            driver.block_device_info_get_swap(block_device_info)))


def of_server(context: nova_context.RequestContext,
              instance: nova_instance.Instance) -> BlockDeviceInfo:
    """Return the block_device_info of a server from Nova's database."""
    mappings = block_device.BlockDeviceMappingList.get_by_instance_uuid(
        context, instance.uuid)
    found: BlockDeviceInfo = driver.get_block_device_info(instance, mappings)
    return found
