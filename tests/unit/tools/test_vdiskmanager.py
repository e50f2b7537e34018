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

from nova_vmrun import exception
from nova_vmrun.tools import vdiskmanager
from tests.unit import base
from tests.unit import stubs


class VDiskManagerTestCase(base.TestCase):

    def tool(self, *answers):
        self.runner = stubs.ScriptedRunner(*answers)
        return vdiskmanager.VDiskManager(self.runner, 'vdm', 77)

    def test_create(self):
        self.tool().create('/a.vmdk', size_mb=512, adapter='ide')
        self.assertEqual([('vdm', '-c', '-s', '512MB', '-a', 'ide', '-t', 0,
                           '/a.vmdk')], self.runner.calls)
        self.assertEqual(77, self.runner.options[0]['timeout'])

    def test_grow(self):
        self.tool().grow('/a.vmdk', size_mb=2048)
        self.assertEqual([('vdm', '-x', '2048MB', '/a.vmdk')],
                         self.runner.calls)

    def test_disk_full(self):
        tool = self.tool((1, (
            'Failed to create disk: An error occurred while writing a file; '
            'the disk is full. Data has not been saved. Free some disk space '
            'and try again (0x8).\n')))
        error = self.assertRaises(exception.DiskFull, tool.create, '/a.vmdk',
                                  size_mb=1)
        self.assertIn('/a.vmdk', error.brief)

    def test_error_code_with_exit_status_0(self):
        tool = self.tool((0, (
            "Failed to expand the disk '/a.vmdk': One of the parameters "
            "supplied is invalid (0x3e80).\n")))
        self.assertRaises(exception.ToolRefused, tool.grow, '/a.vmdk',
                          size_mb=1)
