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

from nova_vmrun.doctor import finding
from tests.unit import base


class FindingTestCase(base.TestCase):

    def test_warnings_are_not_wrong(self):
        found = [finding.ok('a', 'b'), finding.warning('a', 'b', 'c')]
        self.assertTrue(finding.is_healthy(found))
        found.append(finding.wrong('a', 'b', 'c'))
        self.assertFalse(finding.is_healthy(found))
