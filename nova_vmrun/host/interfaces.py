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


"""The ranges of addresses that this host has an interface in."""

import ipaddress
import socket

import psutil

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_FAMILIES = (socket.AF_INET, socket.AF_INET6)


def ranges() -> list[Network]:
    """Return the ranges of the host's interfaces.

    Leave out those that lead to no other machine, and link-local ones, which
    every interface has.
    """
    found = []
    for addresses in psutil.net_if_addrs().values():
        for each in addresses:
            if each.family not in _FAMILIES or not each.netmask:
                continue
            network = _range(each.address.partition('%')[0], each.netmask)
            if (network is not None and network.num_addresses > 1 and
                    not network.is_loopback and not network.is_link_local):
                found.append(network)
    return found


def _range(address: str, netmask: str) -> Network | None:
    """Return a range, or None if the system describes none."""
    try:
        if ':' in address:
            # The ipaddress module takes only prefix lengths for IPv6.
            netmask = str(int(ipaddress.IPv6Address(netmask)).bit_count())
        return ipaddress.ip_interface(
            '%s/%s' % (address, netmask)).network
    except ValueError:
        return None
