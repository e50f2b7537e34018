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

"""The first machine gets a bus, and loses it again, under a running server."""

import os
import signal
import subprocess

from nova_vmrun.aio.bus import broker
from nova_vmrun.aio import processes
from nova_vmrun.aio import settings as aio_settings

from tests.cluster import first

# The process that runs it.
_RABBITMQ = 'beam.smp'


class FirstMachineTestCase(first.TestCase):
    """The control plane that "aio up" starts."""

    def test_server_goes_on_while_the_bus_comes_and_goes(self) -> None:
        self.up(aio_settings.NO_BUS)
        server = self.boot()
        vms = self.running_vms()
        before = self.identity()
        self.up(aio_settings.OWN_BUS)
        self.assertEqual(before, self.identity())
        self.check_is_managed(server, vms)
        self.check_listens_on_loopback()
        self.kill_parent_of_bus()
        self.check_is_managed(server, vms)
        self.up(aio_settings.NO_BUS)
        self.assertEqual(before, self.identity())
        self.check_is_managed(server, vms)
        self.assertEqual({}, broker.leftovers(self.layout))

    def identity(self) -> tuple[str, list[str]]:
        """Return the id of the compute node, and the hosts Nova knows."""
        return ((self.layout.nova_state / 'compute_id').read_text(),
                [host.name for host in self.cloud.compute.hypervisors()])

    def check_listens_on_loopback(self) -> None:
        """Check that no port of RabbitMQ can be reached from a network."""
        listening = subprocess.run(
            ['ss', '-Hltn'], check=True, capture_output=True,
            text=True).stdout
        for name in aio_settings.PORT_OWNERS['rabbitmq']:
            found = [line.split()[3].rpartition(':')[0]
                     for line in listening.splitlines()
                     if line.split()[3].endswith(
                         ':%d' % self.settings.ports[name])]
            self.assertTrue(found, name)
            self.assertEqual(
                set(), set(found) - {'127.0.0.1', '[::1]'}, name)

    def kill_parent_of_bus(self) -> None:
        """Kill the process that looks after RabbitMQ; "up" repairs that."""
        pid = processes.find(self.layout, 'rabbitmq')
        assert pid is not None
        old = broker.leftovers(self.layout)
        os.kill(pid, signal.SIGKILL)
        self.wait_until(
            lambda: processes.find(self.layout, 'rabbitmq') is None,
            'the process has ended')
        self.start()
        # RabbitMQ, which had run on, was replaced. It starts its helpers when
        # it needs them.
        new = broker.leftovers(self.layout)
        self.assertIn(_RABBITMQ, old.values())
        self.assertIn(_RABBITMQ, new.values())
        self.assertEqual(set(), set(old) & set(new))
