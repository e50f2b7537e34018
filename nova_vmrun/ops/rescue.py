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

"""Rescue: a server boots from another image, with its own disks attached."""

from nova.compute import task_states
from nova.compute import vm_states
from nova import context as nova_context
from nova.network import model as network_model
from nova.objects import image_meta as nova_image
from nova.objects import instance as nova_instance
from nova.virt import configdrive
from oslo_log import log as logging
from oslo_utils import excutils

from nova_vmrun.catalog import properties
from nova_vmrun import exception
from nova_vmrun.inspection import inspector
from nova_vmrun.machine import model
from nova_vmrun.ops import config_drive
from nova_vmrun.ops import definition
from nova_vmrun.ops import disks as disk_maker
from nova_vmrun.ops import drives as drives_module
from nova_vmrun.ops.nova import mappings
from nova_vmrun.ops.nova import properties as image_properties
from nova_vmrun.ops.power import power as power_module
from nova_vmrun.ops import reconcile
from nova_vmrun.server import disk_lists as disk_lists_module
from nova_vmrun.server import disks
from nova_vmrun.server import layout as layout_module
from nova_vmrun.server import rescued
from nova_vmrun.server import vmx_file
from nova_vmrun.storage import builds as builds_module

LOG = logging.getLogger(__name__)

_RESCUE_TASKS = (task_states.RESCUING, task_states.UNRESCUING)
_BUSES = ('ide', 'sata', 'scsi')


class Rescue:
    """Begins and ends rescues."""

    def __init__(self, layout: layout_module.Layout,
                 disk_lists: disk_lists_module.DiskLists,
                 definitions: definition.Definitions,
                 reconciler: reconcile.Reconciler, disks: disk_maker.Disks,
                 drives: drives_module.Drives, power: power_module.Power,
                 builds: builds_module.Builds) -> None:
        self._files = rescued.RescueFiles(layout, disk_lists)
        self._disk_lists = disk_lists
        self._definitions = definitions
        self._reconciler = reconciler
        self._disks = disks
        self._drives = drives
        self._power = power
        self._builds = builds

    def begin(self, context: nova_context.RequestContext,
              instance: nova_instance.Instance,
              network_info: network_model.NetworkInfo,
              image_meta: nova_image.ImageMeta, password: str | None,
              block_device_info: mappings.BlockDeviceInfo = None) -> None:
        """Boot a server, which is off, from a rescue image.

        After a failure the server is off and as it was before.

        :param image_meta: of the rescue image
        :param password: for the administrator of the rescue system
        :raises InvalidInput: hw_rescue_device or hw_rescue_bus of the image
        :raises VmrunError: the host
        """
        uuid = instance.uuid
        # There may be an interrupted rescue, or one after the other.
        self._files.end(uuid)
        # The guest must not resume from a memory that knows another disk.
        self._power.forget_memory(uuid)
        chosen = self._definitions.hardware_of(instance)
        medium = _choose(image_meta, chosen)
        drive = (disks.rescue_config_drive(chosen.cdrom_bus)
                 if configdrive.required_by(instance) else None)
        try:
            self._disk_lists.add(uuid, medium, *([drive] if drive else []))
            with self._builds.begin():
                self._make_medium(context, instance, image_meta, medium)
            if drive:
                config_drive.make(
                    self._disk_lists.file(uuid, drive),
                    config_drive.describe(instance, [], password,
                                          network_info))
            rewrite = self._reconciler.rebooter(
                context, instance, network_info, block_device_info)
            self._files.begin(uuid)
            self._power.on(uuid, rewrite)
        except Exception:
            with excutils.save_and_reraise_exception():
                self._power.off(uuid)
                self._files.end(uuid)

    def end(self, uuid: str, rewrite: vmx_file.Rewrite) -> None:
        """Boot a server from its own disk again.

        :param rewrite: as for Power.on
        """
        self._power.off(uuid)
        self._power.forget_memory(uuid)
        self._files.end(uuid)
        self._power.on(uuid, rewrite)

    def end_forgotten(self, instance: nova_instance.Instance) -> None:
        """End a rescue that Nova no longer knows about.

        A crash leaves one, and so does a failure to stop the server when a
        rescue begins or ends. Nova would show the server as ACTIVE and refuse
        to unrescue it. Such a server is off afterwards; any other is not
        touched.

        :raises VmrunError: the VM may still be running
        """
        if self._files.exist(instance.uuid) and not (
                instance.vm_state == vm_states.RESCUED or
                instance.task_state in _RESCUE_TASKS):
            LOG.warning('Ending a rescue of the server that has failed',
                        instance=instance)
            self._power.off(instance.uuid)
            self._files.end(instance.uuid)

    def _make_medium(self, context: nova_context.RequestContext,
                     instance: nova_instance.Instance,
                     image_meta: nova_image.ImageMeta,
                     medium: disks.Disk) -> None:
        image = _image(context, image_meta)
        path = self._disk_lists.file(instance.uuid, medium)
        if medium.device is disks.Device.CDROM:
            self._drives.put_cd(context, instance, image, path)
        elif medium.bus is None:
            # Only a floppy drive has no bus.
            self._drives.put_floppy(context, instance, image, path)
        else:
            self._disks.make_rescue(context, instance, image, path,
                                    medium.bus)


def _image(context: nova_context.RequestContext,
           image_meta: nova_image.ImageMeta) -> inspector.Image:
    # Nova stores the older vmware_disktype under this name.
    disk_type = {'hw_disk_type': image_meta.properties.get('hw_disk_type',
                                                           '')}
    ova_disk = None
    if image_meta.container_format == inspector.OVA:
        # Nova drops the properties that it does not know.
        ova_disk = properties.ova_disk(
            image_properties.in_glance(context, image_meta.id))
    return inspector.Image(
        image_meta.id, image_meta.disk_format, image_meta.container_format,
        properties.disk_type(disk_type), ova_disk)


def _choose(image_meta: nova_image.ImageMeta,
            chosen: model.Hardware) -> disks.Disk:
    """Decide what a server boots from and how that is attached.

    :param chosen: the server's hardware
    """
    name = image_meta.properties.get('hw_rescue_device') or (
        'cdrom' if image_meta.disk_format == 'iso' else 'disk')
    try:
        device = disks.Device(name)
    except ValueError:
        raise exception.InvalidProperty(
            'hw_rescue_device', name, 'VMware does not offer it.',
            'Use one of: %s.' % ', '.join(each.value
                                          for each in disks.Device))
    if device is disks.Device.FLOPPY:
        return disks.rescue(device, None)
    usual = (chosen.disk_bus if device is disks.Device.DISK
             else chosen.cdrom_bus)
    bus = image_meta.properties.get('hw_rescue_bus')
    if bus is None:
        return disks.rescue(device, usual)
    if bus not in _BUSES:
        raise exception.InvalidProperty(
            'hw_rescue_bus', bus, 'VMware does not offer it for a %s.'
            % device.value, 'Use one of: %s.' % ', '.join(_BUSES))
    if bus == 'scsi':
        bus = usual if usual in model.SCSI_BUSES else 'lsilogic'
    return disks.rescue(device, bus)
