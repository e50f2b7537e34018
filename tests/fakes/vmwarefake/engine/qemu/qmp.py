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

"""QMP, the protocol by which a running QEMU is told what to do."""

from __future__ import annotations

import json
import socket
import time

from vmwarefake.engine import base

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any
    from vmwarefake.engine.qemu import sockets as qemu_sockets

_POLL = 0.01
_NO_LIMIT = 1 << 40         # bytes a second


class Refused(base.EngineError):
    """QEMU answered with an error."""

    def __init__(self, command: str, text: str) -> None:
        super().__init__('msg.engine.qmp', '%s: %s' % (command, text))


class Gone(base.EngineError):
    """QEMU does not run, or no longer."""

    def __init__(self, reason: object) -> None:
        super().__init__('msg.engine.gone', 'QEMU does not answer: %s'
                         % reason)


class Monitor:
    """A connection to QEMU, as a context manager.

    QEMU talks to one client at a time, so close it soon.

    :param name: of the socket in the folder.
    :param timeout: in seconds, for each answer.
    :raises Gone: if QEMU does not run.
    """

    def __init__(self, folder: qemu_sockets.Folder, name: str = 'qmp',
                 timeout: float = 30) -> None:
        try:
            self._sock = folder.connect(name, timeout)
        except OSError as e:
            raise Gone(e)
        self._file = self._sock.makefile('rb')
        self._events: list[str] = []
        self._receive()
        self.command('qmp_capabilities')

    def __enter__(self) -> Monitor:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._file.close()
        self._sock.close()

    def _receive(self) -> dict[str, Any]:
        try:
            line = self._file.readline()
        except OSError as e:
            raise Gone(e)
        if not line:
            raise Gone('it has ended')
        answer: dict[str, Any] = json.loads(line)
        return answer

    def command(self, name: str, arguments: dict[str, Any] | None = None,
                fd: int | None = None) -> Any:
        """Run a command and return its result.

        :param fd: a descriptor to send with it, for ``getfd``.
        :raises Refused: if QEMU answers with an error.
        """
        message: dict[str, Any] = {'execute': name}
        if arguments:
            message['arguments'] = arguments
        data = json.dumps(message).encode('ascii')
        try:
            if fd is None:
                self._sock.sendall(data)
            else:
                socket.send_fds(self._sock, [data], [fd])
        except OSError as e:
            raise Gone(e)
        while True:
            answer = self._receive()
            if 'return' in answer:
                return answer['return']
            if 'error' in answer:
                raise Refused(name, answer['error'].get('desc', ''))
            if 'event' in answer:
                self._events.append(answer['event'])

    def wait_event(self, name: str, timeout: float) -> bool:
        """Wait for an event, which may already have come.

        :param timeout: in seconds.
        :returns: whether it came.
        """
        end = time.monotonic() + timeout
        while name not in self._events:
            left = end - time.monotonic()
            if left <= 0:
                return False
            self._sock.settimeout(left)
            try:
                answer = self._receive()
            except base.EngineError:
                return False
            self._events.append(answer.get('event', ''))
        return True

    def status(self) -> str:
        """Return the run state: running, paused, inmigrate, ..."""
        status: str = self.command('query-status')['status']
        return status

    def wait_until_loaded(self, timeout: float) -> bool:
        """Wait until a saved state is loaded.

        :param timeout: in seconds.
        :returns: whether it is loaded.
        """
        end = time.monotonic() + timeout
        while self.status() == 'inmigrate':
            if time.monotonic() > end:
                return False
            time.sleep(_POLL)
        return True

    def give(self, name: str, fd: int) -> None:
        """Pass a descriptor to QEMU under the name ``name``."""
        self.command('getfd', {'fdname': name}, fd)

    def save(self, fd: int) -> None:
        """Write the state of a stopped machine to a descriptor.

        :raises base.EngineError: if it cannot be saved.
        """
        self.command('migrate-set-parameters', {'max-bandwidth': _NO_LIMIT})
        self.give('memory', fd)
        self.command('migrate', {'uri': 'fd:memory'})
        while True:
            done = self.command('query-migrate')
            if done.get('status') == 'completed':
                return
            if done.get('status') in ('failed', 'cancelled'):
                raise base.EngineError(
                    'msg.checkpoint.save',
                    done.get('error-desc') or 'the state was not saved')
            time.sleep(_POLL)
