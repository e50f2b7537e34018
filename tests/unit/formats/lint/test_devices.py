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

from tests.unit.formats.lint import base


class DevicesTestCase(base.LintTestCase):

    def test_incomplete_devices(self):
        for settings, key in (
                ({'ide0:0.present': 'TRUE'}, 'ide0:0.fileName'),
                ({'ethernet0.present': 'TRUE',
                  'ethernet0.connectionType': 'custom'}, 'ethernet0.vnet'),
                ({'ethernet0.present': 'TRUE',
                  'ethernet0.connectionType': 'pvn'}, 'ethernet0.pvnID'),
                ({'ethernet0.present': 'TRUE',
                  'ethernet0.addressType': 'static'}, 'ethernet0.address')):
            self.check([('error', key)], settings)

    def test_lan_segments(self):
        nic = {'ethernet0.present': 'TRUE', 'ethernet0.connectionType': 'pvn'}
        self.check([], {**nic, 'ethernet0.pvnID':
                        '52 54 AB 10 00 00 00 00-00 00 00 00 00 00 00 01'})
        for segment in ('52 54 ab 10', 'lab',
                        '10b5f867-de2d-4436-952c-7f4416b3948e'):
            self.check([('error', 'ethernet0.pvnID')],
                       {**nic, 'ethernet0.pvnID': segment})

    def test_absent_devices(self):
        self.check([], {'ide0:0.present': 'FALSE', 'serial0.present': 'FALSE',
                        'ethernet0.present': 'FALSE'})

    def test_drives_of_the_host_need_no_file(self):
        self.check([], {'ide0:0.present': 'TRUE', 'ide0:0.autodetect': 'TRUE',
                        'floppy0.present': 'TRUE',
                        'floppy0.autodetect': 'TRUE'})

    def test_a_disk_without_its_controller(self):
        disk = {'scsi0:0.present': 'TRUE', 'scsi0:0.fileName': 'a.vmdk'}
        self.check([('error', 'scsi0:0.present')], disk)
        self.check([], dict(disk, **{'scsi0.present': 'TRUE'}))

    def test_nodes_out_of_range(self):
        for device in ('scsi0:7', 'scsi0:16', 'sata0:30', 'ide0:2'):
            controller = device.partition(':')[0] + '.present'
            settings = {device + '.present': 'TRUE',
                        device + '.fileName': 'a'}
            if not device.startswith('ide'):
                settings[controller] = 'TRUE'
            self.check([('error', device + '.present')], settings)
        for key in ('ethernet10.present', 'serial4.present', 'scsi4.present'):
            self.check([('error', key)], {key: 'TRUE'})

    def test_no_cd_drive_on_nvme(self):
        self.check([('error', 'nvme0:0.deviceType')], {
            'pciBridge4.present': 'TRUE', 'nvme0.present': 'TRUE',
            'pciBridge4.virtualDev': 'pcieRootPort',
            'nvme0:0.present': 'TRUE', 'nvme0:0.fileName': 'a.iso',
            'nvme0:0.deviceType': 'cdrom-image'})

    def test_addresses(self):
        def nic(number, mac, **more):
            name = 'ethernet%d.' % number
            settings = {'present': 'TRUE', 'addressType': 'static',
                        'address': mac, **more}
            return {name + key: value for key, value in settings.items()}
        key = 'ethernet0.address'
        self.check([], nic(0, '00:50:56:12:34:56'))
        self.check([('error', key)], nic(0, '00:0c:29:12:34:56'))
        self.check([], nic(0, '00:0c:29:12:34:56', checkMACAddress='FALSE'))
        self.check([('warning', key)], nic(0, 'fa:16:3e:12:34:56'))
        self.check([], nic(0, 'fa:16:3e:12:34:56', checkMACAddress='FALSE'))
        self.check([('error', 'ethernet1.address')], {
            **nic(0, '00:50:56:12:34:56'), **nic(1, '00:50:56:12:34:56')})

    def test_devices_that_need_pci_express(self):
        for key, value in (('ethernet0.virtualDev', 'vmxnet3'),
                           ('ethernet0.virtualDev', 'e1000e'),
                           ('scsi0.virtualDev', 'pvscsi'),
                           ('nvme0.present', 'TRUE'),
                           ('usb_xhci.present', 'TRUE')):
            there = {key: value, key.partition('.')[0] + '.present': 'TRUE'}
            self.check([('error', key)], there)
            self.check([], {**there, key.partition('.')[0] +
                            '.present': 'FALSE'})
            port = {'pciBridge4.present': 'TRUE'}
            self.check([('error', key)], {**there, **port})
            port['pciBridge4.virtualDev'] = 'pcieRootPort'
            self.check([], {**there, **port})
        self.check([], {'ethernet0.virtualDev': 'e1000',
                        'ethernet0.present': 'TRUE',
                        'usb_xhci.present': 'FALSE'})

    def test_pci_slots_of_another_topology(self):
        self.check([('error', 'ethernet0.pciSlotNumber')], {
            'ethernet0.present': 'TRUE', 'ethernet0.virtualDev': 'vmxnet3',
            'ethernet0.pciSlotNumber': '21', 'pciBridge4.present': 'TRUE',
            'pciBridge4.virtualDev': 'pcieRootPort',
            'pciBridge4.pciSlotNumber': '21'})

    def test_settings_that_keep_a_vm_from_starting(self):
        self.check([('warning', 'mks.enable3d')], {'mks.enable3d': 'TRUE'})
        self.check([('warning', 'managedvm.autoAddVTPM')],
                   {'managedvm.autoAddVTPM': 'software'})
        self.check([('error', 'vtpm.present')], {'vtpm.present': 'TRUE'})
        self.check([], {'vtpm.present': 'TRUE', 'encryption.keySafe': 'x'})

    def test_memory_layout_depends_on_the_cpus(self):
        key = 'numa.autosize.cookie'
        for cookie, vcpus, cores in (('10012', '1', '1'), ('20022', '2', '2'),
                                     ('40022', '4', '2'), ('40042', '4', '4'),
                                     ('20022', '2', None)):
            self.check([], {key: cookie, 'numvcpus': vcpus,
                            'cpuid.coresPerSocket': cores})
        for cookie, vcpus, cores in (('40042', '4', '2'), ('10012', '2', '1'),
                                     ('10012', '2', None)):
            self.check([('warning', key)],
                       {key: cookie, 'numvcpus': vcpus,
                        'cpuid.coresPerSocket': cores})
