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

from nova_vmrun.formats import words
from tests.unit import base


class CountedTestCase(base.TestCase):

    def test_one_and_several(self):
        self.assertEqual(
            ['0 servers', '1 server', '2 servers'],
            [words.counted(number, 'server') for number in range(3)])
        self.assertEqual(
            ['1 copy', '2 copies'],
            [words.counted(number, 'copy', 'copies') for number in (1, 2)])


class ListedTestCase(base.TestCase):

    def test_the_first_are_named_and_the_rest_counted(self):
        names = list('abcdefgh')
        self.assertEqual(
            ['', 'a', 'a, b, c, d, e', 'a, b, c, d, e and 1 more',
             'a, b, c, d, e and 3 more'],
            [words.listed(names[:number]) for number in (0, 1, 5, 6, 8)])
        self.assertEqual('a and 2 more', words.listed(names[:3], most=1))
