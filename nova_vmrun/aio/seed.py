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

"""Flavors and a network, so that a server can be made at once."""

FLAVORS = (
    # name, MiB of memory, GB of disk, VCPUs
    ('m1.nano', 64, 1, 1),
    ('m1.tiny', 512, 1, 1),
    ('m1.small', 2048, 20, 1),
    ('m1.medium', 4096, 40, 2),
    ('m1.large', 8192, 80, 4),
)


def flavors(cloud):
    """Makes the flavors that are missing.

    :param cloud: openstack.connection.Connection
    :returns: list of the names made
    """
    known = {flavor.name for flavor in cloud.compute.flavors()}
    made = []
    for name, memory, disk, vcpus in FLAVORS:
        if name not in known:
            cloud.compute.create_flavor(
                name=name, ram=memory, disk=disk, vcpus=vcpus)
            made.append(name)
    return made


def network(cloud, settings):
    """Makes the shared flat network with its subnet.

    There is no DHCP agent: the config drive carries the address to the guest.

    :param cloud: openstack.connection.Connection
    :param settings: Settings of the control plane
    :returns: names made
    """
    made = []
    found = cloud.network.find_network(settings.network)
    if found is None:
        found = cloud.network.create_network(
            name=settings.network, is_shared=True,
            provider_network_type='flat',
            provider_physical_network=settings.physical_network)
        made.append('network %s' % settings.network)
    if not list(cloud.network.subnets(network_id=found.id)):
        plan = settings.subnet_plan()
        cloud.network.create_subnet(
            network_id=found.id, name=settings.network, ip_version=4,
            cidr=plan['cidr'], gateway_ip=plan['gateway'],
            is_dhcp_enabled=False,
            allocation_pools=[{'start': plan['first'], 'end': plan['last']}])
        made.append('subnet %s' % plan['cidr'])
    return made
