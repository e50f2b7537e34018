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

import base64
import dataclasses
import json

from nova_vmrun.aio import errors
from nova_vmrun.cluster import messages
from nova_vmrun.cluster import values
from tests.unit import base
from tests.unit.cluster import base as cluster_base


class JoinTestCase(base.TestCase):

    def refuse(self, word):
        self.assertRaises(values.Invalid, messages.read_join, word)

    def test_there_and_back(self):
        join = cluster_base.request()
        self.assertEqual(join, messages.read_join(join.word()))

    def test_its_word_is_one_for_a_shell(self):
        word = cluster_base.request(user='a"; id').word()
        self.assertRegex(word, '^[A-Za-z0-9_=-]+$')

    def test_hostile_requests(self):
        whole = dataclasses.asdict(cluster_base.request())
        for changes in ({'user': '-l'}, {'node_key': 'ssh-ed25519 x'},
                        {'host_key': '*'}, {'clock': 'now'}, {'nova': 1},
                        {'move_key': cluster_base.KEYS[0] + '\nx'},
                        {'protocol': -1}):
            self.refuse(base64.urlsafe_b64encode(
                json.dumps({**whole, **changes}).encode()).decode())
        for word in ('', '!', 'YQ', 'A' * 20_000, '\u00e4'):
            self.refuse(word)


class AnswerTestCase(base.TestCase):

    def test_welcome(self):
        welcome = cluster_base.welcome()
        found = messages.read_answer(
            'Motto of the day\n' + messages.success(
                dataclasses.asdict(welcome)) + '\n')
        self.assertEqual(welcome, messages.read_welcome(found))
        self.assertNotIn('of-node', repr(welcome))

    def test_broken_welcome(self):
        whole = dataclasses.asdict(cluster_base.welcome())
        for changes in ({'services': None}, {'services': {'a': 'b'}},
                        {'proxies': {'a': 0}}, {'listen': None}, {'ca': 1},
                        {'first_port': 0}, {'volumes': 1}, {'user': 'a\nb'},
                        {'messaging': None}):
            self.assertRaises(values.Invalid, messages.read_welcome,
                              {**whole, **changes})

    def test_state(self):
        state = messages.State(True, True, True, False, 3)
        self.assertEqual(state, messages.read_state(
            dataclasses.asdict(state)))
        self.assertTrue(state.ready)
        for changes in ({'up': False}, {'listed': False},
                        {'inventory': False}):
            self.assertFalse(dataclasses.replace(state, **changes).ready)
        self.assertTrue(dataclasses.replace(
            state, up=False, fenced=True).ready)

    def test_an_error_keeps_its_parts(self):
        error = self.assertRaises(
            errors.AioError, messages.read_answer, messages.failure(
                errors.AioError('What.', 'Details.', 'Remedy.')))
        self.assertEqual(('What.', 'Details.', 'Remedy.'),
                         (error.brief, error.details, error.resolution))

    def test_keys_that_are_in_use(self):
        for kind in (messages.KeysUsed, errors.AioError):
            error = self.assertRaises(
                errors.AioError, messages.read_answer,
                messages.failure(kind('What.', 'Details.', 'Remedy.')))
            self.assertIs(kind, type(error))
            self.assertEqual('Details.', error.details)

    def test_no_answer(self):
        for text in ('', 'nonsense', '{}', '{"result": 1}',
                     '{"error": {"brief": 1}}'):
            self.assertRaises(values.Invalid, messages.read_answer, text)
