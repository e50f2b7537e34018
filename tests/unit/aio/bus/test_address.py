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
import socket
import ssl
import threading

import fixtures

from nova_vmrun.aio.bus import address
from nova_vmrun.aio import errors
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.aio.tls import authority
from tests.unit import base


class ReadTestCase(base.TestCase):

    def test_parts(self):
        bus = address.read(
            'rabbit://nova:a%2Fb@10.1.2.3:5673,me:it@[::1]/cloud?ssl=1')
        self.assertEqual(
            [('10.1.2.3', 5673, 'nova', 'a/b'), ('::1', 5672, 'me', 'it')],
            [(host.name, host.port, host.user, host.password)
             for host in bus.hosts])
        self.assertEqual('cloud', bus.virtual_host)
        self.assertTrue(bus.is_encrypted)

    def test_defaults(self):
        bus = address.read('rabbit://nova:word@localhost')
        self.assertEqual('/', bus.virtual_host)
        self.assertFalse(bus.is_encrypted)

    def test_what_is_no_bus(self):
        for url in ('', 'rabbit', 'yes', 'kafka://a:b@host/', 'fake:///',
                    'rabbit://host/', 'rabbit://user@host/',
                    'rabbit://user:word@/', 'rabbit://a:b@host:port/',
                    'rabbit://a:b@host:99999/', 'rabbit://a:b@[::1/'):
            error = self.assertRaises(errors.AioError, address.read, url)
            self.assertIn('--bus', error.resolution)

    def test_no_password_is_printed(self):
        self.assertNotIn('secret', repr(
            address.read('rabbit://nova:secret@localhost/')))
        error = self.assertRaises(errors.AioError, address.read,
                                  'amqp://nova:secret@localhost/')
        self.assertNotIn('secret', str(error))


class CheckTestCase(base.TestCase):

    def test_plain_text_stays_on_this_machine(self):
        for host in ('localhost', '127.0.0.1', '127.3.2.1', '[::1]'):
            address.check('rabbit://a:b@%s/' % host, insecure=False)

    def test_plain_text_on_a_network_is_refused_unless_insisted_on(self):
        for hosts in ('10.1.2.3', 'rabbit.example',
                      'a:b@127.0.0.1,a:b@10.1.2.3'):
            url = 'rabbit://a:b@%s/' % hosts.removeprefix('a:b@')
            error = self.assertRaises(errors.AioError, address.check, url,
                                      insecure=False)
            self.assertIn('--bus-insecure', error.resolution)
            address.check(url, insecure=True)
            # Whoever has a certificate could answer.
            self.assertRaises(errors.AioError, address.check,
                              url + '?ssl=True', insecure=False)
            address.check(url + '?ssl=True&ssl_ca_file=/etc/ca.pem',
                          insecure=False)


class LogInTestCase(base.TestCase):

    def test_only_the_right_broker_gets_the_password(self):
        """A certificate of the authority for another name is not enough."""
        settings = aio_settings.Settings(listen='192.0.2.7')
        layout = aio_layout.Layout(self.useFixture(fixtures.TempDir()).path)
        authority.ensure(layout, settings)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority.Files(layout).server)
        for name, said in (('127.0.0.1', b'AMQP'), ('127.0.0.2', b'')):
            with socket.create_server((name, 0)) as server:
                heard = []

                def answer(server=server, heard=heard):
                    with server.accept()[0] as connection:
                        with contextlib.suppress(OSError):
                            with context.wrap_socket(
                                    connection, server_side=True) as secure:
                                heard.append(secure.recv(4))

                thread = threading.Thread(target=answer)
                thread.start()
                self.assertRaises(
                    errors.AioError, address.require,
                    'rabbit://a:secret@%s:%d/?ssl=1&ssl_ca_file=%s' % (
                        name, server.getsockname()[1], layout.ca))
                thread.join()
            self.assertEqual(said, b''.join(heard))

    def refusal(self, port):
        return self.assertRaises(
            errors.AioError, address.require,
            'rabbit://a:secret@127.0.0.1:%d/' % port)

    def test_nobody_listens(self):
        with socket.create_server(('127.0.0.1', 0)) as server:
            port = server.getsockname()[1]
        error = self.refusal(port)
        self.assertIn('127.0.0.1:%d: Connection refused.' % port,
                      error.details)
        self.assertNotIn('secret', str(error))

    def test_what_is_no_broker(self):
        with socket.create_server(('127.0.0.1', 0)) as server:
            def answer():
                with server.accept()[0] as connection:
                    connection.recv(100)
                    connection.sendall(b'HTTP/1.1 400 Bad Request\r\n\r\n')

            thread = threading.Thread(target=answer)
            thread.start()
            error = self.refusal(server.getsockname()[1])
            thread.join()
        self.assertEqual('The message bus does not answer.', error.brief)

    def test_what_says_nothing(self):
        self.patch(address, '_TIMEOUT', 0.2)
        with socket.create_server(('127.0.0.1', 0)) as server:
            error = self.refusal(server.getsockname()[1])
        self.assertIn('timed out', error.details)
