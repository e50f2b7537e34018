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

"""Volumes as disks of servers: where they are attached, and their checks."""

from collections import abc

from nova_vmrun.formats import vmdk
from nova_vmrun.formats import vmx
from nova_vmrun.machine import attached
from nova_vmrun.machine import model
from nova_vmrun.machine import placement
from nova_vmrun.server import disks
from nova_vmrun.server import layout as layout_module
from nova_vmrun.server import vmx_file
from nova_vmrun.volumes import connection
from nova_vmrun.volumes import connectors as volume_connectors


class VolumeDisks:
    """Turns volumes into disks."""

    def __init__(self, layout: layout_module.Layout,
                 connectors: volume_connectors.Connectors) -> None:
        self._layout = layout
        self._connectors = connectors

    def check(self, volumes: abc.Iterable[connection.Volume]) -> None:
        """Raise an error if this host cannot use a volume.

        :raises InvalidInput: of such a type, or in such a place
        :raises VmrunError: its files are not as Cinder made them
        """
        for volume in volumes:
            self._connectors.check(volume)

    def connect(self, file: vmx_file.OpenVmx, volume: connection.Volume,
                hardware: model.Hardware,
                listed: abc.Sequence[disks.Disk]) -> disks.Disk:
        """Connect a volume of an existing server, which is off.

        :param listed: the disks of the server; a volume keeps its place
        :raises VmrunError: the volume cannot be used now
        """
        present = find(listed, volume.id)
        if present is not None:
            self.refuse_snapshots(file, present)
        keys = file.keys if file.exists() else vmx.Vmx()
        return self._connect(
            file.uuid, volume, hardware, listed,
            [each.node for each in attached.files(keys)], present)

    def connect_new(self, uuid: str, volumes: abc.Iterable[connection.Volume],
                    hardware: model.Hardware,
                    listed: abc.Sequence[disks.Disk]) -> list[disks.Disk]:
        """Connect the volumes of a server that has no .vmx yet.

        :param listed: its other disks
        """
        made: list[disks.Disk] = []
        for volume in volumes:
            made.append(self._connect(uuid, volume, hardware,
                                      [*listed, *made], (), None))
        return made

    def _connect(self, uuid: str, volume: connection.Volume,
                 hardware: model.Hardware, listed: abc.Sequence[disks.Disk],
                 attached_nodes: abc.Iterable[str],
                 present: disks.Disk | None) -> disks.Disk:
        bus = hardware.disk_bus if volume.is_boot else hardware.volume_bus
        node = None
        if present is not None and present.bus:
            bus, node = present.bus, present.node
        if node is None and not volume.is_boot:
            node = _free_node(bus, listed, attached_nodes)
        shown = self._connectors.connect(uuid, volume, vmdk.adapter_type(bus))
        return disks.volume(volume.id, shown.descriptor, shown.size, bus, node,
                            volume.is_boot)

    def refuse_snapshots(self, file: vmx_file.OpenVmx,
                         volume: disks.Disk) -> None:
        """Raise an error if VMware has made a snapshot of a volume.

        :raises HasSnapshots: the newest data of the volume is not in it
        """
        volume_id = volume.volume_id or ''
        volume_connectors.refuse_snapshots(volume_id, volume.path)
        if not file.exists():
            return
        found = volume.attachment(file.keys, self._layout.folder(file.uuid))
        if found is not None and self._layout.file(
                file.uuid, found.file) != volume.path:
            raise volume_connectors.snapshots_exist(volume_id, found.file)


def find(listed: abc.Iterable[disks.Disk],
         volume_id: str) -> disks.Disk | None:
    """Return the disk that is a volume, or None."""
    return next((disk for disk in listed if disk.volume_id == volume_id),
                None)


def _free_node(bus: str, listed: abc.Iterable[disks.Disk],
               attached_nodes: abc.Iterable[str]) -> str:
    """Return the node where a new volume disturbs no other device."""
    volumes = {disk.node: disk.bus for disk in listed
               if disk.origin is disks.Origin.VOLUME and disk.node and
               disk.bus}
    others = {disk.node for disk in listed if disk.node}
    return placement.find_volume_node(
        bus, volumes, others.union(attached_nodes) - set(volumes))
