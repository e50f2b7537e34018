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


"""The network between a node and the control plane, which can break.

Nothing is refused meanwhile: what is sent waits, as on a network that loses
packets, and arrives when the network is back.
"""

from collections.abc import Iterable
import contextlib
import socket
import threading

import fixtures

_BYTES = 1 << 16
_SECONDS = 120


class Relays(fixtures.Fixture):
    """One relay for each port of the control plane.

    :param ports: of services on 127.0.0.1
    :ivar ports: of the relays, by those of the services
    """

    def __init__(self, ports: Iterable[int]) -> None:
        super().__init__()
        self._services = tuple(ports)
        self._whole = threading.Event()
        self._ended = threading.Event()
        self._sockets: list[socket.socket] = []

    def _setUp(self) -> None:
        self._whole.set()
        self.ports: dict[int, int] = {}
        for port in self._services:
            listener = socket.create_server(('127.0.0.1', 0))
            self._sockets.append(listener)
            self.ports[port] = listener.getsockname()[1]
            self._begin(self._accept, listener, port)
        self.addCleanup(self._end)

    def cut(self) -> None:
        """Let nothing through, in either direction."""
        self._whole.clear()

    def mend(self) -> None:
        """Let everything through again, also what has waited."""
        self._whole.set()

    def _end(self) -> None:
        self._ended.set()
        self._whole.set()
        for each in self._sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _begin(self, function: object, *values: object) -> None:
        threading.Thread(target=function,  # type: ignore[arg-type]
                         args=values, daemon=True).start()

    def _accept(self, listener: socket.socket, port: int) -> None:
        while not self._ended.is_set():
            try:
                client = listener.accept()[0]
            except OSError:
                return
            self._sockets.append(client)
            self._begin(self._connect, client, port)

    def _connect(self, client: socket.socket, port: int) -> None:
        self._whole.wait()
        try:
            server = socket.create_connection(('127.0.0.1', port), _SECONDS)
        except OSError:
            client.close()
            return
        server.settimeout(None)
        self._sockets.append(server)
        for source, target in ((client, server), (server, client)):
            self._begin(self._pass_on, source, target)

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(_BYTES):
                self._whole.wait()
                target.sendall(data)
            self._whole.wait()
            target.shutdown(socket.SHUT_WR)
        except OSError:
            # One end has gone, and the other one should know.
            source.close()
            target.close()
