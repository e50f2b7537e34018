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

"""What the VM of a server is: from Nova's server to the .vmx.

The decisions come from Nova (flavor, image properties, ports), the disks and
drives from what lies in the server's folder. So the same function writes the
.vmx of a new server and of one that exists.
"""

from collections import abc
import dataclasses
import functools
import os
import re

from nova.network import model as network_model
from oslo_log import log as logging

from nova_vmrun.catalog import table
from nova_vmrun import exception
from nova_vmrun.formats import guestos
from nova_vmrun.formats import vmx
from nova_vmrun.machine import adapters
from nova_vmrun.machine.choices import generation
from nova_vmrun.machine import hardware
from nova_vmrun.machine import model
from nova_vmrun.machine import placement
from nova_vmrun.machine import render
from nova_vmrun.ops.nova import properties
from nova_vmrun.ops.nova import source_images
from nova_vmrun.ops import rescue_attachment
from nova_vmrun.server import disk_lists as disk_lists_module
from nova_vmrun.server import disks
from nova_vmrun.server import rescued
from nova_vmrun.server import vmx_file

LOG = logging.getLogger(__name__)

# Tells of an adapter's address whether it stays although it has no port.
Keeps = abc.Callable[[str], bool]

# A disk of which VMware has made a snapshot: root-000001.vmdk.
_SNAPSHOT = re.compile('-[0-9]{6}[.]vmdk')


def keep_none(mac: str) -> bool:
    return False


def keep_all(mac: str) -> bool:
    return True


@dataclasses.dataclass(frozen=True)
class Draft:
    """A server without its disks, drives, network and console."""

    machine: model.Machine
    hardware: model.Hardware


@dataclasses.dataclass(frozen=True)
class _Parts:
    """What a server's list of disks amounts to in a .vmx."""

    disks: tuple[model.Disk, ...]
    cdroms: tuple[model.Cdrom, ...]
    floppy: str | None


class Definitions:
    """Decides and writes what VMs are.

    :param conf: the [vmrun] options
    :param product: a nova_vmrun.host.product.Product
    :param architecture: of the host, x86_64 or aarch64
    :param layout: a nova_vmrun.server.layout.Layout
    :param records: a nova_vmrun.server.records.Records
    :param drives: a nova_vmrun.ops.drives.Drives
    :param networks: a nova_vmrun.ops.networks.Networks
    :param consoles: a nova_vmrun.ops.consoles.Consoles
    :param guest_info: a nova_vmrun.ops.guest_info.GuestInfo
    :param serial_ports: a nova_vmrun.ops.serial_consoles.SerialConsoles
    """

    def __init__(self, conf, product, architecture, layout, records,
                 disk_lists, drives, networks, consoles, guest_info,
                 serial_ports):
        self._conf = conf
        self._product = product
        self._architecture = architecture
        self._layout = layout
        self._records = records
        self._disk_lists = disk_lists
        self._drives = drives
        self._networks = networks
        self._consoles = consoles
        self._guest_info = guest_info
        self._serial_ports = serial_ports
        self._rescue_files = rescued.RescueFiles(layout, disk_lists)
        self._vmx_files = vmx_file.VmxFiles(layout)
        self._source_images = source_images.SourceImages(records)

    def draft(self, instance, image, image_adapter=None, flavor=None,
              fresh=table.BOTH):
        """Decides all that needs no disk, network or port.

        :param instance: nova.objects.Instance
        :param image: properties of its image, see ops.properties
        :param image_adapter: ide or buslogic if its disk was made for it
        :param flavor: nova.objects.Flavor; None: the one that it has
        :param fresh: which of table.IMAGE and table.FLAVOR the user has just
            chosen, so that it can be refused
        :returns: a Draft
        :raises InvalidInput: the user's properties, names or sizes
        """
        flavor = flavor or instance.flavor
        version = generation.hw_version(
            flavor.extra_specs, self._product.hardware_version, fresh)
        guest = guestos.choose(
            image, self._conf.default_guestos, self._architecture,
            version.value)
        chosen = hardware.choose(
            image, flavor.extra_specs, guest,
            flavor.vcpus, self._product.hardware_version,
            self._product.kind, image_adapter, fresh)
        if chosen.unsupported:
            LOG.warning('The server does not get what these ask for: %s',
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
        return Draft(server, chosen)

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

    def write(self, draft, network_info):
        """Writes the .vmx of a server whose files lie in its folder.

        What VMware has added to an existing .vmx stays. The VM must be off.

        :param draft: a Draft
        :param network_info: nova.network.model.NetworkInfo
        :raises InvalidConfiguration: this host does not have its networks
        """
        self._networks.check(network_info)
        nics = self._networks.nics(network_info, draft.hardware)
        with self._vmx_files.opened(draft.machine.uuid) as file:
            self._write(draft, nics, keep_none, False, file)

    def check_new(self, draft: Draft, planned: abc.Iterable[disks.Disk],
                  network_info: network_model.NetworkInfo) -> None:
        """Raise an error if the .vmx of a new server could not be written.

        :param planned: the disks, CDs and floppy that it is to have
        :raises InvalidInput: it has more of something than VMware allows
        :raises InvalidConfiguration: this host lacks one of its networks
        """
        self._networks.check(network_info)
        parts = self._parts(draft, disks.in_order(planned))
        render.render(dataclasses.replace(
            draft.machine, disks=parts.disks, cdroms=parts.cdroms,
            floppy=parts.floppy,
            nics=self._networks.nics(network_info, draft.hardware)),
            self._conf.template_dirs)

    def hardware_of(self, instance):
        """Returns the Hardware of a server that exists.

        :param instance: nova.objects.Instance
        """
        return self._remembered(instance).hardware

    def check(self, instance, flavor):
        """Finds out whether a server could have a flavor; writes nothing.

        :param instance: nova.objects.Instance
        :param flavor: nova.objects.Flavor
        :raises InvalidInput: VMware cannot give it that
        """
        # A migration keeps the flavor, which nobody chooses anew then.
        chosen = flavor.flavorid != instance.flavor.flavorid
        self._remembered(instance, flavor,
                         frozenset([table.FLAVOR] if chosen else []))

    def _remembered(self, instance, flavor=None, fresh=frozenset()):
        record = self._records.get(instance.uuid)
        if record is None:
            raise exception.VmNotFound(
                'Server %s is not on this host.' % instance.uuid,
                'No nova.json of this compute node names it.')
        self._source_images.settle(instance, record)
        return self.draft(instance, properties.remembered(instance),
                          record.image_adapter, flavor, fresh)

    def rewriter(self, instance, network_info,
                 keeps: Keeps = keep_none) -> vmx_file.Rewrite:
        """Returns a function that writes the .vmx of an existing server.

        What can be refused is refused now, while the server still runs.
        Reading network_info may wait for Neutron: hold no lock.

        :param instance: nova.objects.Instance
        :param network_info: nova.network.model.NetworkInfo
        :param keeps: which adapters stay although they have no port
        :raises VmrunError: the .vmx cannot be written anew
        """
        self._networks.check(network_info)
        draft = self._remembered(instance)
        nics = self._networks.nics(network_info, draft.hardware)
        try:
            self._vmx_files.load(instance.uuid)
        except exception.VmNotFound:
            self._refuse_snapshots(instance.uuid)
        return functools.partial(self._write, draft, nics, keeps, False)

    def starter(self, instance, network_info,
                keeps: Keeps) -> vmx_file.Rewrite:
        """Returns the same for a server that is off and has a .vmx.

        What somebody changed by hand stays, where Nova wants nothing new.

        :param network_info: list of nova.network.model.VIF
        :param keeps: which adapters stay although they have no port there
        :raises InvalidInput: VMware cannot give what Nova asks for
        """
        draft = self._remembered(instance)
        nics = self._networks.nics(network_info, draft.hardware)
        return functools.partial(self._write, draft, nics, keeps, True)

    def write_adapters(self, file: vmx_file.OpenVmx, instance,
                       network_info) -> None:
        """Writes the .vmx of a stopped server with other adapters.

        This host need not have their networks until the server starts.

        :param file: the server's .vmx
        :param instance: nova.objects.Instance
        :param network_info: list of nova.network.model.VIF
        """
        draft = self._remembered(instance)
        self._write(draft, self._networks.nics(network_info, draft.hardware),
                    keep_none, True, file)

    def _write(self, draft: Draft, nics: tuple[model.Nic, ...],
               keeps: Keeps, keeps_edits: bool,
               file: vmx_file.OpenVmx) -> None:
        uuid = draft.machine.uuid
        medium = self._rescue_files.medium(uuid)
        server = self._complete(draft, nics, medium, is_new=not file.exists())

        def make(live: vmx.Vmx | None,
                 former: vmx.Vmx | None) -> tuple[str, str]:
            if live is None:
                text = render.render(server, self._conf.template_dirs)
                return text, text
            kept = _kept(live, nics, keeps, draft.hardware)
            return render.rerender(
                dataclasses.replace(server, nics=nics + kept), live, former,
                self._layout.folder(uuid), self._conf.template_dirs,
                keeps_edits)

        file.render(make)
        if medium is None:
            self._disk_lists.record_places(uuid, file.keys)

    def _complete(self, draft: Draft, nics: tuple[model.Nic, ...],
                  medium: disks.Disk | None, is_new: bool) -> model.Machine:
        """Return a server with its disks, drives, network and console.

        :param medium: what it boots from if it is in rescue
        :param is_new: whether it has no .vmx that says where its disks are
        """
        uuid, chosen = draft.machine.uuid, draft.hardware
        listed = self._disk_lists.get(uuid)
        parts = self._parts(draft, listed, is_new and medium is None)
        server = dataclasses.replace(
            draft.machine, nics=nics, disks=parts.disks,
            cdroms=parts.cdroms, floppy=parts.floppy,
            serials=self._serials(uuid, chosen.serial_ports),
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

        return _Parts(
            tuple(model.Disk(disk.path, chosen.disk_bus,
                             node(disk, chosen.disk_bus))
                  for disk in usual if disk.device is disks.Device.DISK),
            (*cdroms(disks.Origin.DRIVE_IMAGE),
             *(model.Cdrom(path, chosen.cdrom_bus) for path in
               self._drives.tools_isos(draft.machine.uuid, chosen)),
             *cdroms(disks.Origin.CONFIG_DRIVE)),
            next((disk.path for disk in usual
                  if disk.device is disks.Device.FLOPPY), None))

    def _serials(self, uuid, count):
        return tuple(
            dataclasses.replace(port, path=self._named(uuid, port.path))
            if port.kind == 'file' else port
            for port in self._serial_ports.ports(uuid, count))

    def _vnc(self, uuid):
        port = self._consoles.port_of(uuid)
        if port is None:
            return None
        return model.Vnc(self._consoles.listen_address, port)

    def _named(self, uuid, path):
        """Names a file of the server's folder so that the folder can move."""
        if path and os.path.dirname(path) == self._layout.folder(uuid):
            return os.path.basename(path)
        return path

    def _refuse_snapshots(self, uuid):
        """Only the .vmx tells which snapshot a server goes on from."""
        folder = self._layout.folder(uuid)
        found = [name for name in os.listdir(folder)
                 if _SNAPSHOT.search(name)]
        if found:
            raise exception.HasSnapshots(
                'The .vmx of server %s is lost, and snapshots were made of '
                'its disks.' % uuid, 'There are: %s.'
                % ', '.join(sorted(found)),
                'Restore %s from a backup; the disks were not touched.'
                % self._layout.vmx(uuid))


def _kept(live: vmx.Vmx, nics: tuple[model.Nic, ...], keeps: Keeps,
          chosen: model.Hardware) -> tuple[model.Nic, ...]:
    """Returns adapters of ours that stay without a port, as they are."""
    known = {nic.mac.lower() for nic in nics}
    return tuple(
        model.Nic(
            mac=mac, model=chosen.nic_model,
            connection=live.get('ethernet%d.connectionType' % slot,
                                'bridged'),
            vnet=live.get('ethernet%d.vnet' % slot),
            rx_kbps=chosen.nic_rx_kbps, tx_kbps=chosen.nic_tx_kbps)
        for mac, slot in adapters.slots(live).items()
        if mac not in known and keeps(mac) and
        adapters.is_static('ethernet%d' % slot, live))


def _microseconds(seconds):
    return None if seconds is None else round(seconds * 10 ** 6)
