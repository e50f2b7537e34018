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

"""TLS for connections that others open, and a limit on their number.

A client may open many connections and say nothing. So the handshake of each
has a thread of its own and a deadline, and if there are too many connections,
the address with the most of them loses its oldest one.
"""

import contextlib
import socket
import ssl
import threading
import time

from oslo_log import log as logging

from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.aio.tls import authority
from nova_vmrun import exception
from nova_vmrun.host import fair_share

LOG = logging.getLogger(__name__)

#: Seconds that a handshake may take.
HANDSHAKE = 10
# A process may have 1024 files open, and has up to four such doors.
# Connections of all addresses, and of one.
TOTAL, _SHARE = 128, 48
# Seconds between two looks at the certificate.
_INTERVAL = 3600


class Context:
    """The certificate of the services, renewed before it ends."""

    def __init__(self, layout: aio_layout.Layout,
                 settings: aio_settings.Settings) -> None:
        self._layout = layout
        self._settings = settings
        self._lock = threading.Lock()
        self._look_at = time.monotonic() + _INTERVAL
        self._context = self._load()

    def current(self) -> ssl.SSLContext:
        """Return the context for a new connection."""
        with self._lock:
            if time.monotonic() >= self._look_at:
                self._look_at = time.monotonic() + _INTERVAL
                try:
                    authority.ensure(self._layout, self._settings)
                    self._context = self._load()
                except (OSError, exception.VmrunError):
                    # The old one may still be valid for weeks.
                    LOG.exception('The certificate was not looked at.')
            return self._context

    def _load(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(authority.Files(self._layout).server)
        return context


class Door:
    """The connections of one port.

    :param context: of TLS, or None for plain text
    """

    def __init__(self, context: Context | None, total: int = TOTAL,
                 share: int = _SHARE, timeout: float = HANDSHAKE) -> None:
        self._context = context
        self._timeout = timeout
        self._lock = threading.Lock()
        self._inside: fair_share.FairShare[socket.socket] = (
            fair_share.FairShare(total, share))

    def enter(self, sock: socket.socket, owner: str) -> socket.socket:
        """Do the handshake with a client; the caller has a thread for it.

        :param sock: a new connection, which belongs to the door from now on
        :param owner: IP address of the client
        :raises OSError: it failed, and the connection is closed
        """
        sock.settimeout(self._timeout)
        wrapped = sock if self._context is None else (
            self._context.current().wrap_socket(
                sock, server_side=True, do_handshake_on_connect=False))
        with self._lock:
            surplus = self._inside.admit(owner, wrapped)
            if surplus is not None:
                _hang_up(surplus)
        try:
            if isinstance(wrapped, ssl.SSLSocket):
                # One deadline for all of it.
                wrapped.do_handshake()
        except BaseException:
            self.leave(wrapped, owner)
            wrapped.close()
            raise
        return wrapped

    def leave(self, sock: socket.socket, owner: str) -> None:
        """Stop counting a connection that ends."""
        with self._lock:
            self._inside.remove(owner, sock)


def public(layout: aio_layout.Layout,
           settings: aio_settings.Settings) -> Door:
    """Return the door of a port that other machines reach."""
    return Door(Context(layout, settings) if settings.tls else None)


def _hang_up(sock: socket.socket) -> None:
    """Wake up whoever reads from a connection or writes to it."""
    with contextlib.suppress(OSError):
        # ssl's own method would let the next answer go out in plain text.
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
