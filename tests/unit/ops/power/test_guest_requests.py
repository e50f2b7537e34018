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

import time

from nova_vmrun.ops.power import guest_requests
from tests.unit import agents
from tests.unit.ops import hosts

UUID = hosts.UUID


class GuestRequestsTestCase(hosts.TestCase):

    def setUp(self):
        super().setUp()
        self.add_server(running=True)
        self.guest = agents.Guest()
        self.requests = guest_requests.GuestRequests(
            self.guest_agents, self.layout, self.states)

    def test_a_server_without_an_agent(self):
        self.assertFalse(self.requests.shut_down(UUID))
        self.requests.set_clock(UUID)

    def test_shut_down(self):
        self.add_agent(self.guest)
        self.assertTrue(self.requests.shut_down(UUID))
        self.assertEqual([('guest-shutdown', {'mode': 'powerdown'})],
                         self.guest.asked)

    def test_an_agent_that_refuses(self):
        self.add_agent(agents.Guest(guest_shutdown=ValueError('frozen'),
                                    guest_set_time=ValueError('no clock')))
        self.assertFalse(self.requests.shut_down(UUID))
        self.requests.set_clock(UUID)
        self.assertIn('no clock', self.log.output)

    def test_the_clock(self):
        self.add_agent(self.guest)
        before = time.time_ns()
        self.requests.set_clock(UUID)
        (command, arguments), = self.guest.asked
        self.assertEqual('guest-set-time', command)
        self.assertTrue(before <= arguments['time'] <= time.time_ns())

    def test_a_paused_guest_is_not_asked(self):
        served = self.add_agent(self.guest)
        self.states.mark_paused(UUID)
        self.assertFalse(self.requests.shut_down(UUID))
        self.assertEqual(0, served.connections)
        self.states.unmark_paused(UUID)
        self.assertTrue(self.requests.shut_down(UUID))
