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

from nova_vmrun.host import fair_share
from tests.unit import base


class FairPlacesTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.places = fair_share.FairShare(6, 4)

    def take(self, *guests):
        """Takes places; a guest's first letter names its owner."""
        return [self.places.admit(guest[0], guest) for guest in guests]

    def test_while_there_are_places_nobody_leaves(self):
        self.assertEqual([None] * 6,
                         self.take('a1', 'a2', 'b1', 'b2', 'c1', 'c2'))

    def test_user_with_too_many_places_loses_the_oldest(self):
        self.assertEqual([None] * 4 + ['a1'],
                         self.take('a1', 'a2', 'a3', 'a4', 'a5'))

    def test_the_owner_with_most_makes_room(self):
        self.take('b1', 'a1', 'a2', 'a3', 'a4', 'b2')
        self.assertEqual(['a1'], self.take('c1'))
        self.places.remove('a', 'a1')
        self.assertEqual(['a2'], self.take('d1'))

    def test_among_equals_it_is_not_the_newcomer(self):
        self.take(*'abcdef')
        self.assertEqual(['a'], self.take('g'))

    def test_a_place_that_was_left_is_free(self):
        self.take(*'abcdef')
        self.places.remove('c', 'c')
        self.places.remove('c', 'c')
        self.assertEqual(5, len(self.places))
        self.assertEqual([None], self.take('g'))
