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

"""The methods that Nova calls about the host, for all of its servers.

Those about one server are in driver.py.
"""

from typing import Any, TypeAlias

from nova import conf as nova_conf
from nova import context as nova_context
from nova.objects import instance
from nova.virt import node

from nova_vmrun import conf
from nova_vmrun import hypervisor
from nova_vmrun.ops.nova import errors
from nova_vmrun.ops.nova import inventory
from nova_vmrun.ops.nova import unsupported

CONF = nova_conf.CONF
conf.register_opts(CONF)

Json: TypeAlias = dict[str, Any] | None


class HostCalls(unsupported.RefusingDriver):
    """Starts, stops and describes the host, and looks after its images."""

    capabilities: dict[str, bool]
    _host: str
    _compute_id: str
    _hypervisor: hypervisor.Hypervisor

    def __init__(self, virtapi: Any) -> None:
        super().__init__(virtapi)
        self._is_starting = False

    @errors.translated
    def init_host(self, host: str) -> None:
        self._is_starting = True
        self._host = host
        self._compute_id = node.get_local_node_uuid()
        conf.set_defaults(CONF)
        self._hypervisor = hypervisor.Hypervisor(CONF, self._compute_id,
                                                 host)
        self._hypervisor.begin(self.emit_event)
        self._hypervisor.finish_interrupted()
        # Nova reads the capabilities after init_host.
        self.capabilities = dict(
            self.capabilities,
            supports_secure_boot=self._hypervisor.has_secure_boot)

    def cleanup_host(self, host: str) -> None:
        # init_host may have failed.
        if hasattr(self, '_hypervisor'):
            self._hypervisor.close()

    def process_instances_at_startup(
            self, context: nova_context.RequestContext,
            instances: Any) -> Any:
        self._hypervisor.evacuation.stop_adopted(context, self._host,
                                                 is_starting=True)
        return instances

    def instance_on_disk(self, instance: instance.Instance) -> bool:
        # Nova asks this only to evacuate a server, before it moves networks.
        # It passes no context; that of the instance can read images.
        context = (getattr(instance, '_context', None) or
                   nova_context.get_admin_context())
        with errors.rolled_back(instance):
            return self._hypervisor.evacuation.examine(context.elevated(),
                                                       instance)

    def get_available_nodes(self, refresh: bool = False) -> list[str]:
        return [self._host]

    def get_host_ip_addr(self) -> str:
        return self._hypervisor.address

    def get_host_uptime(self) -> str:
        return str(self._hypervisor.resources.uptime())

    def get_available_resource(self, nodename: str) -> dict[str, Any]:
        # Nova first calls this once it has dealt with all servers.
        self._is_starting = False
        # Nova looks for evacuated servers only at its start.
        self._hypervisor.evacuation.stop_adopted(
            nova_context.get_admin_context(), self._host, is_starting=False)
        self._hypervisor.storage.refresh_records()
        self._hypervisor.metrics.write()
        self._hypervisor.tell_of_networks()
        return inventory.described(
            nodename, self._compute_id, self._hypervisor.product,
            self._hypervisor.resources)

    def update_provider_tree(self, provider_tree: Any, nodename: str,
                             allocations: Json = None) -> None:
        self._hypervisor.allocations.put_back()
        resources = self._hypervisor.resources
        own, foreign = inventory.traits(resources, self._hypervisor.product)
        # Keep traits that an operator has set.
        provider_tree.remove_traits(nodename, *foreign)
        provider_tree.add_traits(nodename, *own)
        ratios = self._get_allocation_ratios(
            provider_tree.data(nodename).inventory)
        provider_tree.update_inventory(nodename, inventory.of_host(
            CONF, resources, self._hypervisor.max_vcpus,
            self._get_reserved_host_disk_gb_from_config(), ratios))

    @errors.translated
    def cache_image(self, context: nova_context.RequestContext,
                    image_id: str) -> bool:
        return self._hypervisor.precache.fetch(context, image_id)

    @errors.translated
    def manage_image_cache(self, context: nova_context.RequestContext,
                           all_instances: list[instance.Instance]) -> None:
        self._hypervisor.age_caches(all_instances)
        # This is Nova's only periodic call that passes all servers.
        self._hypervisor.orphans.warn(context, self._host, all_instances)
