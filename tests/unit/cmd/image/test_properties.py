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

from nova_vmrun.cmd.image import properties
from nova_vmrun.formats import guestos
from nova_vmrun.formats import vmx
from nova_vmrun.machine import hardware
from nova_vmrun.machine import model
from tests.unit import base


class PropertiesTestCase(base.TestCase):

    def hardware(self, found):
        """Returns what a server gets of an image with these properties."""
        guest = guestos.choose(
            found, arch=found.get('hw_architecture', guestos.X86_64))
        return guest, hardware.choose(found, {}, guest, 1)

    def test_each_bus_comes_back(self):
        for bus in model.BUSES:
            found = properties.from_vm(vmx.Vmx(), bus)
            self.assertEqual(bus, self.hardware(found)[1].disk_bus)

    def test_each_nic_comes_back(self):
        for nic in model.NIC_MODELS:
            found = properties.from_vm(
                vmx.Vmx({'ethernet0.virtualDev': nic}), 'ide')
            self.assertEqual(nic, self.hardware(found)[1].nic_model)

    def test_each_guest_comes_back(self):
        for guest in guestos.all_guests().values():
            if guest.family == 'darwin':
                continue
            keys = vmx.Vmx({'guestOS': guest.id, 'firmware': 'efi'})
            found = properties.from_vm(keys, 'sata')
            self.assertEqual(guest.id, self.hardware(found)[0].id)

    def test_firmware(self):
        for keys, expected in (
                ({}, ('bios', False)), ({'firmware': 'efi'}, ('efi', False)),
                ({'firmware': 'efi', 'uefi.secureBoot.enabled': 'TRUE'},
                 ('efi', True))):
            keys = vmx.Vmx(dict(keys, guestOS='windows11-64'))
            chosen = self.hardware(properties.from_vm(keys, 'nvme'))[1]
            self.assertEqual(expected, (chosen.firmware, chosen.secure_boot))

    def test_a_bus_that_is_not_known(self):
        found = properties.from_vm(vmx.Vmx(), None)
        self.assertNotIn('vmware_adaptertype', found)
