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


class DiskBusTestCase(base.ChoiceTestCase):

    def test_adapter_types_as_in_the_vsphere_driver(self):
        for value, expected in (
                ('ide', 'ide'), ('busLogic', 'buslogic'),
                ('lsiLogic', 'lsilogic'), ('lsiLogicsas', 'lsisas1068'),
                ('paraVirtual', 'pvscsi')):
            self.check('disk_bus', expected,
                       'image property vmware_adaptertype=' + value,
                       {'vmware_adaptertype': value})

    def test_novas_names(self):
        for properties, expected in (
                ({'hw_disk_bus': 'ide'}, 'ide'),
                ({'hw_disk_bus': 'sata'}, 'sata'),
                ({'hw_disk_bus': 'scsi'}, 'lsilogic'),
                ({'hw_disk_bus': 'scsi', 'hw_scsi_model': 'vmpvscsi'},
                 'pvscsi'),
                ({'hw_scsi_model': 'paraVirtual'}, 'pvscsi'),
                ({'hw_disk_bus': 'ide', 'hw_scsi_model': 'lsilogic'}, 'ide'),
                ({'hw_disk_bus': 'sata', 'vmware_adaptertype': 'ide'},
                 'sata'),
                ({'hw_disk_bus': 'scsi', 'vmware_adaptertype': 'busLogic'},
                 'buslogic'),
                ({'hw_disk_bus': 'scsi', 'vmware_adaptertype': 'ide'},
                 'lsilogic')):
            self.assertEqual(expected, self.choose(properties).disk_bus,
                             properties)

    def test_only_scsi_selects_the_default_controller_of_the_guest(self):
        self.check('disk_bus', 'lsisas1068',
                   'image property hw_disk_bus=scsi',
                   {'hw_disk_bus': 'scsi'}, guest='windows9-64')

    def test_the_drivers_own_property_wins(self):
        for value, expected in (
                ('nvme', 'nvme'), ('sata', 'sata'), ('paraVirtual', 'pvscsi'),
                ('lsisas1068', 'lsisas1068'), ('scsi', 'lsilogic'),
                ('ide', 'ide')):
            found = self.choose({'vmrun_disk_bus': value,
                                 'hw_disk_bus': 'virtio'})
            self.assertEqual(expected, found.disk_bus)

    def test_buses_that_vmware_lacks_are_refused(self):
        for name, value in (
                ('hw_disk_bus', 'virtio'), ('hw_disk_bus', 'nvme'),
                ('hw_scsi_model', 'virtio-scsi'),
                ('hw_scsi_model', 'lsisas1078'),
                ('vmware_adaptertype', 'sata'), ('vmrun_disk_bus', 'usb')):
            self.assertIn(value, self.refused(name, {name: value}))

    def test_controllers_that_this_host_lacks(self):
        self.refused('vmrun_disk_bus', {'vmrun_disk_bus': 'nvme'},
                     hw_version=12)
        for bus in ('ide', 'lsilogic'):
            self.refused('vmrun_disk_bus', {'vmrun_disk_bus': bus},
                         guest='arm-ubuntu-64')

    def test_volume_bus(self):
        """The guest boots from the same kind of controller, except IDE."""
        for bus, expected in (
                ('pvscsi', 'pvscsi'), ('sata', 'sata'), ('nvme', 'nvme'),
                ('buslogic', 'buslogic'), ('ide', 'lsilogic')):
            found = self.choose({'vmrun_disk_bus': bus})
            self.assertEqual((bus, expected),
                             (found.disk_bus, found.volume_bus))

    def test_cdrom_bus(self):
        for properties, expected in (
                ({'hw_cdrom_bus': 'ide'}, 'ide'),
                ({'hw_cdrom_bus': 'sata'}, 'sata'),
                ({'hw_cdrom_bus': 'scsi'}, 'lsilogic'),
                ({'hw_cdrom_bus': 'scsi', 'vmrun_disk_bus': 'pvscsi'},
                 'pvscsi'),
                ({'hw_cdrom_bus': 'scsi', 'vmrun_disk_bus': 'nvme'},
                 'lsilogic')):
            self.assertEqual(expected, self.choose(properties).cdrom_bus)
        self.refused('hw_cdrom_bus', {'hw_cdrom_bus': 'usb'})
        self.refused('hw_cdrom_bus', {'hw_cdrom_bus': 'ide'},
                     guest='arm-ubuntu-64')

    def test_no_nvme_on_old_hardware(self):
        self.check('disk_bus', 'sata', 'default of windows-10 guests',
                   guest='windows9-64', hw_version=12)

    def test_controller_in_the_descriptor_of_the_disk(self):
        origin = "ddb.adapterType of the image's disk"
        self.check('disk_bus', 'buslogic', origin, image_adapter='buslogic')
        self.check('disk_bus', 'nvme', 'default of arm guests',
                   image_adapter='ide', guest='arm-ubuntu-64')
        self.check('disk_bus', 'sata', 'image property hw_disk_bus=sata',
                   {'hw_disk_bus': 'sata'}, image_adapter='ide')
