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

from collections.abc import Callable, Iterator
import contextlib
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
_GONE = 'it is gone'
_CAME = 'it came while others were moved'


@dataclasses.dataclass(frozen=True)
class Left:
    """A server that is not well on another node, and why."""

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
        """Move what can be moved, and return what is not well elsewhere.

        Resizes that wait for their users are confirmed: until then, files of
        the servers are on the node.

        :raises AioError: Nova does not answer, or has never seen the node
        """
        self._nova.set_disabled(host, REASON)
        self._report.line('no new servers are started on %s' % host)
        failed = {}
        for server in self._nova.servers(host):
            failed[server.id] = self._try(server, lambda found: self._move(
                found, host))
        # If Nova is busy now, what waits is listed in the end.
        with contextlib.suppress(errors.AioError):
            for server in self._waiting(host):
                if not failed.get(server.id):
                    failed[server.id] = self._try(server,
                                                  self._confirm_resize)
        return self._left(host, failed)

    def _try(self, server: Any, empty: Callable[[Any], str]) -> str:
        """Do something with a server that is there.

        :param empty: is given the server as it is now, and returns why it
            stays, or ''
        :returns: why it stays, or ''
        """
        try:
            found = self._nova.server(server.id)
            reason = empty(found) if found else _GONE
        except errors.AioError as error:
            reason = error.details or error.brief
        if reason and self._is_gone(server):
            self._report.line('server %s (%s) is gone' % (
                server.name, server.id))
            return ''
        if reason:
            self._report.line('server %s (%s) stays: %s' % (
                server.name, server.id, reason))
        return reason

    def _is_gone(self, server: Any) -> bool:
        try:
            return self._nova.server(server.id) is None
        except errors.AioError:
            return False

    def _waiting(self, host: str) -> Iterator[Any]:
        """Yield the servers whose users have yet to confirm a resize."""
        for move in self._nova.moves(host):
            server = self._nova.server(move.server_id)
            if server is not None and server.status == _MOVED:
                yield server

    def _left(self, host: str, failed: dict[str, str]) -> list[Left]:
        """Return what is there now: users have gone on meanwhile."""
        left = {server.id: Left(server.id, server.name,
                                failed.get(server.id) or _CAME)
                for server in self._nova.servers(host)}
        for move in self._nova.moves(host):
            uuid = move.server_id
            server = self._nova.server(uuid)
            left.setdefault(uuid, Left(
                uuid, server.name if server else 'a deleted server',
                failed.get(uuid) or 'its move is not finished (%s)'
                % move.status))
        for uuid, reason in failed.items():
            server = self._nova.server(uuid) if reason else None
            if server is not None and server.status == 'ERROR':
                left.setdefault(uuid, Left(uuid, server.name, reason))
        return [*left.values()]

    def _move(self, server: Any, host: str) -> str:
        """Move a server; return why it cannot be moved, or ''."""
        if server.status == _MOVED:
            reason = self._confirm_resize(server)
            found = self._nova.server(server.id)
            if reason or found is None:
                return reason
            server = found
        if server.compute_host != host:
            return ''
        if server.status not in _MOVABLE:
            return ('it is %s; only servers that are %s can be moved'
                    % (server.status, ' or '.join(_MOVABLE)))
        if server.task_state:
            return 'it is busy (%s)' % server.task_state
        self._report.line('moving server %s (%s)' % (server.name, server.id))
        with self._nova.explained():
            self._nova.compute.migrate_server(server)
        found = self._wait(server)
        if found is None:
            return _GONE
        if found.status == _MOVED:
            return self._confirm(server)
        if found.status == server.status and not found.task_state:
            return 'no other node takes it: %s' % self._fault(server)
        return 'it is %s (%s) after its move: %s' % (
            found.status, found.task_state or 'no task', self._fault(server))

    def _wait(self, server: Any, left: str = '') -> Any:
        """Return a server once Nova has nothing to do with it any more.

        :param left: a state that it leaves before that, without a task
        :returns: None if it is gone
        :raises AioError: Nova does not answer in the end
        """
        deadline = time.monotonic() + self._timeout
        while True:
            time.sleep(self._interval)
            try:
                found = self._nova.server(server.id)
            except errors.AioError:
                if time.monotonic() > deadline:
                    raise
                continue
            if found is None or time.monotonic() > deadline or (
                    not found.task_state and found.status != left):
                return found

    def _confirm_resize(self, server: Any) -> str:
        """Confirm what the user has not; return why that fails, or ''."""
        reason = self._confirm(server)
        if not reason:
            self._report.line(
                'confirmed the resize of server %s (%s), which can no longer '
                'be reverted' % (server.name, server.id))
        return reason

    def _confirm(self, server: Any) -> str:
        with self._nova.explained():
            self._nova.compute.confirm_server_resize(server)
        found = self._wait(server, left=_MOVED)
        if found is None:
            return _GONE
        if found.status in (_MOVED, 'ERROR'):
            return 'its move could not be confirmed: %s' % self._fault(server)
        self._report.line('server %s is on %s' % (
            server.name, found.compute_host))
        return ''

    def _fault(self, server: Any) -> str:
        """Return what Nova says of the last action that failed."""
        found = self._nova.server(server.id)
        if found is None:
            return _GONE
        if found.fault:
            return str(found.fault.get('message', ''))
        with self._nova.explained():
            for action in self._nova.compute.server_actions(server.id):
                details = self._nova.compute.get_server_action(
                    action.request_id, server.id)
                for event in details.events or ():
                    text = event.get('details') or event.get('traceback')
                    if event.get('result') == 'Error' and text:
                        return str(text).strip().splitlines()[-1]
                break
        return 'Nova does not say why'
