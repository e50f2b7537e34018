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

from nova_vmrun.formats.lint import finding
from nova_vmrun.formats import vmx
from tests.unit.machine import base


class FindingTestCase(base.TestCase):

    def test_severities(self):
        self.assertEqual(finding.Finding('error', 'a', 'is b.', None),
                         finding.error('a', 'is b.'))
        self.assertEqual(finding.Finding('warning', 'a', 'is b.', None),
                         finding.warning('a', 'is b.'))

    def test_encrypted_files(self):
        for key, expected in (('encryption.data', True),
                              ('encryption.keySafe', True),
                              ('encryption.other', False)):
            self.assertEqual(expected,
                             finding.is_encrypted(vmx.Vmx({key: 'x'})))
        self.assertFalse(finding.is_encrypted(
            vmx.Vmx({'encryption.data': ''})))
