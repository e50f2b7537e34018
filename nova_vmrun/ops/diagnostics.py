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

The guest is asked for its address here and not where Nova reads power states:
that happens for each server every few minutes and starts no program of its
own, while the guest may take its time or never answer.
"""

import dataclasses
import ipaddress
import platform

from nova.compute import power_state
from nova.objects import diagnostics as novas
from nova.objects import instance as instance_object
from oslo_log import log as logging
from oslo_utils import units

from nova_vmrun import exception
from nova_vmrun.machine import attached
from nova_vmrun.ops.power import power_states
from nova_vmrun.server import disks
from nova_vmrun.server import states
from nova_vmrun.server import vm_process
from nova_vmrun.server import vmx_file

LOG = logging.getLogger(__name__)

# Nova's closed list has no name for drivers such as ours; this one is the
# other driver of VMware's products.
_DRIVER = 'vmwareapi'


@dataclasses.dataclass(frozen=True)
class _Facts:
    state: str
    vcpus: int
    memory_mb: int
    adapters: list
    disks: list
    config_drive: bool
    usage: vm_process.Usage | None
    address: str | None


class Diagnostics:
    """Reads what the process and the .vmx of a VM tell.

    :param vmrun: a nova_vmrun.tools.vmrun.Vmrun
    :param product: a nova_vmrun.host.product.Product
    :param states: a nova_vmrun.server.states.PowerStates
    :param layout: a nova_vmrun.server.layout.Layout
    :param disk_lists: a nova_vmrun.server.disk_lists.DiskLists
    """

    def __init__(self, vmrun, product, states, layout, disk_lists):
        self._vmrun = vmrun
        self._product = product
        self._states = states
        self._layout = layout
        self._disk_lists = disk_lists
        self._vmx_files = vmx_file.VmxFiles(layout)

    def typed(self, instance):
        """Returns what microversion 2.48 of Nova's API shows.

        VMware counts neither what each virtual CPU, disk and adapter does nor
        errors. So one CPU and one disk stand for the VM's process as a whole,
        beside the true numbers of both.

        :param instance: nova.objects.Instance
        :returns: nova.objects.diagnostics.Diagnostics
        :raises VmrunError: the .vmx cannot be read
        """
        facts = self._facts(instance)
        usage = facts.usage
        result = novas.Diagnostics(
            state=facts.state, driver=_DRIVER, hypervisor=self._product.name,
            hypervisor_os=platform.system().lower(),
            uptime=usage and usage.uptime, config_drive=facts.config_drive)
        result.memory_details = novas.MemoryDiagnostics(
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

    def free(self, instance):
        """Returns what older microversions show: names of ours to values.

        Memory is in KiB, as with Nova's other drivers, CPU time in ns.

        :param instance: nova.objects.Instance
        :raises VmrunError: the .vmx cannot be read
        """
        facts = self._facts(instance)
        result = {
            'state': facts.state, 'hypervisor': self._product.name,
            'vcpus': facts.vcpus, 'memory': facts.memory_mb * units.Ki,
            'config_drive': facts.config_drive, 'guest_address': facts.address}
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
        return result

    def _facts(self, instance):
        uuid = instance.uuid
        keys = self._vmx_files.load(uuid)
        state = self._states.get(uuid)
        return _Facts(
            state=power_state.STATE_MAP[power_states.POWER_STATES[state]],
            vcpus=instance.flavor.vcpus,
            memory_mb=instance.flavor.memory_mb,
            adapters=attached.adapters(keys),
            disks=list(attached.every(keys)),
            config_drive=self._disk_lists.find(
                uuid, disks.Origin.CONFIG_DRIVE) is not None,
            usage=vm_process.usage(self._layout.vmx(uuid)),
            address=self._address(instance)
            if state is states.State.RUNNING else None)

    def _address(self, instance: instance_object.Instance) -> str | None:
        """Returns what the guest tells; warns where Neutron differs."""
        told = self._told(instance)
        expected = [ip['address']
                    for vif in instance.get_network_info() or ()
                    for ip in vif.fixed_ips()]
        if told and expected and told not in map(_normal, expected):
            LOG.warning(
                'The guest has the address %(told)s and Neutron shows '
                '%(expected)s: the guest did not read its config drive, or '
                'the subnet is not that of the VMware network.',
                {'told': told, 'expected': ', '.join(expected)},
                instance=instance)
        else:
            LOG.info('The guest has the address %s', told, instance=instance)
        return told

    def _told(self, instance: instance_object.Instance) -> str | None:
        """Asks VMware Tools, and then what VMware has noted of them."""
        path = self._layout.vmx(instance.uuid)
        for ask in (self._vmrun.guest_address,
                    self._vmrun.cached_guest_address):
            try:
                told = ask(path)
            except (exception.VmNotFound, exception.NotPoweredOn) as error:
                LOG.info('The server has just ended: %s', error,
                         instance=instance)
                return None
            except exception.VmrunError as error:
                LOG.info('The guest does not tell its address: %s', error,
                         instance=instance)
            else:
                if told:
                    return told
        return None


def _normal(address: str) -> str:
    """Spells an address in the one way in which they can be compared."""
    return str(ipaddress.ip_address(address))
