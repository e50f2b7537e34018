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

from nova_vmrun.catalog import options
from nova_vmrun import exception
from nova_vmrun.formats import guestos
from nova_vmrun.formats import vmx
from nova_vmrun.formats.vmx import keys
from nova_vmrun.machine import hardware
from nova_vmrun.machine import render
from tests.unit.machine import base
from tests.unit.machine import test_hardware


class RowTestCase(testscenarios.WithScenarios, base.TestCase):

    scenarios = [(each.field, {'row': each}) for each in options.ROWS]

    def test_its_default_is_one_of_its_values(self):
        self.assertIn(self.row.default, self.row.keys)

    def test_each_value_becomes_its_lines(self):
        for value, lines in self.row.keys.items():
            written = vmx.parse(render.render(base.make_machine(
                options={**options.defaults(), self.row.field: value})))
            for key in {key for others in self.row.keys.values()
                        for key in others}:
                expected = lines.get(key)
                if isinstance(expected, bool):
                    expected = str(expected).upper()
                self.assertEqual(
                    None if expected is None else str(expected),
                    written.get(key), '%s: %s' % (value, key))

    def test_its_keys_are_known_to_be_ours(self):
        for lines in self.row.keys.values():
            for key in lines:
                self.assertTrue(keys.find(key).ours, key)
                self.assertEqual(key, keys.find(key).pattern)

    def test_each_name_reaches_it(self):
        text = 'true' if True in self.row.keys else next(iter(
            self.row.kind.words))
        for image, extra_specs in (
                *(({name: text}, {}) for name in self.row.image),
                *(({}, {name: text}) for name in self.row.flavor)):
            machine = base.make_server(image, extra_specs)
            name, = {**image, **extra_specs}
            self.assertEqual(self.row.kind.read(name, text),
                             machine.options[self.row.field])
            self.assertIn(name, machine.origins[self.row.field])

    def test_a_value_outside_its_range(self):
        name = self.row.image[0]
        self.assertRaises(exception.InvalidProperty, base.make_server,
                          {name: 'theremin'})
        found = hardware.choose({name: 'theremin'}, {},
                                guestos.find('ubuntu-64'), 1,
                                fresh=frozenset())
        self.assertEqual((self.row.default, (name,)), (
            found.options[self.row.field], found.unsupported))


class ReadTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.row = dataclasses.replace(options.FIELDS['pmu'], since=14,
                                       on_arm=False)

    def test_an_older_generation(self):
        self.assertTrue(self.row.read('hw_pmu', 'true', 14, False))
        error = self.assertRaises(exception.InvalidProperty, self.row.read,
                                  'hw_pmu', 'true', 13, False)
        self.assertIn('virtual hardware 14', str(error))

    def test_apple_silicon(self):
        error = self.assertRaises(exception.InvalidProperty, self.row.read,
                                  'hw_pmu', 'true', 20, True)
        self.assertIn('Apple silicon', str(error))

    def test_the_default_can_be_had_everywhere(self):
        self.assertFalse(self.row.read('hw_pmu', 'false', 4, True))


class SwitchesTestCase(test_hardware.HardwareTestCase):

    def test_switches(self):
        found = self._choose()
        self.assertEqual(
            (False, False, True, False),
            tuple(found.options[field] for field in (
                'hide_hypervisor', 'pmu', 'hpet', 'boot_menu')))
        found = self._choose({
            'img_hide_hypervisor_id': 'true', 'hw_pmu': 'true',
            'hw_time_hpet': 'false', 'hw_boot_menu': 'yes'})
        self.assertEqual(
            (True, True, False, True),
            tuple(found.options[field] for field in (
                'hide_hypervisor', 'pmu', 'hpet', 'boot_menu')))
        found = self._choose({'hw_pmu': 'true'}, {'hw:pmu': 'false'})
        self.assertEqual((False, 'flavor hw:pmu=False'),
                         (found.options['pmu'], found.origins['pmu']))
