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
import json
import os
import socket
import threading

import fixtures

from nova_vmrun import exception
from nova_vmrun.tools import qmp
from tests.unit import base

_GREETING = {'QMP': {'version': {}, 'capabilities': []}}


class QmpTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.path = os.path.join(
            self.useFixture(fixtures.TempDir()).path, 'socket')
        self.received = []

    def serve(self, greeting, *answers):
        """Listen; greet, then answer each line that arrives."""
        server = socket.socket(socket.AF_UNIX)
        server.bind(self.path)
        server.listen(1)

        def run():
            with contextlib.closing(server):
                client, _ = server.accept()
                with contextlib.closing(client), client.makefile('rwb') as f:
                    f.write(greeting)
                    f.flush()
                    for answer in answers:
                        self.received.append(json.loads(f.readline()))
                        f.write(answer)
                        f.flush()
                    # Until the client closes.
                    f.read()

        thread = threading.Thread(target=run)
        thread.start()
        self.addCleanup(thread.join)

    def execute(self, timeout=5, **arguments):
        return qmp.execute(self.path, 'query-x', timeout, **arguments)

    @staticmethod
    def line(**message):
        return json.dumps(message).encode() + b'\r\n'

    def test_a_result_comes_after_an_event(self):
        self.serve(self.line(**_GREETING), self.line(**{'return': {}}),
                   self.line(event='RESET') + self.line(**{'return': [1]}))
        self.assertEqual([1], self.execute(node_name='lun'))
        self.assertEqual(
            [{'execute': 'qmp_capabilities', 'arguments': {}},
             {'execute': 'query-x', 'arguments': {'node-name': 'lun'}}],
            self.received)

    def test_refused(self):
        self.serve(self.line(**_GREETING), self.line(**{'return': {}}),
                   self.line(error={'desc': 'no such node'}))
        error = self.assertRaises(exception.ToolRefused, self.execute)
        self.assertIn('no such node', error.details)

    def test_nobody_listens(self):
        error = self.assertRaises(exception.ToolRefused, self.execute)
        self.assertIn(self.path, error.brief)

    def test_the_connection_ends(self):
        server = socket.socket(socket.AF_UNIX)
        self.addCleanup(server.close)
        server.bind(self.path)
        server.listen(1)

        def run():
            client, _ = server.accept()
            client.close()

        thread = threading.Thread(target=run)
        thread.start()
        self.addCleanup(thread.join)
        self.assertRaises(exception.ToolRefused, self.execute)

    def test_no_answer(self):
        self.serve(self.line(**_GREETING), self.line(**{'return': {}}))
        error = self.assertRaises(exception.ToolTimeout, self.execute, 0.2)
        self.assertIn('query-x', error.details)

    def test_events_do_not_put_off_the_time_limit(self):
        self.serve(self.line(**_GREETING), self.line(**{'return': {}}),
                   self.line(event='RESET') * 3)
        self.assertRaises(exception.ToolTimeout, self.execute, 0.2)

    def test_nonsense(self):
        self.serve(b'hello\n')
        self.assertRaises(exception.ToolRefused, self.execute)

    def test_an_endless_line(self):
        self.serve(b'x' * (2 << 20))
        error = self.assertRaises(exception.ToolRefused, self.execute)
        self.assertIn('too long', error.details)
