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


"""The Neutron subnet that matches a virtual network of VMware."""

from collections.abc import Iterable, Sequence
import dataclasses
import ipaddress

from nova_vmrun.aio import errors
from nova_vmrun.aio import guests
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun import exception
from nova_vmrun.formats import vmnets
from nova_vmrun.host import host_networks

# The host and VMware's services have the first addresses, and people usually
# choose fixed addresses from the next ones.
_FIRST = 10
_FEWEST = 4

_Network = ipaddress.IPv4Network
_Address = ipaddress.IPv4Address


@dataclasses.dataclass(frozen=True)
class Plan:
    """A subnet, with addresses in Neutron's notation.

    :ivar first: the first address for servers
    :ivar last: the last address for servers
    """

    cidr: str
    gateway: str | None
    first: str
    last: str
    name_servers: tuple[str, ...]


def choose(layout: aio_layout.Layout, settings: aio_settings.Settings) -> Plan:
    """Choose the subnet and the addresses for servers.

    :param layout: of a state directory in which nova.conf exists
    :raises AioError: VMware does not have the network, or its addresses are
        unknown
    """
    try:
        networks = host_networks.HostNetworks(guests.tool(layout, settings))
        network = networks.find(settings.vmnet)
    except exception.VmrunError as error:
        raise errors.AioError(
            'The virtual networks of VMware cannot be read.', str(error),
            'Run "nova-vmrun doctor".') from error
    if network is None and networks.names():
        raise errors.AioError(
            'VMware has no virtual network %s.' % settings.vmnet,
            'There are: %s.' % ', '.join(networks.names()),
            'Choose one of them with --vmnet.')
    if settings.subnet:
        return of_range(_Network(settings.subnet), network)
    if network is None or network.subnet is None:
        raise errors.AioError(
            'It is unknown which addresses are on %s.' % settings.vmnet,
            'Those of a bridged network are of the network outside.'
            if network and network.kind == 'bridged' else '',
            'Give the range with --subnet, such as 192.168.80.0/24.')
    return of_range(network.subnet, network)


def of_range(subnet: _Network, network: vmnets.Vmnet | None = None) -> Plan:
    """Divide a range of addresses between VMware and Neutron.

    :param network: the range's VMware network; its DHCP pool, gateway and name
        servers are ignored if its own range is another
    :raises AioError: VMware's DHCP server leaves too few addresses
    """
    kind = network.kind if network else 'nat'
    pool: tuple[_Address, _Address] | None = None
    gateway: _Address | None = None
    servers: Sequence[_Address] = ()
    if network is not None and network.subnet == subnet:
        pool, gateway = network.pool, network.gateway
        servers = [server for server in network.name_servers
                   if server in subnet]
    if gateway is None:
        gateway = {'nat': subnet[2], 'bridged': subnet[1]}.get(kind)
    # By default, VMware's DHCP servers give out the upper half.
    pool = pool or (subnet[subnet.num_addresses // 2], subnet[-2])
    taken = [(subnet[0], subnet[min(_FIRST, subnet.num_addresses // 4) - 1]),
             pool, (subnet[-2], subnet[-1])]
    taken += [(address, address) for address in (gateway, *servers) if address]
    first, last = _longest_gap(taken)
    if last - first + 1 < _FEWEST:
        raise errors.AioError(
            "VMware's DHCP server leaves no addresses of %s." % subnet, '',
            'Let it give out fewer (on Linux: sudo vmware-netcfg).')
    if not servers and gateway and kind == 'nat':
        servers = [gateway]
    return Plan(
        cidr=str(subnet), gateway=str(gateway) if gateway else None,
        first=str(_Address(first)), last=str(_Address(last)),
        name_servers=tuple(map(str, servers)))


def _longest_gap(
        taken: Iterable[tuple[_Address, _Address]]) -> tuple[int, int]:
    """Return the first and last number of the longest gap between ranges."""
    best = (0, -1)
    end: int | None = None
    for first, last in sorted((int(first), int(last))
                              for first, last in taken):
        if end is not None and first - end - 1 > best[1] - best[0] + 1:
            best = end + 1, first - 1
        end = last if end is None else max(end, last)
    return best
