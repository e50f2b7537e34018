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

from nova.network import model

from nova_vmrun.machine import guest_network

# These make Nova tell a guest to use DHCP or router advertisements.
_DYNAMIC = ('dhcp_server', 'enable_dhcp', 'ipv6_address_mode')


def static(network_info: abc.Iterable[model.VIF]) -> model.NetworkInfo:
    """Return a copy of some networks with static addresses.

    Nova tells guests to use DHCP if a subnet has it. On the networks of this
    host, VMware's DHCP server would answer, with another address.

    Reading network_info may wait for Neutron: hold no lock.
    """
    vifs = [copy.deepcopy(vif) for vif in network_info]
    for vif in vifs:
        network = vif['network'] or {}
        for subnet in network.get('subnets') or ():
            for name in _DYNAMIC:
                subnet['meta'].pop(name, None)
    return model.NetworkInfo(vifs)


def interfaces(network_info: abc.Iterable[model.VIF]
               ) -> list[guest_network.Interface]:
    """Return the adapters of a guest, in the order of its ports.

    Reading network_info may wait for Neutron: hold no lock.
    """
    return [_interface(vif) for vif in network_info]


def _interface(vif: model.VIF) -> guest_network.Interface:
    network = vif['network'] or {}
    subnets = network.get('subnets') or ()
    return guest_network.Interface(
        mac=vif['address'],
        addresses=tuple(
            _with_prefix(ip['address'], subnet['cidr'])
            for subnet in subnets for ip in subnet['ips']),
        routes=tuple(route for subnet in subnets if subnet['ips']
                     for route in _routes(subnet)),
        dns=tuple(dict.fromkeys(
            ip['address'] for subnet in subnets for ip in subnet['dns'])),
        mtu=network.get('meta', {}).get('mtu'))


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
