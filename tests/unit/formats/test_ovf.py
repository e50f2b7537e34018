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

from xml.etree import ElementTree

from nova_vmrun.formats import ovf
from tests.unit import base

_ENVELOPE = '''<Envelope
 xmlns="http://schemas.dmtf.org/ovf/envelope/1"
 xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
 xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/\
CIM_ResourceAllocationSettingData"
 xmlns:vmw="http://www.vmware.com/schema/ovf"><VirtualSystem>
 <OperatingSystemSection ovf:id="94" vmw:osType="%(guest)s"/>
 <VirtualHardwareSection>%(items)s
 <vmw:Config ovf:required="false" vmw:key="firmware" vmw:value="efi"/>
 </VirtualHardwareSection></VirtualSystem></Envelope>'''
_CONTROLLER = (
    '<Item><rasd:InstanceID>3</rasd:InstanceID>'
    '<rasd:ResourceSubType>%s</rasd:ResourceSubType>'
    '<rasd:ResourceType>%d</rasd:ResourceType></Item>')
_DISK = ('<Item><rasd:InstanceID>7</rasd:InstanceID>'
         '<rasd:Parent>3</rasd:Parent>'
         '<rasd:ResourceType>17</rasd:ResourceType></Item>')
_NIC = ('<Item><rasd:InstanceID>9</rasd:InstanceID>'
        '<rasd:ResourceSubType>VmxNet3</rasd:ResourceSubType>'
        '<rasd:ResourceType>10</rasd:ResourceType></Item>')


class OvfTestCase(base.TestCase):

    def read(self, items='', guest='ubuntu64Guest'):
        return ovf.read(ElementTree.fromstring(
            _ENVELOPE % {'items': items, 'guest': guest}))

    def test_settings(self):
        keys, bus = self.read(_NIC)
        self.assertEqual(
            {'guestOS': 'ubuntu-64', 'firmware': 'efi',
             'ethernet0.virtualDev': 'vmxnet3'}, dict(keys))
        self.assertIsNone(bus)

    def test_bus_of_the_disk(self):
        for model, kind, expected in (
                ('VirtualSCSI', 6, 'pvscsi'), ('lsilogic', 6, 'lsilogic'),
                ('lsilogicsas', 6, 'lsisas1068'), ('buslogic', 6, 'buslogic'),
                ('PIIX4', 5, 'ide'), ('vmware.sata.ahci', 20, 'sata'),
                ('vmware.nvme.controller', 20, 'nvme'),
                ('virtio', 6, None), ('floppy', 1, None)):
            # The CD drive's controller comes first.
            other = _CONTROLLER.replace('>3<', '>2<') % ('x', 5)
            items = other + _CONTROLLER % (model, kind) + _DISK
            self.assertEqual(expected, self.read(items)[1], model)

    def test_unknown_words(self):
        keys, _ = self.read(_NIC.replace('VmxNet3', 'rtl8139'), 'beos')
        self.assertEqual({'firmware': 'efi'}, dict(keys))

    def test_nothing(self):
        keys, bus = ovf.read(ElementTree.fromstring('<Envelope/>'))
        self.assertEqual(({}, None), (dict(keys), bus))
