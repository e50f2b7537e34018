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

"""A host that is cut off, and not dead, while its volume goes to another one.

The operator is wrong, and nobody sees it: the guest writes nothing.
"""

import time

from testtools import content

from tests.cluster import base
from tests.cluster import evacuations


class VolumePartitionTestCase(evacuations.TestCase):

    @classmethod
    def make_cluster(cls) -> base.Cluster:
        return base.Cluster(cut_off=('n1',), volumes=True,
                            local_conf=evacuations.SOON_DOWN,
                            changes=evacuations.LOOKS_OFTEN)

    def setUp(self) -> None:
        super().setUp()
        network = self.nodes['n1'].network
        assert network
        self.network = network
        self.addCleanup(network.mend)
        # A VM of its own tells a machine which locks are not its own.
        self.other = self.boot_on('n2')

    def test_its_vm_is_stopped_when_it_is_back(self) -> None:
        server, path = self.boot_from_volume()
        node = self.nodes['n1']
        pid = node.compute.pid
        self.network.cut()
        self.addCleanup(self.force_down, False)
        self.wait_until(lambda: self.service().state == 'down',
                        'Nova has lost n1')
        self.evacuate(server)
        # Two VMs have one disk.
        self.assertEqual({'n1', 'n2'}, {
            name for name, _ in self.where_it_runs([server])})
        self.network.mend()
        began = time.monotonic()
        self.wait_until(lambda: server.id not in node.running_vms(),
                        'n1 runs no VM of the server')
        self.addDetail('seconds', content.text_content(
            '%.1f' % (time.monotonic() - began)))
        # That took no start, and nothing is removed.
        self.assertEqual(pid, node.compute.pid)
        self.assertTrue(node.compute.is_running())
        self.assertTrue((node.instances / server.id).is_dir())
        self.check_runs_on('n2', server)
        node.compute.kill()
        node.compute.start()
        self.wait_until(node.compute.has_started, 'n1 runs')
        self.force_down(False)
        self.start_nodes()
        self.assertFalse((node.instances / server.id).exists())
        self.check_runs_on('n2', server)
        self.check_runs_on('n2', self.other)
        self.cloud.compute.reboot_server(server, 'HARD')
        self.wait_for_status(server, 'ACTIVE')
        self.check_runs_on('n2', server)
        with open(path, 'rb') as file:
            self.assertEqual(evacuations.CONTENT,
                             file.read(len(evacuations.CONTENT)))
