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

"""Power operations on servers with a QEMU guest agent."""

import fixtures

from nova_vmrun import exception
from nova_vmrun.formats import vmx
from nova_vmrun.server import states
from nova_vmrun.tools import guest_agent
from tests.unit import agents
from tests.unit.ops import hosts
from tests.unit.ops.power import test_power

UUID = hosts.UUID


class Base(test_power.Base):

    def setUp(self):
        super().setUp()
        self.add_server(running=True)
        self.useFixture(fixtures.MockPatchObject(
            guest_agent, '_REFUSAL_SECONDS', 20))
        self.guest = agents.Guest(guest_shutdown=self.end)
        self.agent = self.add_agent(self.guest)

    def end(self):
        self.vmrun.running.clear()


class OffTestCase(Base):

    def test_a_clean_stop_without_tools(self):
        self.power.off(UUID, timeout=60)
        self.assertEqual(['guest-shutdown'], self.guest.commands)
        self.assertEqual([], self.vmrun.verbs())
        self.assertEqual(1000, self.clock.now)

    def test_a_hard_stop_does_not_ask(self):
        self.power.off(UUID)
        self.assertEqual([], self.guest.commands)
        self.assertEqual(['stop'], self.vmrun.verbs())

    def test_a_guest_that_stays_on_loses_its_power_after_the_timeout(self):
        self.guest.answers['guest-shutdown'] = None
        self.power.off(UUID, timeout=60)
        self.assertEqual(1060, self.clock.now)
        self.assertEqual(['stop'], self.vmrun.verbs())
        self.vmrun.tool.stop.assert_called_once_with(self.layout.vmx(UUID))

    def test_tools_are_asked_if_the_agent_is_not_there(self):
        self.agent.close()
        self.power.off(UUID, timeout=60)
        self.vmrun.tool.stop.assert_called_once_with(
            self.layout.vmx(UUID), hard=False, timeout=60)

    def test_tools_are_asked_if_the_agent_refuses(self):
        self.guest.answers['guest-shutdown'] = ValueError('frozen')
        self.power.off(UUID, timeout=60)
        self.assertEqual(['stop'], self.vmrun.verbs())

    def test_an_agent_that_took_all_the_time(self):
        self.agent.remove()

        def slow(connection):
            self.clock.now += 60

        self.add_agent(slow)
        self.power.off(UUID, timeout=60)
        self.vmrun.tool.stop.assert_called_once_with(self.layout.vmx(UUID))


class RebootTestCase(Base):

    def test_a_soft_reboot_without_tools(self):
        self.power.reboot_soft(UUID, lambda: None)
        self.assertEqual(['guest-shutdown'], self.guest.commands)
        self.vmrun.tool.reset.assert_not_called()
        self.assertTrue(self.is_running())

    def test_a_guest_that_stays_on_is_rebooted_hard(self):
        self.guest.answers['guest-shutdown'] = None
        self.power.reboot_soft(UUID, lambda: None)
        self.assertEqual(['stop', 'start'], self.vmrun.verbs())
        self.assertEqual(1060, self.clock.now)

    def test_tools_are_asked_if_the_agent_is_not_there(self):
        self.agent.close()
        self.power.reboot_soft(UUID, lambda: None)
        self.assertEqual(['reset'], self.vmrun.verbs())


class ClockTestCase(Base):

    def test_it_is_set_after_a_pause(self):
        self.power.pause(UUID)
        self.power.unpause(UUID)
        self.assertEqual(['guest-set-time'], self.guest.commands)

    def test_it_is_not_set_while_the_server_stays_paused(self):
        self.power.pause(UUID)
        self.vmrun.fail('unpause', hosts.hung())
        self.assertRaises(exception.ToolTimeout, self.power.unpause, UUID)
        self.assertEqual([], self.guest.commands)

    def test_it_is_set_after_a_resume(self):
        self.vmrun.running.clear()
        keys = self.servers.vmx_files.load(UUID)
        keys['checkpoint.vmState'] = 'a.vmss'
        with open(self.layout.vmx(UUID), 'w') as file:
            file.write(vmx.dump(keys))
        with open(self.layout.file(UUID, 'a.vmss'), 'w'):
            self.assertEqual(states.State.SUSPENDED, self.state())
        # VMware makes a socket of its own.
        self.agent.remove()
        self.vmrun.tool.start.side_effect = lambda *args, **options: (
            self.start(), self.add_agent(self.guest))
        self.power.on(UUID)
        self.assertEqual(['guest-set-time'], self.guest.commands)

    def test_it_is_not_set_at_a_start(self):
        self.vmrun.running.clear()
        self.power.on(UUID)
        self.assertEqual([], self.guest.commands)
