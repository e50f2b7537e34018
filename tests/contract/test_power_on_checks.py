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

"""Configurations that power-on refuses or accepts (6.2)."""

import os
import shutil

from tests.contract import base

CANCELED = 'The operation was canceled'


class CheckCase(base.ContractCase):

    def boots(self, disk=False, **keys):
        machine = self.make_vm('good', disk=disk, **keys)
        self.done('start', machine.vmx, 'nogui')
        return machine

    def fails(self, msg_id=None, disk=False, **keys):
        machine = self.make_vm('bad', disk=disk, **keys)
        self.refused(CANCELED, 'start', machine.vmx, 'nogui')
        if msg_id:
            self.assertIn('[%s]' % msg_id, machine.log())
        return machine


class HardwareTest(CheckCase):

    def test_unknown_guest_os_refused(self):
        self.fails('msg.guestos.badname', guestOS='templeos-64')

    def test_guest_os_ignores_case(self):
        self.boots(guestOS='OTHER5XLINUX-64')

    def test_guest_os_matrix_that_was_seen_to_boot(self):
        for guest in ('other6xlinux-64', 'ubuntu-64', 'debian12-64',
                      'rhel9-64', 'windows9-64', 'windows11-64',
                      'windows2019srvNext-64', 'freebsd13-64', 'other-64'):
            machine = self.make_vm(guest, disk=False, guestOS=guest)
            self.done('start', machine.vmx, 'nogui')
            self.done('stop', machine.vmx, 'hard')

    @base.fakes_only
    def test_guest_os_newer_than_the_product_refused(self):
        self.fails('msg.guestos.badname', guestOS='debian13-64')

    @base.fakes_only
    def test_guest_os_new_on_a_new_product(self):
        self.use_product('ws', VERSION='25H2')
        self.boots(guestOS='debian13-64')

    @base.fakes_only
    def test_arm_guests_only_on_fusion(self):
        self.fails('msg.guestos.badname', guestOS='arm-ubuntu-64')
        self.use_product('fusion')
        self.boots(guestOS='arm-ubuntu-64')

    @base.fakes_only
    def test_hardware_newer_than_the_product_refused(self):
        self.fails(virtualHW__version='22')

    @base.fakes_only
    def test_hardware_versions_of_products(self):
        for version, newest in (('17.0.0', 20), ('17.6.4', 21),
                                ('25H2', 22), ('26H1', 22), ('16.2.5', 19)):
            self.use_product('ws', VERSION=version)
            machine = self.make_vm(version, disk=False,
                                   virtualHW__version=newest)
            self.done('start', machine.vmx, 'nogui')
            bad = self.make_vm('bad' + version, disk=False,
                               virtualHW__version=newest + 1)
            self.refused(CANCELED, 'start', bad.vmx, 'nogui')

    def test_old_hardware_boots(self):
        self.boots(virtualHW__version='10')

    def test_config_version_is_required(self):
        self.fails(config__version=None)

    def test_memory_must_be_a_multiple_of_four(self):
        self.fails(memsize='66')

    def test_memory_above_the_hosts_refused(self):
        self.fails(memsize='131076')

    def test_cores_must_divide_cpus(self):
        self.fails('msg.cpuid.asymmetricalCores', numvcpus='3',
                   cpuid__coresPerSocket='2')

    def test_cores_that_divide_cpus(self):
        self.boots(numvcpus='2', cpuid__coresPerSocket='2')

    def test_too_many_cpus_refused(self):
        self.fails(numvcpus='1024')

    def test_secure_boot_needs_efi(self):
        self.fails(uefi__secureBoot__enabled='TRUE')

    def test_efi_boots(self):
        self.boots(firmware='efi')

    def test_bad_boolean_is_a_warning(self):
        machine = self.boots(sound__present='perhaps')
        self.assertIn('msg.dictionary.notBoolean', machine.log())

    def test_unknown_keys_are_ignored(self):
        self.boots(no__such__key='x')


class NicTest(CheckCase):

    def nic(self, **keys):
        found = {'ethernet0__present': 'TRUE',
                 'ethernet0__connectionType': 'nat'}
        found.update({'ethernet0__' + key: value
                      for key, value in keys.items()})
        return found

    def test_nic_models(self):
        for model in ('e1000', 'e1000e', 'vmxnet3', 'vlance'):
            machine = self.make_vm(model, disk=False,
                                   **self.nic(virtualDev=model))
            self.done('start', machine.vmx, 'nogui')

    def test_nic_model_virtio_refused(self):
        self.fails('msg.ethernet.badType', **self.nic(virtualDev='virtio'))

    def test_nic_connection_types(self):
        for n, kind in enumerate(('nat', 'hostonly', 'bridged')):
            machine = self.make_vm(kind, disk=False,
                                   **self.nic(connectionType=kind))
            self.done('start', machine.vmx, 'nogui')

    def test_nic_custom_network(self):
        self.boots(**self.nic(connectionType='custom', vnet='vmnet8'))

    def test_nic_custom_network_by_device_path(self):
        self.boots(**self.nic(connectionType='custom', vnet='/dev/vmnet8'))

    def test_nic_on_a_missing_network_asks(self):
        self.fails('msg.vnet.connectvnet', msg__autoAnswer=None,
                   **self.nic(connectionType='custom', vnet='vmnet77'))

    def test_nic_lan_segment(self):
        self.boots(**self.nic(
            connectionType='pvn',
            pvnID='52 00 11 22 33 44 55 66-77 88 99 aa bb cc dd ee'))

    def test_mac_in_the_official_range(self):
        self.boots(**self.nic(addressType='static',
                              address='00:50:56:3f:ff:ff'))

    def test_mac_of_neutron_with_the_check_off(self):
        self.boots(**self.nic(addressType='static',
                              address='fa:16:3e:12:34:56',
                              checkMACAddress='FALSE'))

    def test_mac_of_neutron_without_the_flag_refused(self):
        self.fails('msg.mac.notAllowedAddress',
                   **self.nic(addressType='static',
                              address='fa:16:3e:12:34:56'))

    def test_mac_reserved_for_generated_refused(self):
        self.fails('msg.mac.notAllowedAddress',
                   **self.nic(addressType='static',
                              address='00:0c:29:12:34:56'))

    def test_mac_in_the_vcenter_range_refused_as_static(self):
        self.fails('msg.mac.notAllowedAddress',
                   **self.nic(addressType='static',
                              address='00:50:56:80:00:01'))

    def test_mac_in_the_vcenter_range_as_vpx(self):
        self.boots(**self.nic(addressType='vpx',
                              address='00:50:56:80:00:01'))

    def test_mac_malformed_refused(self):
        for n, address in enumerate(('nonsense', '00:50:56:00:00',
                                     '01:50:56:00:00:01')):
            machine = self.make_vm('m%d' % n, disk=False, **self.nic(
                addressType='static', address=address,
                checkMACAddress='FALSE'))
            self.refused(CANCELED, 'start', machine.vmx, 'nogui')

    @base.fakes_only
    def test_mac_rule_can_be_lenient(self):
        self.knobs['MAC_CHECK'] = 'lenient'
        self.boots(**self.nic(addressType='static',
                              address='52:54:00:12:34:56'))


class DiskTest(CheckCase):

    def on(self, controller, unit, **more):
        """Keys that put the disk somewhere else."""
        keys = {'scsi0__present': None, 'scsi0__virtualDev': None,
                'scsi0_colon_0__present': None,
                'scsi0_colon_0__fileName': None}
        node = '%s_colon_%d__' % (controller, unit)
        keys.update({node + 'present': 'TRUE', node + 'fileName':
                     'disk.vmdk'})
        if not controller.startswith('ide'):
            keys[controller + '__present'] = 'TRUE'
        keys.update(more)
        return keys

    def test_disk_controllers(self):
        for controller, kind in (('scsi0', 'lsilogic'), ('scsi0', 'pvscsi'),
                                 ('scsi0', 'lsisas1068'), ('sata0', None),
                                 ('nvme0', None), ('ide0', None)):
            keys = self.on(controller, 0)
            if kind:
                keys['scsi0__virtualDev'] = kind
            machine = self.make_vm('%s%s' % (controller, kind), **keys)
            self.done('start', machine.vmx, 'nogui')

    def test_disk_on_a_missing_controller_refused(self):
        self.fails(disk=True, **self.on('sata0', 0, sata0__present=None))

    def test_disk_on_the_scsi_host_unit_refused(self):
        self.fails(disk=True, **self.on('scsi0', 7))

    def test_disk_unit_out_of_range_refused(self):
        for controller, unit in (('scsi0', 16), ('sata0', 30), ('ide0', 2)):
            machine = self.make_vm('%s-%d' % (controller, unit),
                                   **self.on(controller, unit))
            self.refused(CANCELED, 'start', machine.vmx, 'nogui')

    def test_cd_on_nvme_kills_the_process(self):
        machine = self.make_vm(
            disk=False, nvme0__present='TRUE', nvme0_colon_0__present='TRUE',
            nvme0_colon_0__deviceType='cdrom-image',
            nvme0_colon_0__fileName='x.iso')
        with open(machine.path('x.iso'), 'wb') as f:
            f.write(bytes(2048))
        self.refused('The system returned an error. Communication with the '
                     'virtual machine might have been interrupted', 'start',
                     machine.vmx, 'nogui')

    def test_disk_missing_is_canceled(self):
        machine = self.make_vm()
        os.unlink(machine.path('disk.vmdk'))
        self.refused(CANCELED, 'start', machine.vmx, 'nogui')
        self.assertIn('[msg.disk.noBackEnd]', machine.log())

    def test_disk_that_is_no_disk_is_canceled(self):
        machine = self.make_vm()
        with open(machine.path('disk.vmdk'), 'wb') as f:
            f.write(b'QFI\xfb' + bytes(4096))
        self.refused(CANCELED, 'start', machine.vmx, 'nogui')

    def test_disk_without_a_name_is_canceled(self):
        self.fails('msg.disk.notConfigured2', disk=True,
                   scsi0_colon_0__fileName=None)

    def test_disk_named_twice_refused(self):
        self.fails(disk=True, scsi0_colon_1__present='TRUE',
                   scsi0_colon_1__fileName='disk.vmdk')

    def test_stream_optimized_disk_is_no_boot_disk(self):
        machine = self.make_vm()
        made = self.vdisk('-r', machine.path('disk.vmdk'), '-t', '5',
                          machine.path('stream.vmdk'))
        self.assertEqual(0, made.rc, made)
        machine.set(scsi0_colon_0__fileName='stream.vmdk')
        self.refused(CANCELED, 'start', machine.vmx, 'nogui')


class ChainTest(CheckCase):
    """Children made by hand: a copy of an empty delta (3.4, 3.5, 4.4)."""

    def setUp(self):
        super().setUp()
        self.base_vm = self.make_vm('base')
        self.done('snapshot', self.base_vm.vmx, 'empty')

    def copied_child(self, hint=None):
        """Copy the empty delta into another VM and patch its descriptor."""
        machine = self.make_vm('child', disk=False)
        machine.set(scsi0__present='TRUE', scsi0__virtualDev='lsilogic',
                    scsi0_colon_0__present='TRUE',
                    scsi0_colon_0__fileName='own.vmdk')
        path = machine.path('own.vmdk')
        shutil.copyfile(self.base_vm.path('disk-000001.vmdk'), path)
        hint = hint or self.base_vm.path('disk.vmdk')
        with open(path, 'r+b') as f:
            f.seek(512)
            text = f.read(20 * 512).rstrip(b'\0').decode()
            text = text.replace('"disk.vmdk"', '"%s"' % hint)
            text = text.replace('"disk-000001.vmdk"', '"own.vmdk"')
            f.seek(512)
            f.write(text.encode().ljust(20 * 512, b'\0'))
        return machine

    def test_hand_made_child_boots(self):
        machine = self.copied_child()
        self.done('start', machine.vmx, 'nogui')

    def test_hand_made_children_side_by_side(self):
        machine = self.copied_child()
        shutil.copytree(machine.folder, self.path('second'))
        second = os.path.join(self.path('second'), 'child.vmx')
        self.done('start', machine.vmx, 'nogui')
        self.done('start', second, 'nogui')
        self.assertEqual(2, len(self.list()))

    def test_hand_made_child_of_a_read_only_base(self):
        os.chmod(self.base_vm.path('disk.vmdk'), 0o400)
        machine = self.copied_child()
        self.done('start', machine.vmx, 'nogui')

    def test_child_survives_its_own_writes(self):
        machine = self.copied_child()
        for _ in range(2):
            self.done('start', machine.vmx, 'nogui')
            self.done('stop', machine.vmx, 'hard')

    def test_child_without_its_parent_is_canceled(self):
        machine = self.copied_child(hint='/nowhere/disk.vmdk')
        self.refused(CANCELED, 'start', machine.vmx, 'nogui')

    def test_child_of_a_changed_parent_is_canceled(self):
        machine = self.copied_child()
        self.base_vm.set(scsi0_colon_0__fileName='disk.vmdk')
        self.done('start', self.base_vm.vmx, 'nogui')
        self.done('stop', self.base_vm.vmx, 'hard')
        self.refused(CANCELED, 'start', machine.vmx, 'nogui')
        self.assertIn('content ID', machine.log())
