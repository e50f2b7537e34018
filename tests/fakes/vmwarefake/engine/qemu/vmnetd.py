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

"""A virtual network of the host: one process for each, as VMware has.

It joins the cables of all VMs by a switch of its own, with the interface on
the host where there is one, and with a QEMU that has no machine but a
user-mode network, which stands for VMware's NAT and DHCP services. Started
with the first VM on the network, it ends a while after the last.

Run as a program with the network's folder, the file with the host's port
forwardings, and the network's settings as JSON. It listens on
``vmnetd.sock`` in the folder: a client sends a line of JSON and, to plug a
VM in, the end of a socket pair; it gets a line of JSON back.
"""

import ctypes
import fcntl
import ipaddress
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.abspath(os.path.join(
    os.path.dirname(__file__), os.pardir, os.pardir, os.pardir)))

from vmwarefake.engine import base  # noqa: E402
from vmwarefake.engine.qemu import qmp  # noqa: E402
from vmwarefake.engine.qemu import sockets as qemu_sockets  # noqa: E402
from vmwarefake.engine.qemu import switch  # noqa: E402
from vmwarefake.engine.qemu import tap  # noqa: E402

SOCKET = 'vmnetd'
LOCK = 'lock'

_GRACE = 3          # seconds without a VM after which it ends
_LOOK = 1           # seconds between looks at the port forwardings
_START = 30
_PDEATHSIG = 1
#: As VMware has them on each network, by the last byte of the address.
HOST, GATEWAY, NAME_SERVER, DHCP_SERVER, FIRST_LEASE = 1, 2, 3, 254, 128


def network_of(settings):
    return ipaddress.ip_network('%s/%s' % (settings['subnet'],
                                           settings['mask']))


def user_network(settings):
    """Return the options of QEMU's user-mode network, None for none.

    QEMU wants its name server to have an address of its own, while VMware's
    gateway is the name server too.
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


class Services(object):
    """The QEMU that gives NAT and DHCP.

    :param folder: qemu_sockets.Folder for its monitor.
    :ivar cable: socket of our end of its cable.
    """

    def __init__(self, qemu, options, folder, log):
        self.cable, theirs = socket.socketpair()
        self._forwarded = set()
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

    def forward(self, wanted):
        """Make port forwardings be these.

        :param wanted: a set of (protocol, host port, address, guest port).
        """
        for rule in self._forwarded - wanted:
            self._human('hostfwd_remove services %s:127.0.0.1:%d' % rule[:2])
        for rule in wanted - self._forwarded:
            self._human('hostfwd_add services %s:127.0.0.1:%d-%s:%d' % rule)
        self._forwarded = wanted

    def _human(self, line):
        answer = self._monitor.command('human-monitor-command',
                                       {'command-line': line}).strip()
        if answer:
            print('%s: %s' % (line, answer), flush=True)

    def stop(self):
        self.process.kill()
        self.process.wait()


def _die_with_parent():
    ctypes.CDLL(None).prctl(_PDEATHSIG, signal.SIGKILL)


class Daemon(object):
    """Passes frames, serves clients, and ends when it is of no more use.

    :param path: the network's folder.
    :param host_file: of the host's networks and port forwardings.
    :param settings: dict with name, qemu (path), subnet, mask, type and tap
        (None, "wanted" or "required").
    """

    def __init__(self, path, host_file, settings):
        self._path = path
        self._host_file = host_file
        self._settings = settings
        self._folder = qemu_sockets.Folder(path)
        self._selector = selectors.DefaultSelector()
        self._switch = switch.Switch()
        self._services = None
        self._tap_error = None
        self._cables = set()
        self._idle_since = self._looked = time.monotonic()
        self._add_services()
        self._add_host()
        self._listen()

    def _add_services(self):
        options = user_network(self._settings)
        if options:
            self._services = Services(
                self._settings['qemu'], options, self._folder,
                os.path.join(self._path, 'vmnetd.log'))
            self._add(switch.ServicesPort(self._services.cable))

    def _add_host(self):
        settings = self._settings
        if not settings['tap'] or not settings['subnet']:
            return
        try:
            fd = tap.create(settings['name'],
                            str(network_of(settings)[HOST]),
                            settings['mask'])
        except OSError as e:
            if settings['tap'] == 'required':
                raise
            self._tap_error = str(e)
        else:
            self._add(switch.HostPort(fd))

    def _listen(self):
        self._listener = socket.socket(socket.AF_UNIX)
        self._folder.remove('new')
        self._listener.bind(self._folder.address('new'))
        self._listener.listen(64)
        self._selector.register(self._listener, selectors.EVENT_READ)
        # Whoever sees the name can connect.
        os.rename(self._folder.address('new'), self._folder.address(SOCKET))

    # -- the loop --------------------------------------------------------

    def serve(self):
        """Work until nobody needs it; return why it ends."""
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

    def _may_end(self):
        """True when it has been idle and no client is on its way."""
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
        # The lock goes with this process; nobody connects in between.
        self._folder.remove(SOCKET)
        return True

    def _look_at_forwardings(self):
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

    # -- ports -----------------------------------------------------------

    def _add(self, port):
        self._switch.add(port)
        self._selector.register(port, selectors.EVENT_READ, port)

    def _watch(self, port):
        events = selectors.EVENT_READ
        if port.wants_to_write:
            events |= selectors.EVENT_WRITE
        self._selector.modify(port, events, port)

    def _read(self, port):
        frames = port.read()
        if frames is None:
            self._selector.unregister(port)
            self._switch.remove(port)
            self._cables.discard(port)
            self._idle_since = time.monotonic()
            return
        for frame in frames:
            self._switch.pass_on(port, frame)
        for other in self._switch.ports:
            if other.wants_to_write:
                self._watch(other)

    # -- clients ---------------------------------------------------------

    def _answer(self):
        client, _ = self._listener.accept()
        with client:
            client.settimeout(5)
            try:
                _, fds, _, _ = socket.recv_fds(client, 4096, 1)
                if fds:
                    self._plug(socket.socket(fileno=fds[0]))
                client.sendall(json.dumps(
                    {'no_interface': self._tap_error}).encode('ascii')
                    + b'\n')
            except OSError as e:
                # The tool was killed; so its cable is cut too.
                print('a client has gone: %s' % e, flush=True)

    def _plug(self, cable):
        port = switch.CablePort(cable)
        self._add(port)
        self._cables.add(port)

    def close(self):
        if self._services:
            self._services.stop()


def main(argv):
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
