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

"""Empty a node: let no new servers in, and move those that it has."""

import dataclasses
import time
from typing import Any

from nova_vmrun.aio import errors
from nova_vmrun.aio import report as aio_report
from nova_vmrun.cluster.first import cloud

REASON = 'drained by nova-vmrun'
# Seconds for one server: its disks are copied.
_TIMEOUT = 3600
_INTERVAL = 2
# Server states that Nova migrates cold.
_MOVABLE = ('ACTIVE', 'SHUTOFF')
_MOVED = 'VERIFY_RESIZE'


@dataclasses.dataclass(frozen=True)
class Left:
    """A server that could not be moved, and why."""

    server: str
    name: str
    reason: str


class Drain:
    """The move of all servers of a node, one after the other.

    :param timeout: seconds for one server
    """

    def __init__(self, nova: cloud.Cloud, report: aio_report.Report,
                 timeout: float = _TIMEOUT,
                 interval: float = _INTERVAL) -> None:
        self._nova = nova
        self._report = report
        self._timeout = timeout
        self._interval = interval

    def drain(self, host: str) -> list[Left]:
        """Move what can be moved, and return what cannot.

        :raises AioError: Nova does not answer, or has never seen the node
        """
        self._nova.set_disabled(host, REASON)
        self._report.line('no new servers are started on %s' % host)
        left = []
        for server in self._nova.servers(host):
            reason = self._move(server, host)
            if reason:
                left.append(Left(server.id, server.name, reason))
                self._report.line('server %s (%s) stays: %s' % (
                    server.name, server.id, reason))
        return left

    def _move(self, server: Any, host: str) -> str:
        """Move a server; return why it cannot be moved, or ''."""
        if server.status == _MOVED:
            return self._confirm(server)
        if server.status not in _MOVABLE:
            return ('it is %s; only servers that are %s can be moved'
                    % (server.status, ' or '.join(_MOVABLE)))
        if server.task_state:
            return 'it is busy (%s)' % server.task_state
        self._report.line('moving server %s (%s)' % (server.name, server.id))
        try:
            with self._nova.explained():
                self._nova.compute.migrate_server(server)
        except errors.AioError as error:
            return error.details
        found = self._wait(server)
        if found.status == _MOVED:
            return self._confirm(server)
        if found.status == server.status and not found.task_state:
            return 'no other node takes it: %s' % self._fault(server)
        return 'it is %s (%s) after its move: %s' % (
            found.status, found.task_state or 'no task', self._fault(server))

    def _wait(self, server: Any, left: str = '') -> Any:
        """Return a server once Nova has nothing to do with it any more.

        :param left: a state that it leaves before that, without a task
        """
        deadline = time.monotonic() + self._timeout
        time.sleep(self._interval)
        while True:
            with self._nova.explained():
                found = self._nova.compute.get_server(server.id)
            if time.monotonic() > deadline or (
                    not found.task_state and found.status != left):
                return found
            time.sleep(self._interval)

    def _confirm(self, server: Any) -> str:
        try:
            with self._nova.explained():
                self._nova.compute.confirm_server_resize(server)
        except errors.AioError as error:
            return error.details
        found = self._wait(server, left=_MOVED)
        if found.status in (_MOVED, 'ERROR'):
            return 'its move could not be confirmed: %s' % self._fault(server)
        self._report.line('server %s is on %s' % (
            server.name, found.compute_host))
        return ''

    def _fault(self, server: Any) -> str:
        """Return what Nova says of the last action that failed."""
        with self._nova.explained():
            found = self._nova.compute.get_server(server.id)
            if found.fault:
                return str(found.fault.get('message', ''))
            for action in self._nova.compute.server_actions(server.id):
                details = self._nova.compute.get_server_action(
                    action.request_id, server.id)
                for event in details.events or ():
                    text = event.get('details') or event.get('traceback')
                    if event.get('result') == 'Error' and text:
                        return str(text).strip().splitlines()[-1]
                break
        return 'Nova does not say why'
