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

"""Rescue: a server boots from another image, its own disks beside it."""

from nova.compute import task_states
from nova.compute import vm_states
from nova.virt import configdrive
from oslo_log import log as logging
from oslo_utils import excutils

from nova_vmrun.catalog import properties
from nova_vmrun import exception
from nova_vmrun.inspection import inspector
from nova_vmrun.machine import model
from nova_vmrun.ops import config_drive
from nova_vmrun.ops.nova import properties as image_properties
from nova_vmrun.server import rescued
from nova_vmrun.server import vmx_file

LOG = logging.getLogger(__name__)

_OF_RESCUE = (task_states.RESCUING, task_states.UNRESCUING)
_BUSES = {
    rescued.DISK: ('ide', 'sata', 'scsi'),
    rescued.CDROM: ('ide', 'sata', 'scsi'),
    rescued.FLOPPY: (None,),
}


class Rescue:
    """Begins and ends rescues.

    :param layout: a nova_vmrun.server.layout.Layout
    :param definitions: a nova_vmrun.ops.definition.Definitions
    :param reconciler: a nova_vmrun.ops.reconcile.Reconciler
    :param disks: a nova_vmrun.ops.disks.Disks
    :param attachments: a nova_vmrun.ops.drives.Drives
    :param power: a nova_vmrun.ops.power.power.Power
    :param boots: a nova_vmrun.storage.builds.Builds
    """

    def __init__(self, layout, definitions, reconciler, disks, attachments,
                 power, boots):
        self._files = rescued.RescueFiles(layout)
        self._definitions = definitions
        self._reconciler = reconciler
        self._disks = disks
        self._attachments = attachments
        self._power = power
        self._boots = boots

    def begin(self, context, instance, network_info, image_meta, password):
        """Boots a server, which is off, from a rescue image.

        A failure leaves the server off, as it was before.

        :param image_meta: nova.objects.ImageMeta of the rescue image
        :param password: for the rescue system's administrator
        :raises InvalidInput: the image's hw_rescue_device or hw_rescue_bus
        :raises VmrunError: the host
        """
        uuid = instance.uuid
        # A rescue that was interrupted, or one after the other.
        self._files.end(uuid)
        # Its guest must not go on from a memory that knows another disk.
        self._power.forget_memory(uuid)
        chosen = self._definitions.hardware_of(instance)
        rescue = _choose(image_meta, chosen)
        try:
            with self._boots.begin():
                self._make_medium(context, instance, image_meta, rescue)
            if configdrive.required_by(instance):
                config_drive.make(
                    self._files.config_drive(uuid),
                    config_drive.describe(instance, [], password,
                                          network_info))
            rewrite = self._reconciler.rebooter(context, instance,
                                                network_info)
            self._files.begin(uuid, rescue)
            self._power.on(uuid, rewrite)
        except Exception:
            with excutils.save_and_reraise_exception():
                self._power.off(uuid)
                self._files.end(uuid)

    def end(self, uuid: str, rewrite: vmx_file.Rewrite) -> None:
        """Boots a server from its own disk again.

        :param rewrite: as for Power.on
        """
        self._power.off(uuid)
        self._power.forget_memory(uuid)
        self._files.end(uuid)
        self._power.on(uuid, rewrite)

    def end_forgotten(self, instance):
        """Ends a rescue of which Nova knows nothing any more.

        A crash leaves one, and a failure to stop the server at either end.
        Nova would call the server ACTIVE, and refuse to unrescue it. Such a
        server is off afterwards; any other stays as it is.

        :param instance: nova.objects.Instance
        :raises VmrunError: the VM may be running still
        """
        if self._files.exist(instance.uuid) and not (
                instance.vm_state == vm_states.RESCUED or
                instance.task_state in _OF_RESCUE):
            LOG.warning('Its rescue has failed and is ended now',
                        instance=instance)
            self._power.off(instance.uuid)
            self._files.end(instance.uuid)

    def _make_medium(self, context, instance, image_meta, rescue):
        image = _image(context, image_meta)
        path = self._files.medium(instance.uuid, rescue.device)
        if rescue.device == rescued.DISK:
            self._disks.make_rescue(context, instance, image, path,
                                    rescue.bus)
        elif rescue.device == rescued.CDROM:
            self._attachments.put_cd(context, instance, image, path)
        else:
            self._attachments.put_floppy(context, instance, image, path)


def _image(context, image_meta) -> inspector.Image:
    # Nova reads vmware_disktype as the older name of it.
    told = {'hw_disk_type': image_meta.properties.get('hw_disk_type', '')}
    ova_disk = None
    if image_meta.container_format == inspector.OVA:
        # Nova drops the properties that it does not know.
        ova_disk = properties.ova_disk(
            image_properties.in_glance(context, image_meta.id))
    return inspector.Image(
        image_meta.id, image_meta.disk_format, image_meta.container_format,
        properties.disk_type(told), ova_disk)


def _choose(image_meta, chosen):
    """Decides how the medium is attached.

    :param chosen: the nova_vmrun.machine.model.Hardware of the server
    """
    device = image_meta.properties.get('hw_rescue_device') or (
        rescued.CDROM if image_meta.disk_format == 'iso' else rescued.DISK)
    bus = image_meta.properties.get('hw_rescue_bus')
    allowed = _BUSES.get(device)
    if allowed is None:
        raise exception.InvalidProperty(
            'hw_rescue_device', device, 'VMware does not offer it.',
            'Use one of: %s.' % ', '.join(_BUSES))
    if device == rescued.FLOPPY:
        return rescued.Rescued(device, None)
    usual = (chosen.disk_bus if device == rescued.DISK else chosen.cdrom_bus)
    if bus is None:
        return rescued.Rescued(device, usual)
    if bus not in allowed:
        raise exception.InvalidProperty(
            'hw_rescue_bus', bus, 'VMware does not offer it for a %s.'
            % device, 'Use one of: %s.' % ', '.join(allowed))
    if bus == 'scsi':
        bus = usual if usual in model.SCSI_BUSES else 'lsilogic'
    return rescued.Rescued(device, bus)
