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

"""Nova's console proxies, in the process of Nova.

Elsewhere nova-novncproxy and nova-serialproxy are programs of their own. They
ask nova-compute whether a token's port still belongs to the server, and with
the ``fake`` transport only this process can ask. So Nova's own request
handler, which checks tokens and origins, runs in a thread here. Nova's
programs fork for each console instead.
"""

import contextlib
import pathlib
import socket
import socketserver
import threading
from typing import Any

from nova.console.securityproxy import rfb
from nova.console import websocketproxy
from oslo_log import log as logging
from websockify import websocketproxy as websockify

from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.aio.tls import door as tls_door

LOG = logging.getLogger(__name__)


class _Handler(websocketproxy.NovaProxyRequestHandler):

    def translate_path(self, path: str) -> str:
        # Nova's handler would serve the process's working directory.
        self.directory = self.server.folder
        return str(super().translate_path(path))


class _Server(websockify.LibProxyServer):
    daemon_threads = True

    def __init__(self, address: str, port: int, folder: str | None,
                 security_proxy: Any, door: tls_door.Door | None) -> None:
        super().__init__(RequestHandlerClass=_Handler,
                         listen_host=address, listen_port=port)
        self.door = door
        self.folder = folder
        self.only_upgrade = folder is None
        self.file_only = True
        self.security_proxy = security_proxy
        self.logger = LOG

    def server_bind(self) -> None:
        # HTTPServer would look up the name of this address in the DNS.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]

    def finish_request(self, request: socket.socket,
                       client_address: Any) -> None:
        """Serve a connection; it has this thread to itself."""
        if self.door is None:
            super().finish_request(request, client_address)
            return
        owner = client_address[0]
        try:
            entered = self.door.enter(request, owner)
        except OSError:
            # It speaks no TLS, does not know the authority, or has gone.
            return
        try:
            entered.settimeout(None)
            super().finish_request(entered, client_address)
        finally:
            self.door.leave(entered, owner)
            with contextlib.suppress(OSError):
                entered.shutdown(socket.SHUT_RDWR)
            entered.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        # Most of these errors are expired tokens.
        LOG.warning('A console was closed.', exc_info=True)


class ConsoleProxy:
    """A proxy that serves each console in a thread.

    :param name: of the thread
    :param address: IP address to listen on
    :param port: TCP port
    :param folder: folder of the web page that it serves, if any
    :param security_proxy: Nova's proxy that negotiates with the VM first
    :param door: for other machines, or None for a proxy on loopback
    """

    def __init__(self, name: str, address: str, port: int,
                 folder: pathlib.Path | None = None,
                 security_proxy: Any = None,
                 door: tls_door.Door | None = None) -> None:
        self._server = _Server(address, port, str(folder) if folder else None,
                               security_proxy, door)
        self._thread = threading.Thread(
            target=self._server.serve_forever, name=name, daemon=True)

    def start(self) -> None:
        """Start serving consoles."""
        self._thread.start()

    def stop(self) -> None:
        """Stop listening; open consoles last until the process ends."""
        self._server.shutdown()
        self._server.server_close()


def make_all(layout: aio_layout.Layout, settings: aio_settings.Settings,
             folder: pathlib.Path) -> list[ConsoleProxy]:
    """Return nova-novncproxy and nova-serialproxy, already listening.

    Each is there twice, if other machines may reach it.

    :param folder: noVNC's files
    """
    made = []
    for name, page, security_proxy in (
            ('novncproxy', folder, rfb.RFBSecurityProxy()),
            ('serialproxy', None, None)):
        for address in settings.addresses(name):
            door = (tls_door.public(layout, settings)
                    if address == settings.listen else None)
            made.append(ConsoleProxy(name, address, settings.ports[name],
                                     page, security_proxy, door))
    return made
