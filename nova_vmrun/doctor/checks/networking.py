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

"""Checks of VMware's networks, of ports, and of the loopback interface."""

from collections.abc import Iterable
import ipaddress

from nova_vmrun.doctor import facts
from nova_vmrun.doctor import finding
from nova_vmrun.formats import vmnets

_RESTART = 'sudo vmware-networks --stop && sudo vmware-networks --start'
_EDITOR = 'sudo vmware-netcfg'
# The host, the gateway and the DHCP server, and a few servers.
_FEWEST = 8


def check_vmnets(networks: facts.Networks) -> Iterable[finding.Finding]:
    """Check that the networks that servers use exist and have addresses."""
    topic = 'networks'
    if not networks.is_known:
        return
    if not networks.known:
        yield finding.wrong(topic, 'VMware has no virtual networks.',
                            _RESTART)
        return
    found = list(_vmnet_problems(topic, networks))
    yield from found
    if not found:
        yield finding.ok(topic, '; '.join(
            _describe(networks.known[_name(each)])
            for each in sorted(networks.wanted)) + '.')


def _name(network: str) -> str:
    return vmnets.BY_CONNECTION.get(network, network)


def _describe(network: vmnets.Vmnet) -> str:
    pool = ('DHCP %s to %s' % network.pool if network.pool
            else 'DHCP' if network.dhcp else 'no DHCP')
    return '%s is %s, %s, %s' % (
        network.name, network.kind, network.subnet or 'no subnet', pool)


def _vmnet_problems(topic: str, networks: facts.Networks
                    ) -> Iterable[finding.Finding]:
    for wanted, option in sorted(networks.wanted.items()):
        network = networks.known.get(_name(wanted))
        if network is None:
            yield finding.wrong(
                topic, '%s names %s, but VMware only has %s.' % (
                    option, wanted, ', '.join(sorted(networks.known))),
                '%s (or name another one in nova.conf)' % _EDITOR)
            continue
        if network.pool and network.subnet:
            yield from _pool_problems(topic, network.name, network.pool,
                                      network.subnet)
        for adapter, subnet in networks.subnets.items():
            if network.subnet and network.subnet.overlaps(subnet):
                yield finding.wrong(
                    topic, 'The addresses of %s, %s, are also those of %s, so '
                    'that this host cannot reach servers.' % (
                        network.name, network.subnet, adapter),
                    '%s (choose another subnet for %s)' % (_EDITOR,
                                                           network.name))
    for device in networks.missing_devices:
        yield finding.wrong(
            topic, '%s does not exist: VMware\'s network services are not '
            'running.' % device, _RESTART)


def _pool_problems(topic: str, name: str, pool: vmnets.Pool,
                   subnet: ipaddress.IPv4Network
                   ) -> Iterable[finding.Finding]:
    first, last = pool
    if first not in subnet or last not in subnet:
        yield finding.wrong(
            topic, 'The DHCP range of %s, %s to %s, is not in its subnet, %s.'
            % (name, first, last, subnet), _EDITOR)
    elif subnet.num_addresses - (int(last) - int(first) + 1) < _FEWEST:
        yield finding.warning(
            topic, 'The DHCP server of %s gives out nearly the whole subnet '
            '(%s to %s): Neutron needs addresses of its own.' % (
                name, first, last),
            '%s (make the DHCP range smaller)' % _EDITOR)


def check_ports(ports: facts.Ports) -> Iterable[finding.Finding]:
    """Check that services and screens get their ports."""
    topic = 'ports'
    for port, owner in sorted(ports.taken.items()):
        yield finding.wrong(
            topic, 'Port %d, which %s needs, is taken by another program.'
            % (port, owner),
            'sudo ss -ltnp "sport = :%d" shows it; stop it, or choose other '
            'ports: nova-vmrun aio up --port-base <port>' % port)
    first, last = ports.vnc_range
    if ports.vnc_free <= 0:
        yield finding.wrong(
            topic, 'All ports for screens, %d to %d, are taken.'
            % (first, last),
            'Set [vmrun] vnc_port_range in nova.conf to a range that is free.')
    elif not ports.taken:
        yield finding.ok(topic, '%d of the ports %d to %d are free for '
                         'screens.' % (ports.vnc_free, first, last))


def check_loopback(ports: facts.Ports) -> Iterable[finding.Finding]:
    """Check that programs on this host can reach each other."""
    topic = 'loopback'
    if ports.loopback_failure:
        yield finding.wrong(
            topic, 'This host cannot connect to itself at 127.0.0.1: %s. A '
            'firewall may be in the way.' % ports.loopback_failure,
            'sudo ip link set lo up; sudo iptables -I INPUT -i lo -j ACCEPT; '
            'sudo iptables -I OUTPUT -o lo -j ACCEPT')
    else:
        yield finding.ok(topic, 'This host can connect to itself.')
