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

"""A virtual network of the host, as a process of its own.

Its switch connects the VMs, an interface for the host if there can be one, and
a QEMU without a machine, whose user-mode network replaces VMware's NAT and
DHCP services. The first VM on the network starts it; it ends some time after
the last.

Run as a program with the network's folder, the file with the host's port
forwardings, and the network's settings as JSON. It listens on
``vmnetd.sock`` in the folder. A client sends a line of JSON, and gets a line
of JSON back:

``{"plug": true}``
    with one end of a socket pair, plugs in a VM. The answer's ``reach`` says
    how the host reaches guests, if it does.
``{"connect": [ADDRESS, PORT]}``
    connects to a guest by TCP, whichever way the host reaches it. A socket
    comes with the answer; it is connected as soon as it can be written to.

An answer with ``error`` says why it cannot be done.
"""

from __future__ import annotations

import fcntl
import ipaddress
import json
import os
import selectors
import socket
import sys
import time

sys.path.insert(0, os.path.abspath(os.path.join(
    os.path.dirname(__file__), os.pardir, os.pardir, os.pardir)))

from vmwarefake.engine import base  # noqa: E402
from vmwarefake.engine.qemu import reach  # noqa: E402
from vmwarefake.engine.qemu import services as qemu_services  # noqa: E402
from vmwarefake.engine.qemu import sockets as qemu_sockets  # noqa: E402
from vmwarefake.engine.qemu import switch  # noqa: E402

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SOCKET = 'vmnetd'
LOCK = 'lock'

_GRACE = 3          # seconds without a VM until it ends
_LOOK = 1           # seconds between looks at the port forwardings
#: The last byte of addresses on each network, as in VMware.
HOST, GATEWAY, NAME_SERVER, DHCP_SERVER, FIRST_LEASE = 1, 2, 3, 254, 128


def network_of(settings: dict[str, Any]) -> ipaddress.IPv4Network:
    return ipaddress.IPv4Network('%s/%s' % (settings['subnet'],
                                            settings['mask']))


def user_network(settings: dict[str, Any]) -> dict[str, Any] | None:
    """Return the options of QEMU's user-mode network, None without one.

    QEMU's name server needs an address of its own; in VMware it is the
    gateway.
    """
    if not settings['subnet']:
        return None
    network = network_of(settings)
    isolated = settings['type'] == 'hostOnly'
    return {
        'type': 'user', 'id': 'services', 'net': str(network),
        'host': str(network[DHCP_SERVER if isolated else GATEWAY]),
        'dns': str(network[NAME_SERVER]),
        'dhcpstart': str(network[FIRST_LEASE]),
        'ipv6': False, 'restrict': isolated}


class Daemon:
    """Forwards frames, serves clients, and ends when nobody needs it.

    :param path: the folder of the network.
    :param host_file: path of host.json.
    :param settings: name, qemu (path), subnet, mask, type and ways (those by
        which the host may reach guests, see reach.find).
    """

    def __init__(self, path: str, host_file: str,
                 settings: dict[str, Any]) -> None:
        self._path = path
        self._host_file = host_file
        self._settings = settings
        self._folder = qemu_sockets.Folder(path)
        self._selector = selectors.DefaultSelector()
        self._switch = switch.Switch()
        self._services: qemu_services.Services | None = None
        self._way: reach.Way | None = None
        self._cables: set[switch.Port] = set()
        self._idle_since = self._looked = time.monotonic()
        options = user_network(self._settings)
        if options:
            # In the host's own network, so before the host is added.
            self._services = self._add_services(options)
            if self._settings['ways']:
                self._way = self._add_host(self._services)
        self._listen()

    def _add_services(self,
                      options: dict[str, Any]) -> qemu_services.Services:
        services = qemu_services.Services(
            self._settings['qemu'], options, self._folder,
            os.path.join(self._path, 'vmnetd.log'))
        self._add(switch.ServicesPort(services.cable))
        return services

    def _add_host(self, services: qemu_services.Services) -> reach.Way:
        settings = self._settings
        way = reach.find(settings['ways'], settings['name'],
                         str(network_of(settings)[HOST]), settings['mask'],
                         services)
        if way.tap is not None:
            self._add(switch.HostPort(way.tap))
        return way

    def _listen(self) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        self._folder.remove('new')
        self._listener.bind(self._folder.address('new'))
        self._listener.listen(64)
        self._selector.register(self._listener, selectors.EVENT_READ)
        # Clients can connect as soon as the name exists.
        os.rename(self._folder.address('new'), self._folder.address(SOCKET))

    # -- the loop --------------------------------------------------------

    def serve(self) -> str:
        """Serve until nobody needs the network; return why it ends."""
        while not self._may_end():
            if self._services and self._services.process.poll() is not None:
                return 'its services have ended'
            self._look_at_forwardings()
            for key, events in self._selector.select(_LOOK):
                if key.fileobj is self._listener:
                    self._answer()
                elif events & selectors.EVENT_READ:
                    self._read(key.data)
                else:
                    key.data.flush()
                    self._watch(key.data)
        return 'nobody is on it'

    def _may_end(self) -> bool:
        """Return whether it has been idle and no client is connecting."""
        if self._cables:
            return False
        if not os.path.isdir(self._path):
            return True
        if time.monotonic() < self._idle_since + _GRACE:
            return False
        lock = os.open(os.path.join(self._path, LOCK),
                       os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            return False
        # This process keeps the lock, so nobody connects until it has ended.
        self._folder.remove(SOCKET)
        return True

    def _look_at_forwardings(self) -> None:
        if not self._services or time.monotonic() < self._looked + _LOOK:
            return
        self._looked = time.monotonic()
        try:
            with open(self._host_file, encoding='utf-8') as f:
                known = json.load(f)['forwardings']
        except (OSError, ValueError, KeyError):
            known = {}
        self._services.forward({
            tuple(row[:4]) for row in known.get(self._settings['name'], ())})
        self._services.remove_brief_ones()

    # -- ports -----------------------------------------------------------

    def _add(self, port: switch.Port) -> None:
        self._switch.add(port)
        self._selector.register(port, selectors.EVENT_READ, port)

    def _watch(self, port: switch.Port) -> None:
        events = selectors.EVENT_READ
        if port.wants_to_write:
            events |= selectors.EVENT_WRITE
        self._selector.modify(port, events, port)

    def _read(self, port: switch.Port) -> None:
        frames = port.read()
        if frames is None:
            self._selector.unregister(port)
            self._switch.remove(port)
            self._cables.discard(port)
            self._idle_since = time.monotonic()
            return
        for frame in frames:
            self._switch.forward(port, frame)
        for other in self._switch.ports:
            if other.wants_to_write:
                self._watch(other)

    # -- clients ---------------------------------------------------------

    def _answer(self) -> None:
        client, _ = self._listener.accept()
        with client:
            client.settimeout(5)
            try:
                data, fds, _, _ = socket.recv_fds(client, 4096, 1)
                if data:
                    self._answer_request(client, data, fds)
            except OSError as e:
                # The tool was killed, which cuts its cable too.
                print('a client has ended: %s' % e, flush=True)

    def _answer_request(self, client: socket.socket, data: bytes,
                        fds: list[int]) -> None:
        if fds:
            self._plug(socket.socket(fileno=fds[0]))
            _send(client, {
                'reach': self._way.description if self._way else None})
            return
        try:
            sock = self._connect(data)
        except (OSError, base.EngineError) as e:
            _send(client, {'error': str(e)})
        else:
            with sock:
                _send(client, {}, sock.fileno())

    def _connect(self, data: bytes) -> socket.socket:
        """Return a socket that is connecting to a guest.

        :param data: the request.
        :raises OSError: if it cannot be connected, or if the request is
            wrong.
        """
        try:
            text, number = json.loads(data)['connect']
            address, port = ipaddress.IPv4Address(text), int(number)
        except (ValueError, TypeError, KeyError):
            raise OSError('this is not an IPv4 address and a port')
        if not 0 < port < 65536:
            raise OSError('%d is not a port' % port)
        if self._way is None:
            raise OSError('the host is not on %s' % self._settings['name'])
        network = network_of(self._settings)
        if address not in network:
            raise OSError('%s has the addresses %s' % (
                self._settings['name'], network))
        return self._way.connect(str(address), port)

    def _plug(self, cable: socket.socket) -> None:
        port = switch.CablePort(cable)
        self._add(port)
        self._cables.add(port)

    def close(self) -> None:
        if self._services:
            self._services.stop()


def _send(client: socket.socket, answer: dict[str, Any],
          *fds: int) -> None:
    socket.send_fds(client, [json.dumps(answer).encode('ascii') + b'\n'],
                    fds)


def main(argv: list[str]) -> int:
    path, host_file, settings = argv
    try:
        daemon = Daemon(path, host_file, json.loads(settings))
    except (OSError, base.EngineError) as e:
        print(e)
        return 1
    try:
        print('ended: ' + daemon.serve())
    finally:
        daemon.close()
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
