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

from nova_vmrun.cmd.image import properties
from nova_vmrun.formats import guestos
from nova_vmrun.formats import ovf
from nova_vmrun.formats import vmx
from nova_vmrun.machine import hardware
from nova_vmrun.machine import model
from tests.unit import base


_RASD = ('http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/'
         'CIM_ResourceAllocationSettingData')
_EVALUATION = ("""<?xml version="1.0" encoding="UTF-8"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1"
 xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1" xmlns:rasd="%s"
 xmlns:vmw="http://www.vmware.com/schema/ovf">
 <References><File ovf:href="Eval-disk1.vmdk" ovf:id="file1" ovf:size="4096"/>
 </References>
 <DiskSection><Info/><Disk ovf:capacity="125" ovf:diskId="vmdisk1"
  ovf:capacityAllocationUnits="byte * 2^30" ovf:fileRef="file1"/></DiskSection>
 <VirtualSystem ovf:id="vm"><Info/><Name>WinDevEval</Name>
 <OperatingSystemSection ovf:id="1" vmw:osType="windows11_64Guest"><Info/>
 </OperatingSystemSection>
 <VirtualHardwareSection>
 <Item><rasd:InstanceID>3</rasd:InstanceID>
  <rasd:ResourceSubType>vmware.nvme.controller</rasd:ResourceSubType>
  <rasd:ResourceType>20</rasd:ResourceType></Item>
 <Item><rasd:InstanceID>4</rasd:InstanceID>
  <rasd:ResourceSubType>vmware.sata.ahci</rasd:ResourceSubType>
  <rasd:ResourceType>20</rasd:ResourceType></Item>
 <Item><rasd:HostResource>ovf:/disk/vmdisk1</rasd:HostResource>
  <rasd:InstanceID>7</rasd:InstanceID><rasd:Parent>3</rasd:Parent>
  <rasd:ResourceType>17</rasd:ResourceType></Item>
 <Item><rasd:InstanceID>8</rasd:InstanceID><rasd:Parent>4</rasd:Parent>
  <rasd:ResourceSubType>vmware.cdrom.remotepassthrough</rasd:ResourceSubType>
  <rasd:ResourceType>15</rasd:ResourceType></Item>
 <Item><rasd:InstanceID>9</rasd:InstanceID>
  <rasd:ResourceSubType>E1000e</rasd:ResourceSubType>
  <rasd:ResourceType>10</rasd:ResourceType></Item>
 <vmw:Config ovf:required="false" vmw:key="firmware" vmw:value="efi"/>
 <vmw:Config ovf:required="false"
  vmw:key="bootOptions.efiSecureBootEnabled" vmw:value="true"/>
 </VirtualHardwareSection></VirtualSystem></Envelope>""" % _RASD).encode()


class PropertiesTestCase(base.TestCase):

    def hardware(self, found):
        """Returns what a server gets of an image with these properties."""
        guest = guestos.choose(
            found, arch=found.get('hw_architecture', guestos.X86_64))
        return guest, hardware.choose(found, {}, guest, 1)

    def test_each_bus_comes_back(self):
        for bus in model.BUSES:
            found = properties.from_vm(vmx.Vmx(), bus)
            self.assertEqual(bus, self.hardware(found)[1].disk_bus)

    def test_each_nic_comes_back(self):
        for nic in model.NIC_MODELS:
            found = properties.from_vm(
                vmx.Vmx({'ethernet0.virtualDev': nic}), 'ide')
            self.assertEqual(nic, self.hardware(found)[1].nic_model)

    def test_each_guest_comes_back(self):
        for guest in guestos.all_guests().values():
            if guest.family == 'darwin':
                continue
            keys = vmx.Vmx({'guestOS': guest.id, 'firmware': 'efi'})
            found = properties.from_vm(keys, 'sata')
            self.assertEqual(guest.id, self.hardware(found)[0].id)

    def test_firmware(self):
        for keys, expected in (
                ({}, ('bios', False)), ({'firmware': 'efi'}, ('efi', False)),
                ({'firmware': 'efi', 'uefi.secureBoot.enabled': 'TRUE'},
                 ('efi', True))):
            keys = vmx.Vmx(dict(keys, guestOS='windows11-64'))
            chosen = self.hardware(properties.from_vm(keys, 'nvme'))[1]
            self.assertEqual(expected, (chosen.firmware, chosen.secure_boot))

    def test_type_of_the_guest(self):
        for guest, expected in (
                ('windows2019srv-64', 'windows'), ('winXPPro', 'windows'),
                ('arm-windows11-64', 'windows'), ('rhel6-64', 'linux'),
                ('debian12-64', 'linux'), ('arm-debian12-64', None),
                ('darwin21-64', None)):
            found = properties.from_vm(vmx.Vmx({'guestOS': guest}), 'sata')
            self.assertEqual(expected, found.get('os_type'), guest)

    def test_evaluation_vm_of_windows(self):
        """As ovftool exports one from Workstation."""
        envelope = ovf.parse(_EVALUATION)
        keys, bus = ovf.hardware(envelope, envelope.disks[0].id)
        guest, chosen = self.hardware(properties.from_vm(keys, bus))
        self.assertEqual('windows11-64', guest.id)
        self.assertEqual(
            ('efi', True, 'nvme', 'e1000e'),
            (chosen.firmware, chosen.secure_boot, chosen.disk_bus,
             chosen.nic_model))

    def test_a_bus_that_is_not_known(self):
        found = properties.from_vm(vmx.Vmx(), None)
        self.assertNotIn('vmware_adaptertype', found)
