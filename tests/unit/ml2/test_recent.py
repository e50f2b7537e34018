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

import testtools

from nova_vmrun.ml2 import recent


class RecentTestCase(testtools.TestCase):

    def setUp(self):
        super().setUp()
        self.now = 1000.0
        self.recent = recent.Recent(5, lambda: self.now)

    def test_an_item_is_new_once(self):
        self.assertEqual(
            [True, True, False, False],
            [self.recent.add(item) for item in ('a', 'b', 'a', 'b')])

    def test_it_is_new_again_after_a_while(self):
        self.recent.add('a')
        self.now += 3
        self.recent.add('b')
        self.now += 1.9
        self.assertFalse(self.recent.add('a'))
        self.now += 0.1
        self.assertTrue(self.recent.add('a'))
        self.assertFalse(self.recent.add('b'))

    def test_the_oldest_is_forgotten_if_there_are_too_many(self):
        for item in range(recent._MAX_ITEMS + 1):
            self.recent.add(item)
        self.assertEqual(recent._MAX_ITEMS, len(self.recent._expiries))
        self.assertFalse(self.recent.add(1))
        self.assertTrue(self.recent.add(0))

    def test_what_has_expired_takes_no_memory(self):
        for item in range(10):
            self.recent.add(item)
        self.now += 5
        self.recent.add('last')
        self.assertEqual(['last'], list(self.recent._expiries))
