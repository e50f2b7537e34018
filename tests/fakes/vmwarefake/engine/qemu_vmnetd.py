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

It is made of a QEMU without a machine, whose hub joins the cables of all
VMs, the user-mode network that stands for VMware's NAT and DHCP services,
and the interface on the host where there is one. Started with the first VM
on the network, it ends a while after the last.

Run as a program with the network's folder and its settings as JSON. It
listens on ``vmnetd.sock`` in that folder: a client sends a line of JSON and,
to plug a VM in, the end of a socket pair; it gets a line of JSON back.
"""

import ctypes
import fcntl
import ipaddress
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))

from vmwarefake.engine import qemu_qmp  # noqa: E402
from vmwarefake.engine import qemu_sockets  # noqa: E402
from vmwarefake.engine import qemu_tap  # noqa: E402

SOCKET = 'vmnetd'
LOCK = 'lock'

_GRACE = 3          # seconds without a VM after which it ends
_START = 30
_PDEATHSIG = 1
#: As VMware has them on each network, by the last byte of the address.
HOST, GATEWAY, NAME_SERVER, DHCP_SERVER, FIRST_LEASE = 1, 2, 3, 254, 128


def user_network(settings):
    """Return the options of QEMU's user-mode network, None for none.

    QEMU wants its name server to have an address of its own, while VMware's
    gateway is the name server too.
    """
    if not settings['subnet']:
        return None
    network = ipaddress.ip_network('%s/%s' % (settings['subnet'],
                                              settings['mask']))
    isolated = settings['type'] == 'hostOnly'
    return {
        'type': 'user', 'id': 'services', 'net': str(network),
        'host': str(network[DHCP_SERVER if isolated else GATEWAY]),
        'dns': str(network[NAME_SERVER]),
        'dhcpstart': str(network[FIRST_LEASE]),
        'ipv6': False, 'restrict': isolated}


class Hub(object):
    """The QEMU that joins the cables.

    :param settings: dict with qemu (path), subnet, mask, type.
    :param folder: qemu_sockets.Folder for its monitor.
    :param tap: descriptor of the host's interface, or None.
    """

    def __init__(self, settings, folder, log, tap):
        folder.remove('hub')
        argv = [settings['qemu'], '-machine', 'none', '-nodefaults',
                '-display', 'none', '-qmp',
                'unix:%s,server=on,wait=off' % folder.address('hub')]
        services = user_network(settings)
        if services:
            argv += _joined(services)
        if tap is not None:
            argv += _joined({'type': 'tap', 'id': 'host', 'fd': str(tap)})
        with open(log, 'ab') as output:
            self.process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                pass_fds=(() if tap is None else (tap,)) + folder.pass_fds,
                preexec_fn=_die_with_parent)
        qemu_sockets.wait_for_server(folder, 'hub', self.process.pid, _START,
                                     lambda: 'see ' + log)
        self.monitor = qemu_qmp.Monitor(folder, 'hub')

    def plug(self, name, fd):
        self.monitor.give(name, fd)
        self.monitor.command('netdev_add', {'type': 'socket', 'id': name,
                                            'fd': name})
        self.monitor.command('netdev_add', {
            'type': 'hubport', 'id': 'hub-' + name, 'hubid': 0,
            'netdev': name})

    def unplug(self, name):
        self.monitor.command('netdev_del', {'id': 'hub-' + name})
        self.monitor.command('netdev_del', {'id': name})

    def stop(self):
        self.process.kill()
        self.process.wait()


def _joined(netdev):
    port = {'type': 'hubport', 'id': 'hub-' + netdev['id'], 'hubid': 0,
            'netdev': netdev['id']}
    return ['-netdev', json.dumps(netdev), '-netdev', json.dumps(port)]


def _die_with_parent():
    ctypes.CDLL(None).prctl(_PDEATHSIG, signal.SIGKILL)


class Daemon(object):
    """Serves clients, and unplugs VMs that have gone."""

    def __init__(self, path, settings):
        self._path = path
        self._folder = qemu_sockets.Folder(path)
        self._settings = settings
        self._tap_error = None
        self._cables = {}       # descriptor -> name
        self._next = 0
        self._idle_since = time.monotonic()
        self._hub = Hub(settings, self._folder,
                        os.path.join(path, 'vmnetd.log'), self._make_tap())
        self._listener = socket.socket(socket.AF_UNIX)
        self._folder.remove('new')
        self._listener.bind(self._folder.address('new'))
        self._listener.listen(64)
        # Whoever sees the name can connect.
        os.rename(self._folder.address('new'), self._folder.address(SOCKET))

    def _make_tap(self):
        settings = self._settings
        if not settings['tap'] or not settings['subnet']:
            return None
        network = ipaddress.ip_network('%s/%s' % (settings['subnet'],
                                                  settings['mask']))
        try:
            return qemu_tap.create(settings['name'], str(network[HOST]),
                                   settings['mask'])
        except OSError as e:
            if settings['tap'] == 'required':
                raise
            self._tap_error = str(e)
            return None

    def serve(self):
        poll = select.poll()
        poll.register(self._listener, select.POLLIN)
        while not self._may_end():
            if self._hub.process.poll() is not None:
                return 'the hub has ended'
            for fd, _ in poll.poll(1000):
                if fd == self._listener.fileno():
                    self._answer(poll)
                else:
                    self._unplug(poll, fd)
        return 'nobody is on it'

    def _may_end(self):
        """True when it has been idle and no client is on its way."""
        if self._cables or time.monotonic() < self._idle_since + _GRACE:
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

    def _answer(self, poll):
        client, _ = self._listener.accept()
        with client:
            client.settimeout(5)
            try:
                data, fds, _, _ = socket.recv_fds(client, 4096, 1)
                json.loads(data)
                answer = self._plug(poll, fds[0])
            except (OSError, ValueError, IndexError) as e:
                answer = {'error': str(e)}
            except qemu_qmp.base.EngineError as e:
                answer = {'error': str(e)}
            try:
                client.sendall(json.dumps(answer).encode('ascii') + b'\n')
            except OSError:
                return      # the tool was killed; so its cable will hang up

    def _plug(self, poll, fd):
        self._next += 1
        name = 'cable%d' % self._next
        self._hub.plug(name, fd)
        self._cables[fd] = name
        poll.register(fd, 0)
        return {'plugged': name, 'no_interface': self._tap_error}

    def _unplug(self, poll, fd):
        poll.unregister(fd)
        os.close(fd)
        self._hub.unplug(self._cables.pop(fd))
        self._idle_since = time.monotonic()

    def close(self):
        self._hub.stop()


def main(argv):
    path, settings = argv
    try:
        daemon = Daemon(path, json.loads(settings))
    except (OSError, qemu_qmp.base.EngineError) as e:
        print(e)
        return 1
    try:
        print('ended: ' + daemon.serve())
    finally:
        daemon.close()
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
