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


"""The subnet in Neutron that fits a virtual network of VMware's."""

import ipaddress

from nova_vmrun.aio import errors
from nova_vmrun.aio import guests
from nova_vmrun import exception
from nova_vmrun.host import host_networks

# The host and VMware's services have the first ones, and people who want a
# fixed address in that network take one of the next.
_FIRST = 10
_FEWEST = 4


def choose(layout, settings):
    """Finds the addresses that servers can have.

    :param layout: Layout of the state directory, with nova.conf
    :param settings: Settings of the control plane
    :returns: dict with cidr, gateway (or None), first, last, name_servers
    :raises AioError: VMware does not have the network, or nobody tells its
        addresses
    """
    try:
        networks = host_networks.HostNetworks(guests.tool(layout, settings))
        network = networks.find(settings.vmnet)
    except exception.VmrunError as error:
        raise errors.AioError(
            'The virtual networks of VMware cannot be read.', str(error), ''
        ) from error
    if network is None and networks.names():
        raise errors.AioError(
            'VMware has no virtual network %s.' % settings.vmnet,
            'There are: %s.' % ', '.join(networks.names()),
            'Choose one of them with --vmnet.')
    if settings.subnet:
        return of_range(ipaddress.IPv4Network(settings.subnet), network)
    if network is None or network.subnet is None:
        raise errors.AioError(
            'Nobody tells which addresses are on %s.' % settings.vmnet,
            'Those of a bridged network are of the network outside.'
            if network and network.kind == 'bridged' else '',
            'Give the range with --subnet, such as 192.168.80.0/24.')
    return of_range(network.subnet, network)


def of_range(subnet, network=None):
    """Shares out a range of addresses between VMware and Neutron.

    :param subnet: ipaddress.IPv4Network
    :param network: the nova_vmrun.formats.vmnets.Vmnet that it is for; what
        it tells of another range does not count
    :returns: as choose
    :raises AioError: VMware's DHCP server gives out all of it
    """
    kind = network.kind if network else 'nat'
    if network is None or network.subnet != subnet:
        pool, gateway, servers = None, None, ()
    else:
        pool, gateway = network.pool, network.gateway
        servers = [server for server in network.name_servers
                   if server in subnet]
    if gateway is None:
        gateway = {'nat': subnet[2], 'bridged': subnet[1]}.get(kind)
    # VMware's DHCP servers give out the upper half, unless told otherwise.
    first, last = pool or (subnet[subnet.num_addresses // 2], subnet[-2])
    taken = [(subnet[0], subnet[min(_FIRST, subnet.num_addresses // 4) - 1]),
             (first, last), (subnet[-2], subnet[-1])]
    taken += [(address, address) for address in (gateway, *servers) if address]
    first, last = _longest_gap(taken)
    if last - first + 1 < _FEWEST:
        raise errors.AioError(
            "VMware's DHCP server leaves no addresses of %s." % subnet, '',
            'Let it give out fewer (on Linux: sudo vmware-netcfg).')
    if not servers and kind == 'nat':
        servers = [gateway]
    return {
        'cidr': str(subnet),
        'gateway': str(gateway) if gateway else None,
        'first': str(ipaddress.IPv4Address(first)),
        'last': str(ipaddress.IPv4Address(last)),
        'name_servers': [str(server) for server in servers],
    }


def _longest_gap(taken):
    """Returns the first and last number of the longest run between others."""
    best, end = (0, -1), None
    for first, last in sorted((int(first), int(last))
                              for first, last in taken):
        if end is not None and first - end - 1 > best[1] - best[0] + 1:
            best = end + 1, first - 1
        end = last if end is None else max(end, last)
    return best
