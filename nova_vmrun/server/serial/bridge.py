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

"""The serial ports of running servers, for their logs and for users.

VMware offers a serial port as a Unix socket to one program at a time. Here,
that is a thread of nova-compute: it writes what each guest sends to its
console.log, and accepts nova-serialproxy at one TCP port of this host. Guests
run on while nova-compute is down, but what they send then is lost.
"""

from collections.abc import Callable, Iterable
import os
import queue
import re
import selectors
import socket
import threading
import time
from typing import Any

from oslo_log import log as logging

from nova_vmrun.host import fair_share
from nova_vmrun.server import layout as layout_module
from nova_vmrun.server.serial import console_log
from nova_vmrun.server.serial import tickets as tickets_module

LOG = logging.getLogger(__name__)

_CHUNK = 65536
# Seconds between attempts to connect to the port of a server that is off, and
# of one that is starting, so that none of its first lines is missed.
_SLOW_RETRY = 2.0
_FAST_RETRY = 0.05
_FAST_RETRY_SECONDS = 60
# Seconds without accepting connections after the system failed to.
_PAUSE = 0.5
# Seconds in which a new connection must show a ticket.
_GREETING_SECONDS = 10
# Connections without a ticket, from all addresses and from one. A proxy shows
# its ticket at once, so it needs few at a time.
_MAX_STRANGERS = 64
_MAX_STRANGERS_PER_ADDRESS = 32
# Connections with a ticket, to all servers and to one.
_MAX_VIEWERS = 256
_MAX_VIEWERS_PER_SERVER = 8
_MAX_TO_GUEST = 65536
_MAX_TO_VIEWER = 1 << 18
# Seconds of refused connections that are combined in one line of the log.
_REFUSALS_SECONDS = 60
_MAX_GREETING = 512
_GREETING = re.compile(rb'CONNECT (/[!-~]*) HTTP/1\.1\r\n\r\n')
_WELCOME = b'HTTP/1.1 200 OK\r\n\r\n'
_REFUSAL = b'HTTP/1.1 403 Forbidden\r\n\r\n'


class _Port:
    """The serial port of one server.

    :ivar sock: None while the server is off
    :ivar to_guest: input that was not sent to the guest yet
    :ivar next_attempt: when to connect to it, monotonic seconds
    :ivar fast_until: until when to retry fast, monotonic seconds
    """

    def __init__(self, uuid: str, path: str,
                 log: console_log.ConsoleLog) -> None:
        self.uuid = uuid
        self.path = path
        self.log = log
        self.sock: socket.socket | None = None
        self.to_guest = bytearray()
        self.viewers: set[_Viewer] = set()
        self.next_attempt = 0.0
        self.fast_until = 0.0


class _Viewer:
    """A connection to a serial port, with or without a ticket.

    :ivar address: where it comes from
    :ivar port: None until it has shown a valid ticket
    """

    def __init__(self, sock: socket.socket, address: str,
                 now: float) -> None:
        self.sock = sock
        self.address = address
        self.port: _Port | None = None
        self.greeting = bytearray()
        self.to_send = bytearray()
        self.deadline = now + _GREETING_SECONDS


# The method that serves a socket, and the socket's port or viewer.
_Server = tuple[Callable[[Any, int], None], _Port | _Viewer | None]


class SerialBridge:
    """The bridge between serial ports of this host's servers and viewers.

    :param listener: a listening socket
    """

    def __init__(self, layout: layout_module.Layout, listener: socket.socket,
                 tickets: tickets_module.Tickets) -> None:
        self._layout = layout
        self._listener = listener
        self._tcp_port: int = listener.getsockname()[1]
        self._paused_until: float | None = None
        self._tickets = tickets
        self._ports: dict[str, _Port] = {}
        self._viewers: set[_Viewer] = set()
        self._strangers: fair_share.FairShare[_Viewer] = (
            fair_share.FairShare(_MAX_STRANGERS, _MAX_STRANGERS_PER_ADDRESS))
        self._admitted: fair_share.FairShare[_Viewer] = (
            fair_share.FairShare(_MAX_VIEWERS, _MAX_VIEWERS_PER_SERVER))
        self._refused = 0
        self._next_refusals = float('-inf')
        # New servers to connect to, and until when to retry fast.
        self._new: queue.SimpleQueue[tuple[str, float]] = queue.SimpleQueue()
        self._selector = selectors.DefaultSelector()
        self._waker, self._woken = socket.socketpair()
        self._stopping = False
        for sock in (listener, self._waker, self._woken):
            sock.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ,
                                (self._wake, None))
        self._selector.register(listener, selectors.EVENT_READ,
                                (self._accept, None))
        self._thread = threading.Thread(target=self._run, daemon=True,
                                        name='serial-consoles')

    @property
    def port(self) -> int:
        """The TCP port that accepts tickets."""
        return self._tcp_port

    @property
    def serves(self) -> bool:
        """Whether the bridge accepts connections."""
        return self._thread.is_alive()

    def issue(self, uuid: str) -> str:
        """Return a ticket for the serial port of a server."""
        return self._tickets.issue(uuid)

    def start(self, uuids: Iterable[str]) -> None:
        """Start serving.

        :param uuids: of the existing servers
        """
        for uuid in uuids:
            self._new.put((uuid, 0))
        self._thread.start()

    def watch(self, uuid: str) -> None:
        """Connect to the port of a server that is about to start."""
        self._new.put((uuid, time.monotonic() + _FAST_RETRY_SECONDS))
        self._wake_thread()

    def stop(self) -> None:
        """Close all connections; the guests run on."""
        self._stopping = True
        self._wake_thread()
        self._thread.join()

    def _wake_thread(self) -> None:
        try:
            self._waker.send(b'.')
        except OSError:
            return          # the thread will wake up anyway, or has ended

    # -- the thread ------------------------------------------------------

    def _run(self) -> None:
        try:
            while not self._stopping:
                self._take_new()
                self._connect_all()
                self._resume()
                for key, events in self._selector.select(self._idle_time()):
                    # Serving an earlier socket may have closed this one.
                    if self._selector.get_map().get(key.fd) is key:
                        self._serve(key, events)
                self._drop_silent()
        except Exception:
            LOG.exception('Serial consoles are no longer served')
        finally:
            self._close_all()

    def _serve(self, key: selectors.SelectorKey, events: int) -> None:
        server: _Server = key.data
        serve, owner = server
        try:
            serve(key.fileobj if owner is None else owner, events)
        except OSError as error:
            LOG.debug('A connection to a serial console has failed: %s',
                      error)
            if isinstance(owner, _Port):
                self._disconnect(owner)
            elif owner:
                self._drop(owner)

    def _close_all(self) -> None:
        for port in self._ports.values():
            if port.sock:
                port.sock.close()
        for viewer in self._viewers:
            viewer.sock.close()
        self._listener.close()
        self._selector.close()
        self._woken.close()
        self._waker.close()

    def _wake(self, sock: socket.socket, events: int) -> None:
        sock.recv(_CHUNK)

    def _take_new(self) -> None:
        while not self._new.empty():
            uuid, fast_until = self._new.get()
            port = self._ports.get(uuid)
            if port is None:
                port = self._ports[uuid] = _Port(
                    uuid, self._layout.serial_socket(uuid),
                    console_log.ConsoleLog(self._layout.console_log(uuid)))
            port.fast_until = fast_until
            port.next_attempt = 0

    def _idle_time(self) -> float | None:
        """Return the seconds until the next task, or None if none is due."""
        times = [port.next_attempt for port in self._ports.values()
                 if not port.sock]
        times += [viewer.deadline for viewer in self._viewers
                  if not viewer.port]
        if self._paused_until is not None:
            times.append(self._paused_until)
        return max(0, min(times) - time.monotonic()) if times else None

    # -- servers ---------------------------------------------------------

    def _connect_all(self) -> None:
        now = time.monotonic()
        for port in list(self._ports.values()):
            if port.sock is None and port.next_attempt <= now:
                self._connect(port, now)

    def _connect(self, port: _Port, now: float) -> None:
        try:
            sock = _connected(port.path)
        except OSError:
            port.next_attempt = now + (
                _FAST_RETRY if now < port.fast_until else _SLOW_RETRY)
            if not os.path.isdir(os.path.dirname(port.path)):
                self._forget(port)
            return
        port.sock = sock
        port.to_guest.clear()
        self._selector.register(sock, selectors.EVENT_READ,
                                (self._serve_port, port))

    def _forget(self, port: _Port) -> None:
        """Forget a server that was deleted or moved."""
        del self._ports[port.uuid]
        for viewer in list(port.viewers):
            self._drop(viewer)

    def _disconnect(self, port: _Port) -> None:
        if port.sock:
            self._selector.unregister(port.sock)
            port.sock.close()
        port.sock = None
        port.next_attempt = time.monotonic() + _FAST_RETRY

    def _serve_port(self, port: _Port, events: int) -> None:
        if port.sock is None:
            return
        if events & selectors.EVENT_WRITE:
            del port.to_guest[:port.sock.send(port.to_guest)]
        if events & selectors.EVENT_READ:
            data = port.sock.recv(_CHUNK)
            if not data:
                self._disconnect(port)
                return
            self._receive(port, data)
        self._watch_for(port.sock, port.to_guest)

    def _receive(self, port: _Port, data: bytes) -> None:
        """Log what a guest has sent, and pass it on to its viewers."""
        try:
            port.log.append(data)
        except OSError as error:
            LOG.warning('Cannot write the console log of server %s: %s',
                        port.uuid, error)
        for viewer in list(port.viewers):
            viewer.to_send += data
            # A viewer who does not read must not slow down the guest.
            if len(viewer.to_send) > _MAX_TO_VIEWER:
                self._drop(viewer)
            else:
                self._watch_for(viewer.sock, viewer.to_send)

    def _watch_for(self, sock: socket.socket, to_send: bytearray) -> None:
        events = selectors.EVENT_READ
        if to_send:
            events |= selectors.EVENT_WRITE
        key = self._selector.get_key(sock)
        if key.events != events:
            self._selector.modify(sock, events, key.data)

    # -- viewers ---------------------------------------------------------

    def _accept(self, listener: socket.socket, events: int) -> None:
        try:
            sock, address = listener.accept()
        except (BlockingIOError, ConnectionError):
            return          # the client has closed the connection already
        except OSError as error:
            # Without a free descriptor, the next attempt would fail at once.
            LOG.warning('Cannot accept connections to serial consoles for '
                        'now: %s', error)
            self._selector.unregister(listener)
            self._paused_until = time.monotonic() + _PAUSE
            return
        sock.setblocking(False)
        viewer = _Viewer(sock, address[0], time.monotonic())
        self._viewers.add(viewer)
        self._selector.register(sock, selectors.EVENT_READ,
                                (self._serve_viewer, viewer))
        self._make_room(self._strangers.admit(viewer.address, viewer))

    def _make_room(self, viewer: _Viewer | None) -> None:
        if viewer:
            LOG.debug('There are too many connections to serial consoles: '
                      'closing one from %s', viewer.address)
            self._drop(viewer)

    def _resume(self) -> None:
        """Accept connections again after a pause."""
        if self._paused_until is not None and (
                self._paused_until <= time.monotonic()):
            self._paused_until = None
            self._selector.register(self._listener, selectors.EVENT_READ,
                                    (self._accept, None))

    def _serve_viewer(self, viewer: _Viewer, events: int) -> None:
        if events & selectors.EVENT_WRITE:
            del viewer.to_send[:viewer.sock.send(viewer.to_send)]
        if events & selectors.EVENT_READ:
            data = viewer.sock.recv(_CHUNK)
            if not data:
                self._drop(viewer)
                return
            if viewer.port is None:
                self._greet(viewer, data)
            else:
                self._type(viewer.port, data)
        if viewer in self._viewers:
            self._watch_for(viewer.sock, viewer.to_send)

    def _type(self, port: _Port, data: bytes) -> None:
        """Send the guest what a viewer has typed."""
        # As on any serial line, what the guest does not read is lost.
        if port.sock and len(port.to_guest) < _MAX_TO_GUEST:
            port.to_guest += data
            self._watch_for(port.sock, port.to_guest)

    def _greet(self, viewer: _Viewer, data: bytes) -> None:
        """Admit a viewer that has shown a valid ticket."""
        viewer.greeting += data
        if b'\r\n\r\n' not in viewer.greeting and (
                len(viewer.greeting) < _MAX_GREETING):
            return
        greeting = _GREETING.fullmatch(viewer.greeting)
        uuid = greeting and self._tickets.check(greeting[1].decode())
        port = self._ports.get(uuid) if uuid else None
        if port is None:
            self._log_refusal(viewer)
            viewer.sock.send(_REFUSAL)
            self._drop(viewer)
            return
        self._strangers.remove(viewer.address, viewer)
        viewer.port = port
        port.viewers.add(viewer)
        viewer.to_send += _WELCOME
        self._make_room(self._admitted.admit(port.uuid, viewer))

    def _log_refusal(self, viewer: _Viewer) -> None:
        """Log a refused connection, but do not let them fill the log."""
        self._refused += 1
        now = time.monotonic()
        if now >= self._next_refusals:
            LOG.warning('Connections to serial consoles refused for want of '
                        'a valid token: %d, the last one from %s',
                        self._refused, viewer.address)
            self._refused = 0
            self._next_refusals = now + _REFUSALS_SECONDS

    def _drop(self, viewer: _Viewer) -> None:
        self._viewers.discard(viewer)
        if viewer.port:
            viewer.port.viewers.discard(viewer)
            self._admitted.remove(viewer.port.uuid, viewer)
        else:
            self._strangers.remove(viewer.address, viewer)
        self._selector.unregister(viewer.sock)
        viewer.sock.close()

    def _drop_silent(self) -> None:
        """Close connections that did not show a ticket in time."""
        now = time.monotonic()
        for viewer in list(self._viewers):
            if viewer.port is None and viewer.deadline < now:
                self._drop(viewer)


def _connected(path: str) -> socket.socket:
    """Return a connection to a Unix socket.

    :raises OSError: nothing listens, or no descriptor is left
    """
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.setblocking(False)
        sock.connect(path)
    except OSError:
        sock.close()
        raise
    return sock
