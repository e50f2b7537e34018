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

import errno
import socket
from unittest import mock

import psutil

from nova_vmrun.host import ports
from nova_vmrun import system
from tests.unit import base


class ClaimTestCase(base.TestCase):

    def listen(self, address='127.0.0.1'):
        listener = socket.create_server((address, 0))
        self.addCleanup(listener.close)
        return listener.getsockname()[1]

    def free(self):
        with socket.create_server(('127.0.0.1', 0)) as listener:
            return listener.getsockname()[1]

    def assertTaken(self, address, port):
        error = self.assertRaises(OSError, ports.require_free, address, port)
        self.assertEqual(errno.EADDRINUSE, error.errno)

    def test_free_and_taken_port(self):
        for platform in ('linux', 'darwin'):
            with system.pretend(system.of(platform)):
                self.assertTaken('127.0.0.1', self.listen())
                ports.require_free('127.0.0.1', self.free())
                ports.require_free('127.0.0.1', 0)

    def test_macos_detects_listener_at_all_addresses(self):
        """macOS screen sharing listens at all addresses."""
        port = self.listen('0.0.0.0')
        with mock.patch.object(socket.socket, 'bind'):
            with system.pretend(system.of('linux')):
                ports.require_free('127.0.0.1', port)
            with system.pretend(system.of('darwin')):
                self.assertTaken('127.0.0.1', port)
                # One that would be preferred to who listens everywhere.
                self.assertTaken('0.0.0.0', port)
                ports.require_free('127.0.0.1', self.free())

    def test_wildcard_checks_all_addresses(self):
        found = {'lo0': [mock.Mock(family=socket.AF_INET,
                                   address='127.0.0.1')],
                 'en0': [mock.Mock(family=socket.AF_INET, address='10.0.0.5'),
                         mock.Mock(family=socket.AF_INET6,
                                   address='fe80::1%en0'),
                         mock.Mock(family=socket.AF_INET6, address='::1')]}
        with mock.patch.object(psutil, 'net_if_addrs', return_value=found):
            self.assertEqual(
                {'127.0.0.1', '10.0.0.5'},
                set(ports._own_addresses(socket.AF_INET, '0.0.0.0')))
            self.assertEqual(
                {'::1'}, set(ports._own_addresses(socket.AF_INET6, '::')))

    def test_busy_listener_is_detected(self):
        with mock.patch.object(socket.socket, 'connect',
                               side_effect=TimeoutError):
            self.assertTrue(ports._is_served(socket.AF_INET, '127.0.0.1', 5))

    def test_address_of_another_host(self):
        for platform in ('linux', 'darwin'):
            with system.pretend(system.of(platform)):
                self.assertRaises(OSError, ports.require_free, '192.0.2.1', 0)


class ReachableTestCase(base.TestCase):

    def test_loopback(self):
        ports.require_reachable('127.0.0.1')

    def test_firewall(self):
        with mock.patch.object(socket, 'create_connection',
                               side_effect=TimeoutError()):
            self.assertRaises(TimeoutError, ports.require_reachable,
                              '127.0.0.1')
