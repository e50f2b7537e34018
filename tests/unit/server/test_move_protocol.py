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

from nova_vmrun import exception
from nova_vmrun.server import move_protocol
from tests.unit import base

SERVER = '9d4c1d3c-7fb0-4a5e-8f0b-0a4f3c2b1d10'
NODE = '4c8a11a2-0a3f-4a7c-8d5e-6c1c9c0d7b21'
PROBE = '0123456789abcdef' * 2
Verb, Outcome = move_protocol.Verb, move_protocol.Outcome


class RequestTestCase(base.TestCase):

    def test_each_request_is_understood(self):
        for request in (
                move_protocol.Request(Verb.EXAMINE, SERVER, NODE, PROBE),
                move_protocol.Request(Verb.EXAMINE, SERVER, None, PROBE),
                move_protocol.Request(Verb.RECEIVE, SERVER, NODE),
                move_protocol.Request(Verb.DISCARD, SERVER)):
            text = ' '.join(request.words)
            self.assertEqual(request, move_protocol.parse_request(text))
            self.assertEqual(request, move_protocol.parse_request(
                'nova-vmrun-receive ' + text))

    def test_anything_else_is_refused(self):
        for text in (
                '', 'sh', 'nova-vmrun-receive', 'discard', 'scp -t /',
                'discard %s' % SERVER, 'discard %s - -' % SERVER,
                'discard ../%s -' % SERVER, 'discard / -',
                'discard %s ../x' % SERVER, 'discard %s -; ls' % SERVER,
                'remove %s -' % SERVER, 'DISCARD %s -' % SERVER,
                'discard %s -' % SERVER.upper(),
                'discard {%s} -' % SERVER,
                'discard %s -' % SERVER.replace('-', ''),
                'examine %s -' % SERVER, 'examine %s - ../../x' % SERVER,
                'examine %s - %s' % (SERVER, PROBE.upper()),
                'receive %s - %s' % (SERVER, PROBE),
                'discard %s -' % SERVER + ' ' * 300):
            self.assertRaises(exception.InvalidInput,
                              move_protocol.parse_request, text)


class AnswerTestCase(base.TestCase):

    def test_an_answer_is_understood_after_a_greeting(self):
        for answer in (
                move_protocol.Answer(Outcome.DONE, 7),
                move_protocol.Answer(Outcome.DONE, 7, networks='{"a": 1}'),
                move_protocol.Answer(Outcome.TAKEN, reason='/a b'),
                move_protocol.failed(exception.DiskFull('Full.', 'By 1 MiB.',
                                                        'Free some.'))):
            self.assertEqual(answer, move_protocol.parse_answer(
                'Welcome!\n' + answer.dump() + '\n'))

    def test_anything_else_is_none(self):
        for text in ('', 'Welcome!', '7', '[]', '{}', 'null',
                     '{"outcome": "great"}', '{"outcome": []}', '[' * 9000):
            self.assertIsNone(move_protocol.parse_answer(text))

    def test_texts_and_numbers_are_not_trusted(self):
        found = move_protocol.parse_answer(
            '{"outcome": "failed", "free": -1, "reason": "%s", '
            '"details": 7, "networks": {}}' % ('a\\u001b[2J' + 'x' * 9000))
        self.assertIsNone(found.free)
        self.assertTrue(found.reason.isprintable())
        self.assertEqual((400, '', ''), (len(found.reason), found.details,
                                         found.networks))
