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

"""The catalog has all properties that Nova knows, and no other of its names.

One test for each name, so that a release of Nova that adds one says so.
"""

import inspect
import re

from nova.api.validation.extra_specs import base as validation
from nova.api.validation.extra_specs import validators
from nova.objects import image_meta
from nova.pci import request as pci_request
from nova.scheduler.filters import compute_capabilities_filter
from nova.scheduler.filters import image_props_filter
from nova.scheduler import utils
from nova.virt import hardware
from nova.virt.libvirt import driver as libvirt
import testscenarios

from nova_vmrun.catalog import properties
from nova_vmrun.catalog import table
from nova_vmrun import exception
from tests.unit.machine import base

validators.load_validators()
# Fields that Nova fills from several properties.
_FIELDS = {'hw_numa_cpus': 'hw_numa_cpus.0', 'hw_numa_mem': 'hw_numa_mem.0',
           'traits_required': 'trait:HW_CPU_X86_VMX'}
# What fits the patterns of parameters in names of extra specs.
_PARAMETERS = {'group': '_one', 'num': '0', 'filter': ':vendor', 'key': 'ssd',
               'resource': 'GOLD', 'trait': 'GOLD'}
# Properties that Nova reads without declaring them, and where it does.
_UNDECLARED = {
    'hw:maxphysaddr_mode': hardware, 'hw:maxphysaddr_bits': libvirt,
    'vmware_adaptertype': image_meta, 'trait:': image_meta,
}
# Extra specs of ours; hw:time_hpet looks like one of Nova's.
_OURS = {'hw:time_hpet', 'vmrun:storage_tag', 'vmrun:ephemeral_storage_tag',
         'vmrun:swap_storage_tag'}
# Of Glance's documentation; Nova keeps them with the server.
_OF_GLANCE = {'os_version', 'os_shutdown_timeout'}


def spelled(name: str) -> str:
    """Fills the parameters in the name of an extra spec."""
    for parameter, text in _PARAMETERS.items():
        name = name.replace('{%s}' % parameter, text)
    return name


def value_sets(validator: validation.ExtraSpecValidator) -> list[str]:
    """Returns values that Nova's API accepts for an extra spec."""
    described = validator.value
    if 'enum' in described:
        return list(described['enum'])
    if described['type'] is bool:
        return ['true', 'false']
    if described['type'] is int:
        return [str(described.get('min', 0)), '1', '2147483648']
    return [text for text in ('large', '4', 'a:1', 'name', '0-1')
            if re.fullmatch(described.get('pattern', '.*'), text)]


class ExtraSpecsTestCase(testscenarios.WithScenarios, base.TestCase):

    scenarios = [(name, {'validator': validator})
                 for name, validator in sorted(validators.VALIDATORS.items())]

    def test_it_is_in_the_catalog(self):
        name = spelled(self.validator.name)
        validators.validate(name, value_sets(self.validator)[0])
        self.assertIsNotNone(table.find(name, table.FLAVOR), name)

    def test_each_value_is_decided(self):
        name = spelled(self.validator.name)
        for value in value_sets(self.validator):
            try:
                table.find_disobeyed({}, {name: value})
            except exception.InvalidProperty as error:
                self.assertEqual(name, error.name)


class ImagePropertiesTestCase(testscenarios.WithScenarios, base.TestCase):

    scenarios = [(name, {'name': _FIELDS.get(name, name)}) for name in sorted(
        {*image_meta.ImageMetaProps.fields,
         *image_meta.ImageMetaProps._legacy_property_map})]

    def test_it_is_in_the_catalog(self):
        self.assertIsNotNone(table.find(self.name, table.IMAGE))

    def test_each_value_is_decided(self):
        field = image_meta.ImageMetaProps.fields.get(self.name)
        for value in getattr(field, 'valid_values', None) or ('1', 'true'):
            try:
                table.find_disobeyed({self.name: value}, {})
            except exception.InvalidProperty as error:
                self.assertEqual(self.name, error.name)


class SourceTestCase(base.TestCase):
    """Nova reads some properties that it declares nowhere."""

    def test_every_property_that_nova_reads_is_in_the_catalog(self):
        found = set()
        for module in (hardware, utils, pci_request, libvirt,
                       compute_capabilities_filter, image_props_filter):
            text = inspect.getsource(module)
            found.update(re.findall(
                r"""['"]((?:hw|os|hw_video|hw_rng|quota|accel"""
                r"""|pci_passthrough):[a-z_]+[a-z])['"]""", text))
            for key in re.findall(
                    r"_flavor_image_meta\(\s*'([a-z_]+)'", text):
                found.add(('os:' if key == 'secure_boot' else 'hw:') + key)
        self.assertLess({'hw:sound_model', 'hw:maxphysaddr_mode',
                         'hw:cpu_policy'}, found)
        # The halves of names that Nova completes with a number.
        found -= {'hw:numa_cpus', 'hw:numa_mem'}
        self.assertEqual([], sorted(
            name for name in found
            if table.find(name, table.FLAVOR) is None))


class NamesTestCase(base.TestCase):
    """No name of the catalog is misspelt or comes twice."""

    def test_names_are_unique(self):
        for where in table.BOTH:
            names = [name for each in table.ROWS
                     for name in getattr(each, where)]
            self.assertEqual(sorted(set(names)), sorted(names))

    def test_undeclared_names_are_read(self):
        for name, module in _UNDECLARED.items():
            text = inspect.getsource(module)
            self.assertTrue(name in text or
                            name.partition(':')[2] in text, name)

    def test_each_image_property_exists(self):
        known = {*image_meta.ImageMetaProps.fields, *properties.OWN_NAMES,
                 *image_meta.ImageMetaProps._legacy_property_map,
                 *_UNDECLARED, *_OF_GLANCE}
        self.assertEqual(set(), {
            name for each in table.ROWS for name in each.image
            if name.removesuffix('*').removesuffix('.#') not in known})

    def test_each_extra_spec_exists(self):
        for each in table.ROWS:
            for name in each.flavor:
                if name in {*_UNDECLARED, *_OURS} or name.endswith('*'):
                    continue
                spelling = name.replace('#', '0')
                self.assertTrue(any(
                    re.fullmatch(validator.name_regex, spelling)
                    for validator in validators.VALIDATORS.values()), name)

    def test_each_pattern_has_a_namespace_of_nova(self):
        for each in table.ROWS:
            for name in each.flavor:
                if name.endswith('*'):
                    self.assertTrue(any(
                        spelled(known).startswith(name[:-1])
                        for known in validators.VALIDATORS), name)
