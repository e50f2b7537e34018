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

import testscenarios

from nova_vmrun import exception
from nova_vmrun.tools import messages
from nova_vmrun.tools import vdiskmanager
from nova_vmrun.tools import vmrun
from tests.unit import base
from tests.unit import stubs

VMX = '/vms/a/a.vmx'


class RefusalTestCase(testscenarios.TestWithScenarios, base.TestCase):
    """Error texts of VMware and the exceptions they become."""

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
            ('Error: A password is required for this operation',
             exception.ToolRefused),
            ('Error: Unknown error', exception.ToolRefused),
        )]

    def test_error_class(self):
        tool = vmrun.Vmrun(stubs.ScriptedRunner((255, self.line + '\n')),
                           'vmrun', 'ws', stubs.conf(retry_count=0))
        error = self.assertRaises(exception.VmrunError, tool.list)
        self.assertIs(self.kind, type(error))
        self.assertEqual(255, error.exit_code)


class ErrorTestCase(base.TestCase):

    def is_error(self, exit_code, stdout='', stderr=''):
        result = stubs.ScriptedRunner((exit_code, stdout, stderr)).run('a')
        return messages.is_error(result), messages.is_disk_error(result)

    def test_exit_status(self):
        self.assertEqual((True, True), self.is_error(1, 'Total VMs: 0\n'))
        self.assertEqual((False, False), self.is_error(0, 'Total VMs: 0\n'))

    def test_only_some_errors_are_worth_another_try(self):
        for output, expected in (
                ('Error: The file is already in use', True),
                ('Error: The operation was canceled', False)):
            self.assertIs(expected, messages.is_transient(
                exception.ToolRefused('a', output=output)))


class DiskErrorTestCase(base.TestCase):

    def test_failure_without_error_code_and_exit_status(self):
        tool = vdiskmanager.VDiskManager(stubs.ScriptedRunner(
            (0, 'Failed to open the disk \'/a.vmdk\' : No such file\n')),
            'vdm', 77)
        error = self.assertRaises(exception.ToolRefused, tool.grow, '/a.vmdk',
                                  size_mb=1)
        self.assertIn('No such file', error.brief)

    def test_error_on_standard_error(self):
        tool = vmrun.Vmrun(stubs.ScriptedRunner(
            (0, '', 'Error: Unknown error\n')), 'vmrun', 'ws', stubs.conf())
        self.assertRaises(exception.ToolRefused, tool.start, VMX)
