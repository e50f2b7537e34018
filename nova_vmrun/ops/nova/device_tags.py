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

"""Metadata for a guest about the devices that have tags."""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
import re
from typing import TypeAlias

from nova import block_device
from nova import context as nova_context
from nova import exception as nova_exception
from nova.network import model
from nova.objects import block_device as mappings
from nova.objects import instance as nova_instance
from nova.objects import virt_device_metadata as metadata
from nova.objects import virtual_interface
from nova.virt import driver

from nova_vmrun.ops import disks as disk_maker
from nova_vmrun.server import disk_lists
from nova_vmrun.server import disks

Devices: TypeAlias = list[metadata.DeviceMetadata]

_NODE = re.compile('(scsi|ide)([0-9]+):([0-9]+)')


def find(context: nova_context.RequestContext,
         instance: nova_instance.Instance,
         block_device_info: disk_maker.BlockDeviceInfo,
         listed: disk_lists.Disks) -> metadata.InstanceDeviceMetadata | None:
    """Return the value for instance.device_metadata.

    Adapters are identified by their MAC addresses: VMware chooses PCI slots
    at the first start, after the config drive has been written.

    :param listed: the disks of the server, with their nodes
    :returns: None if no device has a tag
    """
    devices = _nics(context, instance)
    devices += _disks(context, instance, block_device_info, listed)
    if not devices:
        return None
    return metadata.InstanceDeviceMetadata(devices=devices)


def with_adapters(instance: nova_instance.Instance,
                  network_info: Iterable[model.VIF],
                  keeps: Callable[[str], bool]) -> Devices:
    """Return the tagged devices of a server that it still has.

    :param network_info: its ports
    :param keeps: returns whether the adapter with a MAC address stays anyway
    """
    macs = {vif['address'].lower() for vif in network_info}
    return [device for device in present(instance)
            if not isinstance(device, metadata.NetworkInterfaceMetadata) or
            device.mac.lower() in macs or keeps(device.mac.lower())]


def with_adapter(context: nova_context.RequestContext,
                 instance: nova_instance.Instance, mac: str) -> Devices:
    """Return the tagged devices of a server with one more adapter."""
    return without_adapter(instance, mac) + [
        nic for nic in _nics(context, instance)
        if nic.mac.lower() == mac.lower()]


def without_adapter(instance: nova_instance.Instance, mac: str) -> Devices:
    """Return the tagged devices of a server with one adapter less."""
    return [device for device in present(instance)
            if not isinstance(device, metadata.NetworkInterfaceMetadata) or
            device.mac.lower() != mac.lower()]


def tag_of_volume(context: nova_context.RequestContext,
                  instance: nova_instance.Instance,
                  volume_id: str) -> str | None:
    """Return the tag that a user gave to a volume of a server."""
    try:
        mapping = mappings.BlockDeviceMapping.get_by_volume_and_instance(
            context, volume_id, instance.uuid)
    except nova_exception.VolumeBDMNotFound:
        return None
    tag: str | None = mapping.tag
    return tag


def with_volume(instance: nova_instance.Instance, volume: disks.Disk,
                tag: str) -> Devices:
    """Return the tagged devices of a server with one more volume."""
    volume_id = volume.volume_id or ''
    return without_volume(instance, volume_id) + [
        _disk(tag, volume.node, volume_id)]


def without_volume(instance: nova_instance.Instance,
                   volume_id: str) -> Devices:
    """Return the tagged devices of a server with one volume less."""
    return [device for device in present(instance)
            if not isinstance(device, metadata.DiskMetadata) or
            'serial' not in device or device.serial != volume_id]


def present(instance: nova_instance.Instance) -> Devices:
    """Return the tagged devices of a server."""
    found = instance.device_metadata
    return list(found.devices) if found else []


def differ(first: Devices, second: Devices) -> bool:
    return ([device.obj_to_primitive() for device in first] !=
            [device.obj_to_primitive() for device in second])


def save(instance: nova_instance.Instance, devices: Devices) -> None:
    """Replace the tagged devices of a server in Nova's database."""
    if not differ(devices, present(instance)):
        return
    instance.device_metadata = metadata.InstanceDeviceMetadata(
        devices=devices)
    instance.save()


def _nics(context: nova_context.RequestContext,
          instance: nova_instance.Instance
          ) -> list[metadata.NetworkInterfaceMetadata]:
    vifs = virtual_interface.VirtualInterfaceList.get_by_instance_uuid(
        context, instance.uuid)
    return [metadata.NetworkInterfaceMetadata(mac=vif.address, tags=[vif.tag])
            for vif in vifs if vif.tag]


def _disks(context: nova_context.RequestContext,
           instance: nova_instance.Instance,
           block_device_info: disk_maker.BlockDeviceInfo,
           listed: disk_lists.Disks) -> list[metadata.DiskMetadata]:
    nodes = {block_device.strip_dev(device): disk.node
             for disk, device in _device_names(block_device_info, listed)}
    of_volumes = {disk.volume_id: disk.node for disk in listed
                  if disk.volume_id}
    found = mappings.BlockDeviceMappingList.get_by_instance_uuid(
        context, instance.uuid)
    return [
        _disk(mapping.tag, of_volumes.get(mapping.volume_id),
              mapping.volume_id) if mapping.volume_id else
        _disk(mapping.tag,
              nodes.get(block_device.strip_dev(mapping.device_name)))
        for mapping in found if mapping.tag]


def _device_names(block_device_info: disk_maker.BlockDeviceInfo,
                  listed: disk_lists.Disks
                  ) -> Iterator[tuple[disks.Disk, str | None]]:
    """Yield each disk with Nova's device name for it."""
    def of(origin: disks.Origin) -> list[disks.Disk]:
        return [disk for disk in listed if disk.origin is origin]

    yield from zip(of(disks.Origin.ROOT),
                   [(block_device_info or {}).get('root_device_name')])
    yield from zip(of(disks.Origin.EPHEMERAL), [
        each['device_name'] for each in
        driver.block_device_info_get_ephemerals(block_device_info)])
    swap = driver.block_device_info_get_swap(block_device_info)
    if driver.swap_is_usable(swap):
        yield from zip(of(disks.Origin.SWAP), [swap['device_name']])


def _disk(tag: str, node: str | None,
          volume_id: str | None = None) -> metadata.DiskMetadata:
    disk = metadata.DiskMetadata(tags=[tag])
    if volume_id:
        # By this, Nova finds it when the volume is detached.
        disk.serial = volume_id
    match = _NODE.fullmatch(node or '')
    if match:
        # Nova has no name for SATA and NVMe.
        family, controller, unit = match.groups()
        if family == 'scsi':
            # In decimal, like libvirt's and as lsscsi prints it in a guest.
            # SCSIAddress in nova/objects/fields.py accepts any digits.
            disk.bus = metadata.SCSIDeviceBus(
                address='%s:0:%s:0' % (controller, unit))
        else:
            disk.bus = metadata.IDEDeviceBus(
                address='%s:%s' % (controller, unit))
    return disk
