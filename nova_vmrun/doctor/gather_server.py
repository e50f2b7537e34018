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

"""Read what a cloud's APIs say about a server, as far as they say it.

An ordinary user is refused some of it; whatever is refused stays unknown.
"""

from collections.abc import Mapping
import datetime
from typing import Any, Protocol
import urllib.parse

from oslo_utils import timeutils

from nova_vmrun.aio import providers
from nova_vmrun.doctor import server_facts
from nova_vmrun import exception

#: Of Nova's API: flavors and properties of images inside of servers, and
#: reasons of failed actions.
MICROVERSION = '2.98'
_NEWEST = '/servers/detail?sort_key=created_at&sort_dir=desc&limit=50'
# For administrators: the servers of all projects.
_EVERYWHERE = '&all_tenants=1'
# Of a console log; cloud-init prints addresses in the middle of a boot.
_CONSOLE_LINES = 1000

Json = Mapping[str, Any]


class Api(Protocol):
    """The APIs of a cloud; each answer is None if it refuses to say."""

    def compute(self, path: str, body: Json | None = None) -> Json | None:
        """Ask Nova; POST if there is a body."""

    def network(self, path: str) -> Json | None:
        """Ask Neutron."""

    def placement(self, path: str) -> Json | None:
        """Ask Placement."""


def find(api: Api, name: str) -> Json:
    """Return a server as Nova shows it.

    :param name: its name or id
    :raises InvalidInput: there is no such server, or more than one
    """
    quoted = urllib.parse.quote(name, safe='')
    answer = api.compute('/servers/%s' % quoted)
    if answer is not None:
        server: Json = answer['server']
        return server
    query = '/servers/detail?name=' + quoted
    found: list[Json] = []
    # An administrator's own project comes first.
    for path in (query, query + _EVERYWHERE):
        # Nova takes the name for a regular expression.
        found = found or [each for each in _servers(api, path) or []
                          if each['name'] == name]
    if len(found) > 1:
        raise exception.InvalidInput(
            'There are %d servers with the name %s.' % (len(found), name),
            'Their ids: %s.' % ', '.join(each['id'] for each in found),
            'Give the id of one of them.')
    if not found:
        raise exception.InvalidInput(
            'There is no server %s.' % name, '',
            'See "openstack server list"; a request that was refused with an '
            'HTTP error makes no server.')
    return found[0]


def last(api: Api) -> Json:
    """Return the newest server in ERROR, or else the newest server.

    :raises InvalidInput: there is none
    """
    servers = _servers(api, _NEWEST + _EVERYWHERE)
    if servers is None:
        # An ordinary user may list the servers of one project.
        servers = _servers(api, _NEWEST)
    if not servers:
        raise exception.InvalidInput(
            'There are no servers.', '',
            'A request that was refused with an HTTP error makes no server.')
    return next((each for each in servers if each['status'] == 'ERROR'),
                servers[0])


def _servers(api: Api, path: str) -> list[Json] | None:
    """Return servers, or None if Nova refuses to list them."""
    answer = api.compute(path)
    return None if answer is None else answer['servers']


def read(api: Api, server: Json, instances: str | None = None,
         logged: str = '', refusal: server_facts.Refusal | None = None
         ) -> server_facts.Facts:
    """Return everything that the APIs say about a server.

    :param server: as find() returned it
    :param instances: see server_facts.Facts
    :param logged: see server_facts.Facts
    :param refusal: see server_facts.Facts
    """
    return server_facts.Facts(
        _server(server), _action(api, server['id']),
        _ports(api, server), _console(api, server),
        _nodes(api), instances, logged, refusal)


def _console(api: Api, server: Json) -> str | None:
    if server['status'] != 'ACTIVE':
        return None
    answer = api.compute('/servers/%s/action' % server['id'], {
        'os-getConsoleOutput': {'length': _CONSOLE_LINES}})
    return None if answer is None else str(answer.get('output') or '')


def _server(server: Json) -> server_facts.Server:
    flavor = server.get('flavor', {})
    disk = (flavor.get('disk', 0) + flavor.get('ephemeral', 0) +
            -(-(flavor.get('swap') or 0) // 1024))
    return server_facts.Server(
        server['id'], server['name'], server['status'],
        server.get('OS-EXT-STS:task_state') or '',
        (server.get('fault') or {}).get('message', ''),
        ((providers.VCPU, flavor.get('vcpus', 0)),
         (providers.MEMORY, flavor.get('ram', 0)), (providers.DISK, disk)),
        # The image is an empty text if the server boots from a volume.
        (server.get('image') or {}).get('properties', {}),
        flavor.get('extra_specs', {}),
        tuple(each['addr'] for network in server['addresses'].values()
              for each in network),
        _age(server['created']),
        server.get('OS-EXT-SRV-ATTR:host') or '')


def _action(api: Api, server_id: str) -> server_facts.Action | None:
    path = '/servers/%s/os-instance-actions' % server_id
    actions = (api.compute(path) or {}).get('instanceActions', [])
    if not actions:
        return None
    newest = max(actions, key=lambda each: str(each['start_time']))
    details = (api.compute('%s/%s' % (path, newest['request_id'])) or {}).get(
        'instanceAction', newest)
    failed = [event for event in details.get('events') or ()
              if event.get('result') == 'Error']
    return server_facts.Action(
        newest['action'], bool(failed or newest['message']),
        newest['message'] or '',
        (failed[0].get('details') or '') if failed else '',
        _age(newest['start_time']))


def _ports(api: Api, server: Json) -> tuple[server_facts.Port, ...] | None:
    # Any project can name the server as the device of its own port.
    answer = api.network('/ports?device_id=%s&project_id=%s' % (
        server['id'], server['tenant_id']))
    if answer is None:
        return None
    return tuple(_port(api, each, server['id']) for each in answer['ports'])


def _port(api: Api, port: Json, server_id: str) -> server_facts.Port:
    network_id = port['network_id']
    network = (api.network('/networks/%s' % network_id) or {}).get(
        'network', {})
    others = [
        each for each in (api.network('/ports?network_id=%s' % network_id)
                          or {}).get('ports', [])
        if str(each.get('device_owner')).startswith('compute:')
        and each['device_id'] != server_id]
    return server_facts.Port(
        port['id'], network.get('name') or network_id,
        bool(network.get('shared')),
        tuple(each['ip_address'] for each in port['fixed_ips']),
        port.get('binding:vif_type') or '',
        len({each['device_id'] for each in others}),
        tuple(sorted({each.get('binding:host_id') for each in others}
                     - {None, ''})),
        port.get('binding:host_id') or '',
        network.get('provider:network_type') == 'local')


def _nodes(api: Api) -> tuple[providers.Provider, ...] | None:
    try:
        return tuple(providers.read(api.placement))
    except (KeyError, TypeError):
        # An ordinary user gets no answer.
        return None


def _age(time: str) -> float:
    """Return how many seconds ago a time of the API was."""
    then = timeutils.normalize_time(timeutils.parse_isotime(
        time if time.endswith('Z') else time + 'Z'))
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    return max(0.0, (now - then).total_seconds())
