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

import dataclasses
import os
import socket
import threading

import fixtures

from nova_vmrun import exception
from nova_vmrun.host import files
from nova_vmrun.ops import serial_consoles
from nova_vmrun.server import layout
from nova_vmrun import system
from tests.unit import locks
from tests.unit.ops import hosts
from tests.unit import stubs

UUID = hosts.UUID
URI = 'telnet://concentrator.example:13370'


class Base(hosts.TestCase):

    def make(self, **options):
        made = serial_consoles.SerialConsoles(
            self.host(stubs.serial_conf(**options)), self.servers)
        made.begin()
        self.addCleanup(made.end)
        return made

    def ports(self, count, **options):
        return [(port.kind, os.path.basename(port.path))
                for port in self.make(**options).ports(UUID, count)]


class BeginTestCase(Base):

    def test_nothing_listens_before(self):
        listen = self.useFixture(fixtures.MockPatchObject(
            serial_consoles, '_listen', side_effect=OSError)).mock
        made = serial_consoles.SerialConsoles(
            self.host(stubs.serial_conf(enabled=True)), self.servers)
        made.end()
        self.assertFalse(listen.called)
        self.assertEqual('pipe', made.ports(UUID, 1)[0].kind)


class TrimTestCase(Base):

    def setUp(self):
        super().setUp()
        self.patch(serial_consoles, '_TRIM_SECONDS', 0.01)
        self.trimmed = threading.Event()
        self.calls = 0

    def trim(self):
        self.calls += 1
        if self.calls == 1:
            raise OSError('The folder is gone.')
        self.trimmed.set()

    def test_logs_are_trimmed_until_the_end(self):
        self.patch(serial_consoles.SerialConsoles, 'trim_logs',
                   lambda consoles: self.trim())
        made = self.make()
        self.assertTrue(self.trimmed.wait(10))
        made.end()
        self.assertIn('Cannot trim the console logs', self.log.output)

    def test_nothing_is_trimmed_before(self):
        self.patch(serial_consoles.SerialConsoles, 'trim_logs',
                   lambda consoles: self.trim())
        serial_consoles.SerialConsoles(
            self.host(stubs.serial_conf()), self.servers)
        self.assertFalse(self.trimmed.wait(0.1))


class PortsTestCase(Base):

    def test_without_consoles_all_ports_are_logs(self):
        self.assertEqual([], self.ports(0))
        self.assertEqual([('file', 'console.log'), ('file', 'serial1.log')],
                         self.ports(2))

    def test_the_first_port_is_the_console(self):
        self.assertEqual([], self.ports(0, enabled=True))
        self.assertEqual([('pipe', 'serial0'), ('file', 'serial1.log')],
                         self.ports(2, enabled=True))

    def test_a_concentrator_comes_first(self):
        made = self.make(serial_port_service_uri=URI,
                         serial_port_proxy_uri='tcp://[::1]:99')
        first, second = made.ports(UUID, 1)
        self.assertEqual(('network', URI, 'tcp://[::1]:99', False),
                         (first.kind, first.path, first.proxy, first.server))
        self.assertEqual('file', second.kind)
        self.assertEqual([1, 2, 3, 4, 4],
                         [len(made.ports(UUID, count))
                          for count in range(5)])

    def test_invalid_addresses_of_a_concentrator(self):
        for uri in ('concentrator', 'telnet://host', 'http://host:1',
                    'telnet://host:1/x', 'telnet://ho"st:1',
                    'telnet://host:1\n'):
            for options in ({'serial_port_service_uri': uri},
                            {'serial_port_service_uri': URI,
                             'serial_port_proxy_uri': uri}):
                error = self.assertRaises(exception.InvalidConfiguration,
                                          self.make, **options)
                self.assertIn(list(options)[-1], error.brief)

    def test_a_proxy_alone_is_ignored(self):
        self.assertEqual([('file', 'console.log')],
                         self.ports(1, serial_port_proxy_uri='nonsense'))

    def test_one_port_has_one_other_end(self):
        error = self.assertRaises(
            exception.InvalidConfiguration, self.make, enabled=True,
            serial_port_service_uri=URI)
        self.assertIn('[serial_console] enabled', error.brief)


class ConfigurationTestCase(Base):

    def use_root(self, root):
        self.servers = dataclasses.replace(
            self.servers, layout=layout.Layout(root, '_base'))

    def test_a_path_that_no_socket_can_have(self):
        for platform, longest in (('linux', 61), ('darwin', 57)):
            with system.pretend(system.of(platform)):
                self.use_root('/' + 'x' * longest)
                self.make(enabled=True)
                self.use_root('/' + 'x' * longest + 'x')
                error = self.assertRaises(exception.InvalidConfiguration,
                                          self.make, enabled=True)
                self.assertIn('instances_path', error.brief)
                self.make()

    def test_a_port_of_another_program_is_passed_over(self):
        with socket.create_server(('127.0.0.1', 0)) as other:
            taken = other.getsockname()[1]
            self.assertRaises(exception.InvalidConfiguration, self.make,
                              enabled=True,
                              port_range='%d:%d' % (taken, taken))
            made = self.make(enabled=True,
                             port_range='%d:%d' % (taken, taken + 50))
            self.add_server()
            files.write_atomically(self.layout.vmx(UUID),
                                   'serial0.fileType = "pipe"\n')
            self.assertTrue(made.console(UUID).port > taken)

    def test_a_range_that_is_none(self):
        error = self.assertRaises(exception.InvalidConfiguration, self.make,
                                  enabled=True, port_range='9:x')
        self.assertIn('port_range', error.brief)

    def test_an_address_of_another_host(self):
        conf = stubs.serial_conf(enabled=True)
        conf.serial_console.proxyclient_address = '192.0.2.1'
        made = serial_consoles.SerialConsoles(self.host(conf),
                                              self.servers)
        error = self.assertRaises(exception.InvalidConfiguration, made.begin)
        self.assertIn('192.0.2.1', error.brief)


class ConsoleTestCase(Base):

    def setUp(self):
        super().setUp()
        self.add_server()

    def write(self, text):
        files.write_atomically(self.layout.vmx(UUID), text)

    def test_a_server_that_was_made_without_has_none(self):
        made = self.make(enabled=True)
        self.write('serial0.fileType = "file"\n')
        self.assertIsNone(made.console(UUID))
        self.write('"broken')
        self.assertIsNone(made.console(UUID))
        self.assertIsNone(made.console(hosts.OTHER))

    def test_no_consoles_are_offered(self):
        self.write('serial0.fileType = "pipe"\n')
        self.assertIsNone(self.make().console(UUID))

    def test_consoles_that_are_not_served_any_more(self):
        made = self.make(enabled=True)
        self.write('serial0.fileType = "pipe"\n')
        made.end()
        self.assertIsNone(made.console(UUID))

    def test_nova_finds_the_same_port_each_time(self):
        made = self.make(enabled=True)
        self.write('serial0.fileType = "pipe"\n')
        first, second = made.console(UUID), made.console(UUID)
        self.assertEqual(first.port, second.port)
        self.assertEqual('127.0.0.1', first.host)
        self.assertTrue(first.internal_access_path.startswith('/' + UUID))

    def test_a_socket_that_nobody_serves_is_removed_before_a_start(self):
        path = self.layout.serial_socket(UUID)
        with socket.socket(socket.AF_UNIX) as gone:
            gone.bind(path)
        made = self.make()
        made.before_start(UUID)
        self.assertFalse(os.path.exists(path))
        made.before_start(UUID)

    def test_nothing_is_taken_from_a_server_that_runs(self):
        path = self.layout.serial_socket(UUID)
        files.write_atomically(self.layout.console_log(UUID),
                               bytes((1 << 20) + 1))
        locks.lock(self.layout.file(UUID, 'root.vmdk'))
        with socket.socket(socket.AF_UNIX) as served:
            served.bind(path)
            self.make().before_start(UUID)
        self.assertTrue(os.path.exists(path))
        self.assertTrue(os.path.exists(self.layout.console_log(UUID)))

    def test_one_log_that_cannot_be_trimmed_does_not_keep_the_others(self):
        self.add_server(hosts.OTHER)
        trimmed = []

        def trim(log):
            trimmed.append(log)
            raise OSError('full')

        self.useFixture(fixtures.MonkeyPatch(
            'nova_vmrun.server.serial.console_log.ConsoleLog.trim', trim))
        self.make().trim_logs()
        self.assertEqual({UUID, hosts.OTHER}, {
            os.path.basename(os.path.dirname(log.path)) for log in trimmed})
        self.assertEqual(8, len(trimmed))

    def test_the_logs_of_all_ports_are_put_aside_before_a_start(self):
        paths = self.logs()
        for path in paths:
            files.write_atomically(path, bytes((1 << 20) + 1))
        self.make().before_start(UUID)
        for path in paths:
            self.assertFalse(os.path.exists(path), path)
            self.assertTrue(os.path.exists(path + '.1'), path)

    def test_the_logs_of_all_ports_are_trimmed(self):
        asked = []
        self.useFixture(fixtures.MonkeyPatch(
            'nova_vmrun.server.serial.console_log.ConsoleLog.trim',
            lambda log: asked.append(log.path)))
        self.make().trim_logs()
        self.assertEqual(self.logs(), asked)

    def logs(self):
        return [os.path.join(self.layout.folder(UUID), name) for name in (
            'console.log', 'serial1.log', 'serial2.log', 'serial3.log')]
