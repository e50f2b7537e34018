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

"""Guests keep running while nova-compute restarts."""

from nova_vmrun.aio import processes
from tests.e2e.cloud import base

_MACHINE = 'qemu-system'


class RestartTest(base.CloudCase):

    def test_guests_go_on_while_nova_is_killed_and_comes_back(self):
        server, _ = self.boot()
        # A vmrun of nova-compute comes and goes.
        before = server.processes(_MACHINE)
        self.assertNotEqual([], before)
        log = server.folder / 'console.log'

        with self.plane.killed('nova'):
            size = log.stat().st_size
            self.assertTrue(processes.wait_until(
                lambda: log.stat().st_size > size, base.CHANGE))

        self.assertEqual('ACTIVE', server.wait('ACTIVE').status)
        self.assertEqual(before, server.processes(_MACHINE))
        tick = server.console.ticks()[-1]
        server.console.wait_tick(tick)
        self.assertEqual(1, len(server.console.all_facts()))
        self.cloud.compute.stop_server(server.id)
        server.wait('SHUTOFF')
