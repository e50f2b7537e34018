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

"""The flavors and the network that a first server needs."""

from typing import Any, NamedTuple, TYPE_CHECKING

from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.aio import subnets
from nova_vmrun.aio import unenforced_rules

if TYPE_CHECKING:
    from openstack import connection


class Flavor(NamedTuple):
    """A flavor to create in Nova.

    :param memory: MiB
    :param disk: GB
    """

    name: str
    memory: int
    disk: int
    vcpus: int


FLAVORS = (
    # Debian's kernel does not boot with 64 MiB, but does with 96 MiB.
    Flavor('m1.nano', 128, 1, 1),
    Flavor('m1.tiny', 512, 1, 1),
    Flavor('m1.small', 2048, 20, 1),
    Flavor('m1.medium', 4096, 40, 2),
    Flavor('m1.large', 8192, 80, 4),
)


def flavors(cloud: 'connection.Connection') -> list[str]:
    """Create the flavors that are missing.

    :returns: the names of the created flavors
    """
    known = {found.name for found in cloud.compute.flavors()}
    made = []
    for flavor in FLAVORS:
        if flavor.name not in known:
            cloud.compute.create_flavor(
                name=flavor.name, ram=flavor.memory, disk=flavor.disk,
                vcpus=flavor.vcpus)
            made.append(flavor.name)
    return made


def find_network(cloud: 'connection.Connection',
                 settings: aio_settings.Settings) -> Any:
    """Return the shared flat network, or None if it has not been made.

    Any project can give a network of its own the same name, but only an
    administrator can choose a physical network.

    :param cloud: a connection as the administrator
    """
    return next(iter(cloud.network.networks(
        name=settings.network,
        provider_physical_network=settings.physical_network)), None)


def network(cloud: 'connection.Connection', settings: aio_settings.Settings,
            plan: subnets.Plan) -> list[str]:
    """Create the shared flat network and its subnet.

    There is no DHCP agent: the guest reads its address from the config drive.

    :returns: lines about what was created, and about what does not match
    """
    said = []
    found = find_network(cloud, settings)
    if found is None:
        found = cloud.network.create_network(
            name=settings.network, is_shared=True,
            provider_network_type='flat',
            provider_physical_network=settings.physical_network)
        said.append('made network %s' % settings.network)
    known = [subnet.cidr
             for subnet in cloud.network.subnets(network_id=found.id)]
    if not known:
        cloud.network.create_subnet(
            network_id=found.id, name=settings.network, ip_version=4,
            cidr=plan.cidr, gateway_ip=plan.gateway,
            is_dhcp_enabled=False, dns_nameservers=list(plan.name_servers),
            allocation_pools=[{'start': plan.first, 'end': plan.last}])
        said.append('made subnet %s, servers get %s to %s'
                    % (plan.cidr, plan.first, plan.last))
        said.append(unenforced_rules.MESSAGE)
    elif plan.cidr not in known:
        said.append('network %s has %s, but %s of VMware has %s: its servers '
                    'cannot be reached' % (settings.network, ', '.join(known),
                                           settings.vmnet, plan.cidr))
    return said
