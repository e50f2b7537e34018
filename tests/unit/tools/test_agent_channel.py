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
import time

import fixtures

from nova_vmrun import exception
from nova_vmrun.tools import agent_channel
from tests.unit import agents
from tests.unit import base

MARK = agents.MARK


class TestCase(base.TestCase):

    timeout = 5.0

    def setUp(self):
        super().setUp()
        self.path = os.path.join(
            self.useFixture(fixtures.TempDir()).path, 'agent')

    def serve(self, *scripts):
        agent = agents.Agent(self.path, *scripts)
        self.addCleanup(agent.close)
        return agent

    def connect(self):
        channel = agent_channel.Channel(self.path, self.timeout)
        self.addCleanup(channel.close)
        return channel

    def execute(self, **arguments):
        return self.connect().execute('guest-x', arguments, self.timeout)


class SynchroniseTestCase(TestCase):

    def assert_silent(self, *words):
        error = self.assertRaises(exception.AgentNotRunning, self.connect)
        for word in words:
            self.assertIn(word, str(error))

    def test_only_the_owner_may_connect(self):
        self.serve(agents.Guest())
        self.connect()
        self.assertEqual(0o600, os.stat(self.path).st_mode & 0o777)

    def test_what_is_left_of_earlier_answers_is_skipped(self):
        def script(connection):
            connection.send(b'login: {"return": {}}\n' + MARK +
                            agents.line(**{'return': 1}) +
                            b'{"return": [1, ' + MARK + b'\xc3[' * 50000)
            connection.synchronise()

        self.serve(script)
        self.connect()

    def test_an_answer_of_an_old_number_is_none(self):
        self.timeout = 0.3

        def script(connection):
            connection.send(MARK + agents.line(**{'return': 7}))
            agents.silent(connection)

        self.serve(script)
        self.assert_silent('there was no answer')

    def test_an_echo_is_no_answer(self):
        """A login prompt repeats what it is sent."""
        self.timeout = 0.3

        def script(connection):
            while True:
                connection.send(connection.sock.recv(4096))

        self.serve(script)
        self.assert_silent('there was no answer')

    def test_no_socket(self):
        self.assert_silent(self.path, 'No such file')

    def test_a_stale_socket(self):
        self.serve(agents.Guest()).close()
        self.assert_silent(self.path, 'refused')

    def test_an_agent_that_never_answers(self):
        self.timeout = 0.3
        self.serve(agents.silent)
        began = time.monotonic()
        self.assert_silent('there was no answer')
        self.assertLess(time.monotonic() - began, 3)

    def test_a_hundred_megabytes(self):
        def script(connection):
            for _ in range(100):
                connection.send(b'x' * (1 << 20))

        self.serve(script)
        self.assert_silent('sent more than 1048576 bytes')

    def test_very_many_lines(self):
        def script(connection):
            for _ in range(100):
                connection.send(b'\n' * (1 << 20))

        self.serve(script)
        self.assert_silent('sent more than 1048576 bytes')

    def test_it_hangs_up(self):
        self.serve(lambda connection: connection.request())
        self.assert_silent('the connection ended')


class ExecuteTestCase(TestCase):

    def serve_after_sync(self, *pieces, reads=True):
        def script(connection):
            connection.synchronise()
            self.request = connection.request() if reads else None
            for piece in pieces:
                connection.send(piece)
            agents.silent(connection)

        self.serve(script)

    def test_a_result(self):
        self.serve_after_sync(b'{"return": [1]}\n')
        self.assertEqual([1], self.execute(mode='halt'))
        self.assertEqual('guest-x', self.request['execute'])
        self.assertEqual({'mode': 'halt'}, self.request['arguments'])

    def test_one_byte_pieces(self):
        self.serve_after_sync(
            *(bytes([byte]) for byte in b'{"return": "abc"}\r\n'))
        self.assertEqual('abc', self.execute())

    def test_answers_to_other_requests(self):
        self.serve_after_sync(
            b'{"return": 1, "id": 1}\n{"error": {}, "id": {}}\n'
            b'[]\nnull\n{"event": "X"}\n' + b'[' * 100000 + b'\n'
            b'{"return": 2}\n')
        self.assertEqual(2, self.execute())

    def test_an_error(self):
        self.serve_after_sync(agents.line(error={
            'class': 'GenericError', 'desc': 'no \x1b[2J ' + 'x' * 9999}))
        error = self.assertRaises(exception.AgentRefused, self.execute)
        self.assertIn('no  [2J xxx', str(error))
        self.assertLess(len(str(error)), 600)

    def test_an_error_without_a_text(self):
        self.serve_after_sync(agents.line(error=[1]))
        error = self.assertRaises(exception.AgentRefused, self.execute)
        self.assertIn('[1]', str(error))

    def test_no_answer(self):
        self.serve_after_sync()
        channel = self.connect()
        error = self.assertRaises(exception.ToolTimeout, channel.execute,
                                  'guest-x', {}, 0.2)
        self.assertIn('guest-x', error.brief)

    def test_a_hundred_megabytes(self):
        self.serve_after_sync(*[b'y' * (1 << 20)] * 100)
        error = self.assertRaises(exception.ToolTimeout, self.execute)
        self.assertIn('sent more than', str(error))

    def test_it_hangs_up_in_the_middle(self):
        def script(connection):
            connection.synchronise()
            connection.request()
            connection.send(b'{"return": ')

        self.serve(script)
        error = self.assertRaises(exception.ToolTimeout, self.execute)
        self.assertIn('the connection ended', str(error))

    def test_a_command_without_an_answer(self):
        guest = agents.Guest()
        self.serve(guest)
        self.connect().send('guest-shutdown', {}, 0.2)
        self.assertEqual(['guest-shutdown'], guest.commands)

    def test_its_error(self):
        guest = agents.Guest(guest_shutdown=ValueError('no'))
        self.serve(guest)
        self.assertRaises(exception.AgentRefused, self.connect().send,
                          'guest-shutdown', {}, 5)


class PrintableTestCase(base.TestCase):

    def test_texts(self):
        self.assertEqual('a b', agent_channel.printable('a\nb', 9))
        self.assertEqual('ab', agent_channel.printable('abc', 2))
