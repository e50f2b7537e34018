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
    # Debian's kernel does not start in 64 MiB; in 96 it does.
    ('m1.nano', 128, 1, 1),
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


def network(cloud, settings, plan):
    """Makes the shared flat network with its subnet.

    There is no DHCP agent: the config drive carries the address to the guest.

    :param cloud: openstack.connection.Connection
    :param settings: Settings of the control plane
    :param plan: what subnets.choose returns
    :returns: lines about what was made, and about what does not fit
    """
    said = []
    found = cloud.network.find_network(settings.network)
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
            cidr=plan['cidr'], gateway_ip=plan['gateway'],
            is_dhcp_enabled=False, dns_nameservers=plan['name_servers'],
            allocation_pools=[{'start': plan['first'], 'end': plan['last']}])
        said.append('made subnet %s, servers get %s to %s'
                    % (plan['cidr'], plan['first'], plan['last']))
    elif plan['cidr'] not in known:
        said.append('network %s has %s, but %s of VMware has %s: its servers '
                    'cannot be reached' % (settings.network, ', '.join(known),
                                           settings.vmnet, plan['cidr']))
    return said
