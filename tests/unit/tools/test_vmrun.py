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

import os

from nova_vmrun import exception
from nova_vmrun.tools import vmrun
from tests.unit import base
from tests.unit import stubs

VMX = '/vms/a/a.vmx'


class VmrunTestCase(base.TestCase):

    def vmrun(self, *answers, **conf):
        self.runner = stubs.ScriptedRunner(*answers)
        self.slept = []
        return vmrun.Vmrun(self.runner, '/usr/bin/vmrun', 'ws',
                           stubs.conf(**conf), sleep=self.slept.append)

    def assertRan(self, *words):
        self.assertEqual(('/usr/bin/vmrun', '-T', 'ws') + words,
                         self.runner.calls[-1])

    def test_list(self):
        tool = self.vmrun((0, 'Total running VMs: 2\n/a b/c.vmx\n/d.vmx\n'))
        self.assertEqual(['/a b/c.vmx', '/d.vmx'], tool.list())
        self.assertRan('list')

    def test_list_ignores_noise_of_fusion(self):
        tool = self.vmrun((0, 'ServiceImpl_Opener: PID 7\n'
                              'Total running VMs: 1\n/d.vmx\n'))
        self.assertEqual(['/d.vmx'], tool.list())

    def test_list_of_no_vm(self):
        for noise in ('', '/usr/lib/libz.so: no version information\n'):
            tool = self.vmrun((0, noise + 'Total running VMs: 0\n'))
            self.assertEqual([], tool.list())

    def test_incomplete_list_is_an_error(self):
        """A VM missing from the list would seem to be off."""
        for output in ('', '\n', 'Total', 'Total running VMs:',
                       'Total running VMs: 1', 'Total running VMs: 1\n',
                       'Total running VMs: 2\n/a/a.vmx\n',
                       'Total running VMs: 2\n/a/a.vmx\n/b/b.v',
                       '/a/a.vmx\n/b/b.vmx\n'):
            error = self.assertRaises(exception.ToolRefused,
                                      self.vmrun((0, output)).list)
            self.assertIn('incomplete', error.details, output)
            self.assertIn('-T ws list', error.resolution)

    def test_list_without_a_final_line_break_is_complete(self):
        tool = self.vmrun((0, 'Total running VMs: 1\n/d.vmx'))
        self.assertEqual(['/d.vmx'], tool.list())

    def test_list_with_a_line_break_in_a_path_is_complete(self):
        tool = self.vmrun((0, 'Total running VMs: 2\n/a\n/b.vmx\n/d.vmx\n'))
        self.assertIn('/d.vmx', tool.list())

    def test_start_without_window(self):
        self.vmrun().start(VMX)
        self.assertRan('start', VMX, 'nogui')

    def test_start_with_window(self):
        self.vmrun().start(VMX, gui=True)
        self.assertRan('start', VMX, 'gui')

    def test_only_start_spares_the_process_group_at_a_timeout(self):
        tool = self.vmrun()
        spared = set()
        for verb, operands in (
                ('start', {}), ('stop', {}), ('reset', {}), ('suspend', {}),
                ('pause', {}), ('unpause', {}), ('snapshot', {'name': 'n'}),
                ('delete_snapshot', {'name': 'n'})):
            getattr(tool, verb)(VMX, **operands)
            if not self.runner.options[-1].get('kill_group', True):
                spared.add(verb)
        self.assertEqual({'start'}, spared)

    def test_stop(self):
        self.vmrun().stop(VMX)
        self.assertRan('stop', VMX, 'hard')
        self.assertEqual(60, self.runner.options[-1]['timeout'])

    def test_soft_stop_uses_the_given_timeout(self):
        self.vmrun().stop(VMX, hard=False, timeout=5)
        self.assertRan('stop', VMX, 'soft')
        self.assertEqual(5, self.runner.options[-1]['timeout'])

    def test_soft_stop_and_reset_default_to_stop_timeout(self):
        for verb in ('stop', 'reset'):
            getattr(self.vmrun(), verb)(VMX, hard=False)
            self.assertEqual(60, self.runner.options[-1]['timeout'], verb)

    def test_reset(self):
        self.vmrun().reset(VMX, hard=False, timeout=7)
        self.assertRan('reset', VMX, 'soft')
        self.assertEqual(7, self.runner.options[-1]['timeout'])

    def test_suspend_never_runs_scripts_in_the_guest(self):
        self.vmrun().suspend(VMX)
        self.assertRan('suspend', VMX, 'hard')

    def test_pause_and_unpause(self):
        self.vmrun().pause(VMX)
        self.assertRan('pause', VMX)
        self.vmrun().unpause(VMX)
        self.assertRan('unpause', VMX)

    def test_snapshot(self):
        self.vmrun().snapshot(VMX, 'base')
        self.assertRan('snapshot', VMX, 'base')
        self.assertEqual(600, self.runner.options[-1]['timeout'])

    def test_guest_address(self):
        for text, address in (
                ('192.168.80.128\n', '192.168.80.128'),
                ('fd00::5\n', 'fd00::5'), ('10.0.0.300\n', None),
                ('unknown\n', None), ('\n', None)):
            tool = self.vmrun((0, text))
            self.assertEqual(address, tool.guest_address(VMX), text)
        self.assertRan('getGuestIPAddress', VMX, '-wait')
        self.assertEqual(10, self.runner.options[-1]['timeout'])

    def test_cached_guest_address(self):
        for text, address in (('192.168.80.128\n', '192.168.80.128'),
                              ('\n', None), ('unknown\n', None)):
            tool = self.vmrun((0, text))
            self.assertEqual(address, tool.cached_guest_address(VMX), text)
        self.assertRan('readVariable', VMX, 'guestVar', 'ip')

    def test_connect_device(self):
        self.vmrun().connect_device(VMX, 'ethernet1')
        self.assertRan('connectNamedDevice', VMX, 'ethernet1')

    def test_delete_snapshot(self):
        self.vmrun().delete_snapshot(VMX, 'base')
        self.assertRan('deleteSnapshot', VMX, 'base')
        self.assertEqual(600, self.runner.options[-1]['timeout'])

    def test_error_text_with_exit_status_0_is_an_error(self):
        tool = self.vmrun((0, 'Error: The operation was canceled\n'))
        self.assertRaises(exception.Canceled, tool.start, VMX)

    def test_error_contains_vm_command_and_output(self):
        tool = self.vmrun((255, 'Error: Unknown error\n'))
        error = self.assertRaises(exception.ToolRefused, tool.start, VMX)
        self.assertEqual('vmrun start failed for %s: Unknown error'
                         % os.path.basename(VMX), error.brief)
        self.assertIn('-T ws start %s' % VMX, error.details)
        self.assertIn('Exit status: 255', error.details)
        self.assertIn('Error: Unknown error', error.details)

    def test_transient_refusal_is_retried(self):
        tool = self.vmrun((255, 'Error: The file is already in use\n'),
                          (0, ''))
        tool.start(VMX)
        self.assertEqual(2, len(self.runner.calls))
        self.assertEqual([0.5], self.slept)

    def test_retries_end_after_retry_count(self):
        tool = self.vmrun((255, 'Error: The file is already in use\n'))
        self.assertRaises(exception.FileInUse, tool.start, VMX)
        self.assertEqual(3, len(self.runner.calls))

    def test_other_refusals_are_not_retried(self):
        tool = self.vmrun((255, 'Error: The operation was canceled\n'))
        self.assertRaises(exception.Canceled, tool.start, VMX)
        self.assertEqual(1, len(self.runner.calls))

    def test_timeout_is_not_retried(self):
        tool = self.vmrun(exception.ToolTimeout('too long'))
        self.assertRaises(exception.ToolTimeout, tool.start, VMX)
        self.assertEqual(1, len(self.runner.calls))
