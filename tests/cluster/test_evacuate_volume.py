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

"""A server on a volume, whose next host dies when it has started it."""

from openstack.compute.v2 import server as sdk_server

from tests.cluster import base
from tests.cluster import evacuations


class ThirdHostTestCase(evacuations.TestCase):

    @classmethod
    def make_cluster(cls) -> base.Cluster:
        return base.Cluster(volumes=True, local_conf=evacuations.SOON_DOWN,
                            changes=evacuations.LOOKS_OFTEN)

    def setUp(self) -> None:
        super().setUp()
        # A VM of its own tells a machine which locks are not its own.
        self.boot_on('n3')

    def test_a_third_host_waits_for_the_second(self) -> None:
        server, path = self.boot_from_volume()
        self.cut_power(server)
        self.die_after_the_start(server)
        self.assertIn('may be running on host n2',
                      self.refused_evacuation(server, host='n3'))
        self.check_vm_on('n2', server)
        self.return_of('n2')
        self.wait_until(lambda: self.evacuations(server)[-1] == 'cancelled',
                        'n2 has said that it does not run the server')
        self.assertEqual([], self.where_it_runs([server]))
        self.evacuate(server, 'n3')
        self.check_runs_on('n3', server)
        self.return_of('n1')
        self.start_nodes()
        self.check_runs_on('n3', server)
        self.assertFalse((self.nodes['n1'].instances / server.id).exists())
        with open(path, 'rb') as file:
            self.assertEqual(evacuations.CONTENT,
                             file.read(len(evacuations.CONTENT)))

    def test_the_first_host_waits_for_the_second(self) -> None:
        """It is back before the second one."""
        server, _path = self.boot_from_volume()
        self.cut_power(server)
        self.die_after_the_start(server)
        self.return_of('n1')
        self.cloud.compute.reset_server_state(server, 'error')
        self.cloud.compute.reboot_server(server, 'HARD')
        self.wait_until(lambda: 'may be running on host n2' in (
            self.why(server)), 'the reboot is refused')
        # Nova ends the task last.
        self.wait_until(lambda: self.cloud.compute.get_server(
            server).task_state is None, 'the server has no task')
        self.check_vm_on('n2', server)
        self.return_of('n2')
        self.wait_until(lambda: self.evacuations(server) == ['cancelled'],
                        'n2 has said that it does not run the server')
        self.cloud.compute.reboot_server(server, 'HARD')
        # It is in ERROR until then.
        self.wait_until(lambda: self.cloud.compute.get_server(
            server).status == 'ACTIVE', 'the server is ACTIVE')
        self.check_runs_on('n1', server)

    def check_vm_on(self, name: str, server: sdk_server.Server) -> None:
        """Check that a VM runs there alone, though Nova does not know it."""
        self.assertEqual([(name, server.id)], self.where_it_runs([server]))
