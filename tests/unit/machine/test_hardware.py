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

from nova_vmrun.catalog import options
from nova_vmrun.catalog import table
from nova_vmrun.formats.guestos import profiles
from nova_vmrun.machine import model
from tests.unit.machine import base as machine_base
from tests.unit.machine.choices import base


class DefaultsTestCase(base.ChoiceTestCase):

    def test_by_guest(self):
        for guest, expected in (
                ('ubuntu-64', ('bios', 'lsilogic', 'sata', 'e1000')),
                ('rhel6-64', ('bios', 'lsilogic', 'ide', 'e1000')),
                ('windows7-64', ('bios', 'lsisas1068', 'sata', 'e1000')),
                ('windows8srv-64', ('bios', 'lsisas1068', 'sata', 'e1000e')),
                ('windows9-64', ('efi', 'nvme', 'sata', 'e1000e')),
                ('windows2019srv-64', ('efi', 'lsisas1068', 'sata',
                                       'e1000e')),
                ('windows11-64', ('efi', 'nvme', 'sata', 'e1000e')),
                ('winXPPro', ('bios', 'ide', 'ide', 'vlance')),
                ('winNetEnterprise', ('bios', 'lsilogic', 'ide', 'vlance')),
                ('freeBSD13-64', ('bios', 'lsilogic', 'sata', 'e1000')),
                ('solaris11-64', ('bios', 'lsisas1068', 'sata', 'e1000')),
                ('darwin20-64', ('efi', 'sata', 'sata', 'e1000e')),
                ('vmkernel7', ('efi', 'pvscsi', 'sata', 'vmxnet3')),
                ('other-64', ('bios', 'lsilogic', 'ide', 'e1000')),
                ('dos', ('bios', 'ide', 'ide', 'vlance')),
                ('arm-ubuntu-64', ('efi', 'nvme', 'sata', 'e1000e'))):
            found = self.choose(guest=guest)
            self.assertEqual(expected, (found.firmware, found.disk_bus,
                                        found.cdrom_bus, found.nic_model),
                             guest)

    def test_a_machine_can_have_every_default(self):
        for profile in profiles.PROFILES.values():
            self.assertIn(profile.disk_bus, model.BUSES)
            self.assertIn(profile.scsi, model.SCSI_BUSES)
            self.assertIn(profile.cdrom_bus, model.CDROM_BUSES)
            self.assertIn(profile.nic_model, model.NIC_MODELS)
            self.assertIn(profile.firmware, model.FIRMWARE)
            for field, value in profile.options.items():
                self.assertTrue(options.FIELDS[field].allows(value), value)

    def test_origin_of_a_default(self):
        self.check('nic_model', 'e1000', 'default of linux guests')

    def test_macos_runs_on_fusion_only(self):
        for product in ('ws', 'player'):
            text = self.refused('guestOS', guest='darwin20-64',
                                product=product)
            self.assertIn('Fusion', text)
        self.choose(guest='darwin20-64', product='fusion')


class UnsupportedTestCase(base.ChoiceTestCase):

    def test_properties_for_the_log(self):
        found = self.choose(extra_specs={
            'quota:cpu_limit': '1', 'quota:vif_limit': '1',
            'quota:disk_read_iops_sec': '1', 'hw:cpu_cores': '1'})
        self.assertEqual(('quota:cpu_limit', 'quota:disk_read_iops_sec'),
                         found.unsupported)

    def test_only_what_is_chosen_now_is_refused(self):
        image, flavor = {'hw_numa_nodes': '2'}, {'hw:watchdog_action': 'reset'}
        for place, name in ((table.IMAGE, 'hw_numa_nodes'),
                            (table.FLAVOR, 'hw:watchdog_action')):
            self.refused(name, image, flavor, chosen_now=frozenset([place]))
        found = self.choose(image, flavor, chosen_now=frozenset())
        self.assertEqual(('hw_numa_nodes', 'hw:watchdog_action'),
                         found.unsupported)

    def test_no_tpm(self):
        for name in ('hw_tpm_model', 'hw_tpm_version'):
            self.assertIn('encrypted', self.refused(name, {name: '2.0'}))
        self.refused('hw:tpm_version', (), {'hw:tpm_version': '2.0'})


class MachineTestCase(base.ChoiceTestCase):

    def test_origins(self):
        found = self.choose({'hw_vif_model': 'vmxnet3'})
        self.assertEqual('image property hw_vif_model=vmxnet3',
                         found.origins['nic_model'])
        self.assertEqual('default', found.origins['guestos'])

    def test_a_machine_with_it_is_valid(self):
        model.validate(machine_base.make_machine(**vars(self.choose())))
