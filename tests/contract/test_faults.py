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

"""The knobs of the fakes: latency, faults, calls (no facts of VMware)."""

import json
import os
import re
import shutil
import signal
import subprocess
import time

from tests.contract import base
from tests.contract import tools


@base.fakes_only
class CallsTest(base.ContractCase):

    def records(self):
        with open(os.path.join(self.state, 'calls.jsonl')) as f:
            return [json.loads(line) for line in f]

    def test_each_call_is_recorded(self):
        before = time.time()
        self.vmrun('list')
        self.vdisk('-e', '/none.vmdk')
        one, two = self.records()
        self.assertEqual(
            ('vmrun', ['-T', 'ws', 'list'], 0),
            (one['prog'], one['argv'], one['rc']))
        self.assertEqual(('vmware-vdiskmanager', 1),
                         (two['prog'], two['rc']))
        self.assertTrue(before <= one['start'] <= one['end'] <= time.time())

    def test_a_call_that_never_ends_is_recorded(self):
        self.knobs['FAULTS'] = 'list 1 die'
        self.assertEqual(-signal.SIGKILL, self.vmrun('list').rc)
        self.assertIsNone(self.records()[0]['rc'])

    def test_state_has_a_default_place(self):
        env = {'FAKE_VMRUN_STATE': '', 'HOME': self.folder,
               'XDG_STATE_HOME': ''}
        self.run_tool('vmrun', 'list', env=env)
        self.assertTrue(os.path.exists(self.path(
            '.local/state/fake-vmrun/calls.jsonl')))


@base.fakes_only
class KnobsTest(base.ContractCase):

    def test_latency_per_verb(self):
        self.knobs['LATENCY'] = 'list=0.3,*=0'
        self.assertTrue(self.vmrun('list').seconds >= 0.3)

    def test_latency_of_all(self):
        self.knobs['LATENCY'] = '0.3'
        self.assertTrue(self.vdisk('-e', 'x').seconds >= 0.3)

    def test_jitter_is_random(self):
        self.knobs.update(LATENCY='0', JITTER='0.2')
        times = [self.vmrun('list').seconds for _ in range(4)]
        self.assertTrue(max(times) - min(times) > 0.001, times)

    def test_config_file(self):
        with open(self.path('knobs'), 'w') as f:
            f.write('# knobs\nPRODUCT = fusion\nFAKE_VMRUN_VERSION = 13.6.4\n'
                    'FAULTS = list 1 noise one\nFAULTS = list 1 noise two\n')
        result = self.run_tool('vmrun', '-T', 'fusion', 'list', env={
            'FAKE_VMRUN_CONFIG': self.path('knobs')})
        self.assertEqual('one\ntwo\nTotal running VMs: 0\n', result.out)

    def test_config_file_with_an_unknown_knob(self):
        with open(self.path('knobs'), 'w') as f:
            f.write('NO_SUCH = 1\n')
        result = self.vmrun('list', env={
            'FAKE_VMRUN_CONFIG': self.path('knobs')})
        self.assertEqual((70, ''), (result.rc, result.out))
        self.assertIn('not a knob: NO_SUCH = 1', result.err)

    def test_environment_wins_over_the_file(self):
        with open(self.path('knobs'), 'w') as f:
            f.write('PRODUCT = fusion\n')
        result = self.vmrun('list', env={
            'FAKE_VMRUN_CONFIG': self.path('knobs'),
            'FAKE_VMRUN_PRODUCT': 'ws'})
        self.assertEqual(0, result.rc, result)

    def test_bad_knobs_are_told(self):
        for name, value in (('PRODUCT', 'hyperv'), ('LATENCY', 'long'),
                            ('FAULTS', 'list 1 explode'),
                            ('FAULTS', 'list soon hang')):
            result = self.vmrun('list', env={'FAKE_VMRUN_' + name: value})
            self.assertEqual(70, result.rc, name)
            self.assertIn('FAKE_VMRUN_' + name, result.err)

    def test_unknown_engine_is_told(self):
        self.knobs['ENGINE'] = 'steam'
        machine = self.make_vm(disk=False)
        result = self.vmrun('start', machine.vmx, 'nogui')
        self.assertEqual(70, result.rc)
        self.assertIn('FAKE_VMRUN_ENGINE=steam', result.err)

    def test_every_knob_is_documented(self):
        path = os.path.join(tools.FAKES, 'vmwarefake', 'knobs.py')
        with open(path) as f:
            text = f.read()
        known = re.findall(r"^    '([A-Z_]+)': '", text, re.M)
        described = re.findall(r'^    ([A-Z_]{3,})  ?', text, re.M)
        self.assertTrue(len(known) > 20, known)
        self.assertEqual(sorted(known), sorted(described))


@base.fakes_only
class FaultsTest(base.ContractCase):

    def test_refuse_so_many_times(self):
        self.knobs['FAULTS'] = 'list 2 refuse Unknown error'
        self.refused('Unknown error', 'list')
        self.refused('Unknown error', 'list')
        self.says('Total running VMs: 0\n', 'list')

    def test_refuse_the_third_call(self):
        self.knobs['FAULTS'] = 'list 3-3 refuse Unknown error'
        codes = [self.vmrun('list').rc for _ in range(4)]
        self.assertEqual([0, 0, 255, 0], codes)

    def test_refuse_after_the_work(self):
        machine = self.make_vm(disk=False)
        self.knobs['FAULTS'] = 'start * refuse-after Unknown error'
        self.refused('Unknown error', 'start', machine.vmx, 'nogui')
        self.assertTrue(machine.is_listed)

    def test_fault_of_any_verb(self):
        self.knobs['FAULTS'] = '* 1 refuse Unknown error'
        self.refused('Unknown error', 'list')

    def test_fault_of_vdiskmanager(self):
        self.knobs['FAULTS'] = '-c 1 refuse Failed to create disk: x'
        result = self.vdisk('-c', '-s', '8MB', '-a', 'ide', '-t', '0', 'd')
        self.assertEqual((1, 'Failed to create disk: x\n'),
                         (result.rc, result.out))

    def test_hang(self):
        self.knobs['FAULTS'] = 'list 1 hang'
        self.assertRaises(subprocess.TimeoutExpired, self.vmrun, 'list',
                          timeout=0.5)

    def test_hang_for_a_while(self):
        self.knobs['FAULTS'] = 'list 1 hang 0.3'
        result = self.vmrun('list')
        self.assertEqual((0, True), (result.rc, result.seconds >= 0.3))

    def test_hang_ignoring_signals(self):
        self.knobs['FAULTS'] = 'list 1 hang-stubborn; list 1 noise ready'
        child = self.popen('list')
        self.wait_for(lambda: os.path.exists(os.path.join(
            self.state, 'calls.jsonl')))
        child.terminate()
        self.assertRaises(subprocess.TimeoutExpired, child.wait, 0.3)

    def test_hang_after_the_work(self):
        machine = self.make_vm(disk=False)
        self.knobs['FAULTS'] = 'start 1 hang-after'
        child = self.popen('start', machine.vmx, 'nogui')
        self.wait_for(lambda: machine.is_listed)
        self.assertRaises(subprocess.TimeoutExpired, child.wait, 0.3)

    def test_die_half_way_through_the_vmx(self):
        machine = self.make_vm(disk=False)
        with open(machine.vmx) as f:
            before = f.read()
        self.knobs['FAULTS'] = 'start 1 die-writing'
        self.assertEqual(-9, self.vmrun('start', machine.vmx, 'nogui').rc)
        with open(machine.vmx) as f:
            after = f.read()
        self.assertTrue(len(after) < len(before) * 2)
        self.assertFalse(after.endswith('"\n'), after[-40:])

    def test_die_half_way_through_a_named_file(self):
        machine = self.make_vm(disk=False)
        self.knobs['FAULTS'] = 'start 1 die-writing .vmxf'
        self.assertEqual(-9, self.vmrun('start', machine.vmx, 'nogui').rc)
        self.assertTrue(machine.get('uuid.bios'))

    def test_die_after_the_work(self):
        machine = self.make_vm(disk=False)
        self.knobs['FAULTS'] = 'start 1 die-after'
        self.assertEqual(-9, self.vmrun('start', machine.vmx, 'nogui').rc)
        self.assertTrue(machine.is_listed)

    def test_keep_the_pipe_open(self):
        self.knobs['FAULTS'] = 'list 1 keep-pipe 600'
        child = self.popen('list')
        self.assertEqual(0, child.wait(base.SETTLE))
        os.set_blocking(child.stdout.fileno(), False)
        self.assertEqual(b'Total running VMs: 0\n', child.stdout.read())
        self.assertIsNone(child.stdout.read(), 'the pipe is at its end')

    def test_vm_in_the_tools_own_group(self):
        machine = self.make_vm(disk=False)
        self.knobs['FAULTS'] = 'start 1 own-group'
        child = self.popen('start', machine.vmx, 'nogui',
                           start_new_session=True)
        self.assertEqual(0, child.wait(base.SETTLE))
        self.assertTrue(machine.is_listed)
        os.killpg(child.pid, signal.SIGKILL)
        self.wait_for(lambda: not machine.is_listed)

    def test_vm_survives_its_tools_group(self):
        machine = self.make_vm(disk=False)
        child = self.popen('start', machine.vmx, 'nogui',
                           start_new_session=True)
        self.assertEqual(0, child.wait(base.SETTLE))
        self.assertRaises(ProcessLookupError, os.killpg, child.pid,
                          signal.SIGKILL)
        self.assertTrue(machine.is_listed)

    def test_disk_full_in_a_folder(self):
        machine = self.make_vm()
        self.knobs['DISK_FULL'] = machine.folder
        self.refused('An error occurred while writing a file; the disk is '
                     'full. Data has not been saved. Free some disk space '
                     'and try again', 'snapshot', machine.vmx, 's')
        self.refused('The operation was canceled', 'start', machine.vmx,
                     'nogui')
        self.knobs['DISK_FULL'] = self.path('elsewhere')
        self.done('start', machine.vmx, 'nogui')

    def test_latency_lets_others_work(self):
        """A slow call for one VM does not delay the list."""
        machine = self.running_vm(disk=False)
        self.knobs.update(STOP_SECONDS='600')
        self.popen('stop', machine.vmx, 'soft')
        self.assertEqual([machine.vmx], self.list())
        self.done('stop', machine.vmx, 'hard')
        self.assertFalse(machine.is_listed)


@base.fakes_only
class FoldersTest(base.ContractCase):
    """VMs whose folder is removed without the fakes."""

    def test_removed_vm_is_forgotten(self):
        machine = self.running_vm(disk=False)
        self.done('stop', machine.vmx, 'hard')
        shutil.rmtree(machine.folder)
        self.says('Total running VMs: 0\n', 'list')
        self.assertEqual([], os.listdir(os.path.join(self.state, 'vms')))

    def test_folder_removed_while_suspended(self):
        machine = self.running_vm(disk=False)
        self.done('suspend', machine.vmx)
        shutil.rmtree(machine.folder)
        again = self.make_vm(disk=False)
        self.done('start', again.vmx, 'nogui')
        self.assertTrue(again.is_listed)

    def test_process_ends_when_the_state_goes(self):
        machine = self.running_vm(disk=False)
        with open(machine.path('vm.vmx.lck/' + os.listdir(
                machine.path('vm.vmx.lck'))[0])) as f:
            pid = int(f.read().split(' ')[1].partition('-')[0])
        shutil.rmtree(self.state)
        self.wait_for(lambda: base.gone(pid))
