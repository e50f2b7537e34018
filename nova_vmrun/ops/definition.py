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

"""The definition of a server's VM: from Nova's server to the .vmx.

Nova decides on the hardware and the network (flavor, image properties, ports),
and the server's record lists its disks and drives. So one function writes the
.vmx of new servers and of existing ones.
"""

from collections import abc
import dataclasses
import functools
import os
import re

from nova.network import model as network_model
from nova.objects import flavor as nova_flavor
from nova.objects import instance as nova_instance
from oslo_log import log as logging

from nova_vmrun.catalog import table
from nova_vmrun import exception
from nova_vmrun.formats import guestos
from nova_vmrun.formats import vmx
from nova_vmrun.machine import attached
from nova_vmrun.machine.choices import generation
from nova_vmrun.machine import hardware
from nova_vmrun.machine import model
from nova_vmrun.machine import placement
from nova_vmrun.machine import render
from nova_vmrun.machine import vendor_data
from nova_vmrun.ops import access as server_access
from nova_vmrun.ops import drives as drives_module
from nova_vmrun.ops import kept_adapters
from nova_vmrun.ops import networks as networks_module
from nova_vmrun.ops.nova import properties
from nova_vmrun.ops.nova import source_images
from nova_vmrun.ops import parts
from nova_vmrun.ops import rescue_attachment
from nova_vmrun.server import disk_lists as disk_lists_module
from nova_vmrun.server import disks
from nova_vmrun.server import rescued
from nova_vmrun.server import vmx_file

LOG = logging.getLogger(__name__)

Vifs = abc.Sequence[network_model.VIF]

# A snapshot that VMware has made of a disk: root-000001.vmdk.
_SNAPSHOT = re.compile('-[0-9]{6}[.]vmdk')


@dataclasses.dataclass(frozen=True)
class Draft:
    """A server without its disks, drives, network and console.

    :ivar installs_agent: whether vendor data has the guest install an agent
    """

    machine: model.Machine
    hardware: model.Hardware
    installs_agent: bool


@dataclasses.dataclass(frozen=True)
class _Parts:
    """What a server's list of disks amounts to in a .vmx."""

    disks: tuple[model.Disk, ...]
    cdroms: tuple[model.Cdrom, ...]
    floppy: str | None


class Definitions:
    """Defines VMs and writes their .vmx files."""

    def __init__(self, host: parts.Host, servers: parts.Servers,
                 access: server_access.Access, drives: drives_module.Drives,
                 networks: networks_module.Networks) -> None:
        self._conf = host.conf.vmrun
        self._product = host.product
        self._architecture = host.architecture
        self._layout = servers.layout
        self._records = servers.records
        self._disk_lists = servers.disk_lists
        self._vmx_files = servers.vmx_files
        self._consoles = access.consoles
        self._guest_info = access.guest_info
        self._serial_ports = access.serial_consoles
        self._guest_agents = access.guest_agents
        self._drives = drives
        self._networks = networks
        self._rescue_files = rescued.RescueFiles(servers.layout,
                                                 servers.disk_lists)
        self._source_images = source_images.SourceImages(servers.records)

    def draft(self, instance: nova_instance.Instance,
              image: abc.Mapping[str, str], image_adapter: str | None = None,
              flavor: nova_flavor.Flavor | None = None,
              chosen_now: frozenset[str] = table.BOTH) -> Draft:
        """Decide everything that needs no disk, network or port.

        :param image: properties of its image, see ops.nova.properties
        :param image_adapter: ide or buslogic if the image's disk was made for
            that controller
        :param flavor: None: the one that the server has
        :param chosen_now: which of table.IMAGE and table.FLAVOR the user has
            just chosen, so that it can be refused
        :raises InvalidInput: the user's properties, names or sizes
        """
        flavor = flavor or instance.flavor
        version = generation.hw_version(
            flavor.extra_specs, self._product.hardware_version, chosen_now)
        guest = guestos.choose(
            image, self._conf.default_guestos, self._architecture,
            version.value)
        chosen = hardware.choose(
            image, flavor.extra_specs, guest,
            flavor.vcpus, self._product.hardware_version,
            self._product.kind, image_adapter, chosen_now)
        if chosen.unsupported:
            LOG.warning('The server does not get what these properties ask '
                        'for: %s',
                        ', '.join(chosen.unsupported), instance=instance)
        server = model.Machine(
            uuid=instance.uuid,
            name=instance.display_name or instance.name,
            guestos=guest.id, family=guest.family,
            memory_mb=model.round_memory(flavor.memory_mb),
            vcpus=flavor.vcpus,
            annotation='OpenStack server %s (%s)' % (instance.uuid,
                                                     instance.name),
            desktop_integration=self._conf.desktop_integration,
            typematic_delay_us=_microseconds(
                self._conf.console_delay_seconds),
            hardware=chosen)
        model.validate(server)
        return Draft(server, chosen, installs_agent=(
            chosen.guest_agent and self._conf.install_guest_agent and
            vendor_data.suits(guest)))

    def place(self, draft: Draft,
              planned: abc.Iterable[disks.Disk]) -> disk_lists_module.Disks:
        """Return the disks of a new server with the nodes they will have.

        :param planned: the disks, CDs and floppy that it is to have
        """
        planned = disks.in_order(planned)
        parts = self._parts(draft, planned)
        placed = placement.place(dataclasses.replace(
            draft.machine, disks=parts.disks, cdroms=parts.cdroms))
        nodes = {device.path: node for device, node in zip(
            parts.disks + parts.cdroms, placed.disks + placed.cdroms)}
        return tuple(dataclasses.replace(disk, node=nodes.get(disk.path))
                     for disk in planned)

    def write(self, draft: Draft, network_info: Vifs) -> None:
        """Write the .vmx of a server whose disks exist and whose VM is off.

        What VMware has added to an existing .vmx stays.

        :raises InvalidConfiguration: this host lacks one of its networks
        """
        self._networks.check(network_info)
        nics = self._networks.nics(network_info, draft.hardware)
        with self._vmx_files.opened(draft.machine.uuid) as file:
            self._write(draft, nics, kept_adapters.keep_none, {}, False, file)

    def check_new(self, draft: Draft, planned: abc.Iterable[disks.Disk],
                  network_info: Vifs) -> None:
        """Raise an error if the .vmx of a new server could not be written.

        :param planned: the disks, CDs and floppy that it is to have
        :raises InvalidInput: it has more of something than VMware allows
        :raises InvalidConfiguration: this host lacks one of its networks, or
            its paths are too long
        """
        self._networks.check(network_info)
        self._networks.check_addresses(network_info)
        if draft.hardware.guest_agent:
            self._guest_agents.check(draft.machine.uuid)
        parts = self._parts(draft, disks.in_order(planned))
        render.render(dataclasses.replace(
            draft.machine, disks=parts.disks, cdroms=parts.cdroms,
            floppy=parts.floppy,
            nics=self._networks.nics(network_info, draft.hardware)),
            self._conf.template_dirs)

    def hardware_of(self, instance: nova_instance.Instance) -> model.Hardware:
        """Return the hardware of an existing server."""
        return self._draft_existing(instance).hardware

    def check(self, instance: nova_instance.Instance,
              flavor: nova_flavor.Flavor) -> None:
        """Raise an error if a server cannot have a flavor.

        :raises InvalidInput: VMware cannot give the server what it asks for
        """
        # In a migration, nobody has just chosen the flavor.
        is_chosen_now = flavor.flavorid != instance.flavor.flavorid
        self._draft_existing(
            instance, flavor,
            frozenset([table.FLAVOR] if is_chosen_now else []))

    def _draft_existing(self, instance: nova_instance.Instance,
                        flavor: nova_flavor.Flavor | None = None,
                        chosen_now: frozenset[str] = frozenset()) -> Draft:
        record = self._records.get(instance.uuid)
        if record is None:
            raise exception.VmNotFound(
                'Server %s is not on this host.' % instance.uuid,
                'No nova.json of this compute node names it.')
        self._source_images.settle(instance, record)
        return self.draft(instance, properties.remembered(instance),
                          record.image_adapter, flavor, chosen_now)

    def rewriter(self, instance: nova_instance.Instance, network_info: Vifs,
                 keeps: kept_adapters.Keeps = kept_adapters.keep_none
                 ) -> vmx_file.Rewrite:
        """Return a function that writes the .vmx of an existing server.

        Whatever can be refused is refused now, while the server still runs.
        Reading network_info may wait for Neutron: hold no lock.

        :param keeps: which adapters stay although they have no port
        :raises VmrunError: the .vmx cannot be rewritten
        """
        self._networks.check(network_info)
        draft = self._draft_existing(instance)
        nics = self._networks.nics(network_info, draft.hardware)
        try:
            self._vmx_files.load(instance.uuid)
        except exception.VmNotFound:
            self._refuse_snapshots(instance.uuid)
        return functools.partial(self._write, draft, nics, keeps, {}, False)

    def starter(self, instance: nova_instance.Instance, network_info: Vifs,
                keeps: kept_adapters.Keeps) -> vmx_file.Rewrite:
        """Return the same for a server that is off and has a .vmx.

        Changes made by hand stay, except where Nova asks for something new.
        So does an adapter whose port is not bound, but it is unplugged if it
        is on a LAN segment.

        :param keeps: which adapters stay although they have no port
        :raises InvalidInput: VMware cannot give what Nova asks for
        """
        draft = self._draft_existing(instance)
        unbound = {vif['address'].lower(): vif for vif in network_info
                   if networks_module.is_unbound(vif)}
        nics = self._networks.nics(
            [vif for vif in network_info
             if not networks_module.is_unbound(vif)], draft.hardware)
        return functools.partial(
            self._write, draft, nics,
            lambda mac: mac in unbound or keeps(mac), unbound, True)

    def write_adapters(self, file: vmx_file.OpenVmx,
                       instance: nova_instance.Instance,
                       network_info: Vifs) -> None:
        """Write the .vmx of a stopped server with other adapters.

        This host does not need their networks until the server starts.
        Adapters whose ports are not bound are treated as for a start.
        """
        self.starter(instance, network_info, kept_adapters.keep_none)(file)

    def write_volumes(self, file: vmx_file.OpenVmx,
                      instance: nova_instance.Instance) -> None:
        """Write the .vmx of a stopped server with the volumes of its list.

        Its adapters stay as they are.
        """
        self._write(self._draft_existing(instance), (),
                    kept_adapters.keep_all, {}, True, file)

    def _write(self, draft: Draft, nics: tuple[model.Nic, ...],
               keeps: kept_adapters.Keeps,
               unbound: abc.Mapping[str, network_model.VIF],
               keeps_edits: bool, file: vmx_file.OpenVmx) -> None:
        uuid = draft.machine.uuid
        medium = self._rescue_files.medium(uuid)
        server = self._complete(draft, nics, medium, is_new=not file.exists())

        def make(live: vmx.Vmx | None,
                 former: vmx.Vmx | None) -> tuple[str, str]:
            if live is None:
                text = render.render(server, self._conf.template_dirs)
                return text, text
            live = self._without_stray_volumes(live, server)
            kept = kept_adapters.find(uuid, live, nics, keeps, unbound,
                                      draft.hardware)
            return render.rerender(
                dataclasses.replace(server, nics=nics + kept), live, former,
                self._layout.folder(uuid), self._conf.template_dirs,
                keeps_edits)

        file.render(make)
        if medium is None:
            self._disk_lists.record_places(uuid, file.keys)

    def _without_stray_volumes(self, live: vmx.Vmx,
                               server: model.Machine) -> vmx.Vmx:
        """Return a .vmx without volumes at places that are not theirs.

        A user can move a disk in a VMware window, and going back to a snapshot
        brings back the disks of that time.
        """
        folder = self._layout.folder(server.uuid)
        wanted = {disk.path: disk.node for disk in server.disks
                  if disk.is_independent}
        strays = set()
        for each in attached.every(live):
            path = os.path.normpath(os.path.join(folder, each.file))
            if path in wanted:
                is_stray = wanted[path] not in (None, each.node)
            else:
                is_stray = (disks.is_volume_file(path) or
                            path.startswith(self._layout.all_volumes + os.sep))
            if is_stray:
                strays.add(each.node)
        return vmx.Vmx((key, value) for key, value in live.items()
                       if key.lower().partition('.')[0] not in strays)

    def _complete(self, draft: Draft, nics: tuple[model.Nic, ...],
                  medium: disks.Disk | None, is_new: bool) -> model.Machine:
        """Return a server with its disks, drives, network and console.

        :param medium: what it boots from if it is in rescue
        :param is_new: whether it has no .vmx that says where its disks are
        """
        uuid, chosen = draft.machine.uuid, draft.hardware
        listed = self._disk_lists.attached(uuid)
        parts = self._parts(draft, listed, is_new and medium is None)
        agent_socket = (self._guest_agents.socket(uuid)
                        if chosen.guest_agent else None)
        server = dataclasses.replace(
            draft.machine, nics=nics, disks=parts.disks,
            cdroms=parts.cdroms, floppy=parts.floppy,
            serials=self._serials(uuid, chosen.serial_ports)[
                :model.MAX_SERIALS - (agent_socket is not None)],
            agent_socket=agent_socket,
            vnc=self._vnc(uuid), **self._guest_info.load(uuid))
        if medium is None:
            return server
        return rescue_attachment.attach(
            server, medium, disks.first(listed, disks.Origin.CONFIG_DRIVE),
            disks.first(listed, disks.Origin.RESCUE_CONFIG_DRIVE))

    def _parts(self, draft: Draft, listed: disk_lists_module.Disks,
               at_their_nodes: bool = False) -> _Parts:
        """Return the disks, CD drives and floppy of a server.

        :param listed: in the order in which the guest finds them
        :param at_their_nodes: whether disks go where the list says, unless
            they are to be on another bus
        """
        chosen = draft.hardware
        usual = [disk for disk in listed
                 if disk.origin not in disks.OF_RESCUE]

        def node(disk: disks.Disk, bus: str) -> str | None:
            return disk.node if at_their_nodes and disk.bus == bus else None

        def cdroms(*origins: disks.Origin) -> list[model.Cdrom]:
            return [model.Cdrom(disk.path, chosen.cdrom_bus,
                                node(disk, chosen.cdrom_bus))
                    for disk in usual if disk.origin in origins and
                    disk.device is disks.Device.CDROM]

        def hard_disk(disk: disks.Disk) -> model.Disk:
            if disk.origin is disks.Origin.VOLUME and disk.bus:
                return model.Disk(disk.path, disk.bus, disk.node,
                                  is_independent=True)
            return model.Disk(
                disk.path, chosen.disk_bus, node(disk, chosen.disk_bus),
                is_independent=disk.volume_id is not None)

        return _Parts(
            tuple(hard_disk(disk) for disk in usual
                  if disk.device is disks.Device.DISK),
            (*cdroms(disks.Origin.DRIVE_IMAGE),
             *(model.Cdrom(path, chosen.cdrom_bus) for path in
               self._drives.tools_isos(draft.machine.uuid, chosen)),
             *cdroms(disks.Origin.CONFIG_DRIVE)),
            next((disk.path for disk in usual
                  if disk.device is disks.Device.FLOPPY), None))

    def _serials(self, uuid: str, count: int) -> tuple[model.Serial, ...]:
        return tuple(
            dataclasses.replace(port, path=self._relative(uuid, port.path))
            if port.kind == 'file' else port
            for port in self._serial_ports.ports(uuid, count))

    def _vnc(self, uuid: str) -> model.Vnc | None:
        port = self._consoles.port_of(uuid)
        if port is None:
            return None
        return model.Vnc(self._consoles.listen_address, port)

    def _relative(self, uuid: str, path: str) -> str:
        """Return a path in the server's folder so that the folder can move."""
        if os.path.dirname(path) == self._layout.folder(uuid):
            return os.path.basename(path)
        return path

    def _refuse_snapshots(self, uuid: str) -> None:
        """Raise an error if snapshots exist: the .vmx said which is in use."""
        folder = self._layout.folder(uuid)
        found = [name for name in os.listdir(folder)
                 if _SNAPSHOT.search(name)]
        if found:
            raise exception.HasSnapshots(
                'The .vmx of server %s is lost, and its disks have '
                'snapshots.' % uuid, 'They are: %s.'
                % ', '.join(sorted(found)),
                'Restore %s from a backup; the disks were not touched.'
                % self._layout.vmx(uuid))


def _microseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 10 ** 6)
