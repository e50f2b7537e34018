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


"""Network adapters that are added to a server, or taken away.

vmrun cannot change the hardware of a running VM, so both need a stopped one.
An adapter keeps its place among the others, whatever comes and goes.
"""

import time

from nova.objects import instance_info_cache
from oslo_log import log as logging

from nova_vmrun import exception
from nova_vmrun.machine import adapters
from nova_vmrun.server import states
from nova_vmrun.server import vm_process
from nova_vmrun.server import vmx_file

LOG = logging.getLogger(__name__)

# A VM that has just gone off lets go of its .vmx a little later.
_CLOSE_SECONDS = 3
_POLL_SECONDS = 0.2

_REASONS = {
    states.State.RUNNING: 'It runs.',
    states.State.PAUSED: 'It is paused.',
    states.State.SUSPENDED: 'It is suspended.',
    states.State.UNKNOWN: 'Nobody can tell whether it runs.',
}


class Interfaces:
    """Changes which adapters a stopped server has.

    :param vmrun: a nova_vmrun.tools.vmrun.Vmrun
    :param power_states: a nova_vmrun.server.states.PowerStates
    :param networks: a nova_vmrun.ops.networks.Networks
    :param definitions: a nova_vmrun.ops.definition.Definitions
    :param layout: a nova_vmrun.server.layout.Layout
    :param ports: a nova_vmrun.ops.nova.ports.Ports
    """

    def __init__(self, vmrun, power_states, networks, definitions, layout,
                 ports):
        self._vmrun = vmrun
        self._ports = ports
        self._states = power_states
        self._networks = networks
        self._definitions = definitions
        self._layout = layout
        self._vmx_files = vmx_file.VmxFiles(layout)

    def attach(self, context, instance, vif):
        """Adds an adapter for a port; again is harmless.

        :param context: nova.context.RequestContext
        :param instance: nova.objects.Instance
        :param vif: nova.network.model.VIF of the port
        :raises VmNotFound: the server has no VM here
        :raises VmrunError: it is not stopped, or open in a window, or the host
            does not have the port's network
        """
        self._networks.check([vif])
        self._change(context, instance, vif, attached=True)

    def detach(self, context, instance, vif):
        """Takes the adapter of a port away; again is harmless.

        VMware takes none from a VM that is not off. If the port is deleted in
        Neutron, its address may soon be another server's: then the cable is
        pulled, and the adapter goes when the server starts the next time.

        :param context: nova.context.RequestContext
        :param instance: nova.objects.Instance
        :param vif: nova.network.model.VIF of the port
        :raises VmNotFound: the server has no VM here
        :raises VmrunError: it is not stopped, or open in a window
        """
        try:
            self._change(context, instance, vif, attached=False)
        except _NotNow as error:
            if not self._ports.is_deleted(vif['id']):
                raise
            LOG.warning('Port %s is deleted, and its adapter goes when the '
                        'server starts the next time: %s', vif['id'], error,
                        instance=instance)
            self._pull_cable(instance, vif)

    def _pull_cable(self, instance, vif) -> None:
        """Disconnects an adapter of a VM that is on."""
        uuid = instance.uuid
        try:
            if self._states.is_running(uuid, fresh=False):
                slot = adapters.slots(self._vmx_files.load(uuid))[
                    vif['address'].lower()]
                self._vmrun.disconnect_device(self._layout.vmx(uuid),
                                              'ethernet%d' % slot)
        except (exception.VmrunError, KeyError) as error:
            LOG.warning('The adapter of port %s stays connected: %s',
                        vif['id'], error, instance=instance)

    def _change(self, context, instance, vif, attached):
        self._wait_until_closed(instance.uuid)
        # Nova lets two ports of a server come and go at the same time, and
        # the server be started meanwhile.
        with self._vmx_files.opened(instance.uuid) as file:
            self._write(file, context, instance, vif, attached)

    def _wait_until_closed(self, uuid):
        """Gives a VM that goes off time to end; a running one gets none."""
        deadline = time.monotonic() + _CLOSE_SECONDS
        while (self._is_open(uuid) and time.monotonic() < deadline and
               self._states.get(uuid, fresh=True) is states.State.OFF):
            time.sleep(_POLL_SECONDS)

    def _is_open(self, uuid):
        return vm_process.is_open(self._layout.vmx(uuid))

    def _write(self, file: vmx_file.OpenVmx, context, instance, vif,
               attached: bool) -> None:
        present = adapters.slots(file.keys)
        if (vif['address'].lower() in present) == attached:
            return
        self._require_stopped(instance)
        # Read now, under the lock: it has the ports of all who were before.
        known = instance_info_cache.InstanceInfoCache.get_by_instance_uuid(
            context, instance.uuid).network_info
        ports = [port for port in known
                 if port['id'] != vif['id'] and
                 port['address'].lower() in present]
        if attached:
            ports.append(vif)
        self._definitions.write_adapters(file, instance, ports)

    def _require_stopped(self, instance):
        state = self._states.get(instance.uuid, fresh=True)
        if state is not states.State.OFF:
            raise _refusal(
                instance, _REASONS[state],
                'Stop the server first: VMware changes the adapters of a VM '
                'only while it is off.')
        if self._is_open(instance.uuid):
            raise _refusal(
                instance, 'It is open in a VMware window, which would write '
                'its own .vmx over the new one.',
                'Close the tab of the VM in the window.')


class _NotNow(exception.VmStateError):
    """The VM is not off, or somebody has it open."""


def _refusal(instance, details: str, resolution: str) -> _NotNow:
    return _NotNow(
        'Adapters of server %s can neither be added nor removed now.'
        % instance.uuid, details, resolution)
