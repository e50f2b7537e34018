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

"""Problems of the host at the start of a VM, and problems of its boot."""

import os
import time

import psutil

from tests.contract import base

CANCELED = 'The operation was canceled'
NO_MEDIA = 'Status upon boot failure: No Media'
CD_BOOT = 'About to do EFI boot: EFI VMware Virtual SATA CDROM Drive (%d.0)'


@base.fakes_only
class HostTest(base.ContractCase):

    def test_missing_kernel_modules(self):
        for module in ('vmmon', 'vmnet'):
            self.knobs['MODULES_MISSING'] = module
            machine = self.make_vm(module, disk=False)
            self.refused(CANCELED, 'start', machine.vmx, 'nogui')
            self.assertNotIn('vmware.log', machine.files())

    def test_missing_vmci_module(self):
        self.knobs['MODULES_MISSING'] = 'vmci'
        machine = self.make_vm(disk=False)
        self.refused(CANCELED, 'start', machine.vmx, 'nogui')
        self.assertIn('Failed to open device "/dev/vmci"', machine.log())
        machine.set(vmci0__present='FALSE')
        self.done('start', machine.vmx, 'nogui')

    def test_one_of_many_starts_is_lost(self):
        self.knobs['CROWD'] = '0'
        for name, text in (('one', 'Unknown error'), ('two', CANCELED)):
            machine = self.make_vm(name, disk=False)
            self.refused(text, 'start', machine.vmx, 'nogui')
            self.assertFalse(machine.is_listed)
            self.done('start', machine.vmx, 'nogui')

    def test_start_that_is_alone_is_not_lost(self):
        self.knobs['CROWD'] = '1'
        self.running_vm(disk=False)


@base.fakes_only
class SlowTest(base.ContractCase):
    """Commands that take longer the more memory a VM has."""

    def takes(self, seconds, *words):
        result = self.done(*words)
        self.assertTrue(result.seconds >= seconds, result.seconds)

    def test_snapshot_of_a_running_vm_takes_time_per_memory(self):
        machine = self.make_vm(memsize='512')
        self.knobs['PER_GB'] = 'snapshot=0.8'
        begin = time.monotonic()
        self.done('snapshot', machine.vmx, 'off')
        self.done('start', machine.vmx, 'nogui')
        self.takes(0.4, 'snapshot', machine.vmx, 'on')
        self.assertTrue(time.monotonic() > begin + 0.4)
        self.says('Total snapshots: 2\noff\non\n', 'listSnapshots',
                  machine.vmx)

    def test_suspend_and_resume_take_time_per_memory(self):
        machine = self.running_vm(memsize='512')
        self.knobs['PER_GB'] = 'suspend=0.8,start=0.6'
        self.takes(0.4, 'suspend', machine.vmx)
        self.takes(0.3, 'start', machine.vmx, 'nogui')
        self.assertTrue(machine.is_listed)

    def test_snapshot_goes_on_without_its_tool(self):
        machine = self.running_vm(memsize='512')
        self.knobs['PER_GB'] = 'snapshot=8'
        child = self.popen('-T', 'ws', 'snapshot', machine.vmx, 's')
        # A separate process writes the memory.
        self.wait_for(lambda: psutil.Process(child.pid).children())
        child.kill()
        self.knobs['PER_GB'] = '0'
        self.wait_for(lambda: 'Total snapshots: 1' in self.vmrun(
            'listSnapshots', machine.vmx).out)
        self.assertTrue(machine.is_listed)

    def test_slow_work_tells_its_refusal(self):
        machine = self.running_vm()
        self.done('snapshot', machine.vmx, 's')
        self.knobs.update(PER_GB='snapshot=1', DISK_FULL=self.folder)
        self.refused('An error occurred while writing a file; the disk is '
                     'full. Data has not been saved. Free some disk space '
                     'and try again', 'snapshot', machine.vmx, 't')


@base.fakes_only
class WindowTest(base.ContractCase):

    def test_start_gui_may_wait_for_the_end(self):
        self.knobs.update(DISPLAY='1', GUI_WAITS='1')
        machine = self.make_vm(disk=False)
        child = self.popen('-T', 'ws', 'start', machine.vmx, 'gui')
        self.wait_for(lambda: machine.is_listed)
        self.assertIsNone(child.poll())
        self.done('stop', machine.vmx, 'hard')
        self.assertEqual(0, child.wait(base.SETTLE))


class FirmwareTest(base.ContractCase):

    def with_cd(self, unit, **keys):
        node = 'sata0_colon_%d__' % unit
        machine = self.make_vm(
            disk=False, firmware='efi', sata0__present='TRUE', **keys, **{
                node + 'present': 'TRUE', node + 'fileName': 'x.iso',
                node + 'deviceType': 'cdrom-image'})
        with open(machine.path('x.iso'), 'wb') as f:
            f.write(bytes(2048))
        return machine

    @base.needs_guest
    def test_cd_on_the_first_unit_boots_on_x86(self):
        machine = self.with_cd(0)
        self.done('start', machine.vmx, 'nogui')
        self.assertIn(CD_BOOT % 0, machine.log())
        self.assertNotIn(NO_MEDIA, machine.log())

    @base.fakes_only
    def test_firmware_on_arm_sees_no_cd_on_the_first_unit(self):
        self.use_product('fusion', HOST_ARCH='arm64', VERSION='26H1')
        machine = self.with_cd(0, guestOS='arm-other-64')
        self.done('start', machine.vmx, 'nogui')
        self.assertIn(NO_MEDIA, machine.log())

    @base.fakes_only
    def test_firmware_on_arm_boots_a_cd_on_the_second_unit(self):
        self.use_product('fusion', HOST_ARCH='arm64', VERSION='26H1')
        machine = self.with_cd(1, guestOS='arm-other-64')
        self.done('start', machine.vmx, 'nogui')
        self.assertIn(CD_BOOT % 1, machine.log())
        self.assertNotIn(NO_MEDIA, machine.log())

    @base.needs_guest
    def test_boot_order_of_the_bios_counts_under_efi(self):
        machine = self.with_cd(0, bios__bootOrder='cdrom,hdd')
        machine.set(scsi0__present='TRUE', scsi0_colon_0__present='TRUE',
                    scsi0_colon_0__fileName='disk.vmdk')
        os.symlink(base.tools.blank_disk(), machine.path('disk.vmdk'))
        self.done('start', machine.vmx, 'nogui')
        self.assertIn(CD_BOOT % 0, machine.log())

    def test_boot_order_of_efi_is_not_recognized(self):
        machine = self.with_cd(0, efi__bootOrder='cdrom,hdd')
        self.done('start', machine.vmx, 'nogui')
        for word in ('cdrom', 'hdd'):
            self.assertIn('Unrecognized efi.bootOrder: "%s".' % word,
                          machine.log())
