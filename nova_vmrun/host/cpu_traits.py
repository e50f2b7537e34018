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

"""CPU traits: Placement's names for a processor's features."""

from collections.abc import Iterable

import os_traits

# Names in Linux's /proc/cpuinfo to names in Placement. Features that VMware
# does not pass to guests (SGX, SEV, TDX) are left out.
_X86 = {
    'mmx': 'MMX', 'sse': 'SSE', 'sse2': 'SSE2', 'pni': 'SSE3',
    'ssse3': 'SSSE3', 'sse4_1': 'SSE41', 'sse4_2': 'SSE42', 'sse4a': 'SSE4A',
    '3dnow': '3DNOW', 'avx': 'AVX', 'avx2': 'AVX2', 'xop': 'XOP',
    'fma': 'FMA3', 'fma4': 'FMA4', 'f16c': 'F16C', 'pclmulqdq': 'CLMUL',
    'aes': 'AESNI', 'sha_ni': 'SHA', 'abm': 'ABM', 'bmi1': 'BMI',
    'bmi2': 'BMI2', 'tbm': 'TBM', 'rtm': 'TSX', 'pdpe1gb': 'PDPE1GB',
    'avx512f': 'AVX512F', 'avx512cd': 'AVX512CD', 'avx512bw': 'AVX512BW',
    'avx512dq': 'AVX512DQ', 'avx512vl': 'AVX512VL', 'avx512pf': 'AVX512PF',
    'avx512er': 'AVX512ER', 'avx512ifma': 'AVX512IFMA',
    'avx512vbmi': 'AVX512VBMI', 'avx512_vbmi2': 'AVX512VBMI2',
    'avx512_vnni': 'AVX512VNNI', 'avx512_bitalg': 'AVX512BITALG',
    'avx512_vpopcntdq': 'AVX512VPOPCNTDQ', 'vaes': 'AVX512VAES',
    'gfni': 'AVX512GFNI', 'vpclmulqdq': 'AVX512VPCLMULQDQ',
    # For servers with nested virtualization. Both traits have an old and a
    # new name, and flavors may require either.
    'vmx': 'VMX INTEL_VMX', 'svm': 'SVM AMD_SVM',
}
_NAMES = {flag: {'HW_CPU_X86_' + name for name in names.split()}
          for flag, names in _X86.items()}

ALL: frozenset[str] = frozenset().union(*_NAMES.values()) & frozenset(
    os_traits.get_traits())


def from_flags(flags: Iterable[str]) -> frozenset[str]:
    """Return the traits of a processor, a subset of ALL.

    :param flags: names of its features, as in /proc/cpuinfo
    """
    return ALL & {name for flag in flags for name in _NAMES.get(flag, ())}
