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
import io
import os
import socket

import fixtures

from nova_vmrun.aio import errors
from nova_vmrun.cmd import connect
from tests.unit import base
from tests.unit.cmd import commands


class RelayTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.near, self.far = socket.socketpair()
        self.source, self.input = os.pipe()
        self.output, self.target = os.pipe()
        for fd in (self.source, self.output, self.target):
            self.addCleanup(os.close, fd)
        self.addCleanup(self.near.close)
        self.addCleanup(self.far.close)

    def relay(self):
        return connect.relay(self.near, self.source, self.target)

    def test_both_directions_until_the_server_closes(self):
        os.write(self.input, b'question')
        os.close(self.input)
        self.far.sendall(b'answer')
        self.far.shutdown(socket.SHUT_WR)
        self.assertEqual(6, self.relay())
        self.assertEqual(b'answer', os.read(self.output, 100))
        self.far.settimeout(10)
        self.assertEqual(b'question', self.far.recv(100))
        self.assertEqual(b'', self.far.recv(100))

    def test_server_closes_while_input_goes_on(self):
        self.addCleanup(os.close, self.input)
        self.far.close()
        self.assertEqual(0, self.relay())


class ConnectTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = self.useFixture(fixtures.TempDir()).path
        self.server = socket.create_server(('127.0.0.1', 0))
        self.addCleanup(self.server.close)

    def run_command(self, *words):
        return commands.run(connect.Connect, '--state-dir', self.folder,
                            *words)

    def test_connection_that_is_closed_at_once_is_a_failure(self):
        port = str(self.server.getsockname()[1])
        for name in ('stdin', 'stdout'):
            file = self.useFixture(fixtures.MockPatch('sys.' + name)).mock
            file.fileno.return_value = os.open(os.devnull, os.O_RDWR)
            self.addCleanup(os.close, file.fileno.return_value)

        def relay(sock, source, target):
            return 0

        self.useFixture(fixtures.MockPatchObject(connect, 'relay', relay))
        error = self.assertRaises(errors.AioError, self.run_command,
                                  '127.0.0.1', port)
        self.assertIn('has closed the connection at once', str(error))

    def test_no_address(self):
        stderr = io.StringIO()
        with contextlib.redirect_stderr(stderr):
            self.assertRaises(SystemExit, self.run_command, '-f', '22')
            self.assertRaises(SystemExit, self.run_command, '10.0.0.300',
                              '22')
        self.assertIn("'10.0.0.300' is not an IP address",
                      stderr.getvalue())
