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

from nova_vmrun.cluster import values
from tests.unit import base


class ValuesTestCase(base.TestCase):

    def refuse(self, function, *arguments):
        return str(self.assertRaises(values.Invalid, function, *arguments))

    def test_parse(self):
        self.assertEqual({'a': 1}, values.parse('{"a": 1}'))
        for text in ('', 'x', '[]', '1', 'null', '[' * 100_000):
            self.refuse(values.parse, text)

    def test_texts(self):
        self.assertEqual('a\nb', values.string({'x': 'a\nb'}, 'x'))
        self.assertEqual('a', values.line({'x': 'a'}, 'x'))
        for value in (None, 1, ['a'], 'a\nb', 'a\x1b[2J', 'x' * 5000):
            self.assertIn('"x"', self.refuse(values.line, {'x': value}, 'x'))

    def test_numbers(self):
        self.assertEqual(5, values.number({'x': 5}, 'x'))
        self.assertEqual(22, values.port({'x': 22}, 'x'))
        for value in (None, '5', True, 1.5, -1, 1 << 41):
            self.refuse(values.number, {'x': value}, 'x')
        for value in (0, 65536):
            self.refuse(values.port, {'x': value}, 'x')

    def test_lists_and_booleans(self):
        self.assertEqual(['a'], values.strings({'x': ['a']}, 'x'))
        for value in (None, [], 'a', [1], ['a'] * 101):
            self.refuse(values.strings, {'x': value}, 'x')
        self.assertIs(True, values.boolean({'x': True}, 'x'))
        self.refuse(values.boolean, {'x': 1}, 'x')
