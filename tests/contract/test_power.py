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

"""The state × command matrix for power (facts 1.2, 1.3)."""

import os

from tests.contract import base

OFF = 'The virtual machine is not powered on: %s'
ON = 'The virtual machine should not be powered on. It is already running.'
PAUSED = 'The virtual machine is paused: %s'


class OffTest(base.ContractCase):

    def setUp(self):
        super().setUp()
        self.vm = self.make_vm()

    @base.sample
    def test_start_when_off_boots(self):
        self.done('start', self.vm.vmx, 'nogui')
        self.assertTrue(self.vm.is_listed)

    def test_stop_hard_when_off_refused(self):
        self.refused(OFF % self.vm.vmx, 'stop', self.vm.vmx, 'hard')

    def test_stop_soft_when_off_refused(self):
        self.refused(OFF % self.vm.vmx, 'stop', self.vm.vmx, 'soft')

    def test_reset_when_off_refused(self):
        self.refused(OFF % self.vm.vmx, 'reset', self.vm.vmx, 'hard')

    def test_suspend_when_off_refused(self):
        self.refused(OFF % self.vm.vmx, 'suspend', self.vm.vmx)

    def test_pause_when_off_refused(self):
        self.refused(OFF % self.vm.vmx, 'pause', self.vm.vmx)

    def test_unpause_when_off_refused(self):
        self.refused(OFF % self.vm.vmx, 'unpause', self.vm.vmx)

    @base.sample
    def test_error_repeats_the_path_as_given(self):
        self.refused(OFF % 'vm/vm.vmx', 'stop', 'vm/vm.vmx', 'hard')


class RunningTest(base.ContractCase):

    def setUp(self):
        super().setUp()
        self.vm = self.running_vm()

    def test_start_when_running_is_silent_success(self):
        self.done('start', self.vm.vmx, 'nogui')
        self.assertTrue(self.vm.is_listed)

    @base.sample
    def test_stop_hard_when_running(self):
        self.done('stop', self.vm.vmx, 'hard')
        self.assertFalse(self.vm.is_listed)

    @base.needs_guest
    def test_stop_soft_with_tools(self):
        self.done('stop', self.vm.vmx, 'soft')
        self.assertFalse(self.vm.is_listed)

    @base.fakes_only
    def test_stop_soft_without_tools_fails(self):
        self.knobs['TOOLS'] = 'installed'
        self.refused('The VMware Tools are not running in the virtual '
                     'machine: %s' % self.vm.vmx, 'stop', self.vm.vmx,
                     'soft')
        self.assertTrue(self.vm.is_listed)

    @base.fakes_only
    def test_stop_soft_that_the_guest_ignores_fails(self):
        self.knobs.update(STOP_SOFT='hang', STOP_TIMEOUT='0.2')
        result = self.vmrun('stop', self.vm.vmx, 'soft')
        self.assertEqual(255, result.rc)
        self.assertTrue(result.out.startswith('Error: '), result)
        self.assertTrue(self.vm.is_listed)

    def test_stop_default_follows_powertype(self):
        self.done('stop', self.vm.vmx, 'hard')
        self.vm.set(powerType__powerOff='hard')
        self.done('start', self.vm.vmx, 'nogui')
        self.done('stop', self.vm.vmx)
        self.assertFalse(self.vm.is_listed)

    @base.fakes_only
    def test_stop_default_soft_by_powertype(self):
        self.done('stop', self.vm.vmx, 'hard')
        self.vm.set(powerType__powerOff='soft')
        self.done('start', self.vm.vmx, 'nogui')
        self.knobs['TOOLS'] = 'unknown'
        self.assertEqual(255, self.vmrun('stop', self.vm.vmx).rc)

    def test_reset_when_running(self):
        self.done('reset', self.vm.vmx, 'hard')
        self.assertTrue(self.vm.is_listed)

    @base.fakes_only
    def test_reset_may_leave_the_vm_off(self):
        self.knobs['RESET_LEAVES_OFF'] = '1'
        self.done('reset', self.vm.vmx, 'hard')
        self.assertFalse(self.vm.is_listed)

    @base.sample
    def test_suspend_when_running(self):
        self.done('suspend', self.vm.vmx)
        self.assertFalse(self.vm.is_listed)

    @base.sample
    def test_pause_when_running(self):
        self.done('pause', self.vm.vmx)
        self.assertTrue(self.vm.is_listed)

    def test_unpause_when_running(self):
        self.done('unpause', self.vm.vmx)


class PausedTest(base.ContractCase):

    def setUp(self):
        super().setUp()
        self.vm = self.running_vm()
        self.done('pause', self.vm.vmx)

    def test_start_when_paused_stays_paused(self):
        self.done('start', self.vm.vmx, 'nogui')
        self.refused(PAUSED % self.vm.vmx, 'pause', self.vm.vmx)

    def test_stop_hard_when_paused(self):
        self.done('stop', self.vm.vmx, 'hard')
        self.assertFalse(self.vm.is_listed)

    def test_stop_soft_when_paused_refused(self):
        self.refused(PAUSED % self.vm.vmx, 'stop', self.vm.vmx, 'soft')

    def test_reset_when_paused_refused(self):
        self.refused(PAUSED % self.vm.vmx, 'reset', self.vm.vmx, 'hard')

    def test_suspend_when_paused(self):
        self.done('suspend', self.vm.vmx)
        self.assertFalse(self.vm.is_listed)
        self.done('start', self.vm.vmx, 'nogui')

    def test_pause_when_paused_refused(self):
        self.refused(PAUSED % self.vm.vmx, 'pause', self.vm.vmx)

    def test_unpause_when_paused(self):
        self.done('unpause', self.vm.vmx)
        self.done('pause', self.vm.vmx)

    def test_snapshot_when_paused_refused(self):
        self.refused(PAUSED % self.vm.vmx, 'snapshot', self.vm.vmx, 's')

    def test_clone_when_paused_refused(self):
        self.refused(ON, 'clone', self.vm.vmx, self.path('c', 'c.vmx'),
                     'full')

    def test_delete_vm_when_paused_refused(self):
        self.refused(ON, 'deleteVM', self.vm.vmx)

    def test_guest_commands_when_paused_refused(self):
        self.refused(PAUSED % self.vm.vmx, 'getGuestIPAddress', self.vm.vmx)

    def test_devices_when_paused_refused(self):
        self.refused(PAUSED % self.vm.vmx, 'disconnectNamedDevice',
                     self.vm.vmx, 'ethernet0')


class SuspendedTest(base.ContractCase):

    def setUp(self):
        super().setUp()
        self.vm = self.running_vm()
        self.done('suspend', self.vm.vmx)

    @base.sample
    def test_start_when_suspended_resumes(self):
        self.done('start', self.vm.vmx, 'nogui')
        self.assertTrue(self.vm.is_listed)
        self.assertEqual('', self.vm.get('checkpoint.vmState') or '')

    def test_stop_hard_when_suspended_refused(self):
        self.refused(OFF % self.vm.vmx, 'stop', self.vm.vmx, 'hard')

    def test_stop_soft_when_suspended_refused(self):
        self.refused(OFF % self.vm.vmx, 'stop', self.vm.vmx, 'soft')

    def test_reset_when_suspended_refused(self):
        self.refused(OFF % self.vm.vmx, 'reset', self.vm.vmx, 'hard')

    def test_suspend_when_suspended_refused(self):
        self.refused(OFF % self.vm.vmx, 'suspend', self.vm.vmx)

    def test_pause_when_suspended_refused(self):
        self.refused(OFF % self.vm.vmx, 'pause', self.vm.vmx)

    def test_unpause_when_suspended_refused(self):
        self.refused(OFF % self.vm.vmx, 'unpause', self.vm.vmx)

    def test_clone_when_suspended_refused(self):
        self.refused(ON, 'clone', self.vm.vmx, self.path('c', 'c.vmx'),
                     'full')

    def test_delete_vm_when_suspended(self):
        self.done('deleteVM', self.vm.vmx)

    def test_guest_commands_when_suspended_refused(self):
        self.refused(OFF % self.vm.vmx, 'readVariable', self.vm.vmx,
                     'guestVar', 'ip')

    def test_list_snapshots_when_suspended(self):
        self.says('Total snapshots: 0\n', 'listSnapshots', self.vm.vmx)


class StartTest(base.ContractCase):

    def test_start_needs_a_display_for_gui(self):
        machine = self.make_vm(disk=False)
        env = {'DISPLAY': '', 'WAYLAND_DISPLAY': ''}
        self.refused('Cannot launch the UI because no display server is '
                     'present in the current environment', 'start',
                     machine.vmx, 'gui', env=env)

    def test_start_is_gui_by_default(self):
        machine = self.make_vm(disk=False)
        env = {'DISPLAY': '', 'WAYLAND_DISPLAY': ''}
        result = self.vmrun('start', machine.vmx, env=env)
        self.assertEqual(255, result.rc, result)

    @base.fakes_only
    def test_start_gui_with_a_display(self):
        self.knobs['DISPLAY'] = '1'
        machine = self.make_vm(disk=False)
        self.done('start', machine.vmx)
        self.assertTrue(machine.is_listed)


class ListTest(base.ContractCase):

    def test_list_with_nothing_running(self):
        self.says('Total running VMs: 0\n', 'list')

    @base.sample
    def test_list_prints_a_count_and_absolute_paths(self):
        one, two = self.running_vm('one'), self.running_vm('two')
        result = self.vmrun('list')
        lines = result.out.splitlines()
        self.assertEqual('Total running VMs: 2', lines[0])
        self.assertEqual({one.vmx, two.vmx}, set(lines[1:]))

    def test_list_tolerates_an_operand(self):
        machine = self.make_vm(disk=False)
        self.says('Total running VMs: 0\n', 'list', machine.vmx)

    def test_list_includes_paused(self):
        machine = self.running_vm()
        self.done('pause', machine.vmx)
        self.assertTrue(machine.is_listed)

    def test_list_leaves_out_suspended(self):
        machine = self.running_vm()
        self.done('suspend', machine.vmx)
        self.assertFalse(machine.is_listed)

    def test_list_resolves_symlinks(self):
        machine = self.make_vm('real', disk=False)
        os.symlink(machine.folder, self.path('link'))
        self.done('start', self.path('link', 'real.vmx'), 'nogui')
        self.assertTrue(machine.is_listed)
        self.done('start', machine.vmx, 'nogui')
        self.assertEqual(1, len(self.list()))
