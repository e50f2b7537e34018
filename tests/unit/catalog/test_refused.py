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

from nova.api.validation.extra_specs import validators
from nova import exception as nova_exception
from nova.objects import image_meta

from nova_vmrun.catalog import kinds
from nova_vmrun.catalog import refused
from nova_vmrun.catalog import table
from nova_vmrun import exception
from tests.unit.machine import base

validators.load_validators()


class RefusedTestCase(base.TestCase):

    def rows(self):
        self.assertGreater(len(refused.ROWS), 25)
        return refused.ROWS

    def test_each_reason_fits_into_a_fault(self):
        for each in self.rows():
            for where in table.BOTH:
                for name in getattr(each, where):
                    name = name.replace('#', '15')
                    error = self.assertRaises(
                        exception.InvalidProperty, table.find_disobeyed,
                        **{'properties': {}, 'extra_specs': {},
                           ('properties' if where == table.IMAGE
                            else 'extra_specs'): {name: 'something'}})
                    self.assertEqual(name, error.name)
                    text = str(nova_exception.InvalidInput(reason=str(error)))
                    self.assertIn(each.about, text)
                    self.assertIn('another ' + where, text)
                    # Nova stores this much of a fault.
                    self.assertLessEqual(len(text), 255, text)

    def test_values_that_ask_for_nothing_are_accepted(self):
        for each in self.rows():
            for value in each.harmless:
                text = str(value)
                self.assertEqual((), table.find_disobeyed(
                    {name: text for name in each.image},
                    {name: text for name in each.flavor}))

    def test_nova_knows_the_harmless_values(self):
        for each in self.rows():
            for value in each.harmless:
                for name in each.flavor:
                    validators.validate(name, str(value))
                for name in each.image:
                    field = image_meta.ImageMetaProps.fields.get(name)
                    known = getattr(field, 'valid_values', None)
                    if isinstance(value, str) and known:
                        self.assertIn(value, known)

    def test_an_empty_value_asks_for_nothing(self):
        for each in self.rows():
            self.assertEqual((), table.find_disobeyed(
                dict.fromkeys(each.image, ''), dict.fromkeys(each.flavor, '')))

    def test_some_value_of_each_is_refused(self):
        for each in self.rows():
            if isinstance(each.kind, kinds.Word) and len(each.kind.words) > 1:
                self.assertLess(set(each.harmless),
                                set(each.kind.words.values()))
