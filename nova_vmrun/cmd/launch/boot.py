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

"""Create a server and wait for it."""

import dataclasses
import ipaddress
import re
import time
from typing import Any, TYPE_CHECKING

from openstack import exceptions as sdk_exceptions

from nova_vmrun.cmd.launch import choices
from nova_vmrun.cmd.launch import errors
from nova_vmrun.cmd.launch import progress as progresses

if TYPE_CHECKING:
    from openstack import connection

# Seconds between two looks at a server and at its console.
_POLL = 1.0
# Lines at the end of a console that are searched.
_LINES = 200
# Of these, lines that an error quotes.
_QUOTED = 5


@dataclasses.dataclass(frozen=True)
class Request:
    """The choices for a new server."""

    name: str
    image_id: str
    flavor: choices.Flavor
    network: choices.Network
    key_name: str


@dataclasses.dataclass(frozen=True)
class Server:
    """A server that runs.

    :ivar address: that a user can reach; None: it has none
    """

    id: str
    name: str
    address: str | None


class Booter:
    """Creates one server and follows it.

    :param limit: seconds for the start, and again for the first boot
    """

    def __init__(self, cloud: 'connection.Connection',
                 progress: progresses.Progress, limit: float) -> None:
        self._cloud = cloud
        self._progress = progress
        self._limit = limit

    def create(self, request: Request) -> Server:
        """Create a server and wait until it is active.

        :raises LaunchFailed: Nova refuses it, or it does not become active
        """
        with errors.translated('create server %s' % request.name):
            made = self._cloud.compute.create_server(
                name=request.name, image_id=request.image_id,
                flavor_id=request.flavor.id, key_name=request.key_name,
                networks=[{'uuid': request.network.id}])
        self._progress.line('Creating server %s (%s)'
                            % (request.name, made.id))
        return self._wait_until_active(str(made.id), request.name)

    def wait_until_ready(self, server: Server, ready: str) -> None:
        """Wait for a line on a server's console.

        :param ready: regular expression for the line
        :raises LaunchFailed: it does not appear, or the server fails
        """
        began = time.monotonic()
        pattern = re.compile(ready, re.MULTILINE)
        console = ''
        while True:
            try:
                console = self._console(server.id) or console
            except (sdk_exceptions.NotFoundException,
                    sdk_exceptions.ConflictException):
                # The VM has not opened its serial port yet.
                pass
            seconds = time.monotonic() - began
            if pattern.search(console):
                self._progress.line('The first boot took %d s' % seconds)
                return
            self._require_active(server)
            if seconds > self._limit:
                raise errors.LaunchFailed(
                    'Server %s runs, but its first boot has not ended within '
                    '%d s.' % (server.name, self._limit),
                    'No line of its console matches %r. The last ones are: %s'
                    % (ready, ' | '.join(console.splitlines()[-_QUOTED:])),
                    'Look at "openstack console log show %s". If the image '
                    'has no cloud-init, omit --wait, or name another line '
                    'with --ready.' % server.id)
            self._progress.wait('waiting for the first boot', seconds)
            time.sleep(_POLL)

    def _console(self, server_id: str) -> str:
        with_output: Any = self._cloud.compute.get_server_console_output(
            server_id, length=_LINES)
        return str(with_output['output'] or '').replace('\r', '')

    def _wait_until_active(self, server_id: str, name: str) -> Server:
        began = time.monotonic()
        while True:
            with errors.translated('look at server %s' % name):
                found: Any = self._cloud.compute.get_server(server_id)
            self._refuse_error(found)
            seconds = time.monotonic() - began
            if found.status == 'ACTIVE':
                self._progress.line('Active after %d s' % seconds)
                return Server(server_id, name, _address(found.addresses))
            if seconds > self._limit:
                raise errors.LaunchFailed(
                    'Server %s is not active after %d s.'
                    % (name, self._limit),
                    'Its status is %s, its task %s.'
                    % (found.status, found.task_state),
                    'Look at "openstack server show %s".' % server_id)
            self._progress.wait('%s, %s' % (
                found.status, found.task_state or 'no task'), seconds)
            time.sleep(_POLL)

    def _require_active(self, server: Server) -> None:
        with errors.translated('look at server %s' % server.name):
            found: Any = self._cloud.compute.get_server(server.id)
        self._refuse_error(found)
        if found.status != 'ACTIVE':
            raise errors.LaunchFailed(
                'Server %s has stopped during its first boot.' % server.name,
                'Its status is %s.' % found.status,
                'Look at "openstack console log show %s".' % server.id)

    def _refuse_error(self, found: Any) -> None:
        if found.status == 'ERROR':
            fault = found.fault or {}
            raise errors.LaunchFailed(
                'Server %s could not be created.' % found.name,
                fault.get('message') or 'Nova gives no reason.',
                'Delete it with "openstack server delete %s".' % found.id)


def _address(addresses: dict[str, list[dict[str, Any]]] | None) -> str | None:
    """Return a floating address, else a fixed one; IPv4 first."""
    found = [(each.get('OS-EXT-IPS:type') != 'floating',
              ipaddress.ip_address(each['addr']).version, each['addr'])
             for of_network in (addresses or {}).values()
             for each in of_network]
    return min(found)[2] if found else None
