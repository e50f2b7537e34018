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
import threading
import time

import testscenarios

from nova_vmrun import exception
from nova_vmrun.tools import process
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

    def test_list_passes_over_noise_of_fusion(self):
        tool = self.vmrun((0, 'ServiceImpl_Opener: PID 7\n'
                              'Total running VMs: 1\n/d.vmx\n'))
        self.assertEqual(['/d.vmx'], tool.list())

    def test_list_of_no_vm(self):
        for noise in ('', '/usr/lib/libz.so: no version information\n'):
            tool = self.vmrun((0, noise + 'Total running VMs: 0\n'))
            self.assertEqual([], tool.list())

    def test_a_list_that_is_not_whole_is_no_answer(self):
        """Each VM that is missing there would pass for one that is off."""
        for output in ('', '\n', 'Total', 'Total running VMs:',
                       'Total running VMs: 1', 'Total running VMs: 1\n',
                       'Total running VMs: 2\n/a/a.vmx\n',
                       'Total running VMs: 2\n/a/a.vmx\n/b/b.v',
                       '/a/a.vmx\n/b/b.vmx\n'):
            error = self.assertRaises(exception.ToolError,
                                      self.vmrun((0, output)).list)
            self.assertIn('not whole', error.details, output)
            self.assertIn('-T ws list', error.resolution)

    def test_a_list_without_its_last_line_break_is_whole(self):
        tool = self.vmrun((0, 'Total running VMs: 1\n/d.vmx'))
        self.assertEqual(['/d.vmx'], tool.list())

    def test_a_line_break_in_a_path_is_no_cut(self):
        tool = self.vmrun((0, 'Total running VMs: 2\n/a\n/b.vmx\n/d.vmx\n'))
        self.assertIn('/d.vmx', tool.list())

    def test_start_without_window(self):
        self.vmrun().start(VMX)
        self.assertRan('start', VMX, 'nogui')

    def test_start_with_window(self):
        self.vmrun().start(VMX, gui=True)
        self.assertRan('start', VMX, 'gui')

    def test_only_start_and_clone_spare_the_group_at_a_timeout(self):
        tool = self.vmrun()
        spared = set()
        for verb, operands in (
                ('start', {}), ('stop', {}), ('reset', {}), ('suspend', {}),
                ('pause', {}), ('unpause', {}), ('snapshot', {'name': 'n'}),
                ('delete_snapshot', {'name': 'n'}),
                ('clone', {'target': '/b.vmx', 'linked': True})):
            getattr(tool, verb)(VMX, **operands)
            if not self.runner.options[-1].get('kill_group', True):
                spared.add(verb)
        self.assertEqual({'start', 'clone'}, spared)

    def test_stop(self):
        self.vmrun().stop(VMX)
        self.assertRan('stop', VMX, 'hard')
        self.assertEqual(60, self.runner.options[-1]['timeout'])

    def test_stop_soft_within_the_given_time(self):
        self.vmrun().stop(VMX, hard=False, timeout=5)
        self.assertRan('stop', VMX, 'soft')
        self.assertEqual(5, self.runner.options[-1]['timeout'])

    def test_guest_that_is_asked_without_a_limit_gets_the_usual_one(self):
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

    def test_noted_guest_address(self):
        for text, address in (('192.168.80.128\n', '192.168.80.128'),
                              ('\n', None), ('unknown\n', None)):
            tool = self.vmrun((0, text))
            self.assertEqual(address, tool.noted_guest_address(VMX), text)
        self.assertRan('readVariable', VMX, 'guestVar', 'ip')

    def test_connect_device(self):
        self.vmrun().connect_device(VMX, 'ethernet1')
        self.assertRan('connectNamedDevice', VMX, 'ethernet1')

    def test_delete_snapshot(self):
        self.vmrun().delete_snapshot(VMX, 'base')
        self.assertRan('deleteSnapshot', VMX, 'base')
        self.assertEqual(600, self.runner.options[-1]['timeout'])

    def test_clone(self):
        self.vmrun().clone(VMX, '/b/b.vmx', linked=True, snapshot='base',
                           name='b')
        self.assertRan('clone', VMX, '/b/b.vmx', 'linked', '-snapshot=base',
                       '-cloneName=b')

    def test_full_clone_of_the_present_state(self):
        self.vmrun().clone(VMX, '/b/b.vmx', linked=False)
        self.assertRan('clone', VMX, '/b/b.vmx', 'full')

    def test_error_with_exit_status_0_is_an_error(self):
        tool = self.vmrun((0, 'Error: The operation was canceled\n'))
        self.assertRaises(exception.Canceled, tool.start, VMX)

    def test_error_names_vm_command_and_output(self):
        tool = self.vmrun((255, 'Error: Unknown error\n'))
        error = self.assertRaises(exception.ToolRefused, tool.start, VMX)
        self.assertEqual('vmrun start failed for %s: Unknown error'
                         % os.path.basename(VMX), error.brief)
        self.assertIn('-T ws start %s' % VMX, error.details)
        self.assertIn('Exit status: 255', error.details)
        self.assertIn('Error: Unknown error', error.details)

    def test_passing_refusal_is_tried_again(self):
        tool = self.vmrun((255, 'Error: The file is already in use\n'),
                          (0, ''))
        tool.start(VMX)
        self.assertEqual(2, len(self.runner.calls))
        self.assertEqual([0.5], self.slept)

    def test_passing_refusal_that_stays_is_given_up(self):
        tool = self.vmrun((255, 'Error: The file is already in use\n'))
        self.assertRaises(exception.FileInUse, tool.start, VMX)
        self.assertEqual(3, len(self.runner.calls))

    def test_other_refusals_are_not_repeated(self):
        tool = self.vmrun((255, 'Error: The operation was canceled\n'))
        self.assertRaises(exception.Canceled, tool.start, VMX)
        self.assertEqual(1, len(self.runner.calls))

    def test_timeout_is_not_repeated(self):
        tool = self.vmrun(exception.ToolTimeout('too long'))
        self.assertRaises(exception.ToolTimeout, tool.start, VMX)
        self.assertEqual(1, len(self.runner.calls))


class MeetingRunner:
    """Ends a program only while enough others run."""

    def __init__(self, number):
        self._meeting = threading.Barrier(number)
        self._lock = threading.Lock()
        self._now = 0
        self.most = 0

    def run(self, *argv, **options):
        if 'list' in argv:
            return process.Result(argv, 0, 'Total running VMs: 0\n', '')
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        self._meeting.wait(20)
        time.sleep(0.02)
        with self._lock:
            self._now -= 1
        return process.Result(argv, 0, '', '')


class ConcurrencyTestCase(base.TestCase):
    """Commands that change VMs run side by side, a few at a time."""

    def start_threads(self, number, runner):
        self.tool = vmrun.Vmrun(runner, '/usr/bin/vmrun', 'ws',
                                stubs.conf(max_concurrent_operations=3))
        threads = [threading.Thread(target=self.tool.start, args=(VMX,))
                   for _ in range(number)]
        for thread in threads:
            thread.start()
        return threads

    def test_as_many_as_the_option_says(self):
        runner = MeetingRunner(3)
        for thread in self.start_threads(9, runner):
            thread.join(20)
        self.assertEqual(3, runner.most)

    def test_a_list_need_not_wait_for_them(self):
        runner = MeetingRunner(4)
        threads = self.start_threads(3, runner)
        self.assertEqual([], self.tool.list())
        runner._meeting.wait(20)
        for thread in threads:
            thread.join(20)


class HeldRunner:
    """Runs no command to its end before it is let go."""

    def __init__(self):
        self.began = threading.Semaphore(0)
        self.let_go = threading.Event()
        self.verbs = []

    def run(self, *argv, **options):
        self.verbs.append(argv[3])
        self.began.release()
        self.let_go.wait(20)
        return process.Result(argv, 0, '', '')


class SlotsTestCase(base.TestCase):
    """What may hold up whom."""

    def setUp(self):
        super().setUp()
        self.runner = HeldRunner()
        self.threads = []
        self.addCleanup(self.end)

    def end(self):
        self.runner.let_go.set()
        for thread in self.threads:
            thread.join(20)

    def vmrun(self, **conf):
        return vmrun.Vmrun(self.runner, '/usr/bin/vmrun', 'ws',
                           stubs.conf(**conf))

    def begin(self, command, *args, **options):
        """Runs a command in a thread; returns the thread."""
        thread = threading.Thread(target=command, args=args, kwargs=options)
        self.threads.append(thread)
        thread.start()
        return thread

    def assertBegins(self, command, *args, **options):
        self.begin(command, *args, **options)
        self.assertTrue(self.runner.began.acquire(timeout=20))

    def assertWaits(self, command, *args, **options):
        self.begin(command, *args, **options)
        self.assertFalse(self.runner.began.acquire(timeout=0.1))

    def test_guests_that_are_waited_for_hold_up_nobody(self):
        tool = self.vmrun(max_concurrent_operations=1)
        for number in range(5):
            path = '/%d.vmx' % number
            self.assertBegins(tool.stop, path, hard=False, timeout=60)
            self.assertBegins(tool.reset, path, hard=False, timeout=60)
            self.assertBegins(tool.guest_address, path)
        self.assertBegins(tool.stop, VMX)

    def test_a_guest_is_asked_once_at_a_time(self):
        tool = self.vmrun()
        for ask, options in (
                (tool.stop, {'hard': False, 'timeout': 60}),
                (tool.reset, {'hard': False, 'timeout': 60}),
                (tool.guest_address, {})):
            self.assertBegins(ask, VMX, **options)
            error = self.assertRaises(exception.GuestBusy, ask, VMX,
                                      **options)
            self.assertIn(VMX, error.brief)
        self.assertEqual(3, len(self.runner.verbs))
        self.end()
        tool.stop(VMX, hard=False, timeout=60)
        self.assertEqual('stop', self.runner.verbs[-1])

    def test_long_commands_leave_a_slot_to_the_others(self):
        tool = self.vmrun(max_concurrent_operations=3)
        self.assertBegins(tool.snapshot, '/1.vmx', 'name')
        self.assertBegins(tool.suspend, '/2.vmx')
        for command, *args in ((tool.suspend, '/3.vmx'),
                               (tool.snapshot, '/4.vmx', 'name'),
                               (tool.delete_snapshot, '/5.vmx', 'name')):
            self.assertWaits(command, *args)
        self.assertBegins(tool.stop, VMX)

    def test_with_one_slot_everything_has_its_turn(self):
        tool = self.vmrun(max_concurrent_operations=1)
        self.assertBegins(tool.snapshot, '/1.vmx', 'name')
        self.assertWaits(tool.stop, VMX)
        self.end()
        self.assertEqual(['snapshot', 'stop'], self.runner.verbs)

    def test_a_slot_is_free_between_two_tries(self):
        runner = stubs.ScriptedRunner(
            (255, 'Error: The file is already in use\n'), (0, ''))

        def other(seconds):
            thread = self.begin(tool.stop, VMX)
            thread.join(20)
            self.assertFalse(thread.is_alive())

        tool = vmrun.Vmrun(runner, '/usr/bin/vmrun', 'ws',
                           stubs.conf(max_concurrent_operations=1), other)
        tool.start(VMX)
        self.assertEqual(['start', 'stop', 'start'],
                         [words[3] for words in runner.calls])


class RefusalTestCase(testscenarios.TestWithScenarios, base.TestCase):
    """Each line of VMware's and the error that it is."""

    scenarios = [
        (kind.__name__ + ' ' + line[:30], {'line': line, 'kind': kind})
        for line, kind in (
            ('Error: The virtual machine is not powered on: /a.vmx',
             exception.NotPoweredOn),
            ('Error: The virtual machine needs to be powered on',
             exception.NotPoweredOn),
            ('Error: The virtual machine should not be powered on. '
             'It is already running.', exception.AlreadyPoweredOn),
            ('Error: The virtual machine is paused: /a.vmx',
             exception.VmPaused),
            ('Error: Cannot open VM: /a.vmx, '
             'The virtual machine cannot be found', exception.VmNotFound),
            ('Error: Cannot open VM: /a.vmx, '
             'Cannot read the virtual machine configuration file',
             exception.ConfigUnreadable),
            ('Error: The file is already in use', exception.FileInUse),
            ('Error: The VMware Tools are not running in the virtual '
             'machine: /a.vmx', exception.ToolsNotRunning),
            ('Error: VMware Tools are not running in the guest',
             exception.ToolsNotRunning),
            ('Error: The operation was canceled', exception.Canceled),
            ('Error: The operation was cancelled', exception.Canceled),
            ('Error: Cannot launch the UI because no display server is '
             'present in the current environment', exception.NoDisplay),
            ('Unable to connect to host.\n'
             'Error: Service type VIX_SERVICEPROVIDER_VMWARE_WORKSTATION was '
             'specified, but not installed', exception.WrongProduct),
            ('Error: Service type VIX_SERVICEPROVIDER_VMWARE_PLAYER was '
             'specified but not installed', exception.WrongProduct),
            ('Error: The specified version was not found',
             exception.WrongProduct),
            ('Error: The operation is not supported',
             exception.NotSupported),
            ('Error: One of the parameters was invalid',
             exception.NotSupported),
            ('Error: The snapshot does not exist',
             exception.SnapshotNotFound),
            ("Error: Invalid snapshot name 'x'\n",
             exception.SnapshotNotFound),
            ('Error: A snapshot with the name already exists',
             exception.SnapshotExists),
            ('Error: An error occurred while writing a file; the disk is '
             'full. Data has not been saved.', exception.DiskFull),
            ('Error: The operation is not supported for the specified '
             'parameters', exception.ToolRefused),
            ('Error: Unknown error', exception.ToolRefused),
        )]

    def test_kind(self):
        tool = vmrun.Vmrun(stubs.ScriptedRunner((255, self.line + '\n')),
                           'vmrun', 'ws', stubs.conf(retry_count=0))
        error = self.assertRaises(exception.ToolRefused, tool.list)
        self.assertIs(self.kind, type(error))
        self.assertEqual(255, error.exit_code)
