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

"""The QEMU guest agent of one server: a method per command.

What the agent says comes from the guest, so nothing that it returns is used
as a path, in a command, or without a limit.
"""

import base64
from collections import abc
import contextlib
import dataclasses
import ipaddress
import os
import stat
import threading
import time

from nova_vmrun import exception
from nova_vmrun.tools import agent_channel

# Seconds to connect to the agent and synchronise, and for most commands.
_SYNC_SECONDS = 5.0
_COMMAND_SECONDS = 20.0
# Flushing a guest's caches, and Windows' shadow copies, take longer. With the
# waits before it, a freeze must end within the 60 seconds for which Nova's API
# waits for quiesce: later, nobody would ask for the thaw.
_FREEZE_SECONDS = 35.0
_THAW_SECONDS = 60.0
# Seconds to wait for the error of a command that succeeds without an answer.
_REFUSAL_SECONDS = 2.0
# Seconds for which an agent that did not answer is not asked again.
_SILENT_SECONDS = 60.0
# Seconds to wait for another request to the same agent.
_TURN_SECONDS = 10.0
# Limits on what is read from a guest.
_MAX_ADDRESSES = 32
_MAX_NAME = 128


@dataclasses.dataclass(frozen=True)
class GuestFacts:
    """What a guest says about itself.

    :ivar system: name and version of the operating system, or None
    :ivar addresses: IP addresses, without those that only the guest reaches
    """

    system: str | None
    addresses: tuple[str, ...]


class GuestAgent:
    """The agent behind a Unix socket; one request at a time.

    Every method raises AgentNotRunning if no agent answers, which it finds
    out within a few seconds, and for the next minute at once.

    :param path: of the socket
    :param clock: returns monotonic seconds
    """

    def __init__(self, path: str,
                 clock: abc.Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._turn = threading.Lock()
        self._silent_until = float('-inf')

    def has_port(self) -> bool:
        """Return whether VMware has created the socket."""
        try:
            return stat.S_ISSOCK(os.lstat(self._path).st_mode)
        except OSError:
            return False

    def forget_silence(self) -> None:
        """Ask an agent again that did not answer: its guest starts anew."""
        self._silent_until = float('-inf')

    def set_password(self, user: str, password: str,
                     is_hashed: bool) -> None:
        """Set the password of a user of the guest.

        :param is_hashed: whether it is a hash as in /etc/shadow
        :raises AgentRefused: there is no such user, or the agent cannot do it
        :raises ToolTimeout: the password may have changed
        """
        self._execute('guest-set-user-password', {
            'username': user, 'crypted': is_hashed,
            'password': base64.b64encode(password.encode()).decode()})

    def freeze(self) -> int:
        """Flush and freeze file systems; return how many.

        :raises AgentRefused: a file system cannot be frozen
        :raises ToolTimeout: some may be frozen
        """
        return _count(self._execute('guest-fsfreeze-freeze',
                                    timeout=_FREEZE_SECONDS))

    def thaw(self) -> None:
        """Let file systems go on, whether they are frozen or not.

        :raises AgentRefused: a file system stays frozen
        :raises ToolTimeout: some may still be frozen
        """
        # Guests that froze themselves for a moment can be slow to answer.
        self.forget_silence()
        self._execute('guest-fsfreeze-thaw', timeout=_THAW_SECONDS)

    def shut_down(self) -> None:
        """Ask the guest to shut down; return without waiting for that.

        :raises AgentRefused: the guest will not
        """
        with self._connected() as channel:
            channel.send('guest-shutdown', {'mode': 'powerdown'},
                         _REFUSAL_SECONDS)

    def set_time(self, nanoseconds: int) -> None:
        """Set the guest's clock.

        :param nanoseconds: since 1970
        :raises AgentRefused: the clock may be wrong
        :raises ToolTimeout: the clock may be wrong
        """
        self._execute('guest-set-time', {'time': nanoseconds})

    def facts(self) -> GuestFacts:
        """Return the guest's operating system and addresses.

        :raises ToolTimeout: the agent stopped answering
        """
        with self._connected() as channel:
            return GuestFacts(
                _system(_ask(channel, 'guest-get-osinfo')),
                _addresses(_ask(channel, 'guest-network-get-interfaces')))

    def _execute(self, command: str,
                 arguments: dict[str, object] | None = None,
                 timeout: float = _COMMAND_SECONDS) -> object:
        with self._connected() as channel:
            return channel.execute(command, arguments or {}, timeout)

    @contextlib.contextmanager
    def _connected(self) -> abc.Iterator[agent_channel.Channel]:
        self._refuse_silent()
        if not self._turn.acquire(timeout=_TURN_SECONDS):
            raise exception.AgentNotRunning(
                'The QEMU guest agent at %s is busy.' % self._path,
                'An earlier request did not end within %d seconds.'
                % _TURN_SECONDS, 'Try again later.')
        try:
            # Another thread may have found out meanwhile.
            self._refuse_silent()
            try:
                channel = agent_channel.Channel(self._path, _SYNC_SECONDS)
            except exception.AgentNotRunning:
                self._silent_until = self._clock() + _SILENT_SECONDS
                raise
            with contextlib.closing(channel):
                yield channel
        finally:
            self._turn.release()

    def _refuse_silent(self) -> None:
        left = self._silent_until - self._clock()
        if left > 0:
            raise exception.AgentNotRunning(
                'The QEMU guest agent at %s did not answer a short time ago.'
                % self._path, 'It is asked again in %d seconds.' % (left + 1),
                'Check that the agent runs in the guest, on its second '
                'serial port.')


def _ask(channel: agent_channel.Channel, command: str) -> object:
    """Return an answer, or None from an agent that does not know it."""
    try:
        return channel.execute(command, {}, _COMMAND_SECONDS)
    except exception.AgentRefused:
        return None


def _count(answer: object) -> int:
    return answer if isinstance(answer, int) and answer > 0 else 0


def _system(answer: object) -> str | None:
    if not isinstance(answer, dict):
        return None
    for key in ('pretty-name', 'name'):
        name = answer.get(key)
        if isinstance(name, str) and name:
            return agent_channel.printable(name, _MAX_NAME)
    return None


def _addresses(answer: object) -> tuple[str, ...]:
    found = []
    for interface in answer if isinstance(answer, list) else ():
        addresses = (interface.get('ip-addresses')
                     if isinstance(interface, dict) else None)
        for entry in addresses if isinstance(addresses, list) else ():
            text = entry.get('ip-address') if isinstance(entry, dict) else None
            address = _address(text)
            if address and address not in found:
                found.append(address)
    return tuple(found[:_MAX_ADDRESSES])


def _address(text: object) -> str | None:
    if not isinstance(text, str):
        return None
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if address.is_loopback or address.is_link_local:
        return None
    return str(address)
