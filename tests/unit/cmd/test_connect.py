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
import re
import socket
import struct
import threading
from unittest import mock

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
        # It would read what the next test writes, since numbers are reused.
        self.addCleanup(self.wait_for_sender)

    def relay(self):
        connect.relay(self.near, self.source, self.target, 'web port 9')

    def refuse(self, *parts):
        """Expect an error with these texts in it, in this order."""
        error = self.assertRaises(errors.AioError, self.relay)
        self.assertRegex(str(error), '.*'.join(map(re.escape, parts)))

    def test_both_directions_until_the_server_closes(self):
        os.write(self.input, b'question')
        os.close(self.input)
        self.far.sendall(b'answer')
        self.far.shutdown(socket.SHUT_WR)
        self.relay()
        self.assertEqual(b'answer', os.read(self.output, 100))
        self.far.settimeout(10)
        self.assertEqual(b'question', self.far.recv(100))
        self.assertEqual(b'', self.far.recv(100))

    def answer(self, *steps):
        """Do something at the other end while this end relays."""
        thread = threading.Thread(
            target=lambda: [step() for step in steps])
        thread.start()
        self.addCleanup(thread.join)

    def test_service_takes_all_and_answers_nothing(self):
        os.write(self.input, b'archive')
        os.close(self.input)
        taken = []

        def take():
            while data := self.far.recv(100):
                taken.append(data)

        self.answer(take, self.far.close)
        self.relay()
        self.assertEqual([b'archive'], taken)

    def test_server_closes_while_input_goes_on(self):
        self.addCleanup(os.close, self.input)
        self.far.sendall(b'bye')
        self.far.close()
        self.relay()
        self.assertEqual(b'bye', os.read(self.output, 100))

    def test_nobody_is_there(self):
        self.addCleanup(os.close, self.input)
        self.far.close()
        self.refuse('web port 9 has closed the connection without an '
                    'answer. Nobody is there', 'Check that')

    def connect_by_tcp(self):
        """Have a connection that can be reset."""
        with socket.create_server(('127.0.0.1', 0)) as server:
            self.near = socket.create_connection(server.getsockname())
            self.far = server.accept()[0]
        self.addCleanup(self.near.close)
        self.far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                            struct.pack('ii', 1, 0))

    def read_output(self):
        """Wait until something has been received."""
        self.assertEqual(b'answer', os.read(self.output, 100))

    def test_nobody_is_behind_a_forwarded_port(self):
        self.addCleanup(os.close, self.input)
        self.connect_by_tcp()
        self.far.close()
        self.refuse('web port 9 has closed the connection without an answer.')

    def test_connection_breaks_in_the_middle(self):
        self.addCleanup(os.close, self.input)
        self.connect_by_tcp()
        self.far.sendall(b'answer')
        self.answer(self.read_output, self.far.close)
        self.refuse('The connection to web port 9 has broken. ',
                    ' after 6 bytes had been received', 'try again')

    def test_connection_breaks_while_the_answer_is_awaited(self):
        os.close(self.input)
        self.connect_by_tcp()
        self.answer(lambda: self.far.recv(1), self.far.close)
        self.refuse('The connection to web port 9 has broken. ',
                    ' after 0 bytes')

    def test_output_that_cannot_be_written(self):
        self.addCleanup(os.close, self.input)
        self.target = os.open(os.devnull, os.O_RDONLY)
        self.addCleanup(os.close, self.target)
        self.far.sendall(b'answer')
        self.refuse('What web port 9 sends cannot be written to standard '
                    'output. Bad file descriptor.', 'elsewhere')

    def test_reader_of_the_output_has_enough(self):
        self.addCleanup(os.close, self.input)
        output, self.target = os.pipe()
        self.addCleanup(os.close, self.target)
        os.close(output)
        self.far.sendall(b'answer')
        self.assertRaises(BrokenPipeError, self.relay)

    def test_input_that_cannot_be_read(self):
        os.close(self.input)
        self.source = os.open(self.useFixture(fixtures.TempDir()).path,
                              os.O_RDONLY)
        self.addCleanup(os.close, self.source)
        self.refuse('Standard input cannot be read. Is a directory. Give a '
                    'file')

    def test_input_that_was_not_taken(self):
        os.write(self.input, b'x' * 1000)
        self.addCleanup(os.close, self.input)
        self.far.sendall(b'answer')
        self.far.shutdown(socket.SHUT_RD)
        self.answer(self.read_output, self.wait_for_sender,
                    self.far.close)
        self.refuse('web port 9 has closed the connection before it took all '
                    'of standard input. Broken pipe.', 'Look at')

    def wait_for_sender(self):
        """Wait until the thread that sends has ended."""
        for thread in threading.enumerate():
            if isinstance(thread, connect._Sender):
                thread.join(10)


class ConnectTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = self.useFixture(fixtures.TempDir()).path
        self.server = socket.create_server(('127.0.0.1', 0))
        self.addCleanup(self.server.close)

    def run_command(self, *words):
        return commands.run(connect.Connect, '--state-dir', self.folder,
                            *words)

    def test_port_of_the_server(self):
        port = str(self.server.getsockname()[1])
        for name, fd in (('stdin', 3), ('stdout', 4)):
            self.useFixture(fixtures.MockPatch(
                'sys.' + name)).mock.fileno.return_value = fd
        relay = self.useFixture(fixtures.MockPatchObject(
            connect, 'relay')).mock
        self.run_command('127.0.0.1', port)
        relay.assert_called_once_with(mock.ANY, 3, 4,
                                      '127.0.0.1 port ' + port)

    def test_no_address(self):
        stderr = io.StringIO()
        with contextlib.redirect_stderr(stderr):
            self.assertRaises(SystemExit, self.run_command, '-f', '22')
            self.assertRaises(SystemExit, self.run_command, '10.0.0.300',
                              '22')
        self.assertIn("'10.0.0.300' is not an IP address",
                      stderr.getvalue())
