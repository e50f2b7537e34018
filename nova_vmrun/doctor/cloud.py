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

"""Facts about the control plane of "nova-vmrun aio", and their checks."""

from collections.abc import Iterable
import dataclasses

from nova_vmrun.aio import providers
from nova_vmrun.doctor import finding

_READY, _DOWN = 'ready', 'down'
# Nova's release that this driver is for.
_NOVA = 34
_UNITS = {providers.VCPU: '%d of %d VCPUs',
          providers.MEMORY: '%d of %d MiB of memory',
          providers.DISK: '%d of %d GB of disk'}


@dataclasses.dataclass(frozen=True)
class Service:
    """A service of the control plane.

    :ivar state: "ready", "down" or what is wrong with it
    :ivar version: of the installed package
    :ivar last_error: the last error in its log since it started, or empty
    :ivar log: path
    """

    name: str
    state: str
    version: str
    last_error: str
    log: str


@dataclasses.dataclass(frozen=True)
class Leftovers:
    """Files and VMs that belong to no server.

    :ivar count: None: unknown
    :ivar failure: why it is unknown
    :ivar command: what lists them
    """

    count: int | None
    failure: str
    command: str


@dataclasses.dataclass(frozen=True)
class Cloud:
    """A control plane on this host.

    :ivar nodes: the compute nodes in Placement; None: it does not say
    :ivar leftovers: None: not looked for, because Nova does not answer
    """

    services: tuple[Service, ...]
    nodes: tuple[providers.Provider, ...] | None = None
    leftovers: Leftovers | None = None


def check(cloud: Cloud) -> list[finding.Finding]:
    """Check the services, what servers can still have, and leftovers."""
    if all(each.state == _DOWN for each in cloud.services):
        return [finding.warning('cloud', 'The control plane is down.',
                                'nova-vmrun aio up')]
    found = [line for service in cloud.services
             for line in _check_service(service)]
    if cloud.nodes is not None:
        found += check_inventory(cloud.nodes)
    if cloud.leftovers is not None:
        found.append(_check_leftovers(cloud.leftovers))
    return found


def _check_service(service: Service) -> Iterable[finding.Finding]:
    text = '%s: %s.' % (' '.join(filter(None, (
        service.name, service.version))), service.state)
    if service.name == 'nova' and not service.version.startswith(
            '%d.' % _NOVA):
        yield finding.wrong(
            service.name, '%s The driver is for Nova %d.' % (text, _NOVA),
            "pip install 'nova-vmrun[aio]'")
    elif service.state == _READY:
        yield finding.ok(service.name, text)
    else:
        yield finding.wrong(
            service.name, text, 'nova-vmrun aio down && nova-vmrun aio up '
            '(the log is %s)' % service.log)
    if service.last_error:
        yield finding.warning(
            service.name, 'The last error in its log since it started: %s'
            % service.last_error, 'less +G %s' % service.log)


def check_inventory(nodes: tuple[providers.Provider, ...]
                    ) -> Iterable[finding.Finding]:
    """Check what servers can still have."""
    topic = 'inventory'
    if not nodes:
        yield finding.wrong(
            topic, 'No compute host has registered with Placement, so no '
            'server can be scheduled.',
            'Read the log of nova-compute for the reason.')
    for node in nodes:
        free = [unit % (node.free(name), node.capacity(name))
                for name, unit in _UNITS.items()]
        text = 'Free for servers: %s.' % ', '.join(free)
        used_up = [name for name in _UNITS if not node.free(name)]
        if used_up:
            yield finding.warning(
                topic, text, 'Delete servers, or shelve them: openstack '
                'server shelve <server>')
        else:
            yield finding.ok(topic, text)


def _check_leftovers(leftovers: Leftovers) -> finding.Finding:
    topic = 'leftovers'
    if leftovers.count is None:
        return finding.warning(
            topic, 'Cannot find out what belongs to no server: %s'
            % leftovers.failure, leftovers.command)
    if leftovers.count:
        return finding.warning(
            topic, 'Files, folders or VMs that belong to no server: %d.'
            % leftovers.count, leftovers.command)
    return finding.ok(topic, 'Nothing belongs to no server.')
