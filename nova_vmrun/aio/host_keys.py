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

"""The names by which ssh keeps the host keys of servers."""

from collections.abc import Set
from typing import Any, TYPE_CHECKING

if TYPE_CHECKING:
    from openstack import connection

#: Nova's status of a server that runs a rescue system.
RESCUE = 'RESCUE'
# Actions, as Nova calls them, after which a server boots another system.
_REBUILDS = frozenset({'rebuild', 'evacuate'})
_RESCUES = frozenset({'rescue'})


def name_of(cloud: 'connection.Connection', server: Any) -> str:
    """Return the name of the key of the system that a server runs.

    Another server may get an address later, but never an id. The same server
    runs another system, which makes its own key, after a rebuild and while it
    is rescued. The request that began it tells these systems apart. Only who
    may rebuild or rescue the server can add one, so nobody else can make ssh
    accept another key.

    The time in OS-SRV-USG:launched_at would not do: it also changes with a
    resize, an unshelving and so on, after which the key has to be the same.
    """
    is_rescued = server.status == RESCUE
    last = _last(cloud, server, _RESCUES if is_rescued else _REBUILDS)
    if last is not None:
        return '%s-%s-%s' % (server.id, last.action, last.request_id)
    return '%s-rescue' % server.id if is_rescued else str(server.id)


def _last(cloud: 'connection.Connection', server: Any,
          wanted: Set[str]) -> Any:
    """Return the last of some actions; None if none is known."""
    from openstack import exceptions
    try:
        # Nova lists the last action first.
        return next((each for each in cloud.compute.server_actions(server.id)
                     if each.action in wanted), None)
    except (exceptions.ForbiddenException, exceptions.NotFoundException):
        # With fewer names, ssh refuses too much rather than too little.
        return None
