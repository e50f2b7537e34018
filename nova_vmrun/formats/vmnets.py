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

"""VMware's virtual networks, parsed from its output and files.

``vmrun listHostNetworks`` lists the networks. The files of VMware's network
services have the rest: the adapter that a network is bridged to, the DHCP
server's addresses, and the NAT gateway.
"""

from collections.abc import Mapping
from collections.abc import Sequence
import dataclasses
import ipaddress
import re

# The first and the last address.
Pool = tuple[ipaddress.IPv4Address, ipaddress.IPv4Address]
# The network of a NAT service, and the address of the service.
Gateway = tuple[str | None, ipaddress.IPv4Address | None]

NAT = 'nat'
HOSTONLY = 'hostonly'
BRIDGED = 'bridged'

# The network that each connectionType of a .vmx means.
BY_CONNECTION = {BRIDGED: 'vmnet0', HOSTONLY: 'vmnet1', NAT: 'vmnet8'}
_CONNECTION = {name: kind for kind, name in BY_CONNECTION.items()}

_ROW = re.compile(r'\d+\s+(vmnet\d+)\s+(\w+)\s+(\w+)\s+(\S+)\s+(\S+)',
                  re.IGNORECASE)
_ANSWER = re.compile(r'answer\s+VNET_(\d+)_(\w+)\s+(\S+)')
_BRIDGE = re.compile(r'add_bridge_mapping\s+(\S+)\s+(\d+)')
_NETMAP = re.compile(r'(network\d+)[.](name|device)\s*=\s*"([^"]*)"')
_SUBNET = re.compile(r'subnet\s+(\S+)\s+netmask\s+(\S+)\s*\{([^}]*)\}')
_HOST = re.compile(r'host\s+(vmnet\d+)\s*\{([^}]*)\}', re.IGNORECASE)
_FIXED = re.compile(r'fixed-address\s+([\d.]+)')
_RANGE = re.compile(r'range\s+([\d.]+)\s+([\d.]+)')
_SERVERS = re.compile(r'option\s+domain-name-servers\s+([\d., ]+)')
_NAT_DEVICE = re.compile(r'^\s*device\s*=\s*(?:/dev/)?(vmnet\d+)\s*$',
                         re.IGNORECASE | re.MULTILINE)
_NAT_ADDRESS = re.compile(r'^\s*ip\s*=\s*([\d.]+)', re.MULTILINE)
_COMMENT = re.compile('#.*')


@dataclasses.dataclass(frozen=True)
class Vmnet:
    """A VMware virtual network on this host.

    :ivar name: vmnetN
    :ivar kind: NAT, HOSTONLY or BRIDGED
    :ivar dhcp: whether VMware's DHCP server serves it
    :ivar subnet: None if unknown
    :ivar adapter: the host's adapter that it is bridged to; None: unknown, or
        VMware chooses it
    :ivar pool: first and last address of the DHCP server, or None
    :ivar gateway: address of the NAT service, or None
    :ivar name_servers: name servers that the DHCP server announces
    """

    name: str
    kind: str
    dhcp: bool = False
    subnet: ipaddress.IPv4Network | None = None
    adapter: str | None = None
    pool: Pool | None = None
    gateway: ipaddress.IPv4Address | None = None
    name_servers: tuple[ipaddress.IPv4Address, ...] = ()


@dataclasses.dataclass(frozen=True)
class DhcpSubnet:
    """A subnet in a dhcpd.conf."""

    subnet: ipaddress.IPv4Network
    pool: Pool | None
    name_servers: tuple[ipaddress.IPv4Address, ...]
    vmnet: str | None


def parse_list(text: str) -> dict[str, Vmnet]:
    """Parse what ``vmrun listHostNetworks`` prints.

    :returns: networks by name; empty if the text is something else
    """
    found = {}
    for line in text.splitlines():
        row = _ROW.fullmatch(line.strip())
        if row:
            name, kind, dhcp, subnet, mask = row.groups()
            found[name.lower()] = Vmnet(
                name.lower(), kind.lower(), dhcp.lower() == 'true',
                _network(subnet, mask))
    return found


def parse_networking(text: str) -> dict[str, Vmnet]:
    """Parse the file ``networking`` of Workstation on Linux and of Fusion.

    :returns: networks by name; empty if the text is something else
    """
    answers: dict[str, dict[str, str]] = {}
    for number, key, value in _ANSWER.findall(text):
        answers.setdefault('vmnet' + number, {})[key] = value
    found = {
        name: Vmnet(
            name, NAT if keys.get('NAT') == 'yes' else HOSTONLY,
            keys.get('DHCP') == 'yes',
            _network(keys.get('HOSTONLY_SUBNET'),
                     keys.get('HOSTONLY_NETMASK')))
        for name, keys in answers.items()
        if 'HOSTONLY_SUBNET' in keys or keys.get('VIRTUAL_ADAPTER') == 'yes'}
    for adapter, number in _BRIDGE.findall(text):
        name = 'vmnet' + number
        found[name] = Vmnet(name, BRIDGED, adapter=adapter)
    if found:
        # The file omits it while VMware chooses its adapter.
        found.setdefault('vmnet0', Vmnet('vmnet0', BRIDGED))
    return found


def parse_netmap(text: str) -> dict[str, Vmnet]:
    """Parse netmap.conf, which Windows has instead of ``networking``.

    :returns: networks by name
    """
    entries: dict[str, dict[str, str]] = {}
    for entry, key, value in _NETMAP.findall(text):
        entries.setdefault(entry, {})[key] = value
    found = {}
    for keys in entries.values():
        name = keys.get('device', '').lower()
        if name:
            kind = keys.get('name', '').lower()
            found[name] = Vmnet(
                name, kind if kind in BY_CONNECTION
                else _CONNECTION.get(name, HOSTONLY))
    return found


def parse_dhcpd(text: str) -> list[DhcpSubnet]:
    """Parse dhcpd.conf or vmnetdhcp.conf."""
    text = _COMMENT.sub('', text)
    hosts = []
    for name, block in _HOST.findall(text):
        address = _search(_FIXED, block)
        if address:
            hosts.append((_address(address), name.lower()))
    found = []
    for subnet, mask, block in _SUBNET.findall(text):
        network = _network(subnet, mask)
        if network is None:
            continue
        limits = _RANGE.search(block)
        pool = _pool(*limits.groups()) if limits else None
        servers = re.split('[, ]+', (_search(_SERVERS, block) or '').strip())
        found.append(DhcpSubnet(
            network, pool,
            tuple(filter(None, map(_address, servers))),
            next((name for address, name in hosts
                  if address and address in network), None)))
    return found


def parse_nat(text: str) -> Gateway:
    """Parse nat.conf or vmnetnat.conf.

    :returns: (name of the network or None, address of the gateway or None)
    """
    text = _COMMENT.sub('', text)
    name = _search(_NAT_DEVICE, text)
    return name and name.lower(), _address(_search(_NAT_ADDRESS, text))


def complete(networks: Mapping[str, Vmnet], bridges: Mapping[str, Vmnet],
             subnets: Sequence[DhcpSubnet],
             gateways: Sequence[Gateway]) -> dict[str, Vmnet]:
    """Add what the files of VMware's services say to networks.

    A file may belong to another product or be out of date, so whatever does
    not fit a network's subnet is ignored.

    :param networks: networks by name
    :param bridges: networks by name whose adapters are used
    :returns: networks by name
    """
    return {name: _complete(network, bridges.get(name), subnets, gateways)
            for name, network in networks.items()}


def _complete(network: Vmnet, bridge: Vmnet | None,
              subnets: Sequence[DhcpSubnet],
              gateways: Sequence[Gateway]) -> Vmnet:
    if network.kind == BRIDGED:
        return dataclasses.replace(
            network, adapter=network.adapter or (
                bridge.adapter if bridge else None))
    served = [found for found in subnets
              if found.subnet == network.subnet or
              (network.subnet is None and found.vmnet == network.name)]
    if served:
        network = dataclasses.replace(
            network, dhcp=True, subnet=served[0].subnet, pool=served[0].pool,
            name_servers=served[0].name_servers)
    if network.kind == NAT and network.subnet:
        # VMware's network editor uses .2.
        known = [address for name, address in gateways
                 if name == network.name and address in network.subnet]
        network = dataclasses.replace(
            network, gateway=known[0] if known else network.subnet[2])
    return network


def _search(pattern: re.Pattern[str], text: str) -> str | None:
    match = pattern.search(text)
    return match and match.group(1)


def _pool(first: str, last: str) -> Pool | None:
    ends = _address(first), _address(last)
    return None if ends[0] is None or ends[1] is None else (ends[0], ends[1])


def _address(text: str | None) -> ipaddress.IPv4Address | None:
    try:
        return ipaddress.IPv4Address(text)
    except ValueError:
        return None


def _network(address: str | None,
             mask: str | None) -> ipaddress.IPv4Network | None:
    try:
        return ipaddress.IPv4Network('%s/%s' % (address, mask))
    except ValueError:
        return None
