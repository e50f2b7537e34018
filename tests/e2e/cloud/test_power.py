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

"""Power operations, as the guest sees them."""

import testtools

from tests.e2e.cloud import base
from tests.e2e.guest import console


class PowerTest(base.CloudCase):

    def downs(self, server):
        return [word for word, _ in server.console.lines()].count('down')

    @testtools.testcase.attr('sample')
    def test_reboot_stop_and_start(self):
        server, facts = self.boot()
        self.assertEqual(1, console.boots(facts))

        self.cloud.compute.reboot_server(server.id, 'SOFT')
        server.console.wait_boots(2)
        server.wait('ACTIVE')
        self.assertEqual(1, self.downs(server))

        self.cloud.compute.reboot_server(server.id, 'HARD')
        server.console.wait_boots(3)
        server.wait('ACTIVE')

        downs = self.downs(server)
        self.cloud.compute.stop_server(server.id)
        server.wait('SHUTOFF')
        # Asked by its power button, the guest went in good order.
        server.console.wait_word('down', downs + 1)
        last = [word for word, _ in server.console.lines()][-1]
        self.assertEqual('down', last)
        self.assertEqual([], server.processes())

        self.cloud.compute.start_server(server.id)
        server.console.wait_boots(4)
        server.wait('ACTIVE')

    @testtools.testcase.attr('sample')
    def test_pause_and_suspend(self):
        server, _ = self.boot()

        self.cloud.compute.pause_server(server.id)
        server.wait('PAUSED')
        before = (server.console.ticks() or [0])[-1]
        # Nothing tells that something does not happen; 3 s are three ticks.
        self.assertRaises(console.Silent, server.console.wait_tick, before, 3)
        self.cloud.compute.unpause_server(server.id)
        server.wait('ACTIVE')
        before = server.console.wait_tick(before)

        self.cloud.compute.suspend_server(server.id)
        server.wait('SUSPENDED')
        self.assertEqual([], server.processes())
        before = server.console.ticks()[-1]
        self.cloud.compute.resume_server(server.id)
        server.wait('ACTIVE')
        server.console.wait_tick(before)
        self.assertEqual(1, len(server.console.all_facts()))
