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

import base64
import os
import threading
import time

import fixtures

from nova_vmrun import exception
from nova_vmrun.tools import guest_agent
from tests.unit import agents
from tests.unit import base

# Nova's default for [DEFAULT] rpc_response_timeout.
_RPC_SECONDS = 60


class Clock:

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class TestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.path = os.path.join(
            self.useFixture(fixtures.TempDir()).path, 'agent')
        self.clock = Clock()
        self.agent = guest_agent.GuestAgent(self.path, self.clock)

    def serve(self, *scripts):
        served = agents.Agent(self.path, *scripts)
        self.addCleanup(served.close)
        return served

    def answer(self, **answers):
        guest = agents.Guest(**answers)
        self.serve(guest)
        return guest


class CommandsTestCase(TestCase):

    def test_a_password(self):
        guest = self.answer()
        self.agent.set_password('Jos\xe9', 'p"w\'\xe4', False)
        self.assertEqual([('guest-set-user-password', {
            'username': 'Jos\xe9', 'crypted': False,
            'password': base64.b64encode('p"w\'\xe4'.encode()).decode(),
        })], guest.asked)

    def test_a_password_that_is_refused(self):
        self.answer(guest_set_user_password=ValueError('no such user'))
        error = self.assertRaises(
            exception.AgentRefused, self.agent.set_password, 'x', 'secret',
            True)
        self.assertNotIn('secret', str(error))

    def test_freeze_and_thaw(self):
        guest = self.answer(guest_fsfreeze_freeze=2, guest_fsfreeze_thaw=2)
        self.assertEqual(2, self.agent.freeze())
        self.agent.thaw()
        self.assertEqual(['guest-fsfreeze-freeze', 'guest-fsfreeze-thaw'],
                         guest.commands)

    def test_nova_waits_for_a_freeze(self):
        self.assertLess(
            guest_agent._TURN_SECONDS + guest_agent._SYNC_SECONDS +
            guest_agent._FREEZE_SECONDS, _RPC_SECONDS)

    def test_counts_that_are_none(self):
        guest = self.answer()
        for answer in ({}, 'many', -1, []):
            guest.answers['guest-fsfreeze-freeze'] = answer
            self.assertEqual(0, self.agent.freeze())

    def test_shut_down(self):
        # The guest hangs up, as VMware does when it is off.
        self.useFixture(fixtures.MockPatchObject(
            guest_agent, '_REFUSAL_SECONDS', 20))
        guest = self.answer()
        self.agent.shut_down()
        self.assertEqual([('guest-shutdown', {'mode': 'powerdown'})],
                         guest.asked)

    def test_time(self):
        guest = self.answer()
        self.agent.set_time(5)
        self.assertEqual([('guest-set-time', {'time': 5})], guest.asked)

    def test_has_port(self):
        self.assertFalse(self.agent.has_port())
        with open(self.path, 'w'):
            self.assertFalse(self.agent.has_port())
        os.remove(self.path)
        self.serve(agents.Guest())
        self.assertTrue(self.agent.has_port())


class FactsTestCase(TestCase):

    def facts(self, system, interfaces):
        self.answer(guest_get_osinfo=system,
                    guest_network_get_interfaces=interfaces)
        return self.agent.facts()

    def test_a_guest(self):
        facts = self.facts(
            {'name': 'Debian', 'pretty-name': 'Debian GNU/Linux 13'},
            [{'name': 'lo', 'ip-addresses': [{'ip-address': '127.0.0.1'}]},
             {'name': 'a', 'ip-addresses': [
                 {'ip-address': '10.0.0.5', 'prefix': 24},
                 {'ip-address': 'fe80::1'}, {'ip-address': '2001:DB8::1'},
                 {'ip-address': '10.0.0.5'}]},
             {'name': 'down'}])
        self.assertEqual(
            guest_agent.GuestFacts('Debian GNU/Linux 13',
                                   ('10.0.0.5', '2001:db8::1')), facts)

    def test_an_agent_that_knows_neither(self):
        facts = self.facts(ValueError('x'), ValueError('x'))
        self.assertEqual(guest_agent.GuestFacts(None, ()), facts)

    def test_hostile_answers(self):
        facts = self.facts(
            {'pretty-name': 'x\x1b' + 'y' * 999},
            [None, {}, {'ip-addresses': 5}, {'ip-addresses': [1, {}]},
             {'ip-addresses': [{'ip-address': '../etc'},
                               {'ip-address': 5}]},
             {'ip-addresses': [{'ip-address': '10.0.%d.1' % number}
                               for number in range(200)]}])
        self.assertEqual('x ' + 'y' * 126, facts.system)
        self.assertEqual(32, len(facts.addresses))


class SilenceTestCase(TestCase):

    def ask(self):
        return self.agent.set_time(1)

    def ask_in_vain(self):
        with fixtures.MockPatchObject(guest_agent, '_SYNC_SECONDS', 0.2):
            self.assertRaises(exception.AgentNotRunning, self.ask)

    def assertConnections(self, count, served):
        # The agent counts in a thread.
        deadline = time.monotonic() + 30
        while served.connections < count and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertEqual(count, served.connections)

    def test_it_costs_a_wait_only_once_a_minute(self):
        served = self.serve(agents.silent)
        self.ask_in_vain()
        self.assertConnections(1, served)
        self.clock.now += 59
        error = self.assertRaises(exception.AgentNotRunning, self.ask)
        self.assertIn('a short time ago', str(error))
        self.assertEqual(1, served.connections)
        self.clock.now += 2
        self.ask_in_vain()
        self.assertConnections(2, served)

    def test_it_comes_back_after_a_reboot(self):
        guest = agents.Guest()
        self.serve(agents.silent, guest)
        self.ask_in_vain()
        self.agent.forget_silence()
        self.ask()
        self.assertEqual(['guest-set-time'], guest.commands)

    def test_a_thaw_is_always_tried(self):
        guest = agents.Guest()
        self.serve(agents.silent, guest)
        self.ask_in_vain()
        self.agent.thaw()
        self.assertEqual(['guest-fsfreeze-thaw'], guest.commands)

    def test_it_hangs_up_and_comes_back(self):
        guest = agents.Guest()
        served = self.serve(guest)
        self.ask()
        served.remove()
        self.serve(guest)
        self.ask()
        self.assertEqual(['guest-set-time'] * 2, guest.commands)


class TurnTestCase(TestCase):

    def test_one_request_at_a_time(self):
        began, goes_on = threading.Event(), threading.Event()

        def slow(connection):
            connection.synchronise()
            request = connection.request()
            began.set()
            goes_on.wait(10)
            connection.reply(request, **{'return': {}})

        served = self.serve(slow, agents.Guest())
        self.useFixture(fixtures.MockPatchObject(
            guest_agent, '_TURN_SECONDS', 0.1))
        first = threading.Thread(target=self.agent.set_time, args=(1,))
        first.start()
        began.wait(10)
        error = self.assertRaises(exception.AgentNotRunning,
                                  self.agent.set_time, 2)
        self.assertIn('is busy', str(error))
        self.assertEqual(1, served.connections)
        goes_on.set()
        first.join()
        self.agent.set_time(2)
