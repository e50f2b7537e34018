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

import http.client
import socket
import ssl
import threading

from nova_vmrun.aio import ports
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.aio.tls import authority
from nova_vmrun.aio.tls import connections
from nova_vmrun.aio.tls import door
from nova_vmrun.aio import wsgi
from tests.unit.aio import base


class TurnsTestCase(base.TestCase):

    def test_each_address_has_a_share(self):
        turns = connections.Turns(2)
        self.assertEqual([True, True, False, True], [
            turns.take(owner) for owner in ('a', 'a', 'a', 'b')])
        turns.give_back('a')
        self.assertTrue(turns.take('a'))


class ServerTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.settings.listen = '192.0.2.7'
        authority.ensure(self.layout, self.settings)
        self.port = ports.free_base()
        self.waiting = threading.Semaphore(0)
        self.go_on = threading.Event()
        self.addCleanup(self.go_on.set)
        self.server = wsgi.Server(
            'trial', self.answer, self.port,
            public=door.public(self.layout, self.settings))
        self.server.start()
        self.addCleanup(self.server.stop)

    def answer(self, environ, start_response):
        if environ['PATH_INFO'] == '/wait':
            self.waiting.release()
            self.go_on.wait(30)
        environ['wsgi.input'].read()
        content = ('%(wsgi.url_scheme)s %(REMOTE_ADDR)s' % environ).encode()
        start_response('200 OK', [('Content-Length', str(len(content)))])
        return [content]

    def client(self, source=aio_settings.ADDRESS):
        client = http.client.HTTPSConnection(
            aio_settings.ADDRESS, self.port, timeout=30,
            source_address=(source, 0),
            context=ssl.create_default_context(cafile=self.layout.ca))
        self.addCleanup(client.close)
        return client

    def get(self, client, path='/', method='GET', body=None):
        client.request(method, path, body)
        answer = client.getresponse()
        return answer.status, answer.read()

    def test_the_application_knows_how_it_was_asked(self):
        client = self.client()
        for body in (None, b'x' * 100000):
            self.assertEqual((200, b'https 127.0.0.1'),
                             self.get(client, '/', 'POST', body))

    def test_plain_text_gets_no_answer(self):
        client = http.client.HTTPConnection(aio_settings.ADDRESS, self.port,
                                            timeout=30)
        self.addCleanup(client.close)
        self.assertRaises((http.client.HTTPException, ConnectionError),
                          self.get, client)

    def test_clients_that_say_nothing_hold_up_nobody(self):
        for content in (b'', b'\x16\x03\x01') * 10:
            silent = socket.create_connection(
                (aio_settings.ADDRESS, self.port), 30)
            self.addCleanup(silent.close)
            silent.sendall(content)
        # After their handshake, they take no thread that answers requests.
        for _ in range(20):
            self.client().connect()
        client = self.client()
        client.timeout = door.HANDSHAKE / 2
        self.assertEqual(200, self.get(client)[0])

    def test_one_address_does_not_get_all_threads(self):
        clients = [self.client() for _ in range(12)]
        for client in clients:
            client.request('GET', '/wait')
            self.waiting.acquire(timeout=30)
        self.assertEqual(503, self.get(self.client())[0])
        self.go_on.set()
        for client in clients:
            answer = client.getresponse()
            self.assertEqual((200, b'https 127.0.0.1'),
                             (answer.status, answer.read()))
        self.assertEqual(200, self.get(self.client())[0])

    def test_addresses_that_send_slowly_hold_up_nobody(self):
        slow = [self.client('127.0.0.%d' % number)
                for number in (2, 3) for _ in range(12)]
        for client in slow:
            client.putrequest('POST', '/')
            client.putheader('Content-Length', '1')
            client.endheaders()
        client = self.client()
        client.timeout = 20
        self.assertEqual(200, self.get(client)[0])
        # They are answered too, once they have sent all.
        for client in slow:
            client.send(b'x')
            self.assertEqual(200, client.getresponse().status)
        self.wait_for_threads(wsgi.THREADS)

    def wait_for_threads(self, idle):
        """Send requests until there are few idle threads."""
        for _ in range(300):
            if self.server._server.requests.idle <= 2 * idle:
                return
            self.get(self.client())
        self.fail('%d threads are idle'
                  % self.server._server.requests.idle)

    def test_connections_that_end_are_not_counted(self):
        for _ in range(3):
            client = self.client()
            self.get(client)
            client.close()
        manager = self.server._server._connections
        for _ in range(300):
            if not len(manager.door._inside):
                break
            threading.Event().wait(0.1)
        self.assertEqual(0, len(manager.door._inside))


class PlainServerTestCase(base.TestCase):

    def test_plain_text_has_a_door_too(self):
        port = ports.free_base()
        plain = door.Door(None, total=2)
        server = wsgi.Server('trial', self.answer, port, public=plain)
        server.start()
        self.addCleanup(server.stop)
        silent = [socket.create_connection((aio_settings.ADDRESS, port), 30)
                  for _ in range(3)]
        for sock in silent:
            self.addCleanup(sock.close)
        # The oldest one had to go.
        self.assertEqual(b'', silent[0].recv(1))
        client = http.client.HTTPConnection(aio_settings.ADDRESS, port,
                                            timeout=30)
        self.addCleanup(client.close)
        client.request('GET', '/')
        self.assertEqual(b'http', client.getresponse().read())

    def answer(self, environ, start_response):
        start_response('200 OK', [('Content-Length', '4')])
        return [environ['wsgi.url_scheme'].encode()]
