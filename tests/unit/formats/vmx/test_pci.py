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
from nova_vmrun.formats.vmx import pci
from nova_vmrun.machine import render
from tests.unit.machine import base


def machine(**devices):
    """Returns the settings of a VM with the usual bridges.

    :param devices: names to (model or None, slot)
    """
    settings = vmx.Vmx({'pciBridge0.present': 'TRUE',
                        'pciBridge0.pciSlotNumber': '17'})
    for number in (4, 5, 6, 7):
        name = 'pciBridge%d.' % number
        settings.update({name + 'present': 'TRUE',
                         name + 'virtualDev': 'pcieRootPort',
                         name + 'functions': '8',
                         name + 'pciSlotNumber': str(17 + number)})
    for device, (model, slot) in devices.items():
        settings[device + '.present'] = 'TRUE'
        if model:
            settings[device + '.virtualDev'] = model
        settings[device + '.pciSlotNumber'] = str(slot)
    return settings


class MisplacedTestCase(base.TestCase):

    def wrong(self, **devices):
        return [key.partition('.')[0]
                for key, _ in pci.misplaced(machine(**devices))]

    def test_slots_that_vmware_assigns(self):
        self.assertEqual([], self.wrong(
            scsi0=('lsilogic', 16), scsi1=('pvscsi', 160),
            ethernet0=('vmxnet3', 192), ethernet1=('e1000', 33),
            ethernet2=('e1000e', 1184), nvme0=(None, 224), sata0=(None, 35),
            usb=(None, 32), usb_xhci=(None, 256), vmci0=(None, 36),
            scsi2=('lsisas1068', 2208)))

    def test_slots_that_crash_a_vm(self):
        for model, slot in (('vmxnet3', 21), ('vmxnet3', 33),
                            ('vmxnet3', 18), ('e1000e', 288),
                            ('vmxnet3', 160 + 8 * 1024), ('e1000', 160),
                            ('e1000', 17), ('vmxnet3', 96)):
            self.assertEqual(['ethernet0'],
                             self.wrong(ethernet0=(model, slot)), slot)

    def test_two_devices_in_one_slot(self):
        self.assertEqual(['ethernet0', 'ethernet1'], self.wrong(
            ethernet0=('e1000', 33), ethernet1=('e1000', 33)))

    def test_absent_devices_and_automatic_slots(self):
        settings = machine(ethernet0=('vmxnet3', -1), ethernet1=(None, 0),
                           ethernet2=('e1000', 'x'),
                           ethernet3=('vmxnet3', 21))
        settings['ethernet3.present'] = 'FALSE'
        self.assertEqual([], list(pci.misplaced(settings)))

    def test_without_the_port_of_a_slot(self):
        settings = machine(ethernet0=('vmxnet3', 192))
        settings['pciBridge5.present'] = 'FALSE'
        self.assertIn('pciBridge5', list(pci.misplaced(settings))[0][1])


class RenderedTestCase(base.TestCase):

    def test_every_guest_has_root_ports(self):
        for guest in guestos.all_guests().values():
            server = base.make_server({'vmrun_guestos': guest.id},
                                      product=None, hw_version=22,
                                      arch=guest.arch)
            settings = vmx.parse(render.render(server))
            self.assertTrue(pci.has_root_port(settings), guest.id)
            self.assertIsNone(pci.missing_port(settings), guest.id)
