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

import testscenarios

from nova_vmrun.catalog import kinds
from nova_vmrun import exception
from tests.unit.machine import base

ID = '12345678-90ab-cdef-1234-567890abcdef'


class KindTestCase(testscenarios.WithScenarios, base.TestCase):

    scenarios = [
        (name, {'kind': kind, 'good': good, 'bad': bad, 'about': about})
        for name, kind, good, bad, about in (
            ('boolean', kinds.BOOLEAN, {'yes': True, 'False': False},
             ('maybe', ''), 'A boolean.'),
            ('integer', kinds.Integer(1, 20), {'1': 1, ' 20 ': 20},
             ('0', '21', 'x', '-1'), 'A number from 1 to 20.'),
            ('word', kinds.Word({'bios': 'bios', 'uefi': 'efi'}),
             {'UEFI': 'efi', 'bios': 'bios'}, ('efi', ''),
             '``bios``, ``uefi``.'),
            ('words', kinds.Words({'a': 1, 'b': 2}),
             {'b,A': (2, 1), 'a': (1,)}, ('a,a', 'c', ''),
             '``a``, ``b``, separated by commas.'),
            ('ids', kinds.ImageIds(), {ID + ',' + ID: (ID, ID)},
             ('x', ID + ','), 'Ids of images, separated by commas.'),
            ('id', kinds.ImageId(), {ID.upper(): ID},
             ('x', ID + ',' + ID), 'The id of an image.'))]

    def test_values_within_the_range(self):
        for text, value in self.good.items():
            self.assertEqual(value, self.kind.read('name', text))
            self.assertTrue(self.kind.allows(value))

    def test_values_outside_the_range(self):
        for text in self.bad:
            error = self.assertRaises(exception.InvalidProperty,
                                      self.kind.read, 'name', text)
            self.assertEqual(('name', text), (error.name, error.value))
        self.assertFalse(self.kind.allows(None))

    def test_documentation(self):
        self.assertEqual(self.about, self.kind.describe())


class TextTestCase(base.TestCase):

    def test_any_text(self):
        self.assertEqual(' x ', kinds.TEXT.read('name', ' x '))
        self.assertTrue(kinds.TEXT.allows(''))
        self.assertFalse(kinds.TEXT.allows(1))
        self.assertEqual('', kinds.TEXT.describe())


class SameTestCase(base.TestCase):

    def test_words_mean_themselves(self):
        self.assertEqual({'a': 'a', 'b': 'b'}, kinds.same('a', 'b').words)
