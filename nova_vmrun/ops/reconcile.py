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

"""Brings the .vmx of a server to what Nova says now, when the server starts.

VMware changes the hardware of a VM only while the VM is off. So what Nova, a
user or Neutron changed while it ran, and what was refused then, is made up
for at the next start: adapters, consoles, the name, properties of the image.
"""

from collections import abc

from nova import exception as nova_exception
from nova.network import model
from nova.objects import instance_info_cache
from oslo_log import log as logging

from nova_vmrun import exception
from nova_vmrun.formats import vmx
from nova_vmrun.machine import adapters
from nova_vmrun.ops import definition
from nova_vmrun.ops import networks as networks_module
from nova_vmrun.ops.nova import device_tags
from nova_vmrun.ops.nova import ports as ports_module
from nova_vmrun.server import layout as layout_module
from nova_vmrun.server import vmx_file

LOG = logging.getLogger(__name__)

Ports = abc.Sequence[model.VIF]


class Reconciler:
    """Prepares what Power calls when it starts a server that is off.

    :param definitions: decides what VMs are
    :param networks: of this host
    :param ports: asks Neutron
    :param layout: of this host
    """

    def __init__(self, definitions: definition.Definitions,
                 networks: networks_module.Networks,
                 ports: ports_module.Ports,
                 layout: layout_module.Layout) -> None:
        self._definitions = definitions
        self._networks = networks
        self._ports = ports
        self._vmx_files = vmx_file.VmxFiles(layout)

    def starter(self, context, instance, network_info) -> vmx_file.Rewrite:
        """Returns what writes the .vmx of a server that is about to start.

        What can be refused is refused now. An adapter whose port is not bound
        stays as it is.

        :param context: nova.context.RequestContext
        :param instance: nova.objects.Instance
        :param network_info: list of nova.network.model.VIF
        :raises InvalidConfiguration: this host does not have its networks
        :raises InvalidInput: VMware cannot give what Nova asks for
        """
        self._networks.check(network_info)
        return self._rewriter(context, instance, network_info, self._start,
                              self._start)

    def resumer(self, context, instance, network_info) -> vmx_file.Rewrite:
        """Returns the same for a server that is probably suspended.

        A suspended VM keeps its hardware, so what VMware cannot give is
        refused only if the VM turns out to be off.
        """
        self._networks.check(network_info)
        return self._rewriter(
            context, instance, network_info,
            lambda *arguments: lambda file: self._start(*arguments)(file),
            self._start)

    def rebooter(self, context, instance, network_info) -> vmx_file.Rewrite:
        """Returns the same for a server that may still be running.

        A lost .vmx is brought back, and a port that is not bound is refused.

        :raises VmrunError: as for starter, or its .vmx cannot be written
        :raises VirtualInterfacePlugException: Nova's; a port is not bound
        """
        return self._rewriter(context, instance, network_info,
                              self._definitions.rewriter,
                              self._definitions.starter)

    def _start(self, instance, ports: Ports,
               keeps: definition.Keeps) -> vmx_file.Rewrite:
        unbound = {vif['address'].lower() for vif in ports
                   if networks_module.is_unbound(vif)}
        return self._definitions.starter(
            instance,
            [vif for vif in ports if not networks_module.is_unbound(vif)],
            lambda mac: mac in unbound or keeps(mac))

    def _rewriter(self, context, instance, network_info, prepare,
                  prepare_anew) -> vmx_file.Rewrite:
        ports, keeps = self._trusted(context, instance, network_info)
        device_tags.forget_adapters(instance, ports, keeps)
        rewrite = prepare(instance, ports, keeps)

        def rewrite_as_of_now(file: vmx_file.OpenVmx) -> None:
            if (keeps is definition.keep_all or not file.exists() or
                    _static_macs(file.keys) == _macs(ports)):
                rewrite(file)
            else:
                # Nova lets ports come and go until the server has started.
                prepare_anew(
                    instance, _remembered(context, instance, ports),
                    keeps)(file)

        return rewrite_as_of_now

    def _trusted(self, context, instance,
                 network_info) -> tuple[Ports, definition.Keeps]:
        """Returns a server's ports, and which adapters stay without one.

        What Nova remembers has been empty by mistake, and Nova no longer
        mends it. So all adapters go only if Neutron has no port either.
        """
        if network_info or not self._has_adapters(instance.uuid):
            return network_info, definition.keep_none
        LOG.warning('Nova remembers no port of the server, which has network '
                    'adapters: asking Neutron', instance=instance)
        found = self._ports.of_server(context, instance)
        if found is None:
            LOG.warning('The server keeps its network adapters',
                        instance=instance)
            return network_info, definition.keep_all
        return found, definition.keep_none

    def _has_adapters(self, uuid: str) -> bool:
        try:
            return bool(_static_macs(self._vmx_files.load(uuid)))
        except (exception.VmNotFound, exception.InvalidVmx):
            return False


def _static_macs(keys: vmx.Vmx) -> set[str]:
    """Returns the addresses of the adapters that are ours."""
    return {mac for mac, slot in adapters.slots(keys).items()
            if adapters.is_static('ethernet%d' % slot, keys)}


def _macs(ports: Ports) -> set[str]:
    return {vif['address'].lower() for vif in ports}


def _remembered(context, instance, otherwise: Ports) -> Ports:
    """Returns the ports of a server as Nova's database has them now."""
    try:
        return instance_info_cache.InstanceInfoCache.get_by_instance_uuid(
            context, instance.uuid).network_info
    except nova_exception.InstanceInfoCacheNotFound as error:
        LOG.warning('%s', error, instance=instance)
        return otherwise
