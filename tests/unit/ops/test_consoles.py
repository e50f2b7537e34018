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

import os
import socket
import threading
import types
from unittest import mock

import fixtures
from nova import exception as nova_exception

from nova_vmrun import exception
from nova_vmrun.formats import vmx
from nova_vmrun.host import files
from nova_vmrun.host import product
from nova_vmrun.ops import consoles
from nova_vmrun.server import vmx_file
from tests.unit import locks
from tests.unit.ops import hosts
from tests.unit import stubs

UUID = hosts.UUID


class Base(hosts.TestCase):

    def make(self, listen='127.0.0.1', ports='5900:5902', enabled=True,
             insecure=False, display=True, show_gui=False):
        conf = types.SimpleNamespace(
            vnc=types.SimpleNamespace(
                enabled=enabled, server_listen=listen,
                server_proxyclient_address='192.0.2.7'),
            vmrun=stubs.conf(vnc_port_range=ports,
                             vnc_insecure_listen=insecure,
                             remote_display=display, show_gui=show_gui))
        return consoles.Consoles(self.host(conf), self.servers)


class Ports(Base):

    def setUp(self):
        super().setUp()
        self.in_use = set()
        self.useFixture(fixtures.MockPatchObject(
            consoles.Consoles, '_can_listen',
            lambda this, port: port not in self.in_use))
        self.consoles = self.make()

    def take(self, uuid):
        with self.consoles.port_for_new_server() as port:
            self.records.create(uuid, 'instance', port)
        return port


class PortTestCase(Ports):

    def test_each_server_has_a_port_of_its_own(self):
        self.assertEqual([5900, 5901],
                         [self.take(UUID), self.take(hosts.OTHER)])

    def test_a_server_keeps_its_port_while_it_is_off(self):
        self.take(UUID)
        self.assertEqual(5901, self.take(hosts.OTHER))
        self.assertEqual(5900, self.consoles.port_of(UUID))

    def test_a_port_of_another_program_is_passed_over(self):
        self.in_use = {5900}
        self.assertEqual(5901, self.take(UUID))

    def test_no_port_is_left(self):
        self.in_use = {5901}
        self.take(UUID)
        self.take(hosts.OTHER)
        error = self.assertRaises(exception.InvalidConfiguration, self.take,
                                  UUID[:-1] + '6')
        self.assertIn('5900 to 5902', error.details)
        self.assertIn('vnc_port_range', error.resolution)

    def test_a_port_is_held_until_the_record_is_written(self):
        choosing, go_on = threading.Event(), threading.Event()

        def hesitate():
            with self.consoles.port_for_new_server() as port:
                choosing.set()
                go_on.wait(20)
                self.records.create(UUID, 'instance', port)

        first = threading.Thread(target=hesitate)
        first.start()
        self.assertTrue(choosing.wait(20))
        second = threading.Thread(target=self.take, args=(hosts.OTHER,))
        second.start()
        second.join(0.1)
        self.assertTrue(second.is_alive())
        go_on.set()
        first.join(20)
        second.join(20)
        self.assertEqual({5900, 5901}, self.records.taken_ports())

    def test_nothing_is_listened_to_without_vnc(self):
        for made in (self.make(enabled=False), self.make(display=False)):
            with made.port_for_new_server() as port:
                self.assertIsNone(port)

    def test_a_server_that_was_made_without_gets_one(self):
        self.records.create(UUID, 'instance')
        self.assertEqual(5900, self.consoles.port_of(UUID))
        self.assertEqual(5900, self.records.get(UUID).vnc_port)

    def test_without_vnc_a_server_keeps_its_port_for_later(self):
        self.take(UUID)
        for made in (self.make(enabled=False), self.make(display=False)):
            self.assertIsNone(made.port_of(UUID))
        self.assertEqual(5900, self.consoles.port_of(UUID))


class BeforeStartTestCase(Ports):

    def setUp(self):
        super().setUp()
        self.add_server(vnc_port=5900, vmx=hosts.VMX + (
            'RemoteDisplay.vnc.enabled = "TRUE"\n'
            'RemoteDisplay.vnc.port = "5900"\n'
            'annotation = "a|0Ab"\n'))

    def before_start(self, made, uuid=UUID):
        with vmx_file.VmxFiles(self.layout).opened(uuid) as file:
            made.before_start(file)

    def start(self, **options):
        made = self.make(**options)
        before = files.read(self.layout.vmx(UUID))
        self.before_start(made)
        after = files.read(self.layout.vmx(UUID))
        keys, now = vmx.load(before), vmx.load(after)
        return {key: value for key, value in now.items()
                if keys.get(key) != value}

    def test_a_port_that_is_free_stays(self):
        self.assertEqual({}, self.start())

    def test_a_port_that_somebody_took_is_left_to_him(self):
        self.in_use = {5900, 5901}
        self.assertEqual({'RemoteDisplay.vnc.port': '5902'}, self.start())
        self.assertEqual(5902, self.records.get(UUID).vnc_port)
        self.in_use = set()
        self.assertEqual({}, self.start())

    def test_no_port_is_left(self):
        self.in_use = {5900, 5901, 5902}
        self.assertRaises(exception.InvalidConfiguration, self.start)
        self.assertEqual(5900, self.records.get(UUID).vnc_port)

    def test_a_server_that_runs_has_its_port_itself(self):
        super().start(UUID)
        self.in_use = {5900}
        self.assertEqual({}, self.start())

    def test_lock_from_before_a_reboot_of_the_host_is_ignored(self):
        locks.lock(self.layout.vmx(UUID), born=1)
        self.in_use = {5900}
        self.assertEqual({'RemoteDisplay.vnc.port': '5901'}, self.start())

    def test_an_operator_who_turned_vnc_off_is_obeyed(self):
        self.assertEqual({'RemoteDisplay.vnc.enabled': 'FALSE'},
                         self.start(display=False))
        self.assertEqual({}, self.start())

    def test_a_server_that_cannot_be_read(self):
        made = self.make()
        files.write_atomically(self.layout.vmx(UUID), '"broken')
        self.assertRaises(exception.InvalidVmx, self.before_start, made)
        os.remove(self.layout.vmx(UUID))
        self.assertRaises(exception.VmNotFound, self.before_start, made)
        self.before_start(made, hosts.OTHER)


class ScreenTestCase(Base):
    """This process stands for the VM."""

    def setUp(self):
        super().setUp()
        self.listener = self.listen()
        self.port = self.listener.getsockname()[1]
        self.add_server(vnc_port=self.port, running=True)
        self.consoles = self.make()

    def listen(self):
        listener = socket.create_server(('127.0.0.1', 0))
        self.addCleanup(listener.close)
        return listener

    def test_where_the_proxy_finds_it(self):
        found = self.consoles.vnc(UUID)
        self.assertEqual(('192.0.2.7', self.port), (found.host, found.port))

    def test_a_server_that_does_not_run_shows_nothing(self):
        self.vmrun.running.clear()
        error = self.assertRaises(nova_exception.InstanceNotReady,
                                  self.consoles.vnc, UUID)
        self.assertIn('Start it', error.format_message())

    def test_a_port_of_another_program_is_not_shown(self):
        for told in (False, None, True):
            with mock.patch('nova_vmrun.host.listeners.is_listening',
                            return_value=told) as ask:
                if told is False:
                    error = self.assertRaises(
                        nova_exception.ConsoleTypeUnavailable,
                        self.consoles.vnc, UUID)
                    self.assertIn('hard', error.format_message())
                else:
                    self.assertEqual(self.port, self.consoles.vnc(UUID).port)
            ask.assert_called_once_with(self.port, os.getpid())

    def test_a_server_whose_process_is_not_known_is_believed(self):
        files.remove_tree(self.layout.vmx(UUID) + '.lck')
        self.assertEqual(self.port, self.consoles.vnc(UUID).port)

    def test_a_server_without_console(self):
        self.records.create(UUID, 'instance')
        self.assertIsNone(self.consoles.vnc(UUID))
        self.assertIsNone(self.consoles.vnc(hosts.OTHER))
        self.assertIsNone(self.make(enabled=False).vnc(UUID))


class WindowTestCase(Base):

    def with_window(self, kind=product.PLAYER, **options):
        self.product = product.Product(kind, (17, 6, 0), 'vmrun', None)
        made = self.make(show_gui=True, **options)
        made.begin()
        return made

    def test_if_the_operator_and_the_image_want_one(self):
        self.assertFalse(self.make().has_window(UUID))
        made = self.with_window()
        for show_gui in (True, False):
            self.add_server(show_gui=show_gui)
            self.assertEqual(show_gui, made.has_window(UUID))

    def test_every_product_has_vnc_without_one(self):
        for kind in (product.WORKSTATION, product.PLAYER, product.FUSION):
            self.product = product.Product(kind, None, 'vmrun', None)
            made = self.make()
            made.begin()
            self.assertTrue(made.has_vnc, kind)
        self.assertEqual('', self.log.output)

    def test_warning_about_vnc_with_windows(self):
        self.with_window(product.WORKSTATION)
        self.assertIn('may not work', self.log.output)
        self.with_window(product.PLAYER)
        self.assertIn('VMware Player turns VNC off', self.log.output)

    def test_no_warning_without_vnc(self):
        self.with_window(enabled=False)
        self.assertEqual('', self.log.output)

    def test_a_console_that_the_window_took_away(self):
        made = self.with_window()
        self.add_server(running=True, vnc_port=5900)
        # The system tells that nobody listens, or it does not tell.
        for told in (False, None):
            with mock.patch('nova_vmrun.host.listeners.is_listening',
                            return_value=told):
                error = self.assertRaises(
                    nova_exception.ConsoleTypeUnavailable, made.vnc, UUID)
            self.assertIn('window', error.format_message())

    def test_a_server_that_was_started_without_one_keeps_its_console(self):
        made = self.with_window()
        self.add_server(running=True, vnc_port=5900)
        with mock.patch('nova_vmrun.host.listeners.is_listening',
                        return_value=True):
            self.assertEqual(5900, made.vnc(UUID).port)


class ProbeTestCase(Base):

    def test_a_port_that_somebody_listens_to_is_not_free(self):
        with socket.socket() as other:
            other.bind(('127.0.0.1', 0))
            other.listen()
            port = other.getsockname()[1]
            made = self.make(ports='%d:%d' % (port, port))
            with self.assertRaisesRegex(exception.InvalidConfiguration,
                                        'No port is left'):
                with made.port_for_new_server():
                    self.fail('the port is taken')


class ConfigurationTestCase(Base):

    def test_only_this_host_may_reach_a_console(self):
        with mock.patch.object(consoles.Consoles, '_can_listen'):
            for address in ('127.0.0.1', '127.0.0.5', '::1', 'localhost'):
                self.assertEqual(address, self.make(address).listen_address)
        for address in ('0.0.0.0', '::', '192.0.2.1', 'host.example'):
            error = self.assertRaises(exception.InvalidConfiguration,
                                      self.make, address)
            self.assertIn(address, error.brief)

    def test_an_operator_may_insist(self):
        self.assertEqual('0.0.0.0', self.make(
            '0.0.0.0', insecure=True).listen_address)

    def test_an_address_that_this_host_does_not_have(self):
        for address in ('192.0.2.1', 'nowhere.invalid'):
            error = self.assertRaises(
                exception.InvalidConfiguration, self.make, address,
                insecure=True)
            self.assertIn('server_listen', error.brief)
            self.assertIn(address, error.brief)
            self.make(address, enabled=False)

    def test_an_open_address_is_no_matter_without_vnc(self):
        self.make('0.0.0.0', enabled=False)

    def test_a_range_that_is_none(self):
        for ports in ('5903:5902', '00:10', '5900:65536'):
            error = self.assertRaises(exception.InvalidConfiguration,
                                      self.make, ports=ports)
            self.assertIn('vnc_port_range', error.brief)
