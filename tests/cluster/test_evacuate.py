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

"""Servers of a host that is gone go to another one; then the host is back."""

import os
import signal

from openstack.compute.v2 import server as sdk_server

from tests.cluster import base
from tests.cluster import evacuations


class EvacuateTestCase(evacuations.TestCase):
    """A server runs on one host when all is over, and its disk is whole."""

    @classmethod
    def make_cluster(cls) -> base.Cluster:
        return base.patient()

    def test_host_whose_nova_compute_died(self) -> None:
        server = self.boot_on('n1')
        self.nodes['n1'].compute.kill()
        self.evacuate(server)
        self.check_returns(server)

    def test_host_that_hangs(self) -> None:
        server = self.boot_on('n1')
        os.kill(self.nodes['n1'].compute.pid, signal.SIGSTOP)
        self.evacuate(server)
        # A node starts its nova-compute anew when it is back.
        self.nodes['n1'].compute.kill()
        self.check_returns(server)

    def test_bus_is_killed_meanwhile(self) -> None:
        server = self.boot_on('n1')
        self.nodes['n1'].compute.kill()
        self.nodes['n2'].qemu_img.close('convert')
        self.request_evacuation(server)
        self.wait_until(
            lambda: self.nodes['n2'].qemu_img.is_reached('convert'),
            'the image is being converted')
        self.cluster.kill_bus()
        self.nodes['n2'].qemu_img.open('convert')
        self.wait_for_status(server, 'ACTIVE')
        self.check_returns(server)

    def check_returns(self, server: sdk_server.Server) -> None:
        """Check that the host removes its VM of a server when it is back."""
        node = self.nodes['n1']
        self.assertIn(server.id, node.running_vms())
        node.compute.start()
        self.wait_until(node.compute.has_started, 'n1 runs')
        self.force_down(False)
        self.start_nodes()
        self.check_runs_on('n2', server)
        self.check_disk('n2', server)
        self.assertFalse(list(node.instances.glob(server.id + '*')))
