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

"""A guest agent like QEMU's, as far as nova-vmrun asks it anything.

It follows QEMU's documentation of the protocol: a byte 0xFF ends an unfinished
request, guest-sync-delimited answers with that byte first, and a guest whose
file systems are frozen takes no commands but a few.
"""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import abc
    from typing import Any

_MARK = b'\xff'
_USERS = ('root', 'Administrator', 'debian')
_WHILE_FROZEN = ('guest-ping', 'guest-sync', 'guest-sync-delimited',
                 'guest-info', 'guest-fsfreeze-status',
                 'guest-fsfreeze-freeze', 'guest-fsfreeze-thaw')
_FILE_SYSTEMS = 1


class Refused(Exception):
    """The agent answers with an error."""


class Agent:
    """The agent; a guest that starts anew has a new one.

    :ivar frozen: whether the file systems are frozen.
    :param way: works, silent (never answers) or refuses (every command but
        guest-sync-delimited).
    :param record: called with each command and its arguments.
    :param shut_down: turns the guest off.
    """

    def __init__(self, way: str, frozen: bool,
                 record: abc.Callable[[str, dict[str, Any]], None],
                 shut_down: abc.Callable[[], None]) -> None:
        self.frozen = frozen
        self._way = way
        self._record = record
        self._shut_down = shut_down
        self._pending = b''

    def receive(self, data: bytes) -> bytes:
        """Return the answers to what has arrived."""
        answers = b''
        self._pending += data
        while b'\n' in self._pending:
            line, _, self._pending = self._pending.partition(b'\n')
            answers += self._answer(line.rpartition(_MARK)[2])
        return b'' if self._way == 'silent' else answers

    def _answer(self, line: bytes) -> bytes:
        try:
            request = json.loads(line)
            command = request['execute']
            arguments = request.get('arguments', {})
        except (ValueError, KeyError, TypeError):
            return self._line(error={'class': 'GenericError',
                                     'desc': 'JSON parse error'})
        mark = _MARK if command == 'guest-sync-delimited' else b''
        answer: dict[str, Any] = {}
        try:
            result = self._run(command, arguments)
            if command == 'guest-shutdown':
                return b''
            answer['return'] = result
        except Refused as refused:
            answer['error'] = {'class': 'GenericError', 'desc': str(refused)}
        if 'id' in request:
            answer['id'] = request['id']
        return mark + self._line(**answer)

    @staticmethod
    def _line(**message: Any) -> bytes:
        return json.dumps(message).encode() + b'\n'

    def _run(self, command: str, arguments: dict[str, Any]) -> Any:
        if command in ('guest-sync', 'guest-sync-delimited'):
            return arguments['id']
        self._record(command, arguments)
        if self._way == 'refuses':
            raise Refused('The command %s has been disabled' % command)
        if self.frozen and command not in _WHILE_FROZEN:
            raise Refused('Command %s has been disabled: the agent is in '
                          'frozen state' % command)
        method = getattr(self, '_do_' + command.removeprefix(
            'guest-').replace('-', '_'), None)
        if method is None:
            raise Refused('The command %s has not been found' % command)
        return method(arguments)

    def _do_ping(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return {}

    def _do_set_user_password(self, arguments: dict[str, Any]) -> Any:
        if arguments['username'] not in _USERS:
            raise Refused('child process has failed to set user password')
        return {}

    def _do_fsfreeze_freeze(self, arguments: dict[str, Any]) -> int:
        self.frozen = True
        return _FILE_SYSTEMS

    def _do_fsfreeze_thaw(self, arguments: dict[str, Any]) -> int:
        thawed = _FILE_SYSTEMS if self.frozen else 0
        self.frozen = False
        return thawed

    def _do_shutdown(self, arguments: dict[str, Any]) -> None:
        self._shut_down()

    def _do_set_time(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return {}

    def _do_get_osinfo(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return {'id': 'fake', 'pretty-name': 'Fake Linux 1'}

    def _do_network_get_interfaces(self, arguments: dict[str, Any]) -> Any:
        addresses = {'lo': '127.0.0.1', 'eth0': '192.168.80.140'}
        return [{'name': name, 'ip-addresses': [{'ip-address': address}]}
                for name, address in addresses.items()]
