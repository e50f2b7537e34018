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

import socket
import threading

from nova_vmrun.aio.gateway import probe
from tests.unit import base


class ProbeTestCase(base.TestCase):

    def listen(self, greeting):
        listener = socket.create_server(('127.0.0.1', 0))
        self.addCleanup(listener.close)

        def answer():
            connection, _ = listener.accept()
            with connection:
                connection.sendall(greeting)

        threading.Thread(target=answer, daemon=True).start()
        return listener.getsockname()[1]

    def test_an_sshd_answers(self):
        self.assertIsNone(probe.complaint(
            '127.0.0.1', self.listen(b'SSH-2.0-OpenSSH_9.2\r\n')))

    def test_something_else_answers(self):
        self.assertEqual('something else than sshd answers', probe.complaint(
            '127.0.0.1', self.listen(b'HTTP/1.1 400 Bad Request\r\n')))

    def test_nobody_answers(self):
        with socket.create_server(('127.0.0.1', 0)) as listener:
            port = listener.getsockname()[1]
        self.assertEqual('connection refused',
                         probe.complaint('127.0.0.1', port))

    def test_a_listener_that_says_nothing(self):
        listener = socket.create_server(('127.0.0.1', 0))
        self.addCleanup(listener.close)
        self.assertIn('no answer within', probe.complaint(
            '127.0.0.1', listener.getsockname()[1], 0.05))
