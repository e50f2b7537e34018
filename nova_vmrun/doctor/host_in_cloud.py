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


"""What an existing cloud says about the compute host that this is."""

from collections.abc import Iterable
import dataclasses

from nova_vmrun.aio import providers
from nova_vmrun.doctor import cloud
from nova_vmrun.doctor import finding
from nova_vmrun.formats import words

#: Of ports that the mechanism driver of nova-vmrun has bound.
VIF_TYPE = 'vmrun'
_FAILED = 'binding_failed'
_MOST_PORTS = 3


@dataclasses.dataclass(frozen=True)
class Unknown:
    """Something that could not be found out.

    :ivar reason: a sentence
    :ivar concerns_nova: whether nova-compute needs the same answer, and so
        fails for the same reason
    """

    reason: str
    concerns_nova: bool = False


@dataclasses.dataclass(frozen=True)
class Service:
    """The nova-compute of a host, as Nova's API shows it.

    :ivar is_up: whether it reports to the cloud
    :ivar is_enabled: whether the scheduler uses it
    :ivar reason: why it is disabled, if somebody said it
    """

    is_up: bool
    is_enabled: bool = True
    reason: str = ''


@dataclasses.dataclass(frozen=True)
class Port:
    """A port of a server on a host.

    :ivar vif_type: empty if Neutron does not show it
    """

    id: str
    vif_type: str


@dataclasses.dataclass(frozen=True)
class HostInCloud:
    """What the APIs of a cloud say about a host.

    :ivar host: its name in nova.conf
    :ivar service: None: Nova has none of that name
    :ivar node: its resources in Placement; None: it has not registered
    :ivar ports: of its servers
    """

    host: str
    service: Service | None | Unknown
    node: providers.Provider | None | Unknown
    ports: tuple[Port, ...] | Unknown


def check(found: HostInCloud) -> list[finding.Finding]:
    """Check the compute service, the inventory and the bindings of ports."""
    return [*_check_service(found), *_check_node(found), *_check_ports(found)]


def _unknown(topic: str, what: str, unknown: Unknown,
             remedy: str) -> finding.Finding:
    text = 'Cannot find out %s: %s' % (what, unknown.reason)
    if unknown.concerns_nova:
        return finding.wrong(
            topic, text + ' nova-compute fails for the same reason.', remedy)
    return finding.warning(topic, text, remedy)


def _check_service(found: HostInCloud) -> Iterable[finding.Finding]:
    topic, service = 'nova-compute', found.service
    ask = 'openstack compute service list --host ' + found.host
    if isinstance(service, Unknown):
        yield _unknown(topic, 'whether Nova uses this host', service,
                       'As an administrator: ' + ask)
    elif service is None:
        yield finding.wrong(
            topic, 'Nova knows no nova-compute on the host %s.' % found.host,
            'Start it and read its log. If it has another name there, correct '
            '[DEFAULT] host.')
    elif not service.is_up:
        yield finding.wrong(
            topic, 'Nova has not heard of nova-compute on %s lately.'
            % found.host, 'Start it, and read its log. ' + ask)
    elif not service.is_enabled:
        yield finding.warning(
            topic, 'nova-compute is disabled, so no new server comes here%s.'
            % (': ' + service.reason.rstrip('.') if service.reason else ''),
            'openstack compute service set --enable %s nova-compute'
            % found.host)
    else:
        yield finding.ok(topic, 'Nova uses the host %s.' % found.host)


def _check_node(found: HostInCloud) -> Iterable[finding.Finding]:
    if isinstance(found.node, Unknown):
        yield _unknown(
            'inventory', 'what servers can have here', found.node,
            'Compare the section [placement] of nova.conf with that of '
            'another compute host.')
    else:
        yield from cloud.check_inventory(
            () if found.node is None else (found.node,))


def _check_ports(found: HostInCloud) -> Iterable[finding.Finding]:
    topic = 'ports bound'
    ask = 'openstack port list --host ' + found.host
    if isinstance(found.ports, Unknown):
        yield _unknown(
            topic, 'whether Neutron binds ports to this host', found.ports,
            'As an administrator: ' + ask)
        return
    failed = [port.id for port in found.ports if port.vif_type == _FAILED]
    others = {port.vif_type for port in found.ports
              if port.vif_type not in ('', 'unbound', _FAILED, VIF_TYPE)}
    if failed:
        yield finding.wrong(
            topic, 'Neutron could not bind %d of %d ports: %s.' % (
                len(failed), len(found.ports),
                words.listed(failed, _MOST_PORTS)),
            'Name the host in [ml2_vmrun] hosts of ml2_conf.ini and restart '
            'neutron-server, unless the ports are on a network of a project '
            'that has servers on another host: create theirs there. The log '
            'of neutron-server says why it did not bind a port.')
    if others:
        yield finding.wrong(
            topic, 'A mechanism driver other than vmrun has bound ports of '
            'this host (%s).' % ', '.join(sorted(others)),
            'Put vmrun before it in [ml2] mechanism_drivers.')
    if failed or others:
        return
    if not found.ports:
        yield finding.ok(
            topic, 'There are none yet. Whether Neutron can bind ports here '
            'shows when the first server is created.')
    elif not any(port.vif_type for port in found.ports):
        yield _unknown(
            topic, 'who has bound the ports of this host',
            Unknown('Neutron does not show it to this user.'),
            'As an administrator: ' + ask)
    else:
        yield finding.ok(topic, 'All ports of its servers (%d) are bound.'
                         % len(found.ports))
