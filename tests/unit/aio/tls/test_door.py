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

import datetime
import socket
import ssl
import threading
import time

from nova_vmrun.aio.tls import authority
from nova_vmrun.aio.tls import door
from tests.unit.aio import base


class TestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.settings.listen = '192.0.2.7'
        authority.ensure(self.layout, self.settings)
        self.context = door.Context(self.layout, self.settings)


class DoorTestCase(TestCase):

    def setUp(self):
        super().setUp()
        self.door = door.Door(self.context, total=4, share=2, timeout=20)

    def pair(self):
        ours, theirs = socket.socketpair()
        self.addCleanup(ours.close)
        self.addCleanup(theirs.close)
        theirs.settimeout(20)
        return ours, theirs

    def in_background(self, ours, owner):
        """Let a client in; return where its connection or error comes."""
        result = []

        def enter():
            try:
                result.append(self.door.enter(ours, owner))
            except OSError as error:
                result.append(error)

        thread = threading.Thread(target=enter, daemon=True)
        thread.start()
        return thread, result

    def connect(self, owner='client'):
        ours, theirs = self.pair()
        thread, result = self.in_background(ours, owner)
        secure = ssl.create_default_context(
            cafile=self.layout.ca).wrap_socket(
            theirs, server_hostname='192.0.2.7')
        self.addCleanup(secure.close)
        thread.join(20)
        self.addCleanup(result[0].close)
        return result[0], secure

    def test_a_client_that_knows_the_authority(self):
        ours, theirs = self.connect()
        theirs.sendall(b'hello')
        self.assertEqual(b'hello', ours.recv(5))

    def test_a_client_that_speaks_no_tls(self):
        ours, theirs = self.pair()
        thread, result = self.in_background(ours, 'client')
        theirs.sendall(b'GET / HTTP/1.1\r\n\r\n')
        thread.join(20)
        self.assertIsInstance(result[0], ssl.SSLError)

    def test_a_client_that_says_nothing_is_waited_for_until_a_deadline(self):
        self.door = door.Door(self.context, timeout=0.2)
        ours, theirs = self.pair()
        thread, result = self.in_background(ours, 'client')
        # Each byte would begin another period, if there was no deadline.
        for byte in b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03':
            try:
                theirs.sendall(bytes([byte]))
            except OSError:
                break
            time.sleep(0.1)
        thread.join(20)
        self.assertIsInstance(result[0], TimeoutError)

    def test_an_address_with_too_many_connections_loses_its_oldest(self):
        oldest, _ = self.connect()
        silent, theirs = self.pair()
        thread, result = self.in_background(silent, 'client')
        while len(self.door._inside) < 2:
            time.sleep(0.01)
        other, friend = self.connect('another')
        self.connect()
        self.assertEqual(b'', oldest.recv(1))
        self.door.leave(oldest, 'client')
        self.connect()
        # The silent one is the oldest now.
        thread.join(20)
        self.assertIsInstance(result[0], OSError)
        friend.sendall(b'still here')
        self.assertEqual(b'still here', other.recv(10))


class ContextTestCase(TestCase):

    def test_old_protocols_are_refused(self):
        self.assertEqual(ssl.TLSVersion.TLSv1_2,
                         self.context.current().minimum_version)

    def test_a_certificate_that_ends_is_replaced_while_it_is_used(self):
        files = authority.Files(self.layout)
        before = files.server.read_text()
        context = self.context.current()
        self.assertIs(context, self.context.current())
        old = datetime.datetime.now(datetime.UTC) - datetime.timedelta(
            days=380)
        files.server.unlink()
        authority.ensure(self.layout, self.settings, old)
        self.context._look_at = 0
        self.assertIsNot(context, self.context.current())
        self.assertNotEqual(before, files.server.read_text())
        self.assertEqual([], authority.ensure(self.layout, self.settings))

    def test_a_full_disk_is_no_reason_to_refuse_clients(self):
        def fail(*arguments):
            raise OSError(28, 'No space left on device')

        context = self.context.current()
        self.context._look_at = 0
        self.patch(authority, 'ensure', fail)
        self.assertIs(context, self.context.current())
