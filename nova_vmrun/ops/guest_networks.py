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

"""What a guest is told of its networks."""

import copy
import ipaddress

from nova.network import model

from nova_vmrun.machine import guest_network

# What makes Nova tell a guest to ask a DHCP server or a router.
_DYNAMIC = ('dhcp_server', 'enable_dhcp', 'ipv6_address_mode')


def static(network_info):
    """Returns the same networks with fixed addresses.

    Nova sends guests to Neutron's DHCP server where a subnet has one. On the
    host's networks VMware's own server would answer, with another address.

    Reading network_info may wait for Neutron: hold no lock.

    :param network_info: nova.network.model.NetworkInfo
    :returns: a copy
    """
    vifs = [copy.deepcopy(vif) for vif in network_info]
    for vif in vifs:
        network = vif['network'] or {}
        for subnet in network.get('subnets') or ():
            for name in _DYNAMIC:
                subnet['meta'].pop(name, None)
    return model.NetworkInfo(vifs)


def interfaces(network_info):
    """Returns the adapters of a guest, in the order of its ports.

    Reading network_info may wait for Neutron: hold no lock.

    :param network_info: nova.network.model.NetworkInfo
    :returns: list of nova_vmrun.machine.guest_network.Interface
    """
    return [_interface(vif) for vif in network_info]


def _interface(vif):
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


def _with_prefix(address, cidr):
    return '%s/%d' % (address, _network(cidr).prefixlen)


def _network(cidr):
    # Neutron lets users write 10.0.0.1/24.
    return ipaddress.ip_network(cidr, strict=False)


def _routes(subnet):
    gateway = (subnet['gateway'] or {}).get('address')
    if gateway:
        everywhere = '::/0' if ':' in gateway else '0.0.0.0/0'
        yield everywhere, gateway
    for route in subnet['routes']:
        yield str(_network(route['cidr'])), route['gateway']['address']
