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

"""What can be seen from outside: files, pid, crashes (facts 2, 3.2, 3.3)."""

import os
import re
import signal

from tests.contract import base


def pid_in_log(machine):
    """Read the pid as libvirt does: ' pid=N ' on the first line."""
    first = machine.log().split('\n', 1)[0]
    found = re.search(r' pid=(\d+) ', first)
    return int(found.group(1)) if found else None


class ProcessTest(base.ContractCase):

    def test_pid_is_on_the_first_line_of_the_log(self):
        machine = self.running_vm(disk=False)
        self.assertFalse(base.gone(pid_in_log(machine)))

    def test_process_ends_with_the_vm(self):
        machine = self.running_vm(disk=False)
        pid = pid_in_log(machine)
        self.done('stop', machine.vmx, 'hard')
        self.wait_for(lambda: base.gone(pid), 'the process to end')

    def test_process_command_line_ends_with_the_vmx(self):
        machine = self.running_vm(disk=False)
        with open('/proc/%d/cmdline' % pid_in_log(machine), 'rb') as f:
            words = f.read().rstrip(b'\0').split(b'\0')
        self.assertEqual(machine.vmx, os.fsdecode(words[-1]))

    def test_process_has_a_session_of_its_own(self):
        machine = self.running_vm(disk=False)
        pid = pid_in_log(machine)
        self.assertNotEqual(os.getsid(0), os.getsid(pid))

    def test_process_has_streams_of_its_own(self):
        machine = self.running_vm(disk=False)
        pid = pid_in_log(machine)
        for stream in (0, 1, 2):
            target = os.readlink('/proc/%d/fd/%d' % (pid, stream))
            self.assertFalse(target.startswith('pipe:'), target)

    def test_process_survives_reset(self):
        machine = self.running_vm(disk=False)
        self.done('reset', machine.vmx, 'hard')
        self.assertFalse(base.gone(pid_in_log(machine)))

    def test_killed_process_is_a_crash(self):
        machine = self.running_vm()
        os.kill(pid_in_log(machine), signal.SIGKILL)
        self.wait_for(lambda: not machine.is_listed, 'list to notice')
        self.assertEqual('FALSE', machine.get('cleanShutdown'))
        self.assertIn('disk.vmdk.lck', machine.files())

    def test_crashed_vm_starts_again(self):
        machine = self.running_vm()
        os.kill(pid_in_log(machine), signal.SIGKILL)
        self.wait_for(lambda: not machine.is_listed, 'list to notice')
        self.done('start', machine.vmx, 'nogui')
        self.assertTrue(machine.is_listed)

    def test_crashed_vm_is_not_powered_on(self):
        machine = self.running_vm()
        os.kill(pid_in_log(machine), signal.SIGKILL)
        self.wait_for(lambda: not machine.is_listed, 'list to notice')
        self.refused('The virtual machine is not powered on: %s'
                     % machine.vmx, 'stop', machine.vmx, 'hard')


class FilesTest(base.ContractCase):

    def test_clean_shutdown_is_false_while_running(self):
        machine = self.running_vm(disk=False)
        self.assertEqual('FALSE', machine.get('cleanShutdown'))

    def test_clean_shutdown_is_true_after_stop(self):
        machine = self.running_vm(disk=False)
        self.done('stop', machine.vmx, 'hard')
        self.wait_for(lambda: machine.get('cleanShutdown') == 'TRUE')

    @base.needs_guest
    def test_soft_power_off_is_noted(self):
        machine = self.running_vm(disk=False)
        self.done('stop', machine.vmx, 'soft')
        self.assertEqual('TRUE', machine.get('softPowerOff'))

    def test_running_vm_has_a_memory_file_named_by_uuid(self):
        machine = self.running_vm(disk=False)
        name = machine.get('uuid.bios').replace(' ', '') + '.vmem'
        self.assertIn(name, machine.files())
        self.done('stop', machine.vmx, 'hard')
        self.wait_for(lambda: name not in machine.files())

    def test_no_memory_file_when_told_so(self):
        machine = self.running_vm(disk=False,
                                  mainMem__useNamedFile='FALSE')
        self.assertEqual([], [name for name in machine.files()
                              if name.endswith('.vmem')])

    def test_first_run_makes_nvram_and_vmxf(self):
        machine = self.running_vm(disk=False)
        for name in ('vm.nvram', 'vm.vmxf', 'vmware.log'):
            self.assertIn(name, machine.files())

    def test_scoreboard_while_running(self):
        machine = self.running_vm(disk=False)
        self.assertIn('vm.scoreboard', machine.files())

    def test_locks_while_running(self):
        machine = self.running_vm()
        for name in ('vm.vmx.lck', 'disk.vmdk.lck'):
            self.assertIn(name, machine.files())

    def test_memory_file_is_locked(self):
        machine = self.running_vm(disk=False)
        self.assertTrue([name for name in machine.files()
                         if name.endswith('.vmem.lck')])

    def test_locks_go_with_power_off(self):
        machine = self.running_vm()
        self.done('stop', machine.vmx, 'hard')
        self.wait_for(lambda: not [name for name in machine.files()
                                   if name.endswith('.lck')])

    def test_suspended_by_the_vmx(self):
        machine = self.running_vm(disk=False)
        self.done('suspend', machine.vmx)
        state = self.wait_for(lambda: machine.get('checkpoint.vmState'))
        self.assertTrue(re.match(r'vm-[0-9a-f]{8}\.vmss\Z', state), state)
        self.assertIn(state, machine.files())
        self.assertIn(state[:-5] + '.vmem', machine.files())

    def test_resume_removes_the_suspended_state(self):
        machine = self.running_vm(disk=False)
        self.done('suspend', machine.vmx)
        self.done('start', machine.vmx, 'nogui')
        self.assertEqual('', machine.get('checkpoint.vmState') or '')
        self.wait_for(lambda: not [name for name in machine.files()
                                   if name.endswith('.vmss')])

    def test_suspended_state_can_be_discarded_by_hand(self):
        machine = self.running_vm(disk=False)
        self.done('suspend', machine.vmx)
        state = machine.get('checkpoint.vmState')
        os.unlink(machine.path(state))
        machine.set(checkpoint__vmState=None)
        self.done('start', machine.vmx, 'nogui')
        self.assertTrue(machine.is_listed)

    def test_resume_with_other_memory_size_is_canceled(self):
        machine = self.running_vm(disk=False)
        self.done('suspend', machine.vmx)
        machine.set(memsize='128')
        self.refused('The operation was canceled', 'start', machine.vmx,
                     'nogui')
        self.assertIn('msg.checkpoint.memsize.mismatch', machine.log())

    def test_log_is_rotated(self):
        machine = self.running_vm(disk=False)
        pids = [pid_in_log(machine)]
        for _ in range(3):
            self.done('stop', machine.vmx, 'hard')
            self.done('start', machine.vmx, 'nogui')
            pids.append(pid_in_log(machine))
        self.assertEqual(4, len(set(pids)))
        self.assertEqual(
            ['vmware-0.log', 'vmware-1.log', 'vmware-2.log', 'vmware.log'],
            [name for name in machine.files() if name.endswith('.log')])
