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

"""The networks of a guest, in the forms that guests read from a .vmx."""

from collections.abc import Sequence
import dataclasses
import ipaddress
from typing import Any

_EVERYWHERE_6 = '::/0'


@dataclasses.dataclass(frozen=True)
class Interface:
    """An adapter as the guest has to configure it.

    :ivar mac: six pairs of hexadecimal digits with colons
    :ivar addresses: with the length of the prefix: 10.0.0.5/24, fd00::5/64
    :ivar routes: pairs of a network (0.0.0.0/0) and its gateway
    :ivar dns: addresses of name servers
    :ivar mtu: bytes, or None
    """

    mac: str
    addresses: tuple[str, ...] = ()
    routes: tuple[tuple[str, str], ...] = ()
    dns: tuple[str, ...] = ()
    mtu: int | None = None


def version2(interfaces: Sequence[Interface]) -> dict[str, Any]:
    """Return version 2 of cloud-init's network configuration.

    cloud-init renames the guest's adapters to the names in it, because some
    systems can only configure an adapter whose name is known.
    """
    return {'version': 2, 'ethernets': {
        'eth%d' % number: _ethernet('eth%d' % number, each)
        for number, each in enumerate(interfaces)}}


def _ethernet(name: str, interface: Interface) -> dict[str, Any]:
    result = {
        'match': {'macaddress': interface.mac.lower()}, 'set-name': name,
        'dhcp4': False, 'dhcp6': False,
        'addresses': list(interface.addresses)}
    if any(':' in address for address in interface.addresses):
        # Another guest on the network could advertise itself as a router, and
        # addresses that Neutron does not know. cloud-init itself decides so
        # for the data on a config drive.
        result['accept-ra'] = False
    routes = []
    for network, gateway in interface.routes:
        if network == _EVERYWHERE_6:
            # For ifupdown and systemd-networkd, cloud-init 22.4, which is in
            # Debian 12, turns a route to ::/0 into one to ::/64.
            result['gateway6'] = gateway
        else:
            routes.append({'to': network, 'via': gateway})
    if routes:
        result['routes'] = routes
    if interface.dns:
        result['nameservers'] = {'addresses': list(interface.dns)}
    if interface.mtu:
        result['mtu'] = interface.mtu
    return result


def machine_id(interfaces: Sequence[Interface]) -> str:
    """Return machine.id in the format of the ESX driver of OpenStack Essex.

    It has MAC;ADDRESS;NETMASK;GATEWAY;BROADCAST;DNS,DNS and a ``#`` for each
    adapter. There is room for one IPv4 address per adapter; adapters without
    one are left out.

    :returns: an empty text if no adapter has an IPv4 address
    """
    return ''.join(filter(None, map(_machine_id_entry, interfaces)))


def _machine_id_entry(interface: Interface) -> str | None:
    addresses = [ipaddress.ip_interface(text) for text in interface.addresses]
    first = next((each for each in addresses if each.version == 4), None)
    if first is None:
        return None
    gateway = next((gateway for network, gateway in interface.routes
                    if network == '0.0.0.0/0'), '')
    servers = [text for text in interface.dns
               if ipaddress.ip_address(text).version == 4]
    return ';'.join((
        interface.mac.lower(), str(first.ip), str(first.netmask), gateway,
        str(first.network.broadcast_address), ','.join(servers))) + '#'
