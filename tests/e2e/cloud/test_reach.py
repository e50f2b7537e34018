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

"""The host can reach servers at the addresses that Nova shows."""

import urllib.request

from nova_vmrun.aio import processes
from tests.e2e.cloud import base
from tests.e2e.guest import host_interface


class ReachTest(base.CloudCase):

    def setUp(self):
        super().setUp()
        self.useFixture(host_interface.HostInterface())
        # The network of servers before, which has no interface.
        folder = self.plane.layout.fake_state / 'net' / 'vmnet8'
        self.assertTrue(processes.wait_until(
            lambda: not processes.using(folder), base.CHANGE))

    def test_server_answers_at_the_address_of_nova(self):
        with self.plane.knobs(NET='tap'):
            server, _ = self.boot(name='neighbour')
            address, = server.addresses()

        with urllib.request.urlopen('http://%s/' % address,
                                    timeout=base.CHANGE) as answer:
            self.assertEqual('neighbour.novalocal',
                             answer.read().decode().strip())
