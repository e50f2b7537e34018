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

"""Noise in the output of the tools."""

from tests.contract import base

AIO = '[AppLoader] Use shipped Linux kernel AIO access library.\n'
LIBAIO = ('An up-to-date "libaio" or "libaio1" package from your system is '
          'preferred.\n')
XML = 'Warning: program compiled against libxml 212 using older 209\n'
PROXY = ('I/O warning : failed to load external entity '
         '"/etc/vmware/hostd/proxy.xml"\n')
DISK = ('VixDiskLib: Invalid configuration file parameter. Failed to read '
        'configuration file.\n')
DESKTOP = '[AppLoader] GLib does not have GSettings support.\n'


@base.fakes_only
class LinuxNoiseTest(base.ContractCase):

    def setUp(self):
        super().setUp()
        self.knobs['NOISE'] = '1'

    def complains(self, *lines, rc=0, name='vmrun', words=('list',)):
        """Run a program; expect these lines on stderr beside its answer."""
        result = self.run_tool(name, *words)
        self.assertEqual(rc, result.rc, result)
        for line in lines:
            self.assertIn(line, result.raw[1])
            self.assertNotIn(line, result.raw[0])
        return result

    def test_vmrun_complains_on_stderr_of_linux(self):
        result = self.complains(AIO + LIBAIO, XML, PROXY)
        self.assertEqual('Total running VMs: 0\n', result.raw[0])

    def test_noise_comes_before_errors_too(self):
        result = self.complains(
            AIO, rc=255, words=('listSnapshots', '/none.vmx'))
        self.assertTrue(result.raw[0].startswith('Error: Cannot open VM'))
        self.assertEqual('', result.err)

    def test_version_comes_after_noise(self):
        result = self.complains(AIO + LIBAIO, DESKTOP, name='vmware',
                                words=('-v',))
        self.assertTrue(result.raw[0].startswith('VMware Workstation '))
        self.complains(AIO, name='vmplayer', words=('-v',))

    def test_vmware_vmx_complains_before_its_version(self):
        result = self.complains(AIO, name='vmware-vmx', words=('-v',))
        self.assertTrue(result.err.startswith('\nVMware Workstation Info'))

    def test_disk_tool_complains_and_exits_0(self):
        self.complains(DISK, name='vmware-vdiskmanager', words=(
            '-c', '-s', '8MB', '-a', 'lsilogic', '-t', '0', 'd.vmdk'))

    def test_noise_is_off_by_default(self):
        self.knobs['NOISE'] = '0'
        result = self.vmrun('list')
        self.assertEqual(('Total running VMs: 0\n', ''), result.raw)


@base.fakes_only
class MacosNoiseTest(base.ContractCase):

    def setUp(self):
        super().setUp()
        self.use_product('fusion', NOISE='1')

    @base.sample
    def test_fusion_prints_noise_on_stdout_before_an_error(self):
        machine = self.make_vm(disk=False)
        result = self.refused(
            'The virtual machine is not powered on: ' + machine.vmx, 'stop',
            machine.vmx, 'hard')
        lines = result.raw[0].splitlines()
        self.assertIn('LocationGetRoot', lines[0])
        self.assertIn('Cannot determine message file', lines[1])
        self.assertRegex(lines[2], r'^\S+\| ServiceImpl_Opener: PID \d+$')
        self.assertTrue(lines[3].startswith('Error: '), lines)
        self.assertEqual('', result.raw[1])

    def test_fusion_prints_noise_before_success(self):
        machine = self.make_vm(disk=False)
        result = self.done('start', machine.vmx, 'nogui')
        self.assertIn('ServiceImpl_Opener', result.raw[0])
        result = self.vmrun('list')
        self.assertIn('ServiceImpl_Opener', result.raw[0])
        self.assertEqual('Total running VMs: 1\n%s\n' % machine.vmx,
                         result.out)
