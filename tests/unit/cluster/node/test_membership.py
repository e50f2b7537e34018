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

from nova_vmrun.aio import errors
from nova_vmrun.cluster.node import membership
from tests.unit.cluster.node import base


class MembershipTestCase(base.NodeCase):

    def test_there_and_back(self):
        self.assertIsNone(membership.load(self.layout))
        self.member.save(self.layout)
        self.assertEqual(self.member, membership.load(self.layout))
        self.assertEqual(self.member, membership.require(self.layout))

    def test_no_node(self):
        error = self.assertRaises(errors.AioError, membership.require,
                                  self.layout)
        self.assertIn('There is no node in', str(error))

    def test_damage(self):
        for text in ('', '[]', '{"name": 1}'):
            self.files.membership.write_text(text)
            error = self.assertRaises(errors.AioError, membership.load,
                                      self.layout)
            self.assertIn('damaged', str(error))
