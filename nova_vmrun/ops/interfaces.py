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


"""Attaching and detaching of network adapters.

vmrun cannot change the hardware of a running VM, so the server must be off.
The other adapters of the server keep their places. The tag of an adapter is
written to the config drive of the server.
"""

from collections import abc
import contextlib
import time

from nova import context as nova_context
from nova.network import model
from nova.objects import instance as nova_instance
from oslo_log import log as logging

from nova_vmrun import exception
from nova_vmrun.machine import adapters
from nova_vmrun.ops import cables as cables_module
from nova_vmrun.ops import definition
from nova_vmrun.ops import networks as networks_module
from nova_vmrun.ops.nova import device_tags
from nova_vmrun.ops.nova import ports as ports_module
from nova_vmrun.ops import parts
from nova_vmrun.ops import stopped
from nova_vmrun.ops import tagged_devices
from nova_vmrun.server import states
from nova_vmrun.server import vm_process
from nova_vmrun.server import vmx_file

LOG = logging.getLogger(__name__)

# A VM that has just been stopped closes its .vmx a little later.
_CLOSE_SECONDS = 3
_POLL_SECONDS = 0.2

_REASONS = {
    states.State.RUNNING: 'It is running.',
    states.State.PAUSED: 'It is paused.',
    states.State.SUSPENDED: 'It is suspended.',
    states.State.UNKNOWN: 'It is not known whether it is running.',
}


class Interfaces:
    """Changes the network adapters of stopped servers."""

    def __init__(self, servers: parts.Servers,
                 definitions: definition.Definitions,
                 networks: networks_module.Networks,
                 ports: ports_module.Ports,
                 tagged: tagged_devices.TaggedDevices,
                 cables: cables_module.Cables) -> None:
        self._states = servers.states
        self._layout = servers.layout
        self._vmx_files = servers.vmx_files
        self._stopped = stopped.StoppedServers(servers)
        self._definitions = definitions
        self._networks = networks
        self._ports = ports
        self._tagged = tagged
        self._cables = cables

    def attach(self, context: nova_context.RequestContext,
               instance: nova_instance.Instance, vif: model.VIF) -> None:
        """Add an adapter for a port, unless the server has it.

        :raises VmNotFound: the server has no VM here
        :raises VmStateError: it is not stopped, or open in a window
        :raises InvalidConfiguration: the port's network is not on this host
        :raises VirtualInterfacePlugException: Nova's; the port is not bound
        :raises InvalidInput: the adapter has a tag, and its server no config
            drive; or another port of the server has its address
        """
        networks_module.require_bound(vif)
        self._networks.check([vif])
        self._networks.check_addresses([vif])
        devices = device_tags.with_adapter(context, instance, vif['address'])
        if len(devices) > len(device_tags.present(instance)):
            self._tagged.require_config_drive(instance)
        self._change(context, instance, vif, True, devices)

    def detach(self, context: nova_context.RequestContext,
               instance: nova_instance.Instance, vif: model.VIF) -> None:
        """Remove the adapter of a port, if the server has it.

        VMware removes no adapter while a VM is on. If the port is deleted in
        Neutron, another server may soon get its address. Then disconnect the
        adapter, and leave its removal to the next start.

        :raises VmNotFound: the server has no VM here
        :raises VmStateError: it is not stopped, or open in a window
        """
        try:
            self._change(
                context, instance, vif, False,
                device_tags.without_adapter(instance, vif['address']))
        except exception.NotStopped as error:
            if not self._ports.is_deleted(vif['id']):
                raise
            LOG.warning('Port %s is deleted; its adapter is removed at the '
                        'next start of the server: %s', vif['id'], error,
                        instance=instance)
            self._cables.pull(instance, vif)

    def _change(self, context: nova_context.RequestContext,
                instance: nova_instance.Instance, vif: model.VIF,
                attached: bool, devices: device_tags.Devices) -> None:
        """Add or remove an adapter.

        :param devices: the tagged devices that the server is then to have
        """
        has_new_tags = device_tags.differ(
            devices, device_tags.present(instance))
        metadata = self._tagged.describe(instance) if has_new_tags else None
        self._wait_until_closed(instance.uuid)
        # Nova may change two ports of a server at the same time, and start
        # the server meanwhile.
        with self._vmx_files.opened(instance.uuid) as file:
            self._write(
                file, context, instance, vif, attached,
                self._tagged.written(instance.uuid, metadata, devices))
        device_tags.save(instance, devices)

    def _wait_until_closed(self, uuid: str) -> None:
        """Wait for a VM that is stopping; do not wait for a running one."""
        deadline = time.monotonic() + _CLOSE_SECONDS
        while (self._is_open(uuid) and time.monotonic() < deadline and
               self._states.get(uuid, fresh=True) is states.State.OFF):
            time.sleep(_POLL_SECONDS)

    def _is_open(self, uuid: str) -> bool:
        return bool(vm_process.is_open(self._layout.vmx(uuid)))

    def _write(self, file: vmx_file.OpenVmx,
               context: nova_context.RequestContext,
               instance: nova_instance.Instance, vif: model.VIF,
               attached: bool,
               tags_written: contextlib.AbstractContextManager[None]
               ) -> None:
        present = adapters.slots(file.keys)
        is_present = vif['address'].lower() in present
        if not attached and not is_present:
            return
        # Read them now, under the lock, with the ports of earlier callers.
        known = ports_module.remembered(context, instance)
        if attached:
            _refuse_shared_address(instance, known, vif)
            if is_present:
                return
        self._require_stopped(instance)
        ports = [port for port in known
                 if port['id'] != vif['id'] and
                 port['address'].lower() in present]
        if attached:
            ports.append(vif)
        with tags_written:
            self._definitions.write_adapters(file, instance, ports)

    def _require_stopped(self, instance: nova_instance.Instance) -> None:
        brief = ('Cannot change the network adapters of server %s now.'
                 % instance.uuid)
        state = self._states.get(instance.uuid, fresh=True)
        if state is not states.State.OFF:
            raise exception.NotStopped(
                brief, _REASONS[state],
                'Stop the server first: VMware changes the adapters of a VM '
                'only while the VM is off.')
        self._stopped.require_closed(instance.uuid, brief)


def _refuse_shared_address(instance: nova_instance.Instance,
                           known: abc.Iterable[model.VIF],
                           vif: model.VIF) -> None:
    """Refuse a port whose MAC address another port of the server has.

    In Neutron, it is unique in a network only.
    """
    mac = vif['address'].lower()
    for port in known:
        if port['id'] != vif['id'] and port['address'].lower() == mac:
            raise exception.InvalidInput(
                'Server %s already has a network adapter with the address %s.'
                % (instance.uuid, mac),
                'Ports %s and %s have the same MAC address, in different '
                'networks.' % (port['id'], vif['id']),
                'Use a port with another MAC address, for example one that '
                'Neutron generates.')
