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

from nova_vmrun.host import cpu_traits
from tests.unit import base


class TraitsTestCase(base.TestCase):

    def test_from_flags(self):
        self.assertEqual(
            {'HW_CPU_X86_SSE3', 'HW_CPU_X86_AESNI', 'HW_CPU_X86_AVX512VNNI',
             'HW_CPU_X86_FMA3'},
            cpu_traits.from_flags(['pni', 'aes', 'avx512_vnni', 'fma', 'sgx',
                                   'fpu']))

    def test_nested_virtualization_has_two_names(self):
        self.assertEqual({'HW_CPU_X86_VMX', 'HW_CPU_X86_INTEL_VMX'},
                         cpu_traits.from_flags(['vmx']))
        self.assertEqual({'HW_CPU_X86_SVM', 'HW_CPU_X86_AMD_SVM'},
                         cpu_traits.from_flags(['svm']))

    def test_placement_knows_all_traits(self):
        self.assertEqual(set().union(*cpu_traits._NAMES.values()),
                         cpu_traits.ALL)

    def test_no_flags(self):
        self.assertEqual(set(), cpu_traits.from_flags([]))
