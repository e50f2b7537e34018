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

"""Network configuration for a guest."""

from collections import abc
import copy
import ipaddress
from typing import Any

from nova.network import model
from nova.objects import instance as nova_instance
from nova.virt import netutils
from oslo_log import log as logging

from nova_vmrun.machine import guest_network
from nova_vmrun.ops import networks

LOG = logging.getLogger(__name__)

# These make Nova tell a guest to use DHCP or router advertisements.
_DYNAMIC = ('dhcp_server', 'enable_dhcp', 'ipv6_address_mode')


def static(network_info: abc.Iterable[model.VIF]) -> model.NetworkInfo:
    """Return a copy of some networks with static addresses.

    Nova tells guests to use DHCP if a subnet has it. On the networks of this
    host, VMware's DHCP server would answer, with another address, and on a
    LAN segment nobody would.

    There is no router on a LAN segment either. A default route to the
    gateway of its subnet would take traffic from the adapter that has a way
    out, so these subnets lose their gateway. Of several subnets on one port,
    only the first of each IP version keeps it. All host routes stay.

    Reading network_info may wait for Neutron: hold no lock.
    """
    vifs = [copy.deepcopy(vif) for vif in network_info]
    for vif in vifs:
        has_route = {4, 6} if networks.is_local(vif) else set()
        for subnet in _subnets(vif):
            for name in _DYNAMIC:
                subnet['meta'].pop(name, None)
            if subnet['version'] in has_route:
                subnet['gateway'] = model.IP(address=None, type='gateway')
            elif subnet['ips'] and (subnet['gateway'] or {}).get('address'):
                has_route.add(subnet['version'])
    return model.NetworkInfo(vifs)


def warn_if_unreachable(instance: nova_instance.Instance,
                        network_info: abc.Iterable[model.VIF]) -> None:
    """Warn about addresses that a guest without any metadata cannot learn.

    A LAN segment has no DHCP server, whatever its subnet says.

    Reading network_info may wait for Neutron: hold no lock.
    """
    addresses = [ip['address'] for vif in network_info
                 if networks.is_local(vif) for ip in vif.fixed_ips()]
    if addresses:
        LOG.warning(
            'The guest cannot learn its addresses %s: a network of type local '
            'has no DHCP server, and the server has neither a config drive '
            'nor guestinfo. Create it with --config-drive true, or set the '
            'addresses in the guest.', ', '.join(addresses),
            instance=instance)


def metadata(network_info: model.NetworkInfo) -> dict[str, Any] | None:
    """Return the content of network_data.json on a config drive.

    Nova itself writes one address of each IP version for a port. A port can
    have several, in one subnet or in several, and the guest needs all.

    :param network_info: what static has returned
    :returns: None if there are no ports
    """
    data: dict[str, Any] | None = netutils.get_network_metadata(
        model.NetworkInfo([each for vif in network_info
                           for each in _with_one_address(vif)]))
    if data is None:
        return None
    first: dict[str, dict[str, Any]] = {}
    for link in data['links']:
        first.setdefault(link['vif_id'], link)
    ids = {link['id']: first[link['vif_id']]['id'] for link in data['links']}
    data['links'] = list(first.values())
    for network in data['networks']:
        network['link'] = ids[network['link']]
    return data


def _with_one_address(vif: model.VIF) -> abc.Iterator[model.VIF]:
    """Yield a port once for each of its addresses, with only that one."""
    for subnet in _subnets(vif):
        for number, ip in enumerate(subnet['ips']):
            each, only = copy.deepcopy(vif), copy.deepcopy(subnet)
            only['ips'] = [ip]
            if number:
                only['gateway'], only['routes'] = None, []
            each['network']['subnets'] = [only]
            yield each


def _subnets(vif: model.VIF) -> abc.Sequence[model.Subnet]:
    network = vif['network'] or {}
    return network.get('subnets') or ()


def interfaces(network_info: abc.Iterable[model.VIF]
               ) -> list[guest_network.Interface]:
    """Return the adapters of a guest, in the order of its ports.

    Reading network_info may wait for Neutron: hold no lock.
    """
    return [_interface(vif) for vif in static(network_info)]


def _interface(vif: model.VIF) -> guest_network.Interface:
    subnets = _subnets(vif)
    return guest_network.Interface(
        mac=vif['address'],
        addresses=tuple(
            _with_prefix(ip['address'], subnet['cidr'])
            for subnet in subnets for ip in subnet['ips']),
        routes=tuple(route for subnet in subnets if subnet['ips']
                     for route in _routes(subnet)),
        dns=tuple(dict.fromkeys(
            ip['address'] for subnet in subnets for ip in subnet['dns'])),
        mtu=(vif['network'] or {}).get('meta', {}).get('mtu'))


def _with_prefix(address: str, cidr: str) -> str:
    return '%s/%d' % (address, _network(cidr).prefixlen)


def _network(cidr: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    # Neutron accepts 10.0.0.1/24.
    return ipaddress.ip_network(cidr, strict=False)


def _routes(subnet: model.Subnet) -> abc.Iterator[tuple[str, str]]:
    gateway = (subnet['gateway'] or {}).get('address')
    if gateway:
        everywhere = '::/0' if ':' in gateway else '0.0.0.0/0'
        yield everywhere, gateway
    for route in subnet['routes']:
        yield str(_network(route['cidr'])), route['gateway']['address']
