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

from nova_vmrun.formats import vmx
from nova_vmrun.machine import adapters
from nova_vmrun.machine import model
from tests.unit.machine import base

MACS = ['fa:16:3e:00:00:0%d' % number for number in range(3)]


def existing(*adapters, **more):
    """Return settings with (slot, address type, address)."""
    found = vmx.Vmx(more)
    for slot, kind, mac in adapters:
        name = 'ethernet%d.' % slot
        found[name + 'present'] = 'TRUE'
        found[name + 'addressType'] = kind
        key = 'address' if kind == 'static' else 'generatedAddress'
        found[name + key] = mac
    return found


def nic(mac, slot=None):
    return model.Nic(mac, 'e1000', 'nat', slot=slot)


class SlotsTestCase(base.TestCase):

    def test_addresses_in_any_case(self):
        found = existing((0, 'static', MACS[0].upper()),
                         (3, 'static', MACS[1]))
        self.assertEqual({MACS[0]: 0, MACS[1]: 3}, adapters.slots(found))
        self.assertEqual(MACS[0], adapters.mac(found, 0))
        self.assertEqual('', adapters.mac(found, 1))

    def test_static_addresses(self):
        found = existing((0, 'static', MACS[0]), (1, 'generated', MACS[1]))
        self.assertTrue(adapters.is_static('ethernet0', found))
        self.assertFalse(adapters.is_static('ethernet1', found))
        self.assertFalse(adapters.is_static('scsi0', found))


class ForeignSlotsTestCase(base.TestCase):

    def test_an_adapter_from_the_window(self):
        found = existing((0, 'static', MACS[0]), (1, 'generated', MACS[1]))
        self.assertEqual({1}, adapters.foreign_slots(found, [MACS[0]]))


class KeepSlotsTestCase(base.TestCase):

    def _slots(self, nics, found):
        return [each.slot for each in adapters.keep_slots(tuple(nics), found)]

    def test_known_adapters_keep_theirs_and_new_ones_get_a_free_one(self):
        found = existing((1, 'static', MACS[1]), (0, 'generated', MACS[0]))
        self.assertEqual([2, 1], self._slots(
            [nic(MACS[2]), nic(MACS[1])], found))

    def test_a_slot_that_is_set(self):
        self.assertEqual([5, 0], self._slots(
            [nic(MACS[0], slot=5), nic(MACS[1])], vmx.Vmx()))

    def test_too_few_are_free(self):
        window = [(slot, 'generated', '00:0c:29:00:00:0%d' % slot)
                  for slot in range(9)]
        error = self.assertRaises(
            model.InvalidMachine, adapters.keep_slots,
            (nic(MACS[0]), nic(MACS[1])), existing(*window))
        self.assertIn('11 network adapters', str(error))
        self.assertIn('9 were added in the VMware window', str(error))
