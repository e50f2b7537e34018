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

from tests.unit.machine.choices import base


class FirmwareTestCase(base.ChoiceTestCase):

    def test_firmware(self):
        self.check('firmware', 'efi', 'image property hw_firmware_type=uefi',
                   {'hw_firmware_type': 'uefi'})
        self.check('firmware', 'bios',
                   'image property hw_firmware_type=bios',
                   {'hw_firmware_type': 'bios'}, guest='windows9-64')
        self.refused('hw_firmware_type', {'hw_firmware_type': 'coreboot'})
        self.refused('hw_firmware_type', {'hw_firmware_type': 'bios'},
                     guest='arm-ubuntu-64')

    def test_required_secure_boot_selects_uefi(self):
        found = self.choose({'os_secure_boot': 'required'})
        self.assertEqual(('efi', True), (found.firmware, found.secure_boot))
        self.assertEqual('image property os_secure_boot=required',
                         found.origins['firmware'])

    def test_required_secure_boot_that_is_impossible(self):
        self.refused('os_secure_boot', {'os_secure_boot': 'required',
                                        'hw_firmware_type': 'bios'})
        self.refused('os_secure_boot', {'os_secure_boot': 'required'},
                     hw_version=12)
        self.refused('os_secure_boot', {'os_secure_boot': 'required'},
                     guest='arm-ubuntu-64')

    def test_optional_secure_boot(self):
        self.assertFalse(self.choose(
            {'os_secure_boot': 'optional'}).secure_boot)
        self.assertTrue(self.choose(
            {'os_secure_boot': 'optional', 'hw_firmware_type': 'uefi'}
        ).secure_boot)

    def test_disabled_secure_boot(self):
        self.assertFalse(self.choose({'os_secure_boot': 'disabled'},
                                     guest='windows11-64').secure_boot)

    def test_the_flavor_wins(self):
        self.check('secure_boot', False, 'flavor os:secure_boot=disabled',
                   {'os_secure_boot': 'required'},
                   {'os:secure_boot': 'disabled'})

    def test_hardware_clock(self):
        """Only Windows takes it to show local time, on all processors."""
        for guest, expected in (
                ('windows11-64', True), ('windows7srv-64', True),
                ('winXPPro', True), ('arm-windows11-64', True),
                ('ubuntu-64', False), ('arm-ubuntu-64', False),
                ('darwin21-64', False), ('other-64', False)):
            self.assertEqual(expected, self.choose(guest=guest).local_time,
                             guest)

    def test_boot_order(self):
        self.check('boot_order', ('hdd', 'cdrom', 'floppy'), 'default')
        self.check('boot_order', ('cdrom', 'hdd'),
                   'image property vmrun_boot_order=cdrom,hdd',
                   {'vix_boot_order': 'floppy',
                    'vmrun_boot_order': 'cdrom,hdd'})
        self.refused('vix_boot_order', {'vix_boot_order': 'hdd,usb'})

    def test_no_secure_boot_on_old_hardware(self):
        self.assertFalse(self.choose(guest='windows11-64',
                                     hw_version=12).secure_boot)
        self.assertTrue(self.choose(guest='windows11-64').secure_boot)
