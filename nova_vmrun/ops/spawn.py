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


"""A new server, from its image to a running VM."""

import dataclasses
import os

from nova.virt import configdrive
from nova.virt import driver
from oslo_log import log as logging
from oslo_utils import excutils
from oslo_utils import units

from nova_vmrun import exception
from nova_vmrun.formats import guestos
from nova_vmrun.formats import hardware
from nova_vmrun.formats import machine
from nova_vmrun.formats import render
from nova_vmrun.formats import vmdk
from nova_vmrun.host import files
from nova_vmrun.ops import config_drive
from nova_vmrun.ops import properties

LOG = logging.getLogger(__name__)


class Spawn:
    """Builds servers.

    :param conf: nova.conf.CONF
    :param product: a nova_vmrun.host.product.Product
    :param architecture: of the host, x86_64 or aarch64
    :param layout: a nova_vmrun.host.layout.Layout
    :param records: a nova_vmrun.host.records.Records
    :param root_disks: a nova_vmrun.ops.images.RootDisks
    :param vdiskmanager: a nova_vmrun.tools.vdiskmanager.VDiskManager, or None
    :param attachments: a nova_vmrun.ops.attachments.Attachments
    :param networks: a nova_vmrun.ops.networks.Networks
    :param consoles: a nova_vmrun.ops.consoles.Consoles
    :param power: a nova_vmrun.ops.power.Power
    :param destroy: a nova_vmrun.ops.destroy.Destroy
    """

    def __init__(self, conf, product, architecture, layout, records,
                 root_disks, vdiskmanager, attachments, networks, consoles,
                 power, destroy):
        self._conf = conf
        self._product = product
        self._architecture = architecture
        self._layout = layout
        self._records = records
        self._root_disks = root_disks
        self._vdiskmanager = vdiskmanager
        self._attachments = attachments
        self._networks = networks
        self._consoles = consoles
        self._power = power
        self._destroy = destroy

    def __call__(self, context, instance, image_meta, injected_files,
                 admin_password, network_info, block_device_info, power_on):
        """Builds a server and starts it; a failure leaves nothing behind.

        What a user got wrong is found before anything is fetched or made.

        :raises InvalidInput: the user's properties, names or sizes
        :raises ImageRefused: the image
        :raises VmrunError: the host
        """
        uuid = instance.uuid
        draft = self._draft(context, instance)
        prepared = self._attachments.prepare(context, instance,
                                             draft.hardware)
        base = self._root_disks.prepare(context, instance, image_meta)
        try:
            with self._consoles.port_for_new_server() as vnc_port:
                self._records.create(uuid, instance.name, vnc_port,
                                     draft.hardware.show_gui is not False)
            cds = self._attachments.cdroms(uuid, prepared)
            cds += self._config_drives(instance, injected_files,
                                       admin_password, network_info)
            floppy = self._attachments.floppy(uuid, prepared)
            server = dataclasses.replace(
                draft.machine,
                disks=self._disks(instance, block_device_info, base,
                                  draft.hardware),
                nics=self._networks.nics(network_info, draft.hardware),
                cdroms=tuple(machine.Cdrom(self._named(uuid, path),
                                           draft.hardware.cdrom_bus)
                             for path in cds),
                floppy=self._named(uuid, floppy),
                vnc=self._vnc(vnc_port))
            self._write_vmx(uuid, server)
            if power_on:
                self._power.on(uuid)
        except Exception:
            with excutils.save_and_reraise_exception():
                self._remove(uuid)

    def _draft(self, context, instance):
        """Decides all that needs no disk, network or port."""
        image = properties.of_image(context, instance)
        guest = guestos.choose(
            image, self._conf.vmrun.default_guestos, self._architecture,
            self._product.hardware_version)
        chosen = hardware.choose(
            image, instance.flavor.extra_specs, guest,
            instance.flavor.vcpus, self._product.hardware_version,
            self._product.kind)
        if chosen.unsupported:
            LOG.warning('VMware cannot obey these limits of the flavor: %s',
                        ', '.join(chosen.unsupported), instance=instance)
        server = machine.Machine(
            uuid=instance.uuid, name=instance.display_name,
            guestos=guest.id, family=guest.family,
            memory_mb=machine.round_memory(instance.flavor.memory_mb),
            vcpus=instance.flavor.vcpus,
            hw_version=self._product.hardware_version,
            serials=self._serials(instance.uuid, chosen.serial_ports),
            annotation='OpenStack server %s (%s)' % (instance.uuid,
                                                     instance.name),
            desktop_integration=self._conf.vmrun.desktop_integration,
            **chosen.machine_fields())
        machine.validate(server)
        return _Draft(server, chosen)

    def _serials(self, uuid, count):
        """The first port's output is what Nova shows as the console log."""
        paths = [self._layout.console_log(uuid)]
        paths += [self._layout.serial_log(uuid, number)
                  for number in range(1, count)]
        return tuple(machine.Serial('file', self._named(uuid, path))
                     for path in paths[:count])

    def _disks(self, instance, block_device_info, base, chosen):
        uuid, bus = instance.uuid, chosen.disk_bus
        paths = [self._root_disks.make(base, uuid, bus, chosen.linked_clone)]
        ephemerals = driver.block_device_info_get_ephemerals(
            block_device_info)
        for number, ephemeral in enumerate(ephemerals):
            paths.append(self._blank(uuid, 'ephemeral%d' % number,
                                     ephemeral['size'] * units.Ki, bus))
        swap = driver.block_device_info_get_swap(block_device_info)
        if driver.swap_is_usable(swap):
            paths.append(self._blank(uuid, 'swap', swap['swap_size'], bus))
        return tuple(machine.Disk(self._named(uuid, path), bus)
                     for path in paths)

    def _blank(self, uuid, name, size_mb, bus):
        if self._vdiskmanager is None:
            raise exception.InvalidConfiguration(
                'Server %s needs an empty disk and vmware-vdiskmanager is '
                'not installed.' % uuid,
                resolution='Set [vmrun] vdiskmanager_path, or use a flavor '
                           'without ephemeral and swap disks.')
        path = self._layout.disk(uuid, name)
        self._vdiskmanager.create(path, size_mb=size_mb,
                                  adapter=vmdk.adapter_type(bus))
        return path

    def _config_drives(self, instance, injected_files, admin_password,
                       network_info):
        if not configdrive.required_by(instance):
            return []
        path = self._layout.config_drive(instance.uuid)
        config_drive.make(path, instance, injected_files, admin_password,
                          network_info)
        return [path]

    def _vnc(self, port):
        if port is None:
            return None
        return machine.Vnc(self._consoles.listen_address, port)

    def _named(self, uuid, path):
        """Names a file of the server's folder so that the folder can move."""
        if path and os.path.dirname(path) == self._layout.folder(uuid):
            return os.path.basename(path)
        return path

    def _write_vmx(self, uuid, server):
        text = render.render(server, self._conf.vmrun.template_dirs)
        files.write_atomically(self._layout.rendered(uuid), text)
        files.write_atomically(self._layout.vmx(uuid), text)

    def _remove(self, uuid):
        try:
            self._destroy.stop(uuid)
            self._destroy.remove(uuid)
        except (exception.VmrunError, OSError) as error:
            LOG.error('Server %s cannot be removed, Nova will try again: %s',
                      uuid, error)


@dataclasses.dataclass(frozen=True)
class _Draft:
    """A server without its disks, network and console."""

    machine: machine.Machine
    hardware: hardware.Hardware
