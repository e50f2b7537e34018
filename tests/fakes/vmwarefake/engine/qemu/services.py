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


"""The QEMU without a machine that provides NAT, DHCP and forwarded ports."""

from __future__ import annotations

import ctypes
import json
import signal
import socket
import subprocess
import time

from vmwarefake.engine.qemu import qmp
from vmwarefake.engine.qemu import sockets as qemu_sockets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import abc
    from typing import Any

_START = 30
_PDEATHSIG = 1
_LISTENING = 'TCP[HOST_FORWARD]'


class _Brief:
    """A port that is forwarded for one connection, or a few.

    :ivar used: when it was used last.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.used = 0.0


class Services:
    """The QEMU that provides NAT and DHCP.

    :param folder: for the socket of its monitor.
    :ivar cable: our end of its cable.
    """

    #: Seconds for which a port is forwarded for one connection. QEMU accepts
    #: it at once; once it has, the connection outlives the forwarding.
    brief = 10

    def __init__(self, qemu: str, options: dict[str, Any],
                 folder: qemu_sockets.Folder, log: str) -> None:
        self.cable, theirs = socket.socketpair()
        self._forwarded: set[tuple[str, int, str, int]] = set()
        self._brief: dict[tuple[str, int], _Brief] = {}
        folder.remove('services')
        with theirs, open(log, 'ab') as output:
            argv = [qemu, '-machine', 'none', '-nodefaults', '-display',
                    'none', '-qmp', 'unix:%s,server=on,wait=off'
                    % folder.address('services')]
            for netdev in (options, {'type': 'socket', 'id': 'cable',
                                     'fd': str(theirs.fileno())}):
                argv += ['-netdev', json.dumps(netdev), '-netdev',
                         json.dumps({'type': 'hubport', 'hubid': 0,
                                     'id': 'hub-' + netdev['id'],
                                     'netdev': netdev['id']})]
            self.process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                pass_fds=(theirs.fileno(),) + folder.pass_fds,
                preexec_fn=_die_with_parent)
        qemu_sockets.wait_for_server(folder, 'services', self.process.pid,
                                     _START, lambda: 'see ' + log)
        self._monitor = qmp.Monitor(folder, 'services')

    def forward(self, wanted: set[tuple[str, int, str, int]]) -> None:
        """Set the port forwardings.

        :param wanted: (protocol, host port, address, guest port) of each.
        """
        for rule in self._forwarded - wanted:
            self._human('hostfwd_remove services %s:127.0.0.1:%d' % rule[:2])
        for rule in wanted - self._forwarded:
            self._human('hostfwd_add services %s:127.0.0.1:%d-%s:%d' % rule)
        self._forwarded = wanted

    def forward_briefly(self, address: str, port: int) -> int:
        """Forward a port of 127.0.0.1 to a guest, for one connection.

        :returns: the port, which QEMU chooses.
        :raises OSError: if QEMU cannot do it.
        """
        brief = self._brief.get((address, port))
        if brief is None:
            answer = self._human('hostfwd_add services tcp:127.0.0.1:0-%s:%d'
                                 % (address, port))
            found = forwarded_port(self._human('info usernet'), address, port,
                                   {brief.port
                                    for brief in self._brief.values()}
                                   | {rule[1] for rule in self._forwarded})
            if found is None:
                raise OSError('QEMU does not forward a port to %s:%d: %s'
                              % (address, port, answer or 'no reason given'))
            brief = self._brief[address, port] = _Brief(found)
        brief.used = time.monotonic()
        return brief.port

    def remove_brief_ones(self) -> None:
        """Stop to forward ports whose connections have been made."""
        oldest = time.monotonic() - self.brief
        for key, brief in list(self._brief.items()):
            if brief.used < oldest:
                self._human('hostfwd_remove services tcp:127.0.0.1:%d'
                            % brief.port)
                del self._brief[key]

    def _human(self, line: str) -> str:
        answer: str = self._monitor.command('human-monitor-command',
                                            {'command-line': line}).strip()
        if answer and not line.startswith('info '):
            print('%s: %s' % (line, answer), flush=True)
        return answer

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PDEATHSIG, signal.SIGKILL)


def forwarded_port(listing: str, address: str, port: int,
                   others: abc.Container[int]) -> int | None:
    """Return the port of the host that is forwarded to a guest.

    :param listing: what QEMU's "info usernet" prints: state, descriptor,
        source address, source port, destination address, destination port.
    :param others: ports of the host that are forwarded for other reasons.
    """
    for line in listing.splitlines():
        words = line.split()
        if words[:1] == [_LISTENING] and words[4:6] == [address, str(port)]:
            found = int(words[3])
            if found not in others:
                return found
    return None
