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

"""Devices without a slot on the PCI bus kill the VM at power-on."""

import os
import re

from tests.contract import base

NIC = {'ethernet0__present': 'TRUE', 'ethernet0__connectionType': 'nat'}
PORTS = (4, 5, 6, 7)


class SlotTest(base.ContractCase):

    def dies(self, device, machine):
        """Expect that power-on kills the VM and that vmware.log says why."""
        self.refused('Unknown error', 'start', machine.vmx, 'nogui')
        self.assertIn('[msg.pci.noslotavail]', machine.log())
        self.assertIn('slot available for %s. Remove %s and try again.' % (
            device, device), machine.log())
        self.assertFalse(machine.is_listed)

    def without_ports(self, **keys):
        ports = {'pciBridge%d__present' % n: None for n in PORTS}
        return self.make_vm(**dict(keys, **ports))

    def test_pcie_nic_without_root_ports(self):
        for model in ('vmxnet3', 'e1000e'):
            machine = self.without_ports(
                name=model, disk=False, ethernet0__virtualDev=model, **NIC)
            self.dies('Ethernet0', machine)
            self.assertIn('%s device' % ('vmxnet3 PCIe' if model == 'vmxnet3'
                                         else 'e1000e'), machine.log())

    def test_pcie_controller_without_root_ports(self):
        self.dies('SCSI0', self.without_ports(scsi0__virtualDev='pvscsi'))

    def test_dead_process_leaves_its_pid_and_its_locks(self):
        machine = self.without_ports(scsi0__virtualDev='pvscsi')
        self.dies('SCSI0', machine)
        pid = int(re.search(r'pid=(\d+)', machine.log()).group(1))
        self.assertRaises(ProcessLookupError, os.kill, pid, 0)
        self.assertIn('vm.vmx.lck', machine.files())
        self.assertEqual('FALSE', machine.get('cleanShutdown'))

    def test_vm_starts_once_its_device_has_a_slot(self):
        machine = self.without_ports(scsi0__virtualDev='pvscsi')
        self.dies('SCSI0', machine)
        machine.set(scsi0__virtualDev='lsilogic')
        self.done('start', machine.vmx, 'nogui')

    def test_conventional_devices_need_no_root_ports(self):
        machine = self.without_ports(ethernet0__virtualDev='e1000', **NIC)
        self.done('start', machine.vmx, 'nogui')

    def test_slot_of_another_topology(self):
        machine = self.make_vm(
            disk=False, ethernet0__virtualDev='vmxnet3',
            ethernet0__pciSlotNumber='192', pciBridge5__present=None, **NIC)
        self.dies('Ethernet0', machine)

    def test_slot_of_a_bridge(self):
        for slot in ('21', '17'):
            machine = self.make_vm('slot' + slot, scsi0__pciSlotNumber=slot)
            self.dies('SCSI0', machine)

    def test_slot_that_another_device_has(self):
        machine = self.make_vm(
            disk=False, ethernet0__virtualDev='e1000',
            ethernet1__present='TRUE', ethernet1__connectionType='nat',
            ethernet1__virtualDev='e1000', ethernet0__pciSlotNumber='33',
            ethernet1__pciSlotNumber='33', **NIC)
        self.dies('Ethernet1', machine)

    def test_device_without_a_slot_number_starts(self):
        machine = self.make_vm(disk=False, ethernet0__virtualDev='vmxnet3',
                               ethernet0__pciSlotNumber='-1', **NIC)
        self.done('start', machine.vmx, 'nogui')
        self.assertEqual('160', machine.get('ethernet0.pciSlotNumber'))

    def test_functions_of_root_ports_come_after_the_ports(self):
        keys = {}
        for n in range(5):
            keys.update({'ethernet%d__present' % n: 'TRUE',
                         'ethernet%d__connectionType' % n: 'nat',
                         'ethernet%d__virtualDev' % n: 'vmxnet3'})
        machine = self.make_vm(disk=False, **keys)
        self.done('start', machine.vmx, 'nogui')
        self.assertEqual(
            ['160', '192', '224', '256', '1184'],
            [machine.get('ethernet%d.pciSlotNumber' % n) for n in range(5)])


class AddedDevicesTest(base.ContractCase):

    def test_floppy_that_is_not_named_warns_at_each_power_on(self):
        machine = self.make_vm(disk=False, floppy0__present=None)
        for _ in range(2):
            self.done('start', machine.vmx, 'nogui')
            self.assertIn('floppy', machine.log().lower())
            self.done('stop', machine.vmx, 'hard')

    def test_vtpm_alone_is_refused(self):
        machine = self.make_vm(disk=False, vtpm__present='TRUE',
                               firmware='efi')
        self.refused('The operation was canceled', 'start', machine.vmx,
                     'nogui')
        for text in ('[msg.vtpm.poweron.notEncrypted] The virtual machine '
                     'must be encrypted.',
                     '[msg.vtpm.initfail] Virtual TPM initialization '
                     'failed.'):
            self.assertIn(text, machine.log())

    @base.fakes_only
    def test_managed_vm_gets_no_tpm(self):
        self.use_product('ws', VERSION='26H1')
        machine = self.make_vm(disk=False,
                               managedvm__autoAddVTPM='software')
        self.done('start', machine.vmx, 'nogui')
        self.assertIsNone(machine.get('vtpm.present'))

    @base.fakes_only
    def test_managed_vm_is_canceled_on_25h2(self):
        self.use_product('ws', VERSION='25H2')
        machine = self.make_vm(disk=False,
                               managedvm__autoAddVTPM='software')
        self.refused('The operation was canceled', 'start', machine.vmx,
                     'nogui')
