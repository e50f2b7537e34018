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

"""QEMU's guest agent, which stands for VMware Tools in the guest."""

from __future__ import annotations

import base64
import json
import os
import time

from vmwarefake.engine import base

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any
    from vmwarefake.engine.qemu import sockets as qemu_sockets

_SYNC = 5           # seconds for an agent to answer at all
_CHUNK = 48 * 1024
_MARK = b'\xff'

#: In the guest: a folder with a file for each guest variable, and a file
#: with the variables that the guest has set.
VARIABLES = '/run/guestinfo'
SET_BY_GUEST = '/run/guestinfo.set'


class Agent:
    """A connection to the guest agent, as a context manager.

    :param timeout: in seconds, for each answer.
    :raises base.EngineError: if the agent does not answer.
    """

    def __init__(self, sockets: qemu_sockets.Folder,
                 timeout: float = _SYNC) -> None:
        self._buffer = b''
        self._timeout = timeout
        try:
            self._sock = sockets.connect('agent', timeout)
        except OSError as e:
            raise _silent(e)
        try:
            self._synchronize()
        except BaseException:
            self._sock.close()
            raise

    def __enter__(self) -> Agent:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._sock.close()

    def _synchronize(self) -> None:
        """Skip the answers to interrupted requests."""
        number = int.from_bytes(os.urandom(4), 'big')
        self._send('guest-sync-delimited', {'id': number}, _MARK)
        end = time.monotonic() + self._timeout
        while time.monotonic() < end:
            line = self._line().rpartition(_MARK)[2]
            try:
                if json.loads(line).get('return') == number:
                    return
            except ValueError:
                continue        # half an answer to another client
        raise _silent('it answers something else')

    def _send(self, name: str, arguments: dict[str, Any],
              before: bytes = b'') -> None:
        message = {'execute': name, 'arguments': arguments}
        try:
            self._sock.sendall(
                before + json.dumps(message).encode('ascii') + b'\n')
        except OSError as e:
            raise _silent(e)

    def _line(self) -> bytes:
        while b'\n' not in self._buffer:
            try:
                data = self._sock.recv(65536)
            except OSError as e:
                raise _silent(e)
            if not data:
                raise _silent('it has gone')
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b'\n')
        return line

    def command(self, name: str, **arguments: Any) -> Any:
        """Run a command and return its result.

        :raises base.EngineError: if the agent refuses it.
        """
        self._send(name, {key.replace('_', '-'): value
                          for key, value in arguments.items()})
        answer = json.loads(self._line())
        if 'error' in answer:
            raise base.EngineError('msg.engine.agent', '%s: %s' % (
                name, answer['error'].get('desc', '')))
        return answer.get('return')

    def tell(self, name: str, **arguments: Any) -> None:
        """Send a command that has no answer if it succeeds."""
        self._send(name, arguments)

    def read_file(self, path: str) -> bytes:
        """Return the content of a file in the guest, b'' if it is missing."""
        try:
            handle = self.command('guest-file-open', path=path, mode='r')
        except base.EngineError:
            return b''
        content = b''
        while True:
            part = self.command('guest-file-read', handle=handle,
                                count=_CHUNK)
            content += base64.b64decode(part['buf-b64'])
            if part['eof']:
                break
        self.command('guest-file-close', handle=handle)
        return content

    def write_file(self, path: str, content: bytes) -> None:
        """Replace the content of a file in the guest.

        :raises base.EngineError: if the guest cannot.
        """
        handle = self.command('guest-file-open', path=path, mode='w')
        for start in range(0, len(content), _CHUNK):
            part = content[start:start + _CHUNK]
            self.command('guest-file-write', handle=handle,
                         buf_b64=base64.b64encode(part).decode('ascii'))
        self.command('guest-file-close', handle=handle)

    def address(self, macs: list[str]) -> str | None:
        """Return the guest's first IPv4 address, None if it has none.

        :param macs: MAC addresses of its NICs, in order of preference.
        """
        found: dict[str, str] = {}
        for interface in self.command('guest-network-get-interfaces'):
            for entry in interface.get('ip-addresses', ()):
                if entry['ip-address-type'] == 'ipv4':
                    found.setdefault(
                        interface.get('hardware-address', '').lower(),
                        entry['ip-address'])
        return next((found[mac] for mac in macs if mac in found), None)

    def variables(self) -> dict[str, str]:
        """Return {name: value} of the variables that the guest has set."""
        found: dict[str, str] = {}
        text = self.read_file(SET_BY_GUEST).decode('ascii', 'replace')
        for line in text.splitlines():
            key, _, value = line.partition(' ')
            if key.startswith('guestinfo.'):
                found[key[len('guestinfo.'):]] = base64.b64decode(
                    value).decode('utf-8', 'surrogateescape')
        return found

    def write_variable(self, name: str, value: str) -> None:
        self.write_file('%s/guestinfo.%s' % (VARIABLES, name),
                        value.encode('utf-8', 'surrogateescape'))


def _silent(reason: object) -> base.EngineError:
    return base.EngineError('msg.engine.agent',
                            'The guest agent does not answer: %s' % reason)
