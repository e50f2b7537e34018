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

from nova_vmrun.formats import guestos
from nova_vmrun.formats import vmx
from nova_vmrun.machine import model
from nova_vmrun.machine import render
from nova_vmrun.machine import snapshot_image
from tests.unit.machine import base


def describe(inherited=(), bus='lsilogic', **machine_fields):
    server = base.make_machine(**machine_fields)
    return snapshot_image.describe(vmx.parse(render.render(server)), bus,
                                   dict(inherited))


class SnapshotImageTestCase(base.TestCase):

    def test_a_server_from_the_image_is_like_the_first(self):
        """Whatever the first one was made from, and what of that is left."""
        for bus in model.BUSES:
            for guest in ('windows9-64', 'ubuntu-64', 'os2'):
                for firmware in model.FIRMWARE:
                    properties = describe(
                        bus=bus, guestos=guest, firmware=firmware,
                        family=guestos.find(guest).family)
                    again = base.make_server(properties)
                    self.assertEqual(
                        (bus, guest, firmware),
                        (again.disks[0].bus, again.guestos,
                         again.hardware.firmware))

    def test_inherited_properties(self):
        for properties in (
                {'hw_disk_bus': 'scsi'},
                {'hw_disk_bus': 'scsi', 'hw_scsi_model': 'vmpvscsi'},
                {'hw_disk_bus': 'sata', 'vmware_adaptertype': 'busLogic'},
                {'vmrun_disk_bus': 'nvme', 'hw_disk_bus': 'ide'},
                {'vmrun_disk_bus': 'ide', 'hw_disk_bus': 'sata'},
                {'os_type': 'windows', 'hw_firmware_type': 'uefi'},
                {'os_distro': 'debian', 'os_version': '11'},
                {'vmware_ostype': 'rhel8_64Guest'}):
            first = base.make_server(properties)
            handed_on = dict(properties, **snapshot_image.describe(
                vmx.parse(render.render(first)), first.disks[0].bus,
                properties))
            again = base.make_server(handed_on)
            self.assertEqual(
                (first.disks, first.guestos, first.hardware.firmware),
                (again.disks, again.guestos, again.hardware.firmware),
                properties)

    def test_a_guest_that_the_image_names_is_kept(self):
        self.assertNotIn('vmware_ostype', describe({'os_distro': 'debian'}))
        self.assertEqual('ubuntu64Guest',
                         describe({'os_distro': ''})['vmware_ostype'])

    def test_the_kind_of_the_old_file_is_forgotten(self):
        for name in ('hw_disk_type', 'vmware_disktype'):
            found = describe({name: 'preallocated'})
            self.assertEqual('streamOptimized', found[name])
        self.assertNotIn('hw_disk_type', describe())

    def test_obsolete_are_the_images_in_drives(self):
        for name in ('vmrun_iso_images', 'vix_iso_images',
                     'vix_floppy_image', 'vmrun_tools'):
            self.assertIn(name, snapshot_image.OBSOLETE)
        self.assertNotIn('vix_boot_order', snapshot_image.OBSOLETE)
