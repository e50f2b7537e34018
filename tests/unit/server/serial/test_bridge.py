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

import contextlib
import os
import resource
import shutil
import socket
import time

import fixtures

from nova_vmrun.server import layout
from nova_vmrun.server.serial import bridge
from nova_vmrun.server.serial import tickets
from tests.unit import base

UUID = '11111111-2222-3333-4444-555555555555'
OTHER = '99999999-2222-3333-4444-555555555555'


class Guest:
    """The other end of a serial port: the socket that VMware makes."""

    def __init__(self, path):
        with contextlib.suppress(FileNotFoundError):
            os.remove(path)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(1)
        self.listener.settimeout(20)
        self.line = self.listener.accept()[0]
        self.line.settimeout(20)

    def close(self):
        self.line.close()
        self.listener.close()


def read(sock, size):
    data = b''
    while len(data) < size:
        part = sock.recv(size - len(data))
        if not part:
            break
        data += part
    return data


@contextlib.contextmanager
def no_descriptors():
    """Lets this process open no file and no socket."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.open(os.devnull, os.O_RDONLY)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


class BridgeTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.useFixture(fixtures.Timeout(60, gentle=True))
        self.layout = layout.Layout(
            self.useFixture(fixtures.TempDir()).path, '_base')
        self.layout.prepare()
        self.tickets = tickets.Tickets(600)
        self.bridge = self.make(UUID, OTHER)

    def make(self, *uuids):
        for uuid in uuids:
            os.makedirs(self.layout.folder(uuid), exist_ok=True)
        served = bridge.SerialBridge(
            self.layout, socket.create_server(('127.0.0.1', 0)),
            self.tickets)
        served.start(uuids)
        self.addCleanup(served.stop)
        return served

    def guest(self, uuid=UUID):
        self.bridge.watch(uuid)
        guest = Guest(self.layout.serial_socket(uuid))
        self.addCleanup(guest.close)
        return guest

    def connect(self, bridge=None):
        sock = socket.create_connection(
            ('127.0.0.1', (bridge or self.bridge).port), 20)
        self.addCleanup(sock.close)
        return sock

    def greet(self, path, bridge=None):
        sock = self.connect(bridge)
        sock.sendall(b'CONNECT %s HTTP/1.1\r\n\r\n' % path.encode())
        return sock

    def open(self, uuid=UUID, bridge=None):
        sock = self.greet(self.tickets.issue(uuid), bridge)
        self.assertEqual(b'HTTP/1.1 200 OK\r\n\r\n', read(sock, 19))
        return sock

    def logged(self, uuid=UUID):
        try:
            with open(self.layout.console_log(uuid), 'rb') as file:
                return file.read()
        except FileNotFoundError:
            return b''

    def test_output_of_a_guest_is_logged_and_sent_to_all(self):
        guest, first, second = self.guest(), self.open(), self.open()
        guest.line.sendall(b'login: \xff')
        self.assertEqual([b'login: \xff'] * 2,
                         [read(sock, 8) for sock in (first, second)])
        self.assertEqual(b'login: \xff', self.logged())

    def test_input_reaches_only_its_guest(self):
        guest, other = self.guest(), self.guest(OTHER)
        self.open().sendall(b'root\r')
        self.assertEqual(b'root\r', read(guest.line, 5))
        self.open(OTHER).sendall(b'!')
        self.assertEqual(b'!', read(other.line, 1))

    def test_without_a_ticket_nobody_gets_in(self):
        guest = self.guest()
        for path in ('/', '/' + UUID, self.tickets.issue(UUID)[:-1] + 'g',
                     tickets.Tickets(600).issue(UUID)):
            sock = self.greet(path)
            self.assertEqual(b'HTTP/1.1 403', read(sock, 12))
            with contextlib.suppress(ConnectionError):
                sock.sendall(b'root\r')
        for greeting in (b'\r\n\r\n', b'GET / HTTP/1.1\r\n\r\n', b'x' * 600):
            sock = self.connect()
            sock.sendall(greeting)
            with contextlib.suppress(ConnectionResetError):
                self.assertNotIn(b'200', read(sock, 100))
        # What came from them would have come before this.
        self.open().sendall(b'known')
        self.assertEqual(b'known', read(guest.line, 5))

    def test_a_server_that_is_not_here_has_no_console(self):
        stranger = UUID[:-1] + '7'
        sock = self.greet(self.tickets.issue(stranger))
        self.assertTrue(read(sock, 100).startswith(b'HTTP/1.1 403'))

    def test_silent_client_is_disconnected(self):
        self.useFixture(fixtures.MonkeyPatch(
            'nova_vmrun.server.serial.bridge._GREETING_SECONDS', 0.1))
        self.assertEqual(b'', self.connect().recv(1))

    def test_a_console_stays_open_over_a_restart_of_the_server(self):
        guest, sock = self.guest(), self.open()
        guest.line.sendall(b'1')
        self.assertEqual(b'1', read(sock, 1))
        guest.close()
        guest = self.guest()
        guest.line.sendall(b'2')
        self.assertEqual(b'2', read(sock, 1))
        sock.sendall(b'x')
        self.assertEqual(b'x', read(guest.line, 1))

    def test_a_server_that_is_made_later(self):
        new = UUID[:-1] + '7'
        os.makedirs(self.layout.folder(new))
        guest = self.guest(new)
        sock = self.open(new)
        guest.line.sendall(b'new')
        self.assertEqual(b'new', read(sock, 3))
        self.assertEqual(b'new', self.logged(new))

    def test_consoles_of_a_deleted_server_end(self):
        guest, sock = self.guest(), self.open()
        shutil.rmtree(self.layout.folder(UUID))
        guest.close()
        self.assertEqual(b'', sock.recv(1))
        self.assertFalse(os.path.exists(self.layout.folder(UUID)))

    def test_guests_run_on_without_nova_compute(self):
        guest, sock = self.guest(), self.open()
        self.bridge.stop()
        self.assertEqual((b'', b''), (sock.recv(1), guest.line.recv(1)))
        bridge = self.make(UUID)
        guest.line = guest.listener.accept()[0]
        sock = self.open(bridge=bridge)
        guest.line.sendall(b'on')
        self.assertEqual(b'on', read(sock, 2))

    def test_a_moment_without_descriptors_ends_no_port(self):
        with no_descriptors():
            self.bridge.watch(UUID)
            time.sleep(0.2)
        guest, sock = self.guest(), self.open()
        guest.line.sendall(b'on')
        self.assertEqual(b'on', read(sock, 2))

    def test_connection_waits_for_free_file_descriptors(self):
        self.guest()
        sock = socket.socket()
        self.addCleanup(sock.close)
        sock.settimeout(20)
        with no_descriptors():
            sock.connect(('127.0.0.1', self.bridge.port))
            time.sleep(0.1)
            used = time.process_time()
            time.sleep(0.4)
            self.assertTrue(time.process_time() - used < 0.2)
        sock.sendall(b'CONNECT %s HTTP/1.1\r\n\r\n'
                     % self.tickets.issue(UUID).encode())
        self.assertEqual(b'HTTP/1.1 200 OK\r\n\r\n', read(sock, 19))

    def is_open(self, sock):
        """Return whether a connection is open still."""
        sock.setblocking(False)
        try:
            return sock.recv(1) != b''
        except BlockingIOError:
            return True
        except ConnectionError:
            return False

    def test_clients_without_a_ticket_keep_nobody_out(self):
        guest = self.guest()
        inside = self.open()
        strangers = [self.connect() for _ in range(200)]
        newcomer = self.open(OTHER)
        guest.line.sendall(b'1')
        self.assertEqual(b'1', read(inside, 1))
        self.assertTrue(self.is_open(newcomer))
        self.assertTrue(sum(map(self.is_open, strangers)) <= 32)

    def test_viewers_of_one_server_keep_those_of_others_in_and_out(self):
        guest, other = self.guest(), self.guest(OTHER)
        there = self.open(OTHER)
        many = [self.open() for _ in range(300)]
        new = self.open(OTHER)
        other.line.sendall(b'both')
        self.assertEqual([b'both'] * 2, [read(there, 4), read(new, 4)])
        guest.line.sendall(b'some')
        self.assertEqual([b'some'] * 8, [read(sock, 4) for sock in many[-8:]])
        self.assertFalse(any(map(self.is_open, many[:-8])))

    def test_strangers_do_not_fill_the_log(self):
        for _ in range(50):
            read(self.greet('/'), 100)
        self.assertEqual(1, self.log.output.count('valid token'))

    def test_bridge_says_whether_it_serves(self):
        self.assertTrue(self.bridge.serves)
        self.bridge.stop()
        self.assertFalse(self.bridge.serves)

    def test_client_that_does_not_read_does_not_stop_the_guest(self):
        guest, asleep = self.guest(), self.open()
        for _ in range(256):
            guest.line.sendall(b'x' * 65536)
        awake = self.open()
        guest.line.sendall(b'end')
        data = b''
        while not data.endswith(b'end'):
            data += awake.recv(65536)
        received = 0
        with contextlib.suppress(ConnectionResetError):
            while part := asleep.recv(1 << 20):
                received += len(part)
        self.assertTrue(received < 256 * 65536)

    def test_a_guest_that_does_not_read_costs_no_memory(self):
        guest, sock = self.guest(), self.open()
        for _ in range(64):
            sock.sendall(b'x' * 65536)
        guest.line.sendall(b'alive')
        self.assertEqual(b'alive', read(sock, 5))
        [port] = [port for port in self.bridge._ports.values()
                  if port.uuid == UUID]
        self.assertTrue(len(port.to_guest) <= 2 * 65536)
