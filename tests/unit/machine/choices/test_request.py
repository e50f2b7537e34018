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

from nova_vmrun.catalog import kinds
from nova_vmrun.catalog import row
from nova_vmrun.catalog import table
from nova_vmrun import exception
from nova_vmrun.formats import guestos
from nova_vmrun.machine.choices import request
from tests.unit.machine import base

ROW = row.Obeyed(image=('b', 'a'), flavor=('hw:b',),
                 kind=kinds.Integer(1, 9), section='', about='')


def make(properties=(), extra_specs=(), guest='ubuntu-64'):
    return request.Request(dict(properties), dict(extra_specs),
                           guestos.find(guest), 1, 20)


class RequestTestCase(base.TestCase):

    def test_the_first_name_that_is_set_wins(self):
        for properties, expected in (
                ({'a': '1', 'b': '2'}, ('b', 2)), ({'a': '1'}, ('a', 1)),
                ({'a': '1', 'b': ''}, ('a', 1))):
            found = make(properties).image(ROW)
            self.assertEqual(expected, (found.name, found.value))
        self.assertIsNone(make().image(ROW))

    def test_a_flavor(self):
        found = make({}, {'hw:b': ' 3 '}).flavor(ROW)
        self.assertEqual((table.FLAVOR, 'hw:b', ' 3 ', 3), (
            found.place, found.name, found.text, found.value))

    def test_flavor_before_image(self):
        self.assertEqual(2, make({'b': '1'}, {'hw:b': '2'}).flavor_or_image(
            ROW).value)
        self.assertEqual(1, make({'b': '1'}).flavor_or_image(ROW).value)
        self.assertIsNone(make().flavor_or_image(ROW))

    def test_a_value_outside_its_range(self):
        error = self.assertRaises(exception.InvalidProperty,
                                  make({'a': '10'}).image, ROW)
        self.assertEqual(('a', '10'), (error.name, error.value))

    def test_unread(self):
        for properties, extra_specs, expected in (
                ({'a': 'x'}, {'hw:b': 'y'}, ('flavor', 'hw:b', 'y')),
                ({'a': 'x'}, {}, ('image', 'a', 'x')), ({}, {}, None)):
            self.assertEqual(expected,
                             make(properties, extra_specs).unread(ROW))

    def test_profile(self):
        self.assertEqual('windows-11',
                         make(guest='windows11-64').profile.family)

    def test_architecture(self):
        self.assertTrue(make(guest='arm-ubuntu-64').is_arm)
        self.assertFalse(make().is_arm)


class ChoiceTestCase(base.TestCase):

    def test_origins(self):
        found = make({'a': '2'}, {'hw:b': '3'})
        self.assertEqual(request.Choice(20, 'image property a=20'),
                         found.image(ROW).choose(20))
        self.assertEqual(request.Choice(20, 'flavor hw:b=two'),
                         found.flavor(ROW).choose(20, written='two'))
        self.assertEqual(request.Choice('x', 'default of linux guests'),
                         found.default('x'))
