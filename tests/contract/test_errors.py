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

"""Error messages and how they are printed (facts 1.4, 1.6)."""

import os

from tests.contract import base

CANNOT_READ = ('Cannot open VM: %s, Cannot read the virtual machine '
               'configuration file')


class OpenErrorsTest(base.ContractCase):

    @base.sample
    def test_errors_are_on_stdout_exit_255(self):
        result = self.vmrun('start', self.path('none.vmx'), 'nogui')
        self.assertEqual((255, ''), (result.rc, result.err))
        self.assertTrue(result.out.startswith('Error: '), result)

    @base.sample
    def test_missing_vmx(self):
        path = self.path('none.vmx')
        self.refused('Cannot open VM: %s, The virtual machine cannot be '
                     'found' % path, 'start', path, 'nogui')

    def test_unknown_suffix(self):
        self.refused('Cannot open VM: hard, unknown file suffix', 'stop',
                     'hard', '/x.vmx')

    def test_malformed_vmx_refused_whole(self):
        machine = self.make_vm(disk=False)
        machine.append('this is no setting\n')
        self.refused(CANNOT_READ % machine.vmx, 'start', machine.vmx,
                     'nogui')

    def test_duplicate_key_refuses_the_whole_vmx(self):
        machine = self.make_vm(disk=False)
        machine.append('MEMSIZE = "128"\n')
        self.refused(CANNOT_READ % machine.vmx, 'start', machine.vmx,
                     'nogui')

    @base.fakes_only
    def test_vmx_being_rewritten_after_suspend(self):
        machine = self.running_vm(disk=False)
        self.knobs['FAULTS'] = 'suspend * busy 600'
        self.done('suspend', machine.vmx)
        self.refused(CANNOT_READ % machine.vmx, 'start', machine.vmx,
                     'nogui')

    @base.fakes_only
    def test_vmx_rewritten_after_suspend_is_readable_soon(self):
        machine = self.running_vm(disk=False)
        self.knobs['FAULTS'] = 'suspend * busy 0.1'
        self.done('suspend', machine.vmx)
        self.wait_for(lambda: self.vmrun('start', machine.vmx,
                                         'nogui').rc == 0)

    def test_locked_by_another_process(self):
        machine = self.make_vm(disk=False)
        _lock(machine, os.getpid())
        self.refused('The file is already in use', 'start', machine.vmx,
                     'nogui')

    @base.sample
    def test_power_on_failure_is_canceled(self):
        machine = self.make_vm(disk=False, guestOS='no-such-system')
        self.refused('The operation was canceled', 'start', machine.vmx,
                     'nogui')

    @base.fakes_only
    def test_error_with_exit_0_was_seen(self):
        machine = self.make_vm(disk=False)
        self.knobs['FAULTS'] = 'start 1 error-exit-0 Unknown error'
        result = self.vmrun('start', machine.vmx, 'nogui')
        self.assertEqual((0, 'Error: Unknown error\n'),
                         (result.rc, result.out))

    @base.fakes_only
    def test_transient_busy_text(self):
        machine = self.running_vm()
        text = ('The operation is not supported for the specified '
                'parameters')
        self.knobs['FAULTS'] = 'snapshot 1 refuse ' + text
        self.refused(text, 'snapshot', machine.vmx, 's')
        self.done('snapshot', machine.vmx, 's')


def _lock(machine, pid):
    """Write a lock as another product's process would hold it."""
    with open('/proc/%d/stat' % pid, 'rb') as f:
        started = f.read().rpartition(b')')[2].split()[19].decode()
    folder = machine.vmx + '.lck'
    os.mkdir(folder)
    line = 'AAAAAAAAAAAAAAAA %d-%s(vmware) 1 X %s lc=1' % (
        pid, started, started)
    with open(os.path.join(folder, 'M00001.lck'), 'wb') as f:
        f.write(line.encode().ljust(512, b'\0'))


@base.fakes_only
class EncryptedTest(base.ContractCase):
    """An encrypted VM cannot be made by hand on a real product."""

    def setUp(self):
        super().setUp()
        self.vm = self.make_vm(encryption__keySafe='vmware:key/list/(x)')

    def encrypted(self, *arguments):
        return self.run_tool('vmrun', '-T', 'ws', '-vp', 'secret',
                             *arguments)

    def test_encrypted_without_password(self):
        self.refused('A password is required for this operation', 'start',
                     self.vm.vmx, 'nogui')

    def test_encrypted_without_password_cannot_list_snapshots(self):
        self.refused('A password is required for this operation',
                     'listSnapshots', self.vm.vmx)

    def test_encrypted_with_wrong_password(self):
        result = self.run_tool('vmrun', '-vp', 'wrong', 'start',
                               self.vm.vmx, 'nogui')
        self.assertEqual(
            (255, 'Error: Cannot open VM: %s, Incorrect password\n'
             % self.vm.vmx), (result.rc, result.out))

    def test_encrypted_with_password_starts(self):
        result = self.encrypted('start', self.vm.vmx, 'nogui')
        self.assertEqual((0, ''), (result.rc, result.out))

    def test_encrypted_running_has_no_live_snapshot(self):
        self.encrypted('start', self.vm.vmx, 'nogui')
        result = self.encrypted('snapshot', self.vm.vmx, 's')
        self.assertEqual((255, 'Error: Authentication for encrypted virtual '
                          'machine failed\n'), (result.rc, result.out))

    def test_encrypted_vm_is_not_cloned(self):
        result = self.encrypted('clone', self.vm.vmx, self.path('c.vmx'),
                                'full')
        self.assertEqual(255, result.rc)
