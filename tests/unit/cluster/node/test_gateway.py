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

import fixtures

from nova_vmrun.aio import errors
from nova_vmrun.aio.gateway import probe
from nova_vmrun.cluster import messages
from nova_vmrun.cluster.node import gateway
from nova_vmrun import exception
from tests.unit import base
from tests.unit import stubs


class ReachableTestCase(base.TestCase):

    def test_the_first_address_that_answers(self):
        self.useFixture(fixtures.MockPatchObject(
            probe, 'complaint', lambda address, port: {
                '192.0.2.1': 'no answer', '192.0.2.2': None}[address]))
        self.assertEqual('192.0.2.2', gateway.reachable(
            ['192.0.2.1', '192.0.2.2'], 2222))

    def test_which_port_from_where_and_why(self):
        with socket.create_server(('127.0.0.1', 0)) as listener:
            port = listener.getsockname()[1]
        error = self.assertRaises(errors.AioError, gateway.reachable,
                                  ['127.0.0.1'], port)
        self.assertIn('Port %d of the first machine cannot be reached. '
                      '127.0.0.1 from 127.0.0.1: connection refused. That '
                      'address always leads to the machine that uses it.'
                      % port, str(error))
        self.assertIn('--address', error.resolution)


class AskTestCase(base.TestCase):

    def ask(self, *answer):
        self.runner = stubs.ScriptedRunner(*answer)
        return gateway.Gateway('/config', '192.0.2.1', self.runner).ask(
            messages.Verb.STATE)

    def refuse(self, *answer):
        return self.assertRaises(errors.AioError, self.ask, answer)

    def test_an_answer(self):
        self.assertEqual({'a': 1}, self.ask((0, '{"result": {"a": 1}}\n')))
        self.assertEqual(('ssh', '-F', '/config', '-T', 'first', 'state'),
                         self.runner.calls[0])

    def test_a_refusal(self):
        error = self.refuse(1, messages.failure(errors.AioError('No.')))
        self.assertEqual('No.', error.brief)

    def test_a_key_that_is_not_let_in(self):
        error = self.refuse(255, '', 'x@y: Permission denied (publickey).')
        self.assertIsInstance(error, gateway.KeyRefused)
        self.assertIn('expired', error.resolution)

    def test_another_machine_answers(self):
        error = self.refuse(255, '', 'Host key verification failed.')
        self.assertIn('Another machine', error.brief)

    def test_no_connection(self):
        error = self.refuse(255, '', 'Connection timed out')
        self.assertIn('no connection with the first machine', error.brief)
        self.assertIn('Connection timed out', error.details)

    def test_nonsense(self):
        self.assertIn('cannot be understood', self.refuse(0, 'x').brief)

    def test_programs_that_fail(self):
        for raised in (exception.ToolTimeout('late'),
                       exception.ToolNotFound('none')):
            self.assertRaises(errors.AioError, self.ask, raised)

    def test_state(self):
        state = gateway.Gateway('/config', 'x', stubs.ScriptedRunner(
            (0, '{"result": {"up": true, "listed": true, "inventory": true, '
             '"fenced": false, "reported": 2}}'))).state()
        self.assertTrue(state.ready)
        self.assertRaises(errors.AioError, gateway.Gateway(
            '/config', 'x', stubs.ScriptedRunner((0, '{"result": {}}'))
        ).state)


class Clock:
    """Stands for the module time; nobody really waits."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


class WaitTestCase(base.TestCase):

    READY = messages.State(True, True, True, False, 3)

    def wait(self, *answers, since=60):
        class Scripted:
            left = list(answers)

            def state(self):
                answer = (self.left.pop(0) if len(self.left) > 1
                          else self.left[0])
                if isinstance(answer, Exception):
                    raise answer
                return answer

        clock = Clock()
        with fixtures.MockPatchObject(gateway, 'time', clock):
            return gateway.wait_until_ready(Scripted(), 20,
                                            clock.now - since)

    def refuse(self, *answers, since=60):
        return self.assertRaises(gateway.NotReady, self.wait, *answers,
                                 since=since)

    def test_ready(self):
        self.assertEqual(self.READY, self.wait(
            messages.State(False, False, False, False, -1), self.READY))

    def test_a_report_of_an_earlier_process_does_not_count(self):
        self.refuse(messages.State(True, True, True, False, 30), since=10)

    def test_never(self):
        error = self.refuse(messages.State(True, False, True, False, 1))
        self.assertEqual('', error.details)

    def test_a_question_that_fails_is_asked_again(self):
        self.assertEqual(self.READY, self.wait(
            errors.AioError('No connection.'), self.READY))

    def test_why_the_last_question_failed(self):
        error = self.refuse(
            errors.AioError('An API does not answer.'),
            errors.AioError('No connection.', 'Timed out.', 'Start it.'))
        self.assertEqual('No connection. Timed out.', error.details)
        error = self.refuse(
            errors.AioError('No connection.'),
            messages.State(True, False, True, False, 1))
        self.assertEqual('', error.details)

    def test_a_node_that_is_thrown_out_does_not_wait(self):
        self.assertRaises(gateway.KeyRefused, self.wait,
                          gateway.KeyRefused('Not let in.'), self.READY)
