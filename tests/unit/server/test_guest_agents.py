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

import os

from nova_vmrun import exception
from nova_vmrun.host import files
from nova_vmrun.server import guest_agents
from nova_vmrun.server import layout
from tests.unit import agents
from tests.unit import locks
from tests.unit.ops import hosts

UUID = hosts.UUID


class GuestAgentsTestCase(hosts.TestCase):

    def setUp(self):
        super().setUp()
        self.add_server()
        self.path = self.layout.agent_socket(UUID)

    def test_a_server_has_an_agent_while_there_is_a_socket(self):
        self.assertIsNone(self.guest_agents.of(UUID))
        self.add_agent(agents.Guest())
        agent = self.guest_agents.of(UUID)
        agent.set_time(1)
        self.assertIs(agent, self.guest_agents.of(UUID))

    def test_a_stale_socket_is_removed_before_the_start(self):
        self.add_agent(agents.Guest()).close()
        self.assertTrue(os.path.exists(self.path))
        self.guest_agents.before_start(UUID)
        self.assertFalse(os.path.exists(self.path))

    def test_a_socket_in_use_stays(self):
        self.add_agent(agents.Guest())
        locks.lock(self.layout.file(UUID, 'root.vmdk'))
        self.guest_agents.before_start(UUID)
        self.assertTrue(os.path.exists(self.path))

    def test_an_agent_that_did_not_answer_is_asked_after_a_start(self):
        served = self.add_agent(agents.Guest())
        served.close()
        agent = self.guest_agents.of(UUID)
        self.assertRaises(exception.AgentNotRunning, agent.set_time, 1)
        self.guest_agents.before_start(UUID)
        self.add_agent(agents.Guest())
        agent.set_time(1)

    def test_servers_that_are_gone_are_forgotten(self):
        self.guest_agents.of(UUID)
        self.add_server(hosts.OTHER)
        self.guest_agents.of(hosts.OTHER)
        files.remove_tree(self.layout.folder(hosts.OTHER))
        third = UUID.replace('1', '2')
        self.guest_agents.of(third)
        self.assertEqual({UUID, third}, set(self.guest_agents._agents))

    def test_a_path_that_is_too_long(self):
        self.guest_agents.check(UUID)
        self.assertEqual(self.path, self.guest_agents.socket(UUID))
        found = guest_agents.GuestAgents(layout.Layout('/x' * 40, '_base'))
        error = self.assertRaises(exception.InvalidConfiguration,
                                  found.check, UUID)
        self.assertIn('has 123', error.details)
        self.assertIsNone(found.socket(UUID))
        self.assertIn('gets no port for a guest agent', self.log.output)
