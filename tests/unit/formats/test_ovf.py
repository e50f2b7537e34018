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


import testscenarios

from nova_vmrun.formats import ovf
from tests.unit import base

_CIM = 'http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/'
_OF_VMWARE = 'xmlns:vmw="http://www.vmware.com/schema/ovf"'
_ENVELOPE = '''<?xml version="1.0"?><!-- made by hand -->
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1"
 xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
 xmlns:rasd="%s" xmlns:vbox="http://www.virtualbox.org/ovf/machine"
 %s>
 <References><File ovf:href="disk.vmdk" ovf:id="file1" ovf:size="4096"/>
 </References>
 <DiskSection><Info/>%%(disks)s</DiskSection>
 <VirtualSystem>
 <OperatingSystemSection %%(os)s><Info/>%%(osbody)s</OperatingSystemSection>
 <VirtualHardwareSection>%%(items)s%%(config)s
 </VirtualHardwareSection>%%(extra)s</VirtualSystem></Envelope>''' % (
    _CIM + 'CIM_ResourceAllocationSettingData', _OF_VMWARE)
_CONTROLLER = (
    '<Item><rasd:InstanceID>3</rasd:InstanceID>'
    '<rasd:ResourceSubType>%s</rasd:ResourceSubType>'
    '<rasd:ResourceType>%d</rasd:ResourceType></Item>')
_DISK_ITEM = (
    '<Item><rasd:HostResource>%s</rasd:HostResource>'
    '<rasd:InstanceID>7</rasd:InstanceID><rasd:Parent>3</rasd:Parent>'
    '<rasd:ResourceType>17</rasd:ResourceType></Item>')
_NIC = ('<Item><rasd:InstanceID>9</rasd:InstanceID>'
        '<rasd:ResourceSubType>%s</rasd:ResourceSubType>'
        '<rasd:ResourceType>10</rasd:ResourceType></Item>')
_DISK = '<Disk ovf:diskId="vmdisk1" ovf:fileRef="file1" %s/>'
_CONFIG = '<vmw:Config ovf:required="false" vmw:key="%s" vmw:value="%s"/>'


def _parse(disks=_DISK % '', os='', osbody='', items='', config='', extra=''):
    return ovf.parse((_ENVELOPE % {
        'disks': disks, 'os': os, 'osbody': osbody, 'items': items,
        'config': config, 'extra': extra}).encode())


class DisksTestCase(base.TestCase):

    def test_a_disk_and_its_file(self):
        disk, = _parse(_DISK % 'ovf:capacity="2" '
                       'ovf:capacityAllocationUnits="byte * 2^30"').disks
        self.assertEqual(ovf.Disk('vmdisk1', ovf.File('disk.vmdk', 4096),
                                  2 << 30), disk)

    def test_capacity(self):
        for told, expected in (
                ('ovf:capacity="512"', 512),
                ('ovf:capacity="4" ovf:capacityAllocationUnits="byte*2^20"',
                 4 << 20),
                ('ovf:capacity="4" ovf:capacityAllocationUnits='
                 '"byte * 10^9"', 4 * 10 ** 9),
                ('ovf:capacity="4" ovf:capacityAllocationUnits="MegaBytes"',
                 4 << 20),
                ('ovf:capacity="${size}"', None),
                ('ovf:capacity="4" ovf:capacityAllocationUnits="acre"', None),
                ('ovf:capacity="%s"' % ('9' * 5000), None), ('', None)):
            disk, = _parse(_DISK % told).disks
            self.assertEqual(expected, disk.capacity, told)

    def test_a_namespace_that_would_be_copied_into_each_name(self):
        longest = 'urn:' + 'x' * 246
        _parse(extra='<a xmlns="%s"/>' % longest)
        for place in ('<a xmlns="%sx"/>', '<a xmlns:b="%sx" b:c=""/>'):
            error = self.assertRaises(ovf.Invalid, _parse,
                                      extra=place % longest)
            self.assertIn('251 characters', str(error))

    def test_blank_disks(self):
        for disk, expected in ((_DISK % '', False),
                               (_DISK % 'ovf:populatedSize="0"', True),
                               (_DISK % 'ovf:populatedSize="1"', False),
                               ('<Disk ovf:diskId="a"/>', True)):
            self.assertEqual([expected], [
                each.is_blank for each in _parse(disk).disks])

    def test_a_disk_with_an_unknown_file(self):
        disk, = _parse('<Disk ovf:diskId="a" ovf:fileRef="x"/>').disks
        self.assertEqual((None, False), (disk.file, disk.is_blank))


class DialectTestCase(testscenarios.TestWithScenarios, base.TestCase):
    """Namespaces and prefixes as products of twenty years write them."""

    scenarios = [(name, {'text': text}) for name, text in (
        ('OVF 1', '''<Envelope
xmlns="http://schemas.dmtf.org/ovf/envelope/1"
xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1" xmlns:rasd="%(rasd)s">
<References><File ovf:id="f" ovf:href="disk.vmdk"/></References>
<DiskSection><Disk ovf:diskId="d" ovf:fileRef="f"/></DiskSection>
<VirtualSystem><OperatingSystemSection ovf:id="94"/>
<VirtualHardwareSection>%(items)s</VirtualHardwareSection></VirtualSystem>
</Envelope>'''), ('prefixes everywhere', '''<ovf:Envelope
xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1" xmlns:rasd="%(rasd)s">
<ovf:References><ovf:File ovf:id="f" ovf:href="disk.vmdk"/></ovf:References>
<ovf:DiskSection><ovf:Disk ovf:diskId="d" ovf:fileRef="f"/></ovf:DiskSection>
<ovf:VirtualSystem><ovf:OperatingSystemSection ovf:id="94"/>
<ovf:VirtualHardwareSection>%(ovf_items)s</ovf:VirtualHardwareSection>
</ovf:VirtualSystem></ovf:Envelope>'''), ('no prefixes', '''<Envelope
xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:rasd="%(rasd)s">
<References><File id="f" href="disk.vmdk"/></References>
<DiskSection><Disk diskId="d" fileRef="f"/></DiskSection>
<VirtualSystem><OperatingSystemSection id="94"/>
<VirtualHardwareSection>%(items)s</VirtualHardwareSection></VirtualSystem>
</Envelope>'''), ('no namespace', '''<Envelope xmlns:rasd="%(rasd)s">
<References><File id="f" href="disk.vmdk"/></References>
<DiskSection><Disk diskId="d" fileRef="f"/></DiskSection>
<VirtualSystem><OperatingSystemSection id="94"/>
<VirtualHardwareSection>%(items)s</VirtualHardwareSection></VirtualSystem>
</Envelope>'''), ('OVF 0.9', '''<ovf:Envelope
xmlns:ovf="http://www.vmware.com/schema/ovf/1/envelope" xmlns:rasd="%(rasd)s"
xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<References><File ovf:id="f" ovf:href="disk.vmdk"/></References>
<Section xsi:type="ovf:DiskSection_Type"><Info/>
<Disk ovf:diskId="d" ovf:fileRef="f"/></Section>
<Content xsi:type="ovf:VirtualSystem_Type">
<Section xsi:type="ovf:OperatingSystemSection_Type" ovf:id="94"/>
<Section xsi:type="ovf:VirtualHardwareSection_Type">%(old_items)s</Section>
</Content></ovf:Envelope>'''), ('OVF 2', '''<Envelope
xmlns="http://schemas.dmtf.org/ovf/envelope/2"
xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/2" xmlns:rasd="%(rasd)s"
xmlns:sasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/\
CIM_StorageAllocationSettingData.xsd"
xmlns:epasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/\
CIM_EthernetPortAllocationSettingData.xsd">
<References><File ovf:id="f" ovf:href="disk.vmdk"/></References>
<DiskSection><Disk ovf:diskId="d" ovf:fileRef="f"/></DiskSection>
<VirtualSystem><OperatingSystemSection ovf:id="94"/>
<VirtualHardwareSection>%(items_2)s</VirtualHardwareSection></VirtualSystem>
</Envelope>'''))]

    def test_it_is_read(self):
        items = (_CONTROLLER % ('AHCI', 20) + _DISK_ITEM % '/disk/d' +
                 _NIC % 'E1000')
        data = self.text % {
            'rasd': _CIM + 'CIM_ResourceAllocationSettingData',
            'items': items,
            'ovf_items': items.replace('Item>', 'ovf:Item>'),
            'old_items': items.replace('InstanceID', 'InstanceId'),
            'items_2': _CONTROLLER % ('AHCI', 20) + (
                _DISK_ITEM % '/disk/d').replace('rasd:', 'sasd:').replace(
                'Item>', 'StorageItem>') + (_NIC % 'E1000').replace(
                'rasd:', 'epasd:').replace('Item>', 'EthernetPortItem>')}
        envelope = ovf.parse(data.encode())
        self.assertEqual(
            (ovf.Disk('d', ovf.File('disk.vmdk')),), envelope.disks)
        keys, bus = ovf.hardware(envelope, 'd')
        self.assertEqual({'guestOS': 'ubuntu-64',
                          'ethernet0.virtualDev': 'e1000'}, dict(keys))
        self.assertEqual('sata', bus)


class HardwareTestCase(base.TestCase):

    def read(self, disk=None, **options):
        return ovf.hardware(_parse(**options), disk)

    def keys(self, **options):
        return dict(self.read(**options)[0])

    def test_settings(self):
        keys, bus = self.read(
            items=_NIC % 'VmxNet3', os='vmw:osType="ubuntu64Guest"',
            config=_CONFIG % ('firmware', 'efi') +
            _CONFIG % ('bootOptions.efiSecureBootEnabled', 'true'))
        self.assertEqual(
            {'guestOS': 'ubuntu-64', 'firmware': 'efi',
             'uefi.secureBoot.enabled': 'TRUE',
             'ethernet0.virtualDev': 'vmxnet3'}, dict(keys))
        self.assertIsNone(bus)

    def test_firmware(self):
        for config, extra, expected in (
                (_CONFIG % ('firmware', 'bios'), '', 'bios'),
                (_CONFIG % ('firmware', 'efi'), '', 'efi'),
                ('', '<vbox:Machine><Hardware><Firmware type="EFI"/>'
                 '</Hardware></vbox:Machine>', 'efi'),
                ('', '<vbox:Machine><Hardware><Firmware type="EFI64"/>'
                 '</Hardware></vbox:Machine>', 'efi'),
                ('', '<vbox:Machine><vbox:Hardware><vbox:Firmware '
                 'type="EFIDUAL"/></vbox:Hardware></vbox:Machine>', 'efi'),
                ('', '<vbox:Machine><Hardware/></vbox:Machine>', None)):
            self.assertEqual(expected, self.keys(
                config=config, extra=extra).get('firmware'))

    def test_secure_boot(self):
        for key, value, expected in (
                ('bootOptions.efiSecureBootEnabled', 'true', 'TRUE'),
                ('bootOptions.efiSecureBootEnabled', 'false', None),
                ('uefi.secureBoot.enabled', 'TRUE', 'TRUE')):
            config = _CONFIG % (key, value)
            for element in ('Config', 'ExtraConfig'):
                self.assertEqual(expected, self.keys(
                    config=config.replace('Config', element)).get(
                        'uefi.secureBoot.enabled'))

    def test_guest(self):
        machine = '<vbox:Machine OSType="%s"/>'
        for os, body, extra, expected in (
                ('ovf:id="94" vmw:osType="windows9_64Guest"', '', '',
                 'windows9-64'),
                ('ovf:id="1"', '<vbox:OSType>Windows10_64</vbox:OSType>', '',
                 'windows9-64'),
                ('ovf:id="1"', '', machine % 'Debian12_64', 'debian12-64'),
                ('ovf:id="1"', '<Description>Fedora_64</Description>', '',
                 'fedora-64'),
                ('ovf:id="96" vmw:osType="klingonGuest"',
                 '<Description>Some Debian</Description>', '',
                 'debian12-64'),
                ('ovf:id="120"', '', '', 'windows9-64'),
                ('ovf:id="1"', '', '', None), ('', '', '', None)):
            self.assertEqual(expected, self.keys(
                os=os, osbody=body, extra=extra).get('guestOS'), os + body)

    def test_bus_of_the_disk(self):
        for model, kind, expected in (
                ('VirtualSCSI', 6, 'pvscsi'), ('lsilogic', 6, 'lsilogic'),
                ('lsilogicsas', 6, 'lsisas1068'), ('buslogic', 6, 'buslogic'),
                ('LsiLogic', 6, 'lsilogic'), ('LsiLogicSas', 6, 'lsisas1068'),
                ('virtio VirtualSCSI lsilogic', 6, 'pvscsi'),
                ('PIIX4', 5, 'ide'), ('', 5, 'ide'),
                ('vmware.sata.ahci', 20, 'sata'), ('AHCI', 20, 'sata'),
                ('vmware.nvme.controller', 20, 'nvme'), ('NVMe', 20, 'nvme'),
                ('virtio', 6, None), ('floppy', 1, None)):
            # The CD drive's controller comes first.
            other = _CONTROLLER.replace('>3<', '>2<') % ('x', 5)
            items = other + _CONTROLLER % (model, kind) + (
                _DISK_ITEM % 'ovf:/disk/vmdisk1')
            self.assertEqual(expected, self.read(items=items)[1], model)

    def test_bus_of_the_selected_disk(self):
        first = (_CONTROLLER % ('lsilogic', 6) + _DISK_ITEM % 'ovf:/disk/a')
        second = (_CONTROLLER % ('AHCI', 20) + _DISK_ITEM % 'ovf:/disk/b'
                  ).replace('>3<', '>4<')
        for chosen, expected in (('a', 'lsilogic'), ('b', 'sata'),
                                 (None, 'lsilogic')):
            self.assertEqual(expected, self.read(
                chosen, items=first + second)[1])

    def test_the_vm_of_the_selected_disk(self):
        system = ('<VirtualSystem><OperatingSystemSection id="%d"/>'
                  '<VirtualHardwareSection><Item><HostResource>/disk/%s'
                  '</HostResource><ResourceType>17</ResourceType></Item>'
                  '</VirtualHardwareSection></VirtualSystem>')
        envelope = ovf.parse((
            '<Envelope><VirtualSystemCollection>%s%s'
            '</VirtualSystemCollection></Envelope>' % (
                system % (94, 'a'), system % (120, 'b'))).encode())
        for chosen, expected in (('a', 'ubuntu-64'), ('b', 'windows9-64'),
                                 (None, 'ubuntu-64')):
            self.assertEqual(expected, ovf.hardware(
                envelope, chosen)[0]['guestOS'])

    def test_adapters(self):
        for word, expected in (
                ('PCNet32', 'vlance'), ('Flexible', 'vlance'),
                ('E1000', 'e1000'), ('E1000e', 'e1000e'),
                ('VmxNet', 'vmxnet'), ('VmxNet2', 'vmxnet'),
                ('VMXNET3', 'vmxnet3'), ('VmxNet3 E1000', 'vmxnet3'),
                ('rtl8139', None), ('virtio', None)):
            self.assertEqual(expected, self.keys(items=_NIC % word).get(
                'ethernet0.virtualDev'))

    def test_nothing(self):
        keys, bus = ovf.hardware(ovf.parse(b'<Envelope/>'))
        self.assertEqual(({}, None), (dict(keys), bus))
