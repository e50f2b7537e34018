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


class SegmentTestCase(base.TestCase):

    def test_the_bytes_are_in_the_order_of_the_uuid(self):
        self.assertEqual(
            '10 b5 f8 67 de 2d 44 36-95 2c 7f 44 16 b3 94 8e',
            identity.to_segment('10b5f867-de2d-4436-952c-7f4416b3948e'))

    def test_networks_whose_ids_begin_alike(self):
        first, second = (
            identity.to_segment('10b5f867-de2d-4436-952c-' + end)
            for end in ('7f4416b3948e', '7f4416b3948f'))
        self.assertNotEqual(first, second)

    @hypothesis.given(strategies.uuids())
    def test_round_trip(self, value):
        text = identity.to_segment(str(value))
        self.assertTrue(identity.is_segment(text))
        self.assertTrue(identity.is_segment(text.upper()))
        self.assertEqual(str(value), identity.from_segment(text))

    def test_nonsense(self):
        for text in ('', '56 4d', 'zz ' * 16, base.UUID,
                     '52 54 ab 10 00 00 00 00-00 00 00 00 00 00 00 01\n'):
            self.assertFalse(identity.is_segment(text))
