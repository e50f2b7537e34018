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

from nova_vmrun.catalog import row
from nova_vmrun.catalog import table
from nova_vmrun import exception
from tests.unit.machine import base


class FindTestCase(base.TestCase):

    def test_exact_names(self):
        found = table.find('hw_disk_bus', table.IMAGE)
        self.assertIsInstance(found, row.Obeyed)
        self.assertIsNone(table.find('hw_disk_bus', table.FLAVOR))
        self.assertIsNone(table.find('hw_disk_bus2', table.IMAGE))

    def test_numbers_in_names(self):
        self.assertIsInstance(table.find('hw:numa_cpus.15', table.FLAVOR),
                              row.Refused)
        for name in ('hw:numa_cpus.', 'hw:numa_cpus.x', 'hw:numa_cpusx1'):
            self.assertIsNone(table.find(name, table.FLAVOR))

    def test_any_text_at_the_end(self):
        for name in ('resources:CUSTOM_GOLD', 'resources1:VGPU'):
            self.assertIsInstance(table.find(name, table.FLAVOR), row.Obeyed)
        self.assertIsNone(table.find('xresources', table.FLAVOR))


class FindDisobeyedTestCase(base.TestCase):

    def _refused(self, name, *arguments):
        error = self.assertRaises(exception.InvalidProperty,
                                  table.find_disobeyed, *arguments)
        self.assertEqual(name, error.name)
        return str(error)

    def test_properties_that_somebody_may_rely_on(self):
        self.assertEqual(
            ('quota:cpu_limit',),
            table.find_disobeyed({'hw_rng_model': 'virtio'},
                                 {'quota:cpu_limit': '1'}))

    def test_unknown_and_obeyed_properties(self):
        self.assertEqual((), table.find_disobeyed(
            {'owner_specified': '1', 'hw_disk_bus': 'sata'}, {'my:own': '1'}))

    def test_only_what_is_chosen_now_is_refused(self):
        image, flavor = {'hw_numa_nodes': '2'}, {'hw:numa_nodes': '2'}
        text = self._refused('hw_numa_nodes', image, {})
        self.assertIn('Use another image', text)
        text = self._refused('hw:numa_nodes', image, flavor,
                             frozenset([table.FLAVOR]))
        self.assertIn('Use another flavor', text)
        self.assertEqual(
            ('hw_numa_nodes', 'hw:numa_nodes'),
            table.find_disobeyed(image, flavor, frozenset()))

    def test_harmless_and_empty_values(self):
        self.assertEqual((), table.find_disobeyed(
            {'hw_cpu_policy': 'shared', 'hw_numa_nodes': ''},
            {'hw:mem_encryption': 'false'}))


class FindUnmetTestCase(base.TestCase):

    def check(self, expected, properties=(), extra_specs=()):
        self.assertEqual(expected, [
            (each.place, each.name, each.value)
            for each in table.find_unmet(dict(properties),
                                         dict(extra_specs))])

    def test_property_that_the_scheduler_refuses(self):
        self.check([('image', 'hw_tpm_model', 'tpm-crb'),
                    ('flavor', 'hw:tpm_version', '2.0')],
                   {'hw_tpm_model': 'tpm-crb'}, {'hw:tpm_version': '2.0'})

    def test_required_trait(self):
        for name in ('trait:COMPUTE_SECURITY_TPM_1_2',
                     'trait1:COMPUTE_SECURITY_TPM_TIS',
                     'trait_disk:COMPUTE_SECURITY_TPM_CRB'):
            self.check([('flavor', name, 'required')], (),
                       {name: 'required'})
        self.check([], (), {'trait:COMPUTE_SECURITY_TPM_1_2': 'forbidden',
                            'trait:HW_CPU_X86_AVX': 'required',
                            'traits': 'required'})

    def test_what_the_driver_itself_refuses_or_nobody_needs(self):
        self.check([], {'hw_numa_nodes': '2', 'img_hv_type': 'vmware',
                        'hw_tpm_version': '', 'hw_disk_bus': 'sata'})

    def test_row_of_a_trait(self):
        self.assertIn('TPM', table.find_by_trait(
            'COMPUTE_SECURITY_TPM_2_0').about)
        self.assertIsNone(table.find_by_trait('COMPUTE_NODE'))
