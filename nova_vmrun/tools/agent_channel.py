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

"""The serial port of a QEMU guest agent: one exchange per connection.

A serial line has no beginning and no end: whoever connects finds what earlier
requests left behind, or what a login prompt wrote. So each exchange first
synchronises with the agent, and sends the command only after that. Otherwise
the command might wait in the port until an agent starts, hours later.

Whatever comes from the guest is hostile, so its size and its time are limited.
"""

from collections import abc
import contextlib
import json
import os
import random
import socket
import time

from nova_vmrun import exception

# A byte that is not in any UTF-8 text. It makes the agent forget the rest of
# an earlier request, and comes before its answer.
_MARK = b'\xff'
# Bytes to skip before the agent's mark, and the maximum length of an answer.
_LONGEST = 1 << 20
_CHUNK = 65536
# Maximum number of characters of an error text to show.
_LONGEST_TEXT = 200


class Channel:
    """A connection to the port.

    :param path: of the Unix socket
    :param timeout: seconds for connecting and synchronising
    :raises AgentNotRunning: nobody listens, or no agent answers in time
    """

    def __init__(self, path: str, timeout: float) -> None:
        self._path = path
        self._received = bytearray()
        self._deadline = time.monotonic() + timeout
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            # VMware uses its own umask.
            os.chmod(path, 0o600)
            self._wait()
            self._socket.connect(path)
            self._synchronise()
        except (OSError, ValueError) as error:
            self.close()
            raise exception.AgentNotRunning(
                'The QEMU guest agent does not answer at %s.' % path,
                'Within %s seconds: %s.' % (timeout, _reason(error)),
                'Check that the agent runs in the guest, on its second '
                'serial port.') from error
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._socket.close()

    def execute(self, command: str, arguments: dict[str, object],
                timeout: float) -> object:
        """Run a command and return its result.

        :param command: its name in QEMU's reference
        :param timeout: seconds
        :raises AgentRefused: the agent answered with an error
        :raises ToolTimeout: the outcome is unknown
        """
        self._deadline = time.monotonic() + timeout
        number = _number()
        try:
            self._send(command, arguments, number)
            return self._answer(command, number)
        except (OSError, ValueError) as error:
            raise exception.ToolTimeout(
                'The QEMU guest agent at %s did not answer %s.'
                % (self._path, command),
                'Within %s seconds: %s.' % (timeout, _reason(error)),
                'Look at the guest before you try again.') from error

    def send(self, command: str, arguments: dict[str, object],
             timeout: float) -> None:
        """Run a command that is not answered if it succeeds.

        :param timeout: seconds to wait for an error
        :raises AgentRefused: the agent answered with an error
        """
        with contextlib.suppress(exception.ToolTimeout):
            self.execute(command, arguments, timeout)

    def _synchronise(self) -> None:
        """Skip everything before the agent's answer to a new number."""
        number = _number()
        self._socket.sendall(_MARK)
        self._send('guest-sync-delimited', {'id': number})
        for line in self._lines():
            # Before the mark is the end of an earlier answer.
            _, mark, answer = line.rpartition(_MARK)
            message = _decoded(answer) if mark else None
            if message is not None and message.get('return') == number:
                return

    def _answer(self, command: str, number: int) -> object:
        """Return the result of a command, skipping answers to others."""
        for line in self._lines():
            message = _decoded(line)
            # Agents before QEMU 4 do not repeat the number.
            if message is None or message.get('id', number) != number:
                continue
            if 'error' in message:
                raise exception.AgentRefused(
                    'The QEMU guest agent at %s refused %s.'
                    % (self._path, command),
                    'It says: %s' % _text_of(message['error']),
                    'See the log of the agent in the guest.')
            if 'return' in message:
                return message['return']
        raise ConnectionError('the connection ended')

    def _send(self, command: str, arguments: dict[str, object],
              number: int | None = None) -> None:
        request: dict[str, object] = {'execute': command}
        if arguments:
            request['arguments'] = arguments
        if number is not None:
            request['id'] = number
        self._wait()
        self._socket.sendall(json.dumps(request).encode() + b'\n')

    def _lines(self) -> abc.Iterator[bytes]:
        """Yield lines without end, but not more than the limit.

        :raises ValueError: more than the limit was received
        """
        left = _LONGEST
        searched = 0
        while True:
            end = self._received.find(b'\n', searched)
            if end >= 0:
                line = bytes(self._received[:end])
                del self._received[:end + 1]
                searched = 0
                yield line
                continue
            searched = len(self._received)
            self._wait()
            data = self._socket.recv(_CHUNK)
            if not data:
                raise ConnectionError('the connection ended')
            self._received += data
            left -= len(data)
            if left < 0:
                raise ValueError('it sent more than %d bytes' % _LONGEST)

    def _wait(self) -> None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError()
        self._socket.settimeout(left)


def _number() -> int:
    """Return a number that no earlier request had."""
    return random.SystemRandom().randrange(1, 1 << 31)


def _decoded(line: bytes | bytearray) -> dict[str, object] | None:
    """Return the object in a line, or None if there is none."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) else None


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return 'there was no answer'
    return str(error)


def _text_of(error: object) -> str:
    text = error.get('desc') if isinstance(error, dict) else error
    return printable(text if isinstance(text, str) else repr(text),
                     _LONGEST_TEXT)


def printable(text: str, longest: int) -> str:
    """Return the beginning of a guest's text, safe to show and to log."""
    return ''.join(c if c.isprintable() else ' '
                   for c in text[:longest]).strip()
