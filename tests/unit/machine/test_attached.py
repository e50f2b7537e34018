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
from nova_vmrun.machine import attached
from nova_vmrun.machine import model
from nova_vmrun.machine import render
from tests.unit.machine import base


class AdaptersTestCase(base.TestCase):

    def test_rendered_adapters(self):
        nics = [model.Nic('fa:16:3e:00:00:%02x' % number, 'vmxnet3', kind,
                          vnet, slot)
                for number, (kind, vnet, slot) in enumerate((
                    ('nat', None, 2), ('custom', 'vmnet8', 0),
                    ('bridged', None, 9)))]
        keys = vmx.parse(render.render(base.make_machine(nics=tuple(nics))))
        self.assertEqual(
            [attached.Adapter('ethernet0', nics[1].mac, 'vmnet8'),
             attached.Adapter('ethernet2', nics[0].mac, 'nat'),
             attached.Adapter('ethernet9', nics[2].mac, 'bridged')],
            attached.adapters(keys))

    def test_lan_segments(self):
        network = '10b5f867-de2d-4436-952c-7f4416b3948e'
        for segment, expected in (
                ('10 b5 f8 67 de 2d 44 36-95 2c 7f 44 16 b3 94 8e', network),
                ('edited', 'edited'), (None, 'without an id')):
            keys = vmx.Vmx({'ethernet0.present': 'TRUE',
                            'ethernet0.address': 'fa:16:3e:00:00:01',
                            'ethernet0.connectionType': 'pvn'})
            if segment:
                keys['ethernet0.pvnID'] = segment
            adapter, = attached.adapters(keys)
            self.assertEqual('LAN segment ' + expected, adapter.network)

    def test_an_absent_adapter(self):
        self.assertEqual([], attached.adapters(vmx.Vmx({
            'ethernet0.present': 'FALSE', 'ethernet0.address': 'x'})))


class AttachedTestCase(base.TestCase):

    def test_every_rendered_bus(self):
        for bus in model.BUSES:
            server = base.make_machine(
                disks=(model.Disk('root.vmdk', bus),
                       model.Disk('ephemeral0.vmdk', bus)))
            keys = vmx.parse(render.render(server))
            found = next(attached.every(keys))
            self.assertEqual(('root.vmdk', bus), (found.file, found.bus))
            self.assertEqual('root.vmdk', keys[found.node + '.fileName'])

    def test_cd_drives_are_not_disks(self):
        keys = vmx.Vmx({
            'sata0:0.present': 'TRUE', 'SATA0:0.FILENAME': 'root.vmdk',
            'ide1:0.present': 'TRUE', 'ide1:0.fileName': 'cd0.iso',
            'ide1:0.deviceType': 'cdrom-image'})
        disk = attached.Attached('sata0:0', 'root.vmdk', 'sata')
        self.assertEqual([disk], list(attached.every(keys)))
        self.assertEqual(
            [disk, attached.Attached('ide1:0', 'cd0.iso', 'ide', True)],
            list(attached.files(keys)))

    def test_device_type_identifies_cd_drives(self):
        for kind, is_cdrom in (
                ('cdrom-image', True), ('cdrom-raw', True),
                ('ATAPI-CDROM', True), ('disk', False), (None, False)):
            keys = vmx.Vmx({'ide1:0.present': 'TRUE',
                            'ide1:0.fileName': 'cd0.iso'})
            if kind:
                keys['ide1:0.deviceType'] = kind
            (device,) = attached.files(keys)
            self.assertIs(is_cdrom, device.is_cdrom, kind)

    def test_a_disk_that_is_not_attached(self):
        keys = vmx.Vmx({'ide0:0.present': 'FALSE',
                        'ide0:0.fileName': 'root.vmdk'})
        self.assertEqual([], list(attached.files(keys)))
