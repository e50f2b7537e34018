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

"""A node goes on when it, or the first machine, gets another address."""

from tests.cluster import joining


class AddressTestCase(joining.TestCase):

    def test_new_addresses(self):
        self.make_token()
        self.join()
        self.wait_for(joining.READY)
        self.assertEqual(self.second.address, self.address())
        self.check_the_nodes_address()
        self.check_the_first_machines_address()

    def address(self):
        return {row['Name']: row['Address']
                for row in self.json_list()}[joining.NAME]

    def check_the_nodes_address(self):
        """By itself, the node connects from its new address."""
        self.machines.move(self.second, '10.77.1.3')
        self.wait_for('connected with the first machine', times=2)
        self.wait_until(lambda: self.address() == self.second.address)
        self.wait_until(lambda: self.states()[joining.NAME] == 'up')

    def check_the_first_machines_address(self):
        """The node is told, and stays the same node."""
        before = self.said().count('cannot be reached')
        self.machines.move(self.first, '10.77.1.4')
        self.wait_for('cannot be reached', times=before + 1)
        self.stop_node()
        self.join('--address', self.first.address)
        self.wait_for(joining.READY)
        self.assertEqual({'first': 'up', joining.NAME: 'up'}, self.states())
