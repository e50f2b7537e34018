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

"""The volumes of a server at its start: made equal to what Nova lists.

This repairs whatever a crash has left. A volume that was detached stays
detached, even if Nova still lists it: it may be another server's by now.
"""

from nova import context as nova_context
from nova.objects import instance as nova_instance
from oslo_log import log as logging

from nova_vmrun import exception
from nova_vmrun.formats import vmdk
from nova_vmrun.machine import model
from nova_vmrun.ops import definition
from nova_vmrun.ops.nova import mappings
from nova_vmrun.ops import parts
from nova_vmrun.ops import stopped
from nova_vmrun.ops import volume_disks
from nova_vmrun.server import vmx_file
from nova_vmrun.volumes import connection
from nova_vmrun.volumes import connectors as volume_connectors

LOG = logging.getLogger(__name__)


class VolumeUpdates:
    """Updates the volumes of servers that are about to start."""

    def __init__(self, servers: parts.Servers,
                 definitions: definition.Definitions,
                 connectors: volume_connectors.Connectors) -> None:
        self._layout = servers.layout
        self._records = servers.records
        self._disk_lists = servers.disk_lists
        self._vmx_files = servers.vmx_files
        self._stopped = stopped.StoppedServers(servers)
        self._definitions = definitions
        self._connectors = connectors
        self._volume_disks = volume_disks.VolumeDisks(servers.layout,
                                                      connectors)

    def updating(self, context: nova_context.RequestContext,
                 instance: nova_instance.Instance,
                 block_device_info: mappings.BlockDeviceInfo,
                 rewrite: vmx_file.Rewrite) -> vmx_file.Rewrite:
        """Return a rewrite of a .vmx that updates the volumes as well.

        What can be refused is refused now, while the server may still run.

        :param block_device_info: None leaves the volumes as they are
        :param rewrite: writes the .vmx with the volumes of the disk list
        :raises InvalidInput: this host cannot use a volume
        """
        if block_device_info is None:
            return rewrite
        volumes = mappings.volumes(block_device_info)
        self._volume_disks.check(volumes)
        hardware = self._definitions.hardware_of(instance)

        def rewrite_with_volumes(file: vmx_file.OpenVmx) -> None:
            if self._stopped.is_on(file.uuid):
                # vmrun needs a .vmx to stop the VM; this is called again.
                rewrite(file)
                return
            current = volumes
            if self._lacks_some(file.uuid, volumes):
                # A volume may have been attached since Nova read the list.
                current = mappings.volumes(
                    mappings.of_server(context, instance))
            self._update_list(file, current, hardware)
            rewrite(file)
            self._disconnect_others(file.uuid)

        return rewrite_with_volumes

    def _lacks_some(self, uuid: str,
                    volumes: list[connection.Volume]) -> bool:
        ids = {volume.id for volume in volumes}
        return any(disk.volume_id and disk.volume_id not in ids
                   for disk in self._disk_lists.attached(uuid))

    def _update_list(self, file: vmx_file.OpenVmx,
                     volumes: list[connection.Volume],
                     hardware: model.Hardware) -> None:
        """Connect the volumes, and list them instead of the present ones."""
        uuid = file.uuid
        record = self._records.get(uuid)
        detached = record.detached_volumes if record else []
        marked = [volume.id for volume in volumes if volume.id in detached]
        for volume_id in marked:
            LOG.warning('Volume %s was detached from server %s, although Nova '
                        'still lists it; it stays detached', volume_id, uuid)
        listed = list(self._disk_lists.get(uuid))
        for volume in volumes:
            if volume.id not in marked:
                disk = self._volume_disks.connect(file, volume, hardware,
                                                  listed)
                listed = [each for each in listed if each.name != disk.name]
                listed.append(disk)
        wanted = {volume.id for volume in volumes} - set(marked)
        gone = {disk.volume_id for disk in listed if disk.volume_id} - wanted
        if gone:
            LOG.warning('Nova no longer lists these volumes of server %s: %s',
                        uuid, ', '.join(sorted(gone)))
        self._disk_lists.set_volumes(
            uuid, [disk for disk in listed if disk.volume_id in wanted],
            marked)

    def _disconnect_others(self, uuid: str) -> None:
        """Disconnect what the .vmx no longer names."""
        wanted = {disk.volume_id for disk in self._disk_lists.get(uuid)}
        for volume_id in self._layout.connected_volumes(uuid):
            if volume_id not in wanted:
                self._connectors.disconnect(uuid, volume_id)

    def disconnect(self, uuid: str) -> None:
        """Disconnect all volumes of a server, which is off, until its start.

        :raises VmrunError: one of them could not be disconnected
        """
        for volume_id in self._layout.connected_volumes(uuid):
            self._connectors.disconnect(uuid, volume_id)

    def reconnect(self, instance: nova_instance.Instance,
                  block_device_info: mappings.BlockDeviceInfo) -> None:
        """Connect the volumes of a suspended server again.

        Its memory knows the disks that it had, so they are not changed: only
        log how they differ from what Nova lists. Any other server is not
        touched.

        :raises VmrunError: a volume cannot be used now
        """
        uuid = instance.uuid
        if block_device_info is None or not self._stopped.is_suspended(uuid):
            return
        volumes = {volume.id: volume
                   for volume in mappings.volumes(block_device_info)}
        with self._vmx_files.opened(uuid) as file:
            present = {disk.volume_id: disk
                       for disk in self._disk_lists.attached(uuid)
                       if disk.volume_id}
            for volume_id in sorted(volumes.keys() ^ present.keys()):
                LOG.warning(
                    'Volume %s is %s by Nova and %s the suspended server; '
                    'this is corrected when it starts from its disks',
                    volume_id,
                    'listed' if volume_id in volumes else 'not listed',
                    'attached to' if volume_id in present else 'missing in',
                    instance=instance)
            for volume_id, disk in present.items():
                if volume_id not in volumes:
                    continue
                self._volume_disks.refuse_snapshots(file, disk)
                shown = self._connectors.connect(
                    uuid, volumes[volume_id],
                    vmdk.adapter_type(disk.bus or ''))
                if shown.descriptor != disk.path:
                    raise exception.VolumeDamaged(
                        'Volume %s has moved while server %s was suspended.'
                        % (volume_id, uuid), 'It was %s and is %s.'
                        % (disk.path, shown.descriptor),
                        'Reboot the server hard, which loses its memory.')
