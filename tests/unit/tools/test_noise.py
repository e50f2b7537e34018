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
from nova_vmrun.tools import noise
from nova_vmrun.tools import vdiskmanager
from nova_vmrun.tools import vmrun
from tests.unit import base
from tests.unit import noises
from tests.unit import stubs

VMX = '/vms/a/a.vmx'
PATH = '/vms/LocationGetRoot Cannot determine message file/a.vmx'
FULL = ('Failed to create disk: An error occurred while writing a file; the '
        'disk is full. (0x8).\n')


class StripTestCase(base.TestCase):

    def test_all_noise_is_removed(self):
        for line in (noises.LINUX + noises.MACOS).splitlines():
            self.assertEqual('', noise.strip(line + '\n'), line)
            self.assertEqual('', noise.strip(line), line)

    def test_answers_and_errors_are_kept(self):
        for text in ('', 'Error: Unknown error\n', '10.0.0.1\n', '\n',
                     'Total running VMs: 1\n%s\n' % PATH,
                     'Error: Cannot determine message file\n',
                     'Failed to open LocationGetRoot (0x1)\n'):
            self.assertEqual(text, noise.strip(text))
            self.assertEqual(
                text, noise.strip(noises.MACOS + text + noises.LINUX))

    def test_unknown_line_is_kept(self):
        self.assertEqual('odd\n', noise.strip(noises.LINUX + 'odd\n'))


class ProgramsTestCase(testscenarios.TestWithScenarios, base.TestCase):
    """Noise neither hides an error, nor counts as one, nor is shown."""

    scenarios = [
        (name, {'out': out, 'err': err}) for name, out, err in (
            ('linux', '', noises.LINUX),
            ('macos', noises.MACOS, noises.MACOS),
            ('one stream', noises.LINUX + noises.MACOS, ''))]

    def vmrun(self, exit_code, text):
        self.runner = stubs.ScriptedRunner(
            (exit_code, self.out + text, self.err))
        return vmrun.Vmrun(self.runner, 'vmrun', 'ws', stubs.conf(),
                           sleep=lambda seconds: None)

    def vdiskmanager(self, exit_code, text):
        return vdiskmanager.VDiskManager(stubs.ScriptedRunner(
            (exit_code, self.out + text, self.err)), 'vdm', 77)

    def assertClean(self, error):
        for line in (noises.LINUX + noises.MACOS).splitlines():
            self.assertNotIn(line, str(error))
            self.assertNotIn(line, error.output)

    def test_list(self):
        self.assertEqual([PATH, '/b.vmx'], self.vmrun(
            0, 'Total running VMs: 2\n%s\n/b.vmx\n' % PATH).list())

    def test_incomplete_list(self):
        error = self.assertRaises(
            exception.ToolRefused,
            self.vmrun(0, 'Total running VMs: 2\n/b.vmx\n').list)
        self.assertNotIn('AppLoader', str(error))

    def test_success(self):
        self.vmrun(0, '').start(VMX)
        self.vdiskmanager(0, 'Grow: 100% done.\n').grow('/a.vmdk', size_mb=1)

    def test_error_is_shown_without_noise(self):
        for exit_code in (0, 255):
            error = self.assertRaises(
                exception.Canceled,
                self.vmrun(exit_code,
                           'Error: The operation was canceled\n').start, VMX)
            self.assertClean(error)
            self.assertTrue(error.brief.endswith(
                ': The operation was canceled'))

    def test_transient_error_is_retried(self):
        tool = self.vmrun(255, 'Error: The file is already in use\n')
        self.assertRaises(exception.FileInUse, tool.start, VMX)
        self.assertEqual(3, len(self.runner.calls))

    def test_error_without_output(self):
        error = self.assertRaises(exception.ToolRefused,
                                  self.vmrun(1, '').start, VMX)
        self.assertClean(error)
        self.assertIn('Output: none', error.details)

    def test_guest_address(self):
        self.assertEqual('10.0.0.1',
                         self.vmrun(0, '10.0.0.1\n').guest_address(VMX))
        self.assertIsNone(self.vmrun(0, '\n').guest_address(VMX))

    def test_disk_error(self):
        for exit_code in (0, 1):
            error = self.assertRaises(
                exception.DiskFull, self.vdiskmanager(exit_code, FULL).create,
                '/a.vmdk', size_mb=1)
            self.assertClean(error)
