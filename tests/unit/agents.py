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

"""A guest agent that follows a script, behind a Unix socket."""

from collections import abc
import contextlib
import json
import os
import socket
import threading

MARK = b'\xff'

# What an agent does with a connection.
Script = abc.Callable[['Connection'], None]


class Connection:
    """A connection that the agent has accepted."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._file = sock.makefile('rb')

    def request(self) -> dict[str, object]:
        """Return the next request; raise EOFError if there is none."""
        line = self._file.readline()
        if not line:
            raise EOFError()
        found: dict[str, object] = json.loads(line.lstrip(MARK))
        return found

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def reply(self, request: dict[str, object], **answer: object) -> None:
        if 'id' in request:
            answer['id'] = request['id']
        self.send(line(**answer))

    def synchronise(self) -> None:
        request = self.request()
        arguments = request['arguments']
        assert isinstance(arguments, dict)
        self.send(MARK + line(**{'return': arguments['id']}))


def line(**message: object) -> bytes:
    return json.dumps(message).encode() + b'\n'


class Agent:
    """Listens at a path, and follows a script for each connection.

    The last script is for all connections that come after it.

    :ivar connections: how many there were
    """

    def __init__(self, path: str, *scripts: Script) -> None:
        self.connections = 0
        self._scripts = list(scripts)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen(8)
        self._path = path
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening; the socket's file stays, as after a crash."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def remove(self) -> None:
        self.close()
        os.remove(self._path)

    def _run(self) -> None:
        while True:
            try:
                sock = self._listener.accept()[0]
            except OSError:
                return
            self.connections += 1
            script = (self._scripts.pop(0) if len(self._scripts) > 1
                      else self._scripts[0])
            with contextlib.closing(sock), contextlib.suppress(
                    OSError, EOFError, ValueError):
                script(Connection(sock))


class Guest:
    """A script: an agent that works, and what it was asked.

    :ivar asked: commands, in order, with their arguments
    :ivar answers: results by command; an exception stands for an error, and
        a function is called for one. Commands of None are not answered.
    """

    def __init__(self, **answers: object) -> None:
        self.asked: list[tuple[str, object]] = []
        self.answers = {name.replace('_', '-'): answer
                        for name, answer in answers.items()}

    @property
    def commands(self) -> list[str]:
        return [command for command, _ in self.asked]

    def __call__(self, connection: Connection) -> None:
        connection.synchronise()
        while True:
            request = connection.request()
            command = str(request['execute'])
            self.asked.append((command, request.get('arguments')))
            answer = self.answers.get(
                command, None if command == 'guest-shutdown' else {})
            if callable(answer):
                answer = answer()
            if isinstance(answer, Exception):
                connection.reply(request, error={
                    'class': 'GenericError', 'desc': str(answer)})
            elif answer is not None:
                connection.reply(request, **{'return': answer})
            elif command == 'guest-shutdown':
                # VMware closes the socket when the guest is off.
                return


def silent(connection: Connection) -> None:
    """Script: reads everything and never answers."""
    while connection.sock.recv(65536):
        pass
