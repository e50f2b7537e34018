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

import uuid

import hypothesis
from hypothesis import strategies

from nova_vmrun import exception
from nova_vmrun.formats import identity
from tests.unit.machine import base


class IdentityTestCase(base.TestCase):

    def test_the_guest_swaps_the_first_three_fields_back(self):
        self.assertEqual(
            '78 56 34 12 ab 90 ef cd-12 34 56 78 90 ab cd ef',
            identity.to_vmware(base.UUID, 20))

    def test_old_hardware_does_not_swap_bytes(self):
        self.assertEqual(
            '12 34 56 78 90 ab cd ef-12 34 56 78 90 ab cd ef',
            identity.to_vmware(base.UUID, 12))

    @hypothesis.given(strategies.uuids(), strategies.sampled_from([12, 20]))
    def test_round_trip(self, value, hw_version):
        text = identity.to_vmware(str(value), hw_version)
        self.assertRegex(text, '^([0-9a-f]{2} ){7}[0-9a-f]{2}-'
                               '([0-9a-f]{2} ){7}[0-9a-f]{2}$')
        self.assertEqual(value,
                         uuid.UUID(identity.from_vmware(text, hw_version)))

    def test_nonsense(self):
        for text in ('', '56 4d', 'zz' * 16):
            self.assertRaises(exception.InvalidVmx, identity.from_vmware,
                              text, 20)
