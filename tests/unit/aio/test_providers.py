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


from nova_vmrun.aio import providers
from tests.unit.aio import base


def provider(vcpus=32, used=0, traits=(), most=None):
    return providers.Provider(
        {'VCPU': {'total': vcpus // 16, 'reserved': 0,
                  'allocation_ratio': 16.0, 'max_unit': most or vcpus},
         'DISK_GB': {'total': 40, 'reserved': 10, 'allocation_ratio': 1.0,
                     'max_unit': 40}},
        {'VCPU': used}, frozenset(traits))


class ExplainTestCase(base.TestCase):

    def explain(self, *found, traits=(), **wanted):
        return providers.explain(wanted, frozenset(traits), list(found))

    def test_too_few_are_free(self):
        self.assertEqual(
            'It needs 4 VCPUs; 2 of 32 are free.',
            self.explain(provider(used=30), VCPU=4, DISK_GB=1))

    def test_best_host_counts(self):
        self.assertEqual(
            'It needs 4 VCPUs; 3 of 32 are free.',
            self.explain(provider(used=31), provider(used=29), VCPU=4))

    def test_reserved_is_not_free(self):
        self.assertEqual('It needs 31 GB of disk; 30 of 30 are free.',
                         self.explain(provider(), DISK_GB=31))

    def test_more_than_one_server_can_have(self):
        self.assertEqual(
            'It needs 17 VCPUs; one server can have 16.',
            self.explain(provider(most=16), VCPU=17))

    def test_missing_trait(self):
        self.assertEqual(
            'No host has the trait HW_Y.',
            self.explain(provider(traits=['HW_X']), VCPU=1,
                         traits=['HW_X', 'HW_Y']))

    def test_traits_of_a_tpm(self):
        self.assertEqual(
            'No host has the trait COMPUTE_SECURITY_TPM_2_0, '
            'COMPUTE_SECURITY_TPM_CRB. A virtual TPM needs an encrypted VM, '
            'which can only be created in the VMware user interface.',
            self.explain(provider(), traits=['COMPUTE_SECURITY_TPM_2_0',
                                             'COMPUTE_SECURITY_TPM_CRB']))

    def test_resource_that_nobody_has(self):
        self.assertEqual('It needs 1 VGPU; one server can have 0.',
                         self.explain(provider(), VGPU=1))

    def test_no_host_at_all(self):
        self.assertEqual('No compute host has registered yet.',
                         self.explain(VCPU=1))

    def test_nothing_lacks(self):
        """Something changed between the two questions."""
        self.assertEqual('', self.explain(provider(), VCPU=1))


class ReadTestCase(base.TestCase):

    ANSWERS = {
        '/resource_providers': {'resource_providers': [{'uuid': 'u'}]},
        '/resource_providers/u/inventories': {
            'inventories': provider().inventories},
        '/resource_providers/u/usages': {'usages': {'VCPU': 32}},
        '/resource_providers/u/traits': {'traits': ['HW_X']}}

    def test_all_parts_of_a_provider(self):
        self.assertEqual([provider(used=32, traits=['HW_X'])],
                         providers.read(self.ANSWERS.get))

    def test_error_in_place_of_an_answer(self):
        self.assertRaises(KeyError, providers.read, lambda _: {'errors': []})
