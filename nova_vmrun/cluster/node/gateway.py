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

"""What a node asks the first machine, through its gateway."""

from collections.abc import Iterator
import contextlib
import pathlib
import socket
import time
from typing import Any

from nova_vmrun.aio import errors
from nova_vmrun.aio.gateway import probe
from nova_vmrun.cluster import messages
from nova_vmrun.cluster.node import wire
from nova_vmrun.cluster import values
from nova_vmrun import exception
from nova_vmrun.formats import hostnames
from nova_vmrun.tools import process

# Seconds. To make accounts, programs of the bus start several times.
_TIMEOUT = 120
# Of ssh itself, as opposed to the command that it runs.
_NO_CONNECTION = 255


def reachable(addresses: list[str], port: int) -> str:
    """Return the first address at which an sshd answers.

    :raises Unreachable: none does; says which port could not be reached, from
        where, and why
    """
    reasons = []
    for address in addresses:
        complaint = probe.complaint(address, port)
        if complaint is None:
            return address
        reasons.append('%s from %s: %s.%s' % (
            address, _own_address(address), complaint,
            ' That address always leads to the machine that uses it.'
            if hostnames.is_loopback(address) else ''))
    raise Unreachable(
        'Port %d of the first machine cannot be reached.' % port,
        ' '.join(reasons),
        'Let it through the firewalls, start the first machine with '
        '"nova-vmrun aio up", or name an address that this machine can reach '
        'with "nova-vmrun node join --address".')


def _own_address(address: str) -> str:
    """Return the address with which this machine reaches another."""
    try:
        family, kind, *_, target = socket.getaddrinfo(
            address, 9, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind) as probing:
            # This sends nothing.
            probing.connect(target)
            return str(probing.getsockname()[0])
    except OSError:
        return 'here'


@contextlib.contextmanager
def _understood(answer: str = '') -> Iterator[None]:
    """Raise an AioError if an answer is malformed.

    :param answer: to show, if it is no secret
    """
    try:
        yield
    except values.Invalid as error:
        raise errors.AioError(
            'The answer of the first machine cannot be understood.',
            ' '.join(filter(None, [str(error), answer])),
            'Use the same release of nova-vmrun on both machines.'
        ) from error


class Gateway:
    """The first machine's gateway.

    :param config: file of ssh that says with which key to log in
    :param address: of the first machine
    """

    def __init__(self, config: pathlib.Path, address: str,
                 runner: process.Runner | None = None) -> None:
        self._config = config
        self._address = address
        self._runner = runner or process.Runner()

    def ask(self, verb: messages.Verb, word: str = '',
            timeout: float = _TIMEOUT) -> dict[str, Any]:
        """Send a request, and return the result.

        :param timeout: seconds
        :raises KeyRefused: the key is not let in
        :raises Unreachable: there is no connection with the first machine
        :raises AioError: the first machine refuses, or does not answer
        """
        request = ' '.join(filter(None, [verb, word]))
        try:
            result = self._runner.run(
                *wire.command(self._config, wire.FIRST), request,
                timeout=timeout)
        except exception.ToolNotFound as error:
            raise errors.AioError(
                'ssh is missing.', error.details,
                'Install it: apt-get install openssh-client.') from error
        except exception.ToolTimeout as error:
            raise errors.AioError(
                'The first machine did not answer within %d s.' % timeout,
                'It was asked to %s.' % verb,
                'See "nova-vmrun aio status" there, and repeat the command.'
            ) from error
        if result.exit_code == _NO_CONNECTION:
            raise self._no_connection(result.stderr)
        with _understood(result.details()[:500]):
            return messages.read_answer(result.stdout)

    def join(self, request: messages.Join) -> messages.Welcome:
        """Ask to become a node.

        :raises KeyRefused: the key is not let in
        :raises AioError: the first machine refuses, or does not answer
        """
        found = self.ask(messages.Verb.JOIN, request.word())
        with _understood():
            return messages.read_welcome(found)

    def state(self, timeout: float = _TIMEOUT) -> messages.State:
        """Return what Nova and Placement know about this node.

        :param timeout: seconds
        :raises AioError: the first machine does not answer
        """
        found = self.ask(messages.Verb.STATE, timeout=timeout)
        with _understood():
            return messages.read_state(found)

    def _no_connection(self, printed: str) -> errors.AioError:
        text = ' '.join(printed.split())[-400:]
        if 'Permission denied' in text:
            return KeyRefused(
                'The first machine (%s) does not let this machine in.'
                % self._address, text,
                'Its token has expired or been replaced, or the node has '
                'left. Make a new token there with "nova-vmrun node token".')
        if 'Host key verification failed' in text or (
                'no matching host key' in text):
            return Unreachable(
                'Another machine than the one that made the token answers at '
                '%s.' % self._address,
                'Its host key is another.%s' % (
                    ' That address always leads to the machine that uses it.'
                    if hostnames.is_loopback(self._address) else ''),
                'Name the right address with "nova-vmrun node join '
                '--address".')
        return Unreachable(
            'There is no connection with the first machine (%s).'
            % self._address, text or 'ssh says nothing.',
            'Start it with "nova-vmrun aio up", and repeat the command.')


class KeyRefused(errors.AioError):
    """The first machine does not let a key in."""


class Unreachable(errors.AioError):
    """There is no connection with the first machine."""


class NotReady(errors.AioError):
    """No servers can be started on a node, though it has had time."""


def wait_until_ready(gateway: Gateway, timeout: float, since: float,
                     interval: float = 2.0) -> messages.State:
    """Wait until Nova and Placement know this node.

    One answer that does not come in time says little about the next.

    :param timeout: seconds
    :param since: time.monotonic() when its nova-compute was started; older
        reports are another one's
    :param interval: seconds between two questions
    :raises KeyRefused: the node is not let in any more
    :raises NotReady: it is not ready in time; if the last question failed,
        the details say why
    """
    deadline = time.monotonic() + timeout
    details = ''
    while time.monotonic() < deadline:
        try:
            state = gateway.state()
        except KeyRefused:
            raise
        except errors.AioError as error:
            details = ' '.join(filter(None, [error.brief, error.details]))
        else:
            if state.ready and (
                    0 <= state.reported <= time.monotonic() - since):
                return state
            details = ''
        time.sleep(interval)
    raise NotReady(
        'The node did not become ready within %d s.' % timeout, details,
        'Read its logs, and repeat the command.')
