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

"""The serial ports of running servers, for their logs and for people.

VMware shows a serial port as a Unix socket, to one program at a time. That is
a thread here: it writes what each guest says to its console.log, and lets
nova-serialproxy in at one TCP port of this host. A guest runs on when
nova-compute is away; what it says then is not seen by anyone.
"""

import os
import queue
import re
import selectors
import socket
import threading
import time

from oslo_log import log as logging

from nova_vmrun.server.serial import console_log
from nova_vmrun.server.serial import fair_share

LOG = logging.getLogger(__name__)

_CHUNK = 65536
# Seconds between looks for the port of a server that does not run, and of one
# that is just started, so that nothing of its first lines is missed.
_PATIENCE = 2.0
_EAGER = 0.05
_EAGER_SECONDS = 60
# Seconds until people are let in again, after the system could not.
_PAUSE = 0.5
# Seconds that a stranger gets to show a ticket.
_GREETING_SECONDS = 10
# Connections without a ticket, of all addresses and of one. A proxy shows its
# ticket at once, so it needs few at a time.
_MAX_STRANGERS = 64
_MAX_STRANGERS_PER_ADDRESS = 32
# Connections with a ticket, to all servers and to one.
_MAX_VIEWERS = 256
_MAX_VIEWERS_PER_SERVER = 8
_MAX_TO_GUEST = 65536
_MAX_TO_VIEWER = 1 << 18
# Seconds in which strangers who are sent away are told of in one line.
_REFUSALS_SECONDS = 60
_MAX_GREETING = 512
_GREETING = re.compile(rb'CONNECT (/[!-~]*) HTTP/1\.1\r\n\r\n')
_WELCOME = b'HTTP/1.1 200 OK\r\n\r\n'
_REFUSAL = b'HTTP/1.1 403 Forbidden\r\n\r\n'


class _Line:
    """The serial port of one server.

    :ivar sock: None while it does not run
    :ivar to_guest: what was typed and not yet taken
    """

    def __init__(self, uuid, path, log):
        self.uuid = uuid
        self.path = path
        self.log = log
        self.sock = None
        self.to_guest = bytearray()
        self.viewers = set()
        self.due = 0
        self.eager_until = 0


class _Viewer:
    """Somebody at a serial port, or who wants to be.

    :ivar address: where they come from
    :ivar line: None until a ticket was shown
    """

    def __init__(self, sock: socket.socket, address: str,
                 now: float) -> None:
        self.sock = sock
        self.address = address
        self.line = None
        self.greeting = bytearray()
        self.to_send = bytearray()
        self.deadline = now + _GREETING_SECONDS


class SerialBridge:
    """Serves the serial ports of this host's servers.

    :param layout: a nova_vmrun.server.layout.Layout
    :param listener: a socket that listens
    :param tickets: a nova_vmrun.server.serial.tickets.Tickets
    """

    def __init__(self, layout, listener, tickets):
        self._layout = layout
        self._listener = listener
        self._port = listener.getsockname()[1]
        self._paused_until = None
        self._tickets = tickets
        self._lines = {}
        self._viewers: set[_Viewer] = set()
        self._strangers: fair_share.FairShare[_Viewer] = (
            fair_share.FairShare(_MAX_STRANGERS, _MAX_STRANGERS_PER_ADDRESS))
        self._admitted: fair_share.FairShare[_Viewer] = (
            fair_share.FairShare(_MAX_VIEWERS, _MAX_VIEWERS_PER_SERVER))
        self._refused = 0
        self._refusals_due = float('-inf')
        self._new = queue.SimpleQueue()
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
    def port(self):
        """The TCP port at which tickets are taken."""
        return self._port

    @property
    def serves(self):
        """Tells whether anybody would be let in."""
        return self._thread.is_alive()

    def issue(self, uuid):
        """Makes a ticket for the serial port of a server."""
        return self._tickets.issue(uuid)

    def start(self, uuids):
        """Begins to serve.

        :param uuids: of the servers that exist
        """
        for uuid in uuids:
            self._new.put((uuid, 0))
        self._thread.start()

    def watch(self, uuid):
        """Looks for the port of a server that is about to start."""
        self._new.put((uuid, time.monotonic() + _EAGER_SECONDS))
        self._ring()

    def stop(self):
        """Lets go of all ports; the guests run on."""
        self._stopping = True
        self._ring()
        self._thread.join()

    def _ring(self):
        try:
            self._waker.send(b'.')
        except OSError:
            return          # it is ringing already, or gone

    # -- the thread ------------------------------------------------------

    def _run(self):
        try:
            while not self._stopping:
                self._take_new()
                self._connect_all()
                self._resume()
                for key, events in self._selector.select(self._idle_time()):
                    # An earlier one may have closed it.
                    if self._selector.get_map().get(key.fd) is key:
                        self._serve(key, events)
                self._drop_silent()
        except Exception:
            LOG.exception('Serial consoles are not served any more.')
        finally:
            self._close_all()

    def _serve(self, key, events):
        serve, owner = key.data
        try:
            serve(key.fileobj if owner is None else owner, events)
        except OSError as error:
            LOG.debug('A serial console ends: %s', error)
            if isinstance(owner, _Line):
                self._disconnect(owner)
            elif owner:
                self._drop(owner)

    def _close_all(self):
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()
        self._listener.close()
        self._selector.close()
        self._waker.close()

    def _wake(self, sock, events):
        sock.recv(_CHUNK)

    def _take_new(self):
        while not self._new.empty():
            uuid, eager_until = self._new.get()
            line = self._lines.get(uuid)
            if line is None:
                line = self._lines[uuid] = _Line(
                    uuid, self._layout.serial_socket(uuid),
                    console_log.ConsoleLog(self._layout.console_log(uuid)))
            line.eager_until = eager_until
            line.due = 0

    def _idle_time(self):
        due = [line.due for line in self._lines.values() if not line.sock]
        due += [viewer.deadline for viewer in self._viewers
                if not viewer.line]
        if self._paused_until is not None:
            due.append(self._paused_until)
        return max(0, min(due) - time.monotonic()) if due else None

    # -- servers ---------------------------------------------------------

    def _connect_all(self):
        now = time.monotonic()
        for line in list(self._lines.values()):
            if line.sock is None and line.due <= now:
                self._connect(line, now)

    def _connect(self, line, now):
        try:
            sock = _connected(line.path)
        except OSError:
            line.due = now + (_EAGER if now < line.eager_until
                              else _PATIENCE)
            if not os.path.isdir(os.path.dirname(line.path)):
                self._forget(line)
            return
        line.sock = sock
        line.to_guest.clear()
        self._selector.register(sock, selectors.EVENT_READ,
                                (self._serve_line, line))

    def _forget(self, line):
        """The server was deleted, or has moved."""
        del self._lines[line.uuid]
        for viewer in list(line.viewers):
            self._drop(viewer)

    def _disconnect(self, line):
        self._selector.unregister(line.sock)
        line.sock.close()
        line.sock = None
        line.due = time.monotonic() + _EAGER

    def _serve_line(self, line, events):
        if events & selectors.EVENT_WRITE:
            del line.to_guest[:line.sock.send(line.to_guest)]
        if events & selectors.EVENT_READ:
            data = line.sock.recv(_CHUNK)
            if not data:
                self._disconnect(line)
                return
            self._heard(line, data)
        self._watch_for(line.sock, line.to_guest)

    def _heard(self, line, data):
        try:
            line.log.append(data)
        except OSError as error:
            LOG.warning('The console log of server %s cannot be written: %s',
                        line.uuid, error)
        for viewer in list(line.viewers):
            viewer.to_send += data
            # Who does not read loses the console, not the guest its speed.
            if len(viewer.to_send) > _MAX_TO_VIEWER:
                self._drop(viewer)
            else:
                self._watch_for(viewer.sock, viewer.to_send)

    def _watch_for(self, sock, to_send):
        events = selectors.EVENT_READ
        if to_send:
            events |= selectors.EVENT_WRITE
        key = self._selector.get_key(sock)
        if key.events != events:
            self._selector.modify(sock, events, key.data)

    # -- people ----------------------------------------------------------

    def _accept(self, listener: socket.socket, events: int) -> None:
        try:
            sock, address = listener.accept()
        except (BlockingIOError, ConnectionError):
            return          # whoever came has gone
        except OSError as error:
            # The next one would fail as fast while no descriptor is free.
            LOG.warning('Nobody can be let in to serial consoles now: %s',
                        error)
            self._selector.unregister(listener)
            self._paused_until = time.monotonic() + _PAUSE
            return
        sock.setblocking(False)
        viewer = _Viewer(sock, address[0], time.monotonic())
        self._viewers.add(viewer)
        self._selector.register(sock, selectors.EVENT_READ,
                                (self._serve_viewer, viewer))
        self._make_room(self._strangers.take(viewer.address, viewer))

    def _make_room(self, viewer: _Viewer | None) -> None:
        if viewer:
            LOG.debug('Serial consoles are busy: a connection from %s ends '
                      'for a newer one', viewer.address)
            self._drop(viewer)

    def _resume(self):
        if self._paused_until is not None and (
                self._paused_until <= time.monotonic()):
            self._paused_until = None
            self._selector.register(self._listener, selectors.EVENT_READ,
                                    (self._accept, None))

    def _serve_viewer(self, viewer, events):
        if events & selectors.EVENT_WRITE:
            del viewer.to_send[:viewer.sock.send(viewer.to_send)]
        if events & selectors.EVENT_READ:
            data = viewer.sock.recv(_CHUNK)
            if not data:
                self._drop(viewer)
                return
            if viewer.line is None:
                self._greet(viewer, data)
            else:
                self._type(viewer.line, data)
        if viewer in self._viewers:
            self._watch_for(viewer.sock, viewer.to_send)

    def _type(self, line, data):
        # As on any serial line, what nobody takes is lost.
        if line.sock and len(line.to_guest) < _MAX_TO_GUEST:
            line.to_guest += data
            self._watch_for(line.sock, line.to_guest)

    def _greet(self, viewer: _Viewer, data: bytes) -> None:
        viewer.greeting += data
        if b'\r\n\r\n' not in viewer.greeting and (
                len(viewer.greeting) < _MAX_GREETING):
            return
        greeting = _GREETING.fullmatch(viewer.greeting)
        uuid = greeting and self._tickets.check(greeting[1].decode())
        line = self._lines.get(uuid)
        if line is None:
            self._tell_of_refusal(viewer)
            viewer.sock.send(_REFUSAL)
            self._drop(viewer)
            return
        self._strangers.leave(viewer.address, viewer)
        viewer.line = line
        line.viewers.add(viewer)
        viewer.to_send += _WELCOME
        self._make_room(self._admitted.take(uuid, viewer))

    def _tell_of_refusal(self, viewer: _Viewer) -> None:
        """Logs strangers, without letting them fill the log."""
        self._refused += 1
        now = time.monotonic()
        if now >= self._refusals_due:
            LOG.warning('%d connections without a valid token were kept from '
                        'the serial consoles, the last one from %s',
                        self._refused, viewer.address)
            self._refused = 0
            self._refusals_due = now + _REFUSALS_SECONDS

    def _drop(self, viewer: _Viewer) -> None:
        self._viewers.discard(viewer)
        if viewer.line:
            viewer.line.viewers.discard(viewer)
            self._admitted.leave(viewer.line.uuid, viewer)
        else:
            self._strangers.leave(viewer.address, viewer)
        self._selector.unregister(viewer.sock)
        viewer.sock.close()

    def _drop_silent(self):
        now = time.monotonic()
        for viewer in list(self._viewers):
            if viewer.line is None and viewer.deadline < now:
                self._drop(viewer)


def _connected(path):
    """Connects to a Unix socket.

    :raises OSError: nobody is there, or no descriptor is left
    """
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.setblocking(False)
        sock.connect(path)
    except OSError:
        sock.close()
        raise
    return sock
