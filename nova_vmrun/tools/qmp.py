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

"""QEMU's machine protocol: one command over a daemon's Unix socket."""

from collections.abc import Iterator
import contextlib
import socket
import time

from oslo_serialization import jsonutils

from nova_vmrun import exception

# Maximum number of bytes in a line.
_LONGEST_LINE = 1 << 20


def execute(path: str, command: str, timeout: float,
            **arguments: object) -> object:
    """Run a command and return its result.

    :param path: of the socket
    :param command: its name in QEMU's reference
    :param timeout: seconds for everything together
    :param arguments: of the command; underscores stand for hyphens
    :raises ToolRefused: nothing listens, or the command failed
    :raises ToolTimeout: there was no answer in time
    """
    deadline = time.monotonic() + timeout
    words = {name.replace('_', '-'): value
             for name, value in arguments.items()}
    try:
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as sock:
            sock.settimeout(timeout)
            sock.connect(path)
            lines = _lines(sock, deadline)
            next(lines)
            _send(sock, 'qmp_capabilities', {})
            _answer(lines, path, 'qmp_capabilities')
            _send(sock, command, words)
            return _answer(lines, path, command)
    except TimeoutError as error:
        raise exception.ToolTimeout(
            'The daemon at %s does not answer.' % path,
            'Its answer to %s did not come within %s seconds.'
            % (command, timeout),
            'Check whether its process hangs.') from error
    except (OSError, ValueError, StopIteration) as error:
        raise exception.ToolRefused(
            'The daemon at %s cannot be asked.' % path,
            'The command was %s. The error is: %s.'
            % (command, error or 'the connection ended'),
            'Check whether its process is alive.') from error


def _send(sock: socket.socket, command: str,
          arguments: dict[str, object]) -> None:
    sock.sendall(jsonutils.dump_as_bytes(
        {'execute': command, 'arguments': arguments}) + b'\n')


def _answer(lines: Iterator[object], path: str, command: str) -> object:
    """Return the result of a command, passing over events.

    :raises ToolRefused: the command failed
    :raises StopIteration: the connection ended
    """
    while True:
        message = next(lines)
        if not isinstance(message, dict):
            raise ValueError('%.100r is no answer' % (message,))
        if 'error' in message:
            raise exception.ToolRefused(
                'The daemon at %s refused %s.' % (path, command),
                'Its answer: %s' % (message['error'],))
        if 'return' in message:
            result: object = message['return']
            return result


def _lines(sock: socket.socket, deadline: float) -> Iterator[object]:
    """Yield what is received, decoded, until the connection ends."""
    pending = b''
    while True:
        line, end, rest = pending.partition(b'\n')
        if end:
            pending = rest
            yield jsonutils.loads(line)
            continue
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError()
        if len(pending) > _LONGEST_LINE:
            raise ValueError('an answer is too long')
        sock.settimeout(left)
        received = sock.recv(65536)
        if not received:
            return
        pending += received
