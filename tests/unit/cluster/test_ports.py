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

from nova_vmrun.cluster import ports
from tests.unit import base


class RangeTestCase(base.TestCase):

    def test_each_use_has_its_own(self):
        found = ports.Range(20100)
        self.assertEqual(range(20100, 20200), found.all)
        self.assertEqual('20100:20197', found.vnc)
        self.assertEqual('20198:20198', found.serial)
        self.assertEqual(20199, found.ssh)

    def test_ranges_neither_overlap_nor_reach_outgoing_ports(self):
        firsts = list(ports.candidates())
        self.assertGreater(len(firsts), 100)
        self.assertLess(ports.Range(firsts[-1]).all[-1], 32768)
        for one, other in zip(firsts, firsts[1:]):
            self.assertEqual(ports.COUNT, other - one)
