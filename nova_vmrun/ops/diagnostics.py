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

"""Diagnostics of running servers, for administrators.

Ask the guest for its address here and not where Nova reads power states. That
happens every few minutes for each server and starts no program of its own,
while a guest may be slow or never answer.
"""

import dataclasses
import ipaddress
import platform
from typing import Any

from nova.compute import power_state
from nova.objects import diagnostics as nova_diagnostics
from nova.objects import instance as nova_instance
from oslo_log import log as logging
from oslo_utils import units

from nova_vmrun import exception
from nova_vmrun.machine import attached
from nova_vmrun.ops import parts
from nova_vmrun.ops.power import power_states
from nova_vmrun.server import disks
from nova_vmrun.server import guest_agents as guest_agents_module
from nova_vmrun.server import states
from nova_vmrun.server import vm_process
from nova_vmrun.tools import guest_agent

LOG = logging.getLogger(__name__)

# Nova's list of drivers is closed and does not have ours. This is its other
# driver for VMware's products.
_DRIVER = 'vmwareapi'


@dataclasses.dataclass(frozen=True)
class _Facts:
    state: str
    vcpus: int
    memory_mb: int
    adapters: list[attached.Adapter]
    disks: list[attached.Attached]
    volumes: dict[str, str]
    config_drive: bool
    usage: vm_process.Usage | None
    address: str | None
    guest: guest_agent.GuestFacts | None


class Diagnostics:
    """Reads the diagnostics of a server from its process and its .vmx."""

    def __init__(self, host: parts.Host, servers: parts.Servers,
                 guest_agents: guest_agents_module.GuestAgents) -> None:
        self._guest_agents = guest_agents
        self._vmrun = host.vmrun
        self._product = host.product
        self._states = servers.states
        self._layout = servers.layout
        self._disk_lists = servers.disk_lists
        self._vmx_files = servers.vmx_files

    def typed(self, instance: nova_instance.Instance
              ) -> nova_diagnostics.Diagnostics:
        """Return diagnostics for microversion 2.48 of Nova's API and later.

        VMware counts neither errors nor what each virtual CPU, disk and
        adapter does. So one CPU and one disk stand for the VM's process as a
        whole, beside the true numbers of both.

        :raises VmrunError: the .vmx cannot be read
        """
        facts = self._facts(instance)
        usage = facts.usage
        result = nova_diagnostics.Diagnostics(
            state=facts.state, driver=_DRIVER, hypervisor=self._product.name,
            hypervisor_os=platform.system().lower(),
            uptime=usage and usage.uptime, config_drive=facts.config_drive)
        result.memory_details = nova_diagnostics.MemoryDiagnostics(
            maximum=facts.memory_mb,
            used=usage and usage.memory_bytes // units.Mi)
        if usage:
            result.add_cpu(time=usage.cpu_ns)
            result.add_disk(read_bytes=usage.read_bytes,
                            read_requests=usage.read_requests,
                            write_bytes=usage.write_bytes,
                            write_requests=usage.write_requests)
        for adapter in facts.adapters:
            result.add_nic(mac_address=adapter.mac)
        result.num_cpus = facts.vcpus
        result.num_disks = len(facts.disks)
        return result

    def untyped(self, instance: nova_instance.Instance) -> dict[str, Any]:
        """Return diagnostics for older microversions, under names of ours.

        Memory is in KiB, as with Nova's other drivers, CPU time in ns.

        :raises VmrunError: the .vmx cannot be read
        """
        facts = self._facts(instance)
        result: dict[str, Any] = {
            'state': facts.state, 'hypervisor': self._product.name,
            'vcpus': facts.vcpus, 'memory': facts.memory_mb * units.Ki,
            'config_drive': facts.config_drive, 'guest_address': facts.address}
        if facts.guest:
            result['guest_os'] = facts.guest.system
            result['guest_addresses'] = list(facts.guest.addresses)
        if facts.usage:
            result.update(dataclasses.asdict(facts.usage))
            result['cpu_time'] = result.pop('cpu_ns')
            result['memory-rss'] = result.pop('memory_bytes') // units.Ki
        for number, adapter in enumerate(facts.adapters):
            result['nic%d_mac' % number] = adapter.mac
            result['nic%d_network' % number] = adapter.network
        for number, disk in enumerate(facts.disks):
            result['disk%d_node' % number] = disk.node
            result['disk%d_file' % number] = disk.file
            if disk.file in facts.volumes:
                result['disk%d_volume' % number] = facts.volumes[disk.file]
        return result

    def _facts(self, instance: nova_instance.Instance) -> _Facts:
        uuid = instance.uuid
        keys = self._vmx_files.load(uuid)
        state = self._states.get(uuid)
        guest = address = None
        if state is states.State.RUNNING:
            guest = self._ask_agent(instance)
            address = self._address(instance, guest)
        return _Facts(
            state=power_state.STATE_MAP[power_states.POWER_STATES[state]],
            vcpus=instance.flavor.vcpus,
            memory_mb=instance.flavor.memory_mb,
            adapters=attached.adapters(keys),
            disks=list(attached.every(keys)),
            volumes={disk.path: disk.volume_id
                     for disk in self._disk_lists.get(uuid)
                     if disk.volume_id},
            config_drive=self._disk_lists.find(
                uuid, disks.Origin.CONFIG_DRIVE) is not None,
            usage=vm_process.usage(self._layout.vmx(uuid)),
            address=address, guest=guest)

    def _ask_agent(self, instance: nova_instance.Instance
                   ) -> guest_agent.GuestFacts | None:
        """Ask the QEMU guest agent, if the server has one that answers."""
        agent = self._guest_agents.of(instance.uuid)
        if agent is None:
            return None
        try:
            return agent.facts()
        except exception.VmrunError as error:
            LOG.info('Cannot ask the guest agent: %s', error,
                     instance=instance)
            return None

    def _address(self, instance: nova_instance.Instance,
                 guest: guest_agent.GuestFacts | None) -> str | None:
        """Return the guest's address, and warn if Neutron has another.

        :param guest: what its agent says, or None
        """
        addresses = guest.addresses if guest else ()
        expected = [ip['address']
                    for vif in instance.get_network_info() or ()
                    for ip in vif.fixed_ips()]
        address = next(
            (each for each in addresses
             if each in map(_normal, expected)),
            addresses[0] if addresses else None) or self._ask(instance)
        if address and expected and address not in map(_normal, expected):
            LOG.warning(
                'The guest has the address %(address)s and Neutron shows '
                '%(expected)s: the guest did not read its config drive, or '
                'the subnet is not that of the VMware network.',
                {'address': address, 'expected': ', '.join(expected)},
                instance=instance)
        else:
            LOG.info('The guest has the address %s', address,
                     instance=instance)
        return address

    def _ask(self, instance: nova_instance.Instance) -> str | None:
        """Ask VMware Tools, and then VMware for what Tools last reported."""
        path = self._layout.vmx(instance.uuid)
        for ask in (self._vmrun.guest_address,
                    self._vmrun.cached_guest_address):
            try:
                address = ask(path)
            except (exception.VmNotFound, exception.NotPoweredOn) as error:
                LOG.info('The server has just stopped: %s', error,
                         instance=instance)
                return None
            except exception.VmrunError as error:
                LOG.info('Cannot get the address of the guest: %s', error,
                         instance=instance)
            else:
                if address:
                    return address
        return None


def _normal(address: str) -> str:
    """Return an address in a form that can be compared."""
    return str(ipaddress.ip_address(address))
