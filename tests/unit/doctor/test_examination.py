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

import dataclasses

from nova_vmrun.doctor import examination
from nova_vmrun.doctor import facts
from nova_vmrun.doctor import finding
from tests.unit.doctor import hosts


class ExaminationTestCase(hosts.TestCase):

    def test_a_healthy_host(self):
        found = examination.examine(hosts.HEALTHY)
        self.assertEqual([], [each for each in found
                              if each.state is not finding.State.OK])
        self.assertTrue(finding.is_healthy(found))
        # Each group of facts was judged.
        self.assertEqual(
            {'VMware', 'modules', 'libraries', 'processor', 'user', 'display',
             'disk space', 'file system', 'networks', 'ports', 'loopback',
             'programs', 'clock'}, {each.topic for each in found})

    def test_each_group_that_cannot_be_looked_at_is_reported(self):
        for field in dataclasses.fields(facts.Host):
            host = dataclasses.replace(hosts.HEALTHY, **{
                field.name: facts.NoAnswer('It hangs.')})
            self.assertIn('It hangs.', [
                each.text for each in examination.examine(host)
                if each.state is finding.State.WRONG], field.name)
