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

from nova_vmrun.catalog import table
from nova_vmrun import exception
from nova_vmrun.formats import guestos
from nova_vmrun.formats.guestos import profiles
from nova_vmrun.machine import hardware
from nova_vmrun.machine import model
from tests.unit.machine import base

IMAGE = '12345678-90ab-cdef-1234-567890abcdef'
OTHER = 'ffffffff-90ab-cdef-1234-567890abcdef'


class HardwareTestCase(base.TestCase):

    def _choose(self, properties=(), extra_specs=(), vcpus=2, product=None,
                hw_version=20, guest='ubuntu-64', fresh=table.BOTH):
        return hardware.choose(dict(properties), dict(extra_specs),
                               guestos.find(guest), vcpus,
                               hw_version, product, fresh=fresh)

    def _refused(self, name, properties=(), extra_specs=(), **arguments):
        error = self.assertRaises(
            exception.InvalidProperty, self._choose, properties, extra_specs,
            **arguments)
        self.assertEqual(name, error.name)
        return str(error)

    def _check(self, field, expected, origin, *arguments, **named):
        found = self._choose(*arguments, **named)
        self.assertEqual(expected, getattr(found, field))
        self.assertEqual(origin, found.origins[field])


class DefaultsTestCase(HardwareTestCase):

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
            found = self._choose(guest=guest)
            self.assertEqual(expected, (found.firmware, found.disk_bus,
                                        found.cdrom_bus, found.nic_model),
                             guest)

    def test_every_default_is_one_that_a_machine_can_have(self):
        for profile in profiles.PROFILES.values():
            self.assertIn(profile.disk_bus, model.BUSES)
            self.assertIn(profile.scsi, model.SCSI_BUSES)
            self.assertIn(profile.cdrom_bus, model.CDROM_BUSES)
            self.assertIn(profile.nic_model, model.NIC_MODELS)
            self.assertIn(profile.firmware, model.FIRMWARE)
            self.assertIn(profile.usb, model.USB_CONTROLLERS)

    def test_the_origin_of_a_default_names_the_guests(self):
        self._check('nic_model', 'e1000', 'default of linux guests')

    def test_old_hardware_has_no_nvme(self):
        self._check('disk_bus', 'sata', 'default of windows-10 guests',
                    guest='windows9-64', hw_version=12)

    def test_no_secure_boot_on_old_hardware(self):
        self.assertFalse(self._choose(guest='windows11-64',
                                      hw_version=12).secure_boot)
        self.assertTrue(self._choose(guest='windows11-64').secure_boot)

    def test_macos_runs_on_fusion_only(self):
        for product in ('ws', 'player'):
            text = self._refused('guestOS', guest='darwin20-64',
                                 product=product)
            self.assertIn('Fusion', text)
        self._choose(guest='darwin20-64', product='fusion')

    def test_desktop_windows_has_all_cores_in_one_socket(self):
        self._check('cores_per_socket', 4, 'default of windows-10 guests',
                    guest='windows9-64', vcpus=4)
        self.assertIsNone(self._choose(guest='ubuntu-64',
                                       vcpus=4).cores_per_socket)
        self.assertIsNone(self._choose(guest='windows9-64',
                                       vcpus=1).cores_per_socket)


class DiskBusTestCase(HardwareTestCase):

    def test_adapter_types_of_the_vsphere_driver(self):
        for value, expected in (
                ('ide', 'ide'), ('busLogic', 'buslogic'),
                ('lsiLogic', 'lsilogic'), ('lsiLogicsas', 'lsisas1068'),
                ('paraVirtual', 'pvscsi')):
            self._check('disk_bus', expected,
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
            self.assertEqual(expected, self._choose(properties).disk_bus,
                             properties)

    def test_scsi_alone_takes_what_the_guest_has_a_driver_for(self):
        self._check('disk_bus', 'lsisas1068',
                    'image property hw_disk_bus=scsi',
                    {'hw_disk_bus': 'scsi'}, guest='windows9-64')

    def test_our_own_name_wins(self):
        for value, expected in (
                ('nvme', 'nvme'), ('sata', 'sata'), ('paraVirtual', 'pvscsi'),
                ('lsisas1068', 'lsisas1068'), ('scsi', 'lsilogic'),
                ('ide', 'ide')):
            found = self._choose({'vmrun_disk_bus': value,
                                  'hw_disk_bus': 'virtio'})
            self.assertEqual(expected, found.disk_bus)

    def test_what_vmware_has_not_is_refused(self):
        for name, value in (
                ('hw_disk_bus', 'virtio'), ('hw_disk_bus', 'nvme'),
                ('hw_scsi_model', 'virtio-scsi'),
                ('hw_scsi_model', 'lsisas1078'),
                ('vmware_adaptertype', 'sata'), ('vmrun_disk_bus', 'usb')):
            self.assertIn(value, self._refused(name, {name: value}))

    def test_controllers_that_this_host_has_not(self):
        self._refused('vmrun_disk_bus', {'vmrun_disk_bus': 'nvme'},
                      hw_version=12)
        for bus in ('ide', 'lsilogic'):
            self._refused('vmrun_disk_bus', {'vmrun_disk_bus': bus},
                          guest='arm-ubuntu-64')

    def test_cdrom_bus(self):
        for properties, expected in (
                ({'hw_cdrom_bus': 'ide'}, 'ide'),
                ({'hw_cdrom_bus': 'sata'}, 'sata'),
                ({'hw_cdrom_bus': 'scsi'}, 'lsilogic'),
                ({'hw_cdrom_bus': 'scsi', 'vmrun_disk_bus': 'pvscsi'},
                 'pvscsi'),
                ({'hw_cdrom_bus': 'scsi', 'vmrun_disk_bus': 'nvme'},
                 'lsilogic')):
            self.assertEqual(expected, self._choose(properties).cdrom_bus)
        self._refused('hw_cdrom_bus', {'hw_cdrom_bus': 'usb'})
        self._refused('hw_cdrom_bus', {'hw_cdrom_bus': 'ide'},
                      guest='arm-ubuntu-64')


class NetworkTestCase(HardwareTestCase):

    def test_models(self):
        for value, expected in (
                ('e1000', 'e1000'), ('VirtualE1000', 'e1000'),
                ('e1000e', 'e1000e'), ('pcnet', 'vlance'),
                ('VirtualPCNet32', 'vlance'), ('vmxnet', 'vmxnet'),
                ('VirtualVmxnet3', 'vmxnet3'), ('vmxnet3', 'vmxnet3')):
            self._check('nic_model', expected,
                        'image property hw_vif_model=' + value,
                        {'hw_vif_model': value})

    def test_models_of_others(self):
        for value in ('virtio', 'rtl8139', 'ne2k_pci', 'igb'):
            self._refused('hw_vif_model', {'hw_vif_model': value})
        self._refused('hw_vif_model', {'hw_vif_model': 'e1000'},
                      guest='arm-ubuntu-64')

    def test_limits(self):
        found = self._choose(extra_specs={
            'quota:vif_inbound_average': '1000',
            'quota:vif_outbound_average': '500'})
        # From kilobytes to kilobits.
        self.assertEqual((8000, 4000), (found.nic_rx_kbps, found.nic_tx_kbps))
        self.assertEqual('flavor quota:vif_inbound_average=1000',
                         found.origins['nic_rx_kbps'])

    def test_limit_of_the_vsphere_driver(self):
        found = self._choose(extra_specs={
            'quota:vif_limit': '10', 'quota:vif_outbound_average': '1'})
        self.assertEqual((10000, 8), (found.nic_rx_kbps, found.nic_tx_kbps))

    def test_no_limit(self):
        found = self._choose()
        self.assertEqual((None, None), (found.nic_rx_kbps, found.nic_tx_kbps))

    def test_nonsense(self):
        self._refused('quota:vif_limit', (), {'quota:vif_limit': 'fast'})

    def test_what_cannot_be_obeyed_is_told(self):
        found = self._choose(extra_specs={
            'quota:cpu_limit': '1', 'quota:vif_limit': '1',
            'quota:disk_read_iops_sec': '1', 'hw:cpu_cores': '1'})
        self.assertEqual(('quota:cpu_limit', 'quota:disk_read_iops_sec'),
                         found.unsupported)


class FirmwareTestCase(HardwareTestCase):

    def test_firmware(self):
        self._check('firmware', 'efi', 'image property hw_firmware_type=uefi',
                    {'hw_firmware_type': 'uefi'})
        self._check('firmware', 'bios',
                    'image property hw_firmware_type=bios',
                    {'hw_firmware_type': 'bios'}, guest='windows9-64')
        self._refused('hw_firmware_type', {'hw_firmware_type': 'coreboot'})
        self._refused('hw_firmware_type', {'hw_firmware_type': 'bios'},
                      guest='arm-ubuntu-64')

    def test_required_secure_boot_brings_uefi(self):
        found = self._choose({'os_secure_boot': 'required'})
        self.assertEqual(('efi', True), (found.firmware, found.secure_boot))
        self.assertEqual('image property os_secure_boot=required',
                         found.origins['firmware'])

    def test_required_secure_boot_that_cannot_be(self):
        self._refused('os_secure_boot', {'os_secure_boot': 'required',
                                         'hw_firmware_type': 'bios'})
        self._refused('os_secure_boot', {'os_secure_boot': 'required'},
                      hw_version=12)
        self._refused('os_secure_boot', {'os_secure_boot': 'required'},
                      guest='arm-ubuntu-64')

    def test_optional_secure_boot(self):
        self.assertFalse(self._choose(
            {'os_secure_boot': 'optional'}).secure_boot)
        self.assertTrue(self._choose(
            {'os_secure_boot': 'optional', 'hw_firmware_type': 'uefi'}
        ).secure_boot)

    def test_disabled_secure_boot(self):
        self.assertFalse(self._choose({'os_secure_boot': 'disabled'},
                                      guest='windows11-64').secure_boot)

    def test_the_flavor_wins(self):
        self._check('secure_boot', False, 'flavor os:secure_boot=disabled',
                    {'os_secure_boot': 'required'},
                    {'os:secure_boot': 'disabled'})

    def test_boot_order(self):
        self._check('boot_order', ('hdd', 'cdrom', 'floppy'), 'default')
        self._check('boot_order', ('cdrom', 'hdd'),
                    'image property vmrun_boot_order=cdrom,hdd',
                    {'vix_boot_order': 'floppy',
                     'vmrun_boot_order': 'cdrom,hdd'})
        self._refused('vix_boot_order', {'vix_boot_order': 'hdd,usb'})

    def test_no_tpm(self):
        for name in ('hw_tpm_model', 'hw_tpm_version'):
            self.assertIn('encrypted', self._refused(name, {name: '2.0'}))
        self._refused('hw:tpm_version', (), {'hw:tpm_version': '2.0'})


class TopologyTestCase(HardwareTestCase):

    def _cores(self, vcpus, properties=(), extra_specs=()):
        return self._choose(properties, extra_specs, vcpus).cores_per_socket

    def test_cores_and_threads(self):
        self.assertEqual(2, self._cores(4, {'hw_cpu_cores': '2'}))
        self.assertEqual(4, self._cores(4, {'hw_cpu_cores': '2',
                                            'hw_cpu_threads': '2'}))

    def test_sockets(self):
        self.assertEqual(4, self._cores(8, {'hw_cpu_sockets': '2'}))

    def test_a_preference_that_does_not_divide(self):
        self.assertEqual(2, self._cores(4, {'hw_cpu_cores': '3'}))
        self.assertEqual(1, self._cores(1, {'hw_cpu_cores': '8'}))
        self.assertEqual(1, self._cores(2, {'hw_cpu_sockets': '4'}))

    def test_the_flavor_wins(self):
        self._check('cores_per_socket', 4, 'flavor hw:cpu_cores=4',
                    {'hw_cpu_cores': '2'}, {'hw:cpu_cores': '4'}, vcpus=4)

    def test_limits(self):
        self._check('cores_per_socket', 4,
                    'image property hw_cpu_max_sockets=2',
                    {'hw_cpu_max_sockets': '2'}, vcpus=8)
        self.assertEqual(2, self._cores(8, {'hw_cpu_cores': '8',
                                            'hw_cpu_max_cores': '2'}))
        self.assertEqual(2, self._cores(
            8, {'hw_cpu_max_threads': '1', 'hw_cpu_max_cores': '2',
                'hw_cpu_threads': '4'}))

    def test_limits_that_allow_nothing(self):
        self._refused('hw_cpu_max_sockets',
                      {'hw_cpu_max_sockets': '1', 'hw_cpu_max_cores': '2',
                       'hw_cpu_max_threads': '1'}, vcpus=4)
        self._refused('hw:cpu_max_sockets', (),
                      {'hw:cpu_max_sockets': '1', 'hw:cpu_max_cores': '2',
                       'hw:cpu_max_threads': '1'}, vcpus=4)

    def test_an_image_may_not_raise_the_limit_of_a_flavor(self):
        self._refused('hw_cpu_max_sockets', {'hw_cpu_max_sockets': '4'},
                      {'hw:cpu_max_sockets': '2'})

    def test_nonsense(self):
        for value in ('0', 'two', '-1'):
            self._refused('hw_cpu_cores', {'hw_cpu_cores': value})


class DevicesTestCase(HardwareTestCase):

    def test_nested(self):
        self.assertFalse(self._choose().nested)
        for name in ('vix_nested_hypervisor', 'vmrun_nested_hypervisor'):
            self.assertTrue(self._choose({name: 'true'}).nested)
        self._check('nested', True, 'guest winHyperV', guest='winHyperV')
        self.assertTrue(self._choose(guest='vmkernel7').nested)
        self.assertFalse(self._choose({'vmrun_nested_hypervisor': 'false'},
                                      guest='winHyperV').nested)
        self._refused('vix_nested_hypervisor',
                      {'vix_nested_hypervisor': 'maybe'})

    def test_video_ram_needs_the_flavors_leave(self):
        self.assertIsNone(self._choose().video_ram_mb)
        self._check('video_ram_mb', 64, 'image property hw_video_ram=64',
                    {'hw_video_ram': '64'}, {'hw_video:ram_max_mb': '64'})
        self._refused('hw_video_ram', {'hw_video_ram': '64'},
                      {'hw_video:ram_max_mb': '32'})
        self._refused('hw_video_ram', {'hw_video_ram': '64'})
        self._refused('hw_video_ram', {'hw_video_ram': '512'},
                      {'hw_video:ram_max_mb': '512'})

    def test_serial_ports(self):
        self._check('serial_ports', 1, 'default')
        self._check('serial_ports', 2, 'flavor hw:serial_port_count=2', (),
                    {'hw:serial_port_count': '2'})
        self._check('serial_ports', 1,
                    'image property hw_serial_port_count=1',
                    {'hw_serial_port_count': '1'},
                    {'hw:serial_port_count': '2'})
        self._refused('hw_serial_port_count', {'hw_serial_port_count': '3'},
                      {'hw:serial_port_count': '2'})
        self._refused('hw_serial_port_count', {'hw_serial_port_count': '5'})

    def test_usb_and_sound(self):
        found = self._choose()
        self.assertEqual(('none', None), (found.usb, found.options['sound']))
        found = self._choose({'hw_usb_model': 'qemu-xhci',
                              'hw_sound_model': 'ich9'})
        self.assertEqual(('xhci', 'hdaudio'),
                         (found.usb, found.options['sound']))
        found = self._choose(extra_specs={'hw:usb_model': 'nec-xhci',
                                          'hw:sound_model': 'sb16'})
        self.assertEqual(('xhci', 'sb16'), (found.usb, found.options['sound']))
        self._refused('hw:sound_model', (), {'hw:sound_model': 'virtio'})
        self.assertEqual('xhci', self._choose(guest='arm-ubuntu-64').usb)
        self._refused('hw_sound_model', {'hw_sound_model': 'virtio'})
        self._refused('hw_usb_model', {'hw_usb_model': 'ehci'})

    def test_show_gui(self):
        self.assertIsNone(self._choose().show_gui)
        for name in ('vmrun_show_gui', 'vix_show_gui', 'show_gui'):
            self.assertIs(True, self._choose({name: 'true'}).show_gui)
            self._refused(name, {name: 'maybe'})


class ImagesTestCase(HardwareTestCase):

    def test_linked_clone(self):
        self.assertIsNone(self._choose().linked_clone)
        for name in ('vmrun_cow', 'vix_cow', 'cow', 'img_linked_clone',
                     'vmware_linked_clone'):
            self.assertIs(False, self._choose({name: 'False'}).linked_clone)
        self.assertIs(True, self._choose(
            {'vmrun_cow': 'true', 'img_linked_clone': 'false'}).linked_clone)

    def test_disk_type(self):
        for name in ('hw_disk_type', 'vmware_disktype'):
            for value in ('sparse', 'thin', 'preallocated',
                          'streamOptimized'):
                self.assertEqual(value,
                                 self._choose({name: value}).disk_type)
            self._refused(name, {name: 'qcow2'})

    def test_iso_images(self):
        self.assertEqual((), self._choose().iso_images)
        self.assertEqual((IMAGE, OTHER), self._choose(
            {'vix_iso_images': IMAGE + ',' + OTHER}).iso_images)
        self.assertEqual((OTHER,), self._choose(
            {'vix_iso_images': IMAGE, 'vmrun_iso_images': OTHER}).iso_images)
        # A list that Nova cut off at 255 bytes.
        self._refused('vix_iso_images', {
            'vix_iso_images': ','.join([IMAGE] * 7)[:255]})

    def test_floppy_image(self):
        self.assertIsNone(self._choose().floppy_image)
        self.assertEqual(IMAGE, self._choose(
            {'vix_floppy_image': IMAGE}).floppy_image)
        self._refused('vix_floppy_image', {
            'vix_floppy_image': IMAGE + ',' + OTHER})
        self._refused('vmrun_floppy_image', {'vmrun_floppy_image': IMAGE},
                      guest='arm-ubuntu-64')

    def test_tools_isos(self):
        for name in ('vmrun_tools_iso', 'vmrun_tools', 'vix_tools_iso',
                     'vix_tools'):
            self.assertEqual(('linux.iso',),
                             self._choose({name: 'linux'}).tools_isos)
            self._refused(name, {name: '../../etc/passwd'})
        self.assertEqual(
            ('windows.iso', 'winPreVista.iso'),
            self._choose({'vix_tools': 'windows,winprevista'}).tools_isos)

    def test_the_example_of_the_predecessor(self):
        found = self._choose({
            'hypervisor_type': 'vmware', 'vix_tools': 'linux',
            'vix_iso_images': IMAGE, 'vix_floppy_image': OTHER},
            guest='otherlinux-64')
        self.assertEqual((('linux.iso',), (IMAGE,), OTHER),
                         (found.tools_isos, found.iso_images,
                          found.floppy_image))


class MachineTestCase(HardwareTestCase):

    def test_fields_and_origins_of_a_machine(self):
        found = self._choose({'hw_vif_model': 'vmxnet3'})
        server = base.make_machine(**found.machine_fields())
        self.assertEqual('image property hw_vif_model=vmxnet3',
                         server.origins['nic_model'])
        self.assertEqual('default', server.origins['guestos'])
        model.validate(server)
