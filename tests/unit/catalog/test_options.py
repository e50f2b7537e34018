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

"""Rows that are complete: from the property to the lines of the .vmx."""

import dataclasses

import testscenarios

from nova_vmrun.catalog import kinds
from nova_vmrun.catalog import options
from nova_vmrun import exception
from nova_vmrun.formats import guestos
from nova_vmrun.formats import vmx
from nova_vmrun.formats.vmx import keys
from nova_vmrun.machine import hardware
from nova_vmrun.machine import render
from tests.unit.machine import base

# Every value of a row, by the class of its kind.
VALUES = {
    kinds.Boolean: lambda kind: (False, True),
    kinds.Integer: lambda kind: (kind.minimum, kind.maximum),
    kinds.Word: lambda kind: tuple(kind.words.values()),
}

# Texts for every value of a row.
TEXTS = {
    kinds.Boolean: lambda kind: ('false', 'true'),
    kinds.Integer: lambda kind: (str(kind.minimum), str(kind.maximum)),
    kinds.Word: lambda kind: tuple(kind.words),
}


class RowTestCase(testscenarios.WithScenarios, base.TestCase):

    scenarios = [(each.field, {'row': each}) for each in options.ROWS]

    def values(self):
        return (self.row.default, *VALUES[type(self.row.kind)](self.row.kind))

    def test_a_machine_can_have_each_value(self):
        for value in self.values():
            self.assertTrue(self.row.allows(value), value)
        self.assertFalse(self.row.allows('theremin'))

    def test_each_value_becomes_its_lines(self):
        for value in self.values():
            expected = {
                key: str(text).upper() if isinstance(text, bool) else str(text)
                for key, text in self.row.writer.lines(value).items()}
            written = vmx.parse(render.render(base.make_machine(
                options={self.row.field: value})))
            self.assertEqual(expected, {
                key: written[key] for key in self.row.writer.keys
                if key in written}, value)

    def test_the_driver_may_write_its_keys(self):
        for key in self.row.writer.keys:
            self.assertTrue(keys.find(key).ours, key)
            self.assertEqual(key, keys.find(key).pattern)

    def test_its_values_are_of_the_type_of_the_key(self):
        for value in self.values():
            for key, text in self.row.writer.lines(value).items():
                kind = keys.find(key).kind
                self.assertEqual(isinstance(text, bool), kind == 'bool', key)
                if keys.find(key).values:
                    self.assertIn(text, keys.find(key).values)

    def test_each_name_leads_to_it(self):
        text = {kinds.Boolean: 'true', kinds.Integer: '1'}.get(
            type(self.row.kind)) or next(iter(self.row.kind.words))
        limit = ({name: text for name in self.row.limit.flavor}
                 if self.row.limit else {})
        for properties, extra_specs in (
                *(({name: text}, limit) for name in self.row.image),
                *(({}, {name: text}) for name in self.row.flavor)):
            found = hardware.choose(properties, extra_specs,
                                    guestos.find('ubuntu-64'), 1)
            name = next(iter({**properties, **extra_specs}))
            self.assertEqual(self.row.kind.read(name, text),
                             found.options[self.row.field])
            self.assertIn(name, found.origins[self.row.field])

    def test_golden(self):
        """Each text of the property and the lines that it adds."""
        name, *_ = self.row.image
        limit = ({self.row.limit.flavor[0]: str(self.row.kind.maximum)}
                 if self.row.limit else {})
        plain = render.render(base.make_server()).splitlines()
        parts = []
        for text in TEXTS[type(self.row.kind)](self.row.kind):
            lines = render.render(
                base.make_server({name: text}, limit)).splitlines()
            parts += ['%s=%s' % (name, text), *(
                '    ' + line for line in lines if line not in plain)]
        self.golden('options/%s.txt' % self.row.field,
                    '\n'.join(parts) + '\n')

    def test_a_value_outside_its_range(self):
        name = self.row.image[0]
        self.assertRaises(exception.InvalidProperty, base.make_server,
                          {name: 'theremin'})
        found = hardware.choose({name: 'theremin'}, {},
                                guestos.find('ubuntu-64'), 1,
                                chosen_now=frozenset())
        self.assertEqual((self.row.default, (name,)), (
            found.options[self.row.field], found.unsupported))


class ReadTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.row = dataclasses.replace(options.FIELDS['pmu'], since=14,
                                       on_arm=options.OnArm.REFUSED)

    def test_an_older_hardware_version(self):
        self.assertTrue(self.row.read('hw_pmu', 'true', 14, False))
        error = self.assertRaises(exception.InvalidProperty, self.row.read,
                                  'hw_pmu', 'true', 13, False)
        self.assertIn('virtual hardware 14', str(error))

    def test_apple_silicon(self):
        error = self.assertRaises(exception.InvalidProperty, self.row.read,
                                  'hw_pmu', 'true', 20, True)
        self.assertIn('Apple silicon', str(error))

    def test_the_default_is_available_everywhere(self):
        self.assertFalse(self.row.read('hw_pmu', 'false', 4, True))


class WriterTestCase(base.TestCase):

    def test_types_of_keys(self):
        writer = options.Fixed({1: {'a': True, 'b': 5, 'c': 'x', 'd': 'x'},
                                2: {'a': False, 'c': 'y'}})
        self.assertEqual(['bool', 'int', 'x|y', 'text'],
                         [writer.kind_of(key) for key in 'abcd'])
        self.assertEqual(frozenset('abcd'), writer.keys)

    def test_a_number_in_another_unit(self):
        writer = options.Scaled('size', 1024, {'auto': False})
        self.assertEqual({'auto': False, 'size': 2048}, writer.lines(2))
        self.assertEqual({}, writer.lines(None))
        self.assertEqual(('int', 'bool'), (writer.kind_of('size'),
                                           writer.kind_of('auto')))


class TableTestCase(base.TestCase):

    def test_there_is_a_row_for_every_golden(self):
        self.assertEqual(
            {each.field for each in options.ROWS},
            {path.stem for path in (base.FIXTURES / 'options').iterdir()})

    def test_no_two_rows_write_the_same_key(self):
        self.assertEqual(sum(len(each.writer.keys) for each in options.ROWS),
                         len(options.BY_KEY))

    def test_defaults(self):
        found = options.defaults()
        self.assertEqual({each.field for each in options.ROWS}, set(found))
        self.assertEqual((True, 'none'), (found['hpet'], found['usb']))
