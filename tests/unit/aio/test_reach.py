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


import ipaddress
import json
import os
import socket
import sys
import threading

from nova_vmrun.aio import errors
from nova_vmrun.aio import reach
from tests.unit.aio import base

ADDRESS = ipaddress.ip_address('172.16.41.24')


class ReachTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.server = socket.create_server(('127.0.0.1', 0))
        self.addCleanup(self.server.close)
        self.port = self.server.getsockname()[1]
        self.requests, self.asked = [], []

    def use_fakes(self):
        self.layout.fakes.mkdir()

    def network(self, name, *answer):
        """Serve one request as a network of the fake does.

        :param answer: what it says; a socket that is connecting by default
        """
        folder = self.layout.fake_state / 'net' / name
        folder.mkdir(parents=True)
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        fd = os.open(folder, os.O_RDONLY)
        self.addCleanup(os.close, fd)
        listener.bind('/proc/self/fd/%d/vmnetd.sock' % fd)
        listener.listen()
        threading.Thread(target=self.serve, args=(name, listener, *answer),
                         daemon=True).start()

    def serve(self, name, listener, text=None, port=None):
        try:
            client, _ = listener.accept()
        except OSError:
            return      # nobody has asked
        with client:
            self.requests.append(json.loads(client.recv(4096)))
            self.asked.append(name)
            if text is not None:
                client.sendall(text)
                return
            with socket.socket() as sock:
                sock.setblocking(False)
                sock.connect_ex(('127.0.0.1', port or self.port))
                socket.send_fds(client, [b'{}\n'], [sock.fileno()])

    def connect(self, address=ADDRESS, port=22):
        sock = reach.connect(self.layout, address, port)
        self.addCleanup(sock.close)
        return sock

    def refuse(self, *parts):
        error = self.assertRaises(errors.AioError, self.connect)
        for part in parts:
            self.assertIn(part, str(error))

    def test_vmware_is_connected_directly(self):
        sock = self.connect(ipaddress.ip_address('127.0.0.1'), self.port)
        self.assertEqual(('127.0.0.1', self.port), sock.getpeername())
        self.assertIsNone(reach.proxy_command(self.layout))

    def test_fake_hands_a_socket_over(self):
        self.use_fakes()
        self.network('vmnet8')
        sock = self.connect()
        accepted, _ = self.server.accept()
        self.addCleanup(accepted.close)
        accepted.sendall(b'hello')
        self.assertEqual(b'hello', sock.recv(5))
        self.assertEqual([{'connect': ['172.16.41.24', 22]}], self.requests)

    def test_each_network_is_asked_but_no_segment(self):
        self.use_fakes()
        self.network('pvn-10b5', None, self.port)
        self.network('vmnet1', b'{"error": "vmnet1 has others"}\n')
        self.network('vmnet8')
        self.connect()
        self.assertEqual(['vmnet1', 'vmnet8'], self.asked)

    def test_path_that_is_too_long_for_a_socket(self):
        self.layout.fake_state = self.layout.root / ('x' * 120)
        self.use_fakes()
        self.network('vmnet8')
        self.connect()

    def test_address_on_no_network(self):
        self.use_fakes()
        self.network('vmnet8', b'{"error": "vmnet8 has 172.16.41.0/24"}\n')
        self.refuse('No network of the fake vmrun has the address '
                    '172.16.41.24.', 'vmnet8 has 172.16.41.0/24.')

    def test_no_network_at_all(self):
        self.use_fakes()
        self.refuse('No server that QEMU runs has a network.')

    def test_network_that_has_died(self):
        self.use_fakes()
        self.network('vmnet8', b'')
        self.refuse('vmnet8 does not answer: ')

    def test_closed_port(self):
        self.use_fakes()
        with socket.create_server(('127.0.0.1', 0)) as closed:
            port = closed.getsockname()[1]
        self.network('vmnet8', None, port)
        self.refuse('No connection to 172.16.41.24 port 22.',
                    'Connection refused.')

    def test_nobody_answers(self):
        self.use_fakes()
        self.patch(reach, 'TIMEOUT', 0)
        self.patch(reach.select, 'select', lambda *_: ([], [], []))
        self.network('vmnet8')
        self.refuse('nobody answers within 0 s.')

    def test_proxy_of_the_fake(self):
        self.use_fakes()
        self.assertEqual(
            [sys.executable, '-P', '-m', 'nova_vmrun.cmd.main', 'connect',
             '--state-dir', str(self.layout.root)],
            reach.proxy_command(self.layout))
