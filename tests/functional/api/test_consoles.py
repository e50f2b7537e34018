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

"""Consoles, from the API to the VM, through Nova's own proxy."""

import socket
import time
from urllib import parse

from nova import context
from nova import objects
from nova.objects import console_auth_token
from nova.tests.functional.api import client as api_client
import websocket

from nova_vmrun.aio import console_proxy
from tests.contract import ports
from tests.functional.api import base
from tests.functional import fake_vmware

_TIMEOUT = 30


class ConsoleCase(base.TestCase):

    def ask(self, server, protocol, kind):
        return self.admin_api.api_post(
            '/servers/%s/remote-consoles' % server['id'],
            {'remote_console': {'protocol': protocol, 'type': kind}}
        ).body['remote_console']['url']

    def refusal(self, server, protocol, kind):
        error = self.assertRaises(api_client.OpenStackApiException, self.ask,
                                  server, protocol, kind)
        return error.response.status_code

    def log(self, server):
        return self.admin_api.post_server_action(
            server['id'], {'os-getConsoleOutput': {}})['output']

    def wait_log(self, server, text):
        deadline = time.monotonic() + _TIMEOUT
        while text not in self.log(server):
            self.assertLess(time.monotonic(), deadline, self.log(server))
            time.sleep(0.05)


class SerialConsoleTestCase(ConsoleCase):

    # The path of a socket is short, and Nova's folders are in one another.
    FOLDERS = '/tmp'

    def _setup_services(self):
        self.flags(enabled=True, port_range=base.free_port_range(100),
                   group='serial_console')
        super()._setup_services()

    def connect(self, url):
        """Connect as a browser does, through Nova's proxy."""
        port = ports.free()
        proxy = console_proxy.ConsoleProxy(
            'serialproxy', '127.0.0.1', port)
        proxy.start()
        self.addCleanup(proxy.stop)
        return websocket.create_connection(
            'ws://127.0.0.1:%d/?%s' % (port, parse.urlparse(url).query),
            timeout=_TIMEOUT, subprotocols=['binary'])

    def read(self, console, text):
        data = b''
        while text not in data:
            data += console.recv()
        return data

    def test_console_and_log_of_one_port(self):
        server = self.boot(name='talks')
        self.assertEqual('pipe', self.vmx(server)['serial0.fileType'])
        self.wait_log(server, 'talks login:')

        console = self.connect(self.ask(server, 'serial', 'serial'))
        console.send_binary(b'root\r')
        self.read(console, b'root')
        self.wait_log(server, 'root')

        self._reboot_server(server, hard=True)
        self.read(console, b'talks login:')
        console.close()

    def test_console_after_a_restart_of_nova_compute(self):
        server = self.boot(name='lasting')
        before = self.ask(server, 'serial', 'serial')
        self.restart_compute_service(self.compute)
        self.driver = self.compute.manager.driver
        console = self.connect(self.ask(server, 'serial', 'serial'))
        console.send_binary(b'still here')
        self.read(console, b'still here')
        console.close()

        # The user of an old token asks for a new one.
        console = self.connect(before)
        self.assertRaises((websocket.WebSocketException, OSError),
                          self.read, console, b'login')

    def test_the_secret_stays_with_the_token(self):
        server = self.boot()
        url = self.ask(server, 'serial', 'serial')
        token = parse.parse_qs(parse.urlparse(url).query)['token'][0]
        found = console_auth_token.ConsoleAuthToken.validate(
            context.get_admin_context(), token)
        self.assertIn(server['id'], found.internal_access_path)
        self.assertNotIn('CONNECT', url)
        self.assertNotIn(found.internal_access_path, url)

    def test_one_tenant_keeps_no_other_out(self):
        server = self.boot(name='theirs')
        of_other = self.boot_for_other(name='ours')
        self.wait_log(of_other, 'ours login:')
        there = self.driver.get_serial_console(
            context.get_admin_context(), objects.Instance(uuid=server['id']))
        greeting = b'CONNECT %s HTTP/1.1\r\n\r\n' % (
            there.internal_access_path.encode())
        for sent in (greeting, b''):
            for _ in range(100):
                sock = socket.create_connection((there.host, there.port),
                                                _TIMEOUT)
                self.addCleanup(sock.close)
                sock.sendall(sent)
        console = self.connect(self.ask(of_other, 'serial', 'serial'))
        console.send_binary(b'root')
        self.read(console, b'root')
        console.close()

    def test_no_serial_port_no_console(self):
        image = self.add_image(properties={'hw_serial_port_count': '0'})
        self.assertEqual(400, self.refusal(self.boot(image), 'serial',
                                           'serial'))


class ScreenTestCase(ConsoleCase):

    def port(self, server):
        return int(self.vmx(server)['RemoteDisplay.vnc.port'])

    def asked_port(self, server):
        """Return the port that nova-novncproxy connects to."""
        url = self.ask(server, 'vnc', 'novnc')
        token = parse.unquote(url).rpartition('token=')[2]
        return console_auth_token.ConsoleAuthToken.validate(
            context.get_admin_context(), token).port

    def take_port(self, server):
        """Listen where a server that is off has its screen."""
        self.addCleanup(socket.create_server(
            ('127.0.0.1', self.port(server))).close)

    def switch(self, group, **options):
        self.flags(group=group, **options)
        self.restart_compute_service(self.compute)
        self.driver = self.compute.manager.driver

    def test_a_server_that_is_off_has_no_screen(self):
        server = self.boot()
        self._stop_server(server)
        error = self.assertRaises(api_client.OpenStackApiException, self.ask,
                                  server, 'vnc', 'novnc')
        self.assertEqual(409, error.response.status_code)
        self.assertIn('Start it', error.response.text)
        before = self.port(server)
        self._start_server(server)
        self.assertEqual([before] * 2, [self.port(server),
                                        self.asked_port(server)])

    def test_a_port_that_was_taken_meanwhile_is_not_shown(self):
        server = self.boot()
        before = self.port(server)
        self._stop_server(server)
        self.take_port(server)
        self._start_server(server)
        self.assertNotEqual(before, self.port(server))
        self.assertEqual(self.port(server), self.asked_port(server))
        self.assertIn('listening at 127.0.0.1:%d' % self.port(server),
                      self.vmware_log(server))

    def test_a_server_that_somebody_started_without_its_port(self):
        server = self.boot()
        self._stop_server(server)
        self.take_port(server)
        self.vmware.run('start', self.vmx_path(server), 'nogui')
        self.assertEqual(400, self.refusal(server, 'vnc', 'novnc'))
        self._reboot_server(server, hard=True)
        self.assertEqual(self.port(server), self.asked_port(server))

    def test_a_hard_reboot_turns_screens_off_and_on(self):
        server = self.boot()
        before = self.port(server)
        for group, option in (('vmrun', 'remote_display'),
                              ('vnc', 'enabled')):
            self.switch(group, **{option: False})
            self.assertEqual(400, self.refusal(server, 'vnc', 'novnc'))
            self._reboot_server(server, hard=True)
            self.assertEqual('FALSE',
                             self.vmx(server)['RemoteDisplay.vnc.enabled'])
            self.assertNotIn('Started VNC', self.vmware_log(server))
            self.switch(group, **{option: True})
            self._reboot_server(server, hard=True)
            self.assertEqual(before, self.asked_port(server))

    def test_a_start_turns_screens_off(self):
        server = self.boot()
        self._stop_server(server)
        self.switch('vmrun', remote_display=False)
        self._start_server(server)
        self.assertNotIn('Started VNC', self.vmware_log(server))

    def test_a_server_that_was_made_without_gets_its_screen(self):
        self.switch('vmrun', remote_display=False)
        server = self.boot()
        self.switch('vmrun', remote_display=True)
        self._reboot_server(server, hard=True)
        self.assertEqual(self.port(server), self.asked_port(server))

    def vmware_log(self, server):
        with open(self.path(server, 'vmware.log')) as file:
            return file.read()


class PlayerTestCase(ConsoleCase):

    def _fake_vmware(self):
        return fake_vmware.FakeVmware(product='player')

    def test_without_a_window_it_offers_its_screen_and_nothing_else(self):
        server = self.boot()
        self.assertEqual('TRUE', self.vmx(server)[
            'RemoteDisplay.vnc.enabled'])
        for protocol, kind in (('serial', 'serial'), ('mks', 'webmks'),
                               ('spice', 'spice-html5')):
            self.assertEqual(400, self.refusal(server, protocol, kind), kind)


class ScreenOptionsTestCase(ConsoleCase):

    def test_screens_that_the_operator_turned_off(self):
        self.flags(remote_display=False, console_delay_seconds=0.25,
                   group='vmrun')
        self.restart_compute_service(self.compute)
        server = self.boot()
        self.assertEqual(400, self.refusal(server, 'vnc', 'novnc'))
        self.assertEqual('250000',
                         self.vmx(server)['keyboard.typematicMinDelay'])

    def test_server_whose_concentrator_cannot_be_had_runs_without(self):
        self.flags(serial_port_service_uri='telnet://127.0.0.1:9',
                   group='vmrun')
        self.restart_compute_service(self.compute)
        server = self.boot(name='logged')
        vmx = self.vmx(server)
        self.assertEqual(
            ('network', 'telnet://127.0.0.1:9', 'client', 'file'),
            (vmx['serial0.fileType'], vmx['serial0.fileName'],
             vmx['serial0.network.endPoint'], vmx['serial1.fileType']))
        self.wait_log(server, 'logged login:')
