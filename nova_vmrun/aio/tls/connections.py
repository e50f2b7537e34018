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

"""Connections of cheroot's HTTP server from other machines.

cheroot itself does the handshake in the thread that accepts connections, so a
client that opens one and says nothing would stop the server for all others. A
thread that answers requests, too, waits for a client that sends slowly.
"""

import collections
import contextlib
import socket
import ssl
import threading
import time
from typing import Any

from cheroot import connections
from cheroot import makefile
from cheroot import server as cheroot_server

from nova_vmrun.aio.tls import door as tls_door

# What applications read about a connection.
_BY_TLS = {'wsgi.url_scheme': 'https', 'HTTPS': 'on'}
_BUSY = '503 Service Unavailable'
# Seconds before the next attempt if a connection cannot be accepted, because
# there are too many open files.
_PAUSE = 0.1


class Turns:
    """How many threads answer requests of each address.

    :param share: how many one address may have
    """

    def __init__(self, share: int) -> None:
        self._share = share
        self._lock = threading.Lock()
        self._taken: collections.Counter[str] = collections.Counter()

    def take(self, owner: str) -> bool:
        """Take a thread, unless its owner has too many."""
        with self._lock:
            if self._taken[owner] >= self._share:
                return False
            self._taken[owner] += 1
            return True

    def give_back(self, owner: str) -> None:
        with self._lock:
            self._taken[owner] -= 1
            if not self._taken[owner]:
                del self._taken[owner]


class _Connection(cheroot_server.HTTPConnection):
    """A connection that has passed a door."""

    manager: 'Connections'

    def communicate(self) -> bool:
        turns, owner = self.manager.turns, str(self.remote_addr)
        if not turns.take(owner):
            cheroot_server.HTTPRequest(self.server, self).simple_response(
                _BUSY)
            # The client has sent a request that nobody reads.
            self.linger = True
            return False
        try:
            kept: Any = super()
            return bool(kept.communicate())
        finally:
            turns.give_back(owner)

    def close(self) -> None:
        self.manager.door.leave(self.socket, str(self.remote_addr))
        # An error here would end a thread of the server.
        with contextlib.suppress(OSError):
            super().close()


class Connections(connections.ConnectionManager):
    """The connections of a server: those that wait, and new ones.

    :param server: cheroot's; it listens already
    """

    def __init__(self, server: Any, door: tls_door.Door,
                 turns: Turns) -> None:
        super().__init__(server)
        self.door = door
        self.turns = turns

    def _from_server_socket(self, server_socket: socket.socket) -> None:
        """Accept a connection, and leave the rest to a thread of its own."""
        try:
            sock, (owner, port) = server_socket.accept()
        except OSError:
            time.sleep(_PAUSE)
            return
        threading.Thread(target=self._greet, args=(sock, owner, port),
                         daemon=True).start()

    def _greet(self, sock: socket.socket, owner: str, port: int) -> None:
        try:
            entered = self.door.enter(sock, owner)
        except OSError:
            # It speaks no TLS, does not know the authority, or has gone.
            return
        entered.settimeout(self.server.timeout)
        connection = _Connection(self.server, entered, makefile.MakeFile)
        connection.manager = self
        connection.remote_addr, connection.remote_port = owner, port
        if isinstance(entered, ssl.SSLSocket):
            connection.ssl_env = dict(_BY_TLS)
        try:
            # It gets a thread of the server when there is a request to read.
            self.put(connection)
        except (OSError, ValueError, KeyError, RuntimeError):
            # The server has stopped meanwhile.
            connection.close()


def replace(server: Any, manager: Connections) -> None:
    """Give cheroot's server, which listens already, another manager."""
    server._connections.close()
    server._connections = manager
