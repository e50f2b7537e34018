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

"""The product's other programs (facts 5.2)."""

import re

from tests.contract import base


class ProgramsTest(base.ContractCase):

    @base.sample
    @base.product('ws')
    def test_vmware_version(self):
        result = self.run_tool('vmware', '-v')
        self.assertEqual(0, result.rc)
        self.assertTrue(re.search(
            r'VMware Workstation \d+\.\d+\.\d+ build-\d+', result.out))

    @base.product('ws', 'fusion')
    def test_vmware_vmx_version_is_on_stderr(self):
        result = self.run_tool('vmware-vmx', '-v')
        self.assertEqual((0, ''), (result.rc, result.out))
        self.assertTrue(re.match(
            r'\nVMware Workstation Information:\nVMware Workstation '
            r'\d+\.\d+\.\d+ build-\d+ Release\n\Z', result.err), result)

    @base.sample
    @base.product('ws', 'fusion')
    def test_vmware_vmx_version_by_packers_expression(self):
        result = self.run_tool('vmware-vmx', '-v')
        self.assertTrue(re.search(r'(?i)VMware [a-z0-9-]+ (\d+\.\d+\.\d+)',
                                  result.err))

    @base.fakes_only
    def test_vmware_vmx_of_fusion(self):
        self.use_product('fusion', VERSION='13.5.0')
        result = self.run_tool('vmware-vmx', '-v')
        self.assertEqual('\nVMware Fusion Information:\nVMware Fusion 13.5.0 '
                         'build-22583790 Release\n', result.err)

    @base.sample
    @base.product('ws', 'player')
    def test_vmplayer_version(self):
        result = self.run_tool('vmplayer', '-v')
        self.assertEqual(0, result.rc)
        self.assertTrue(re.match(r'VMware (Player|Workstation) \d+\.',
                                 result.out), result)

    @base.product('ws', 'fusion')
    def test_vmware_vmx_tells_its_edition(self):
        result = self.run_tool('vmware-vmx', '--query-license',
                               'LicenseEdition')
        self.assertTrue(result.out.strip(), result)

    @base.fakes_only
    def test_new_versions_are_whole_numbers(self):
        for name, number in (('25H2', '25.0.0'), ('26H1', '26.0.0')):
            self.use_product('ws', VERSION=name)
            self.assertIn('VMware Workstation %s ' % number,
                          self.run_tool('vmware', '-v').out)

    @base.fakes_only
    def test_player_has_no_vmware_program(self):
        self.use_product('player')
        self.assertNotEqual(0, self.run_tool('vmware', '-v').rc)
