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

"""Virtual networks, as the tools see them: start one and plug in VMs."""

from __future__ import annotations

import json
import os
import socket
import sys

from vmwarefake.engine import base
from vmwarefake.engine.qemu import reach
from vmwarefake.engine.qemu import sockets as qemu_sockets
from vmwarefake.engine.qemu import vmnetd
from vmwarefake import hostnet
from vmwarefake import process
from vmwarefake import state as states

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import abc
    from typing import Any
    from vmwarefake.engine.qemu import options as qemu_options
    from vmwarefake import knobs

_START = 60
_ANSWER = 30
#: Subnet for guests on a bridged network, which has none itself.
_INSTEAD_OF_BRIDGED = ('10.0.2.0', '255.255.255.0')
#: By the values of the knob NET.
_WAYS = {'tap': reach.INTERFACE, 'namespace': reach.NAMESPACE,
         'user': reach.FORWARDING}


class Networks:
    """The virtual networks of this host.

    :param knobs: for the state folder.
    :param log: writes a line to vmware.log.
    """

    def __init__(self, knobs: knobs.Knobs, options: qemu_options.Options,
                 log: abc.Callable[[str], None]) -> None:
        self._state = states.State(knobs.state_folder())
        self._options = options
        self._log = log

    def plug(self, network: str) -> socket.socket:
        """Connect a VM and return its end of the cable.

        :param network: ``vmnet8``, or the name of a LAN segment.
        :raises base.EngineError: if the network does not start.
        """
        folder = self._state.path(os.path.join('net', network))
        os.makedirs(folder, exist_ok=True)
        with states.flock(os.path.join(folder, vmnetd.LOCK)):
            with qemu_sockets.Folder(folder) as sockets:
                self._start_if_needed(network, folder, sockets)
                ours, theirs = socket.socketpair()
                with theirs:
                    answer = _ask(sockets, theirs)
        if 'error' in answer:
            ours.close()
            raise base.EngineError('msg.vnet.connectvnet', '%s: %s'
                                   % (network, answer['error']))
        if answer.get('reach'):
            self._log('The host reaches guests on %s by %s.'
                      % (network, answer['reach']))
        return ours

    def _start_if_needed(self, network: str, folder: str,
                         sockets: qemu_sockets.Folder) -> None:
        try:
            sockets.connect(vmnetd.SOCKET, 1).close()
            return
        except OSError:
            sockets.remove(vmnetd.SOCKET)
        output = os.path.join(folder, 'vmnetd.log')
        start = os.path.getsize(output) if os.path.exists(output) else 0
        pid = process.spawn(
            [sys.executable, '-I', '-S', vmnetd.__file__, folder,
             self._state.path(hostnet.FILE),
             json.dumps(self._settings(network))],
            os.path.join(folder, 'pid'), output)
        qemu_sockets.wait_for_server(
            sockets, vmnetd.SOCKET, pid, _START,
            lambda: '%s: %s' % (
                network, qemu_sockets.last_lines(output, start)))

    def _settings(self, network: str) -> dict[str, Any]:
        known = hostnet.read(self._state)['networks'].get(network, {})
        kind = known.get('type', 'pvn')
        subnet, mask = known.get('subnet', ''), known.get('mask', '')
        ways = self._ways()
        if kind == 'bridged':
            subnet, mask = _INSTEAD_OF_BRIDGED
            ways = []
            self._log('%s is bridged: QEMU\'s guests are on a network of '
                      'their own, %s, which reaches out.' % (network, subnet))
        return {'name': network, 'qemu': self._options.qemu(), 'type': kind,
                'subnet': subnet, 'mask': mask, 'ways': ways}

    def _ways(self) -> list[str]:
        """Return the ways to try by which the host reaches guests."""
        if self._options.net != 'auto':
            return [_WAYS[self._options.net]]
        own = [reach.NAMESPACE, reach.FORWARDING]
        return [reach.INTERFACE, *own] if os.geteuid() == 0 else own


def _ask(sockets: qemu_sockets.Folder, cable: socket.socket) -> dict[str, Any]:
    """Ask vmnetd to plug in a cable, and return its answer."""
    try:
        with sockets.connect(vmnetd.SOCKET, _ANSWER) as sock:
            socket.send_fds(sock, [b'{"plug": true}\n'], [cable.fileno()])
            data = b''
            while not data.endswith(b'\n'):
                part = sock.recv(4096)
                if not part:
                    break
                data += part
        answer: dict[str, Any] = json.loads(data)
        return answer
    except (OSError, ValueError) as e:
        return {'error': 'the network does not answer: %s' % e}
