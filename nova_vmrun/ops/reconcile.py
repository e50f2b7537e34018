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

"""Updates of a server's .vmx when the server starts.

VMware changes the hardware of a VM only while the VM is off. Everything that
Nova, a user or Neutron changed while it was running is applied at the next
start: adapters, volumes, consoles, the name, properties of the image.
"""

from collections import abc
from typing import TypeAlias

from nova import context as nova_context
from nova import exception as nova_exception
from nova.network import model
from nova.objects import instance as nova_instance
from oslo_log import log as logging

from nova_vmrun import exception
from nova_vmrun.machine import adapters
from nova_vmrun.ops import definition
from nova_vmrun.ops import kept_adapters
from nova_vmrun.ops import networks as networks_module
from nova_vmrun.ops.nova import device_tags
from nova_vmrun.ops.nova import mappings
from nova_vmrun.ops.nova import ports as ports_module
from nova_vmrun.ops import parts
from nova_vmrun.ops import tagged_devices
from nova_vmrun.ops import volume_updates
from nova_vmrun.server import vmx_file

LOG = logging.getLogger(__name__)

Ports: TypeAlias = abc.Sequence[model.VIF]
Prepare: TypeAlias = abc.Callable[
    [nova_instance.Instance, Ports, kept_adapters.Keeps], vmx_file.Rewrite]


class Reconciler:
    """Prepares the functions that Power calls to rewrite a .vmx."""

    def __init__(self, servers: parts.Servers,
                 definitions: definition.Definitions,
                 networks: networks_module.Networks,
                 ports: ports_module.Ports,
                 tagged: tagged_devices.TaggedDevices,
                 volumes: volume_updates.VolumeUpdates) -> None:
        self._definitions = definitions
        self._volumes = volumes
        self._tagged = tagged
        self._networks = networks
        self._ports = ports
        self._vmx_files = servers.vmx_files

    def check_addresses(self, network_info: Ports | None) -> None:
        """Raise an error if a server that comes could not be reached here.

        Servers that are here already still start.

        :raises InvalidConfiguration: an address of a port is not in the range
            of the port's virtual network on this host, or it has none
        """
        self._networks.check_addresses(network_info or ())

    def starter(self, context: nova_context.RequestContext,
                instance: nova_instance.Instance,
                network_info: Ports | None,
                block_device_info: mappings.BlockDeviceInfo = None
                ) -> vmx_file.Rewrite:
        """Return the function that updates the .vmx for a start.

        Errors are raised now where possible. An adapter whose port is not
        bound is not changed, but unplugged if it is on a LAN segment.

        :param block_device_info: None leaves the volumes as they are
        :raises InvalidConfiguration: a network is missing on this host
        :raises InvalidInput: VMware cannot do what Nova asks for
        """
        self._networks.check(network_info)
        return self._volumes.updating(
            context, instance, block_device_info,
            self._rewriter(context, instance, network_info,
                           self._definitions.starter))

    def resumer(self, context: nova_context.RequestContext,
                instance: nova_instance.Instance,
                network_info: Ports | None,
                block_device_info: mappings.BlockDeviceInfo = None
                ) -> vmx_file.Rewrite:
        """Return the same for a server that is probably suspended.

        A suspended VM keeps its hardware. If VMware cannot do what Nova asks
        for, that is an error only if the VM turns out to be off.
        """
        self._networks.check(network_info)
        rewrite = self._rewriter(
            context, instance, network_info,
            lambda *arguments: lambda file: self._definitions.starter(
                *arguments)(file))
        return lambda file: self._volumes.updating(
            context, instance, block_device_info, rewrite)(file)

    def rebooter(self, context: nova_context.RequestContext,
                 instance: nova_instance.Instance,
                 network_info: Ports | None,
                 block_device_info: mappings.BlockDeviceInfo = None
                 ) -> vmx_file.Rewrite:
        """Return the same for a server that may still be running.

        A missing .vmx is restored, and a port that is not bound is refused.

        :raises VmrunError: as for starter, or the .vmx cannot be written
        :raises VirtualInterfacePlugException: Nova's; a port is not bound
        """
        return self._volumes.updating(
            context, instance, block_device_info,
            self._rewriter(context, instance, network_info,
                           self._definitions.rewriter))

    def _rewriter(self, context: nova_context.RequestContext,
                  instance: nova_instance.Instance,
                  network_info: Ports | None,
                  prepare: Prepare) -> vmx_file.Rewrite:
        trusted, keeps = self._trusted(context, instance, network_info)
        states = self._ports.states(instance) if trusted else {}
        ports = networks_module.with_states(trusted, states)
        devices = device_tags.with_adapters(instance, ports, keeps)
        update_tags = self._tagged.updater(instance, devices)
        device_tags.save(instance, devices)
        rewrite = prepare(instance, ports, keeps)

        def rewrite_with_tags(file: vmx_file.OpenVmx) -> None:
            update_tags()
            rewrite_with_current_ports(file)

        def rewrite_with_current_ports(file: vmx_file.OpenVmx) -> None:
            if (keeps is kept_adapters.keep_all or not file.exists() or
                    adapters.static_slots(file.keys).keys() == _macs(ports)):
                rewrite(file)
            else:
                # Ports may be attached and detached until the start.
                current = _current_ports(context, instance, ports)
                self._definitions.starter(
                    instance, networks_module.with_states(current, states),
                    keeps)(file)

        return rewrite_with_tags

    def _trusted(self, context: nova_context.RequestContext,
                 instance: nova_instance.Instance, network_info: Ports | None
                 ) -> tuple[Ports, kept_adapters.Keeps]:
        """Return a server's ports, and which adapters to keep without one.

        Nova's cache of ports has been empty by mistake, and Nova no longer
        repairs it. Remove all adapters only if Neutron has no port either.
        """
        if network_info or not self._has_adapters(instance.uuid):
            return network_info or (), kept_adapters.keep_none
        LOG.warning('Nova knows no port of the server, which has network '
                    'adapters: asking Neutron', instance=instance)
        found = self._ports.of_server(context, instance)
        if found is None:
            LOG.warning('The server keeps its network adapters',
                        instance=instance)
            return (), kept_adapters.keep_all
        return found, kept_adapters.keep_none

    def _has_adapters(self, uuid: str) -> bool:
        try:
            return bool(adapters.static_slots(self._vmx_files.load(uuid)))
        except (exception.VmNotFound, exception.InvalidVmx):
            return False


def _macs(ports: Ports) -> set[str]:
    return {vif['address'].lower() for vif in ports}


def _current_ports(context: nova_context.RequestContext,
                   instance: nova_instance.Instance, default: Ports) -> Ports:
    """Return the ports that Nova remembers, if it does."""
    try:
        ports: Ports = ports_module.remembered(context, instance)
    except nova_exception.InstanceInfoCacheNotFound as error:
        LOG.warning('%s', error, instance=instance)
        return default
    return ports
