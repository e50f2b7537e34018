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

"""Attaching and detaching of volumes.

VMware changes the disks of a VM only while the VM is off. Each step can be the
last before a crash. So a volume is listed in the server's record before the
.vmx names it, and a volume that is being detached is marked first: no start
attaches it again, even if Nova still lists it.
"""

import platform
from typing import TypedDict

from nova import context as nova_context
from nova.objects import instance as nova_instance
from oslo_log import log as logging
from oslo_utils import excutils

from nova_vmrun import exception
from nova_vmrun.ops import definition
from nova_vmrun.ops.nova import device_tags
from nova_vmrun.ops import parts
from nova_vmrun.ops import stopped
from nova_vmrun.ops import tagged_devices
from nova_vmrun.ops import volume_disks
from nova_vmrun.server import disks
from nova_vmrun.server import vmx_file
from nova_vmrun import system
from nova_vmrun.volumes import connection
from nova_vmrun.volumes import connectors as volume_connectors
from nova_vmrun.volumes import initiator

LOG = logging.getLogger(__name__)


class HostConnector(TypedDict):
    """What Cinder needs to know about this host; os-brick's names."""

    host: str
    ip: str
    initiator: str
    platform: str
    os_type: str
    multipath: bool


class Volumes:
    """Changes the volumes of stopped servers."""

    def __init__(self, host: parts.Host, servers: parts.Servers,
                 definitions: definition.Definitions,
                 connectors: volume_connectors.Connectors,
                 tagged: tagged_devices.TaggedDevices) -> None:
        self._conf = host.conf
        self._product = host.product
        self._tagged = tagged
        self._layout = servers.layout
        self._records = servers.records
        self._disk_lists = servers.disk_lists
        self._vmx_files = servers.vmx_files
        self._stopped = stopped.StoppedServers(servers)
        self._definitions = definitions
        self._connectors = connectors
        self._volume_disks = volume_disks.VolumeDisks(servers.layout,
                                                      connectors)

    def host_connector(self, host: str) -> dict[str, object]:
        """Return what Cinder needs to know about this host.

        :param host: the name of this compute service
        :raises OSError: the iSCSI name of this host cannot be kept
        :raises VmrunError: os-brick, if it is used, does not say
        """
        address = self._conf.my_block_storage_ip
        own = HostConnector(
            host=host, ip=address, initiator=initiator.name(self._layout),
            platform=platform.machine(), os_type=system.here().name,
            multipath=False)
        return {**own, **self._connectors.host_properties(host, address)}

    def refuse_running(self, uuid: str) -> None:
        """Raise an error if no volume can be attached to a server now.

        :raises InvalidInput: it is on or suspended
        """
        if self._product.can_attach_running:
            return
        if self._records.get(uuid) and not self._stopped.is_off(uuid):
            raise exception.InvalidInput(
                'Volumes can only be attached to server %s while it is '
                'stopped.' % uuid, 'It is running or suspended, and VMware '
                'adds disks to a VM only while the VM is off.',
                'Stop the server, attach the volume, and start the server.')

    def refuse_tag(self, instance: nova_instance.Instance,
                   tag: str | None) -> None:
        """Raise an error if a server's guest would not find a tag.

        :raises InvalidInput: the server has no config drive
        """
        if tag and self._records.get(instance.uuid):
            self._tagged.require_config_drive(instance)

    def attach(self, context: nova_context.RequestContext,
               instance: nova_instance.Instance,
               connection_info: object) -> None:
        """Attach a volume to a stopped server, unless it is attached.

        If the volume has a tag, it is described on the config drive first.

        :raises VmNotFound: the server has no VM here
        :raises NotStopped: it is not stopped, or open in a window
        :raises InvalidInput: the volume cannot be used on this host
        :raises VmrunError: the volume cannot be used now
        """
        volume = connection.parse(connection_info)
        self._connectors.check(volume)
        tag = device_tags.tag_of_volume(context, instance, volume.id)
        self.refuse_tag(instance, tag)
        metadata = self._tagged.describe(instance) if tag else None
        hardware = self._definitions.hardware_of(instance)
        uuid = instance.uuid
        self._stopped.wait_until_closed(uuid)
        with self._vmx_files.opened(uuid) as file:
            self._stopped.require(
                file, 'Cannot attach volume %s to server %s now.'
                % (volume.id, uuid))
            self._refuse_users(volume.id, uuid)
            try:
                disk = self._volume_disks.connect(
                    file, volume, hardware, self._disk_lists.get(uuid))
                self._disk_lists.attach_volume(uuid, disk)
                devices = (device_tags.with_volume(instance, disk, tag)
                           if tag else device_tags.present(instance))
                with self._tagged.written(uuid, metadata, devices):
                    self._definitions.write_volumes(file, instance)
            except Exception:
                with excutils.save_and_reraise_exception():
                    self._undo_attach(file, instance, volume.id)
        device_tags.save(instance, devices)

    def detach(self, instance: nova_instance.Instance,
               connection_info: object) -> None:
        """Detach a volume from a stopped server, if it is attached.

        :raises NotStopped: the server is not stopped, or open in a window
        :raises HasSnapshots: the newest data of the volume is not in it
        """
        uuid = instance.uuid
        volume_id = connection.volume_id(connection_info)
        if volume_id is None:
            LOG.warning('A volume that has no id is not attached',
                        instance=instance)
            return
        if self._records.get(uuid) is None:
            self._connectors.disconnect(uuid, volume_id)
            return
        devices = device_tags.without_volume(instance, volume_id)
        update_tags = self._tagged.updater(instance, devices)
        self._stopped.wait_until_closed(uuid)
        with self._vmx_files.opened(uuid) as file:
            disk = volume_disks.find(self._disk_lists.get(uuid), volume_id)
            if disk is None:
                self._connectors.disconnect(uuid, volume_id)
                return
            self._stopped.require(
                file, 'Cannot detach volume %s from server %s now.'
                % (volume_id, uuid))
            self._volume_disks.refuse_snapshots(file, disk)
            self._disk_lists.mark_detached(uuid, disk)
            update_tags()
            self._finish_detach(file, instance, disk, volume_id)
        device_tags.save(instance, devices)

    def _finish_detach(self, file: vmx_file.OpenVmx,
                       instance: nova_instance.Instance, disk: disks.Disk,
                       volume_id: str) -> None:
        if file.exists():
            self._definitions.write_volumes(file, instance)
        volume_connectors.remove_stale_locks(
            self._layout.folder(file.uuid), disk.path)
        self._connectors.disconnect(file.uuid, volume_id)
        self._disk_lists.remove(file.uuid, disk)

    def _undo_attach(self, file: vmx_file.OpenVmx,
                     instance: nova_instance.Instance,
                     volume_id: str) -> None:
        try:
            disk = volume_disks.find(self._disk_lists.get(file.uuid),
                                     volume_id)
            if disk is not None:
                self._disk_lists.mark_detached(file.uuid, disk)
                self._finish_detach(file, instance, disk, volume_id)
            else:
                self._connectors.disconnect(file.uuid, volume_id)
        except (exception.VmrunError, OSError) as error:
            LOG.error('The next start of the server removes volume %s: %s',
                      volume_id, error, instance=instance)

    def _refuse_users(self, volume_id: str, uuid: str) -> None:
        """Raise an error if another server is using a volume.

        Cinder lets only one have it, unless somebody has reset its state. The
        list of a server that is off may be old.
        """
        for record in self._records.all():
            if (record.uuid != uuid and
                    _has_volume(record.disks, volume_id) and
                    not self._stopped.is_off(record.uuid)):
                raise exception.FileInUse(
                    'Volume %s is in use.' % volume_id,
                    'Server %s has it, and is running or suspended.'
                    % record.uuid, 'Stop that server, and detach the volume '
                    'from it.')


def _has_volume(dumped: list[dict[str, object]] | None,
                volume_id: str) -> bool:
    try:
        return volume_disks.find(disks.parse(dumped or []),
                                 volume_id) is not None
    except ValueError:
        return False
