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

"""Evacuations from n1, mostly to n2."""

import os
import pathlib
import signal

from nova_vmrun.server import vm_process

from openstack.compute.v2 import server as sdk_server
from openstack.compute.v2 import service as sdk_service
import psutil

from tests.cluster import base

# Seconds: Nova's own are 10, 60 and 60.
LOOKS_OFTEN = {('DEFAULT', 'report_interval'): '3',
               ('DEFAULT', 'update_resources_interval'): '10'}
SOON_DOWN = """\
[DEFAULT]
service_down_time = 20
"""
CONTENT = b'written before'
# The host itself says in a moment that it does not run the VM.
_FAILED = ('failed', 'error', 'cancelled')
# The VM is started, but nova-compute does not learn it.
_NO_ANSWER = 'FAULTS=start * hang-after 60\n'


class TestCase(base.TestCase):

    def service(self) -> sdk_service.Service:
        [found] = self.cloud.compute.services(
            host='n1', binary='nova-compute')
        return found

    def force_down(self, forced: bool) -> None:
        self.cloud.compute.update_service_forced_down(
            self.service(), forced=forced)

    def cut_power(self, server: sdk_server.Server) -> None:
        """Let n1 be off; VMware's locks stay."""
        node = self.nodes['n1']
        node.compute.kill()
        identity = vm_process.identity(
            str(node.instances / server.id / (server.id + '.vmx')))
        assert identity
        pid = identity[0]
        os.kill(pid, signal.SIGKILL)
        self.wait_until(lambda: not psutil.pid_exists(pid) or
                        psutil.Process(pid).status() == 'zombie',
                        'the VM on n1 is off')

    def die_after_the_start(self, server: sdk_server.Server) -> None:
        """Evacuate a server to n2, whose nova-compute is killed.

        The VM runs on, and Nova does not know of it.
        """
        second = self.nodes['n2']
        second.set_knobs(_NO_ANSWER)
        self.request_evacuation(server)
        self.wait_until(lambda: server.id in second.running_vms(),
                        'the VM runs on n2')
        second.compute.kill()
        self.assertEqual('n1', self.node_of(server))
        second.set_knobs('')

    def is_up(self, host: str) -> bool:
        [found] = self.cloud.compute.services(
            host=host, binary='nova-compute')
        return bool(found.state == 'up')

    def return_of(self, name: str) -> None:
        """Start a nova-compute again; if it is that of n1, use it again."""
        node = self.nodes[name]
        node.compute.start()
        self.wait_until(node.compute.has_started, name + ' runs')
        if name == 'n1':
            self.force_down(False)
        self.wait_until(lambda: self.is_up(name), 'Nova has %s again' % name)

    def boot_from_volume(self) -> tuple[sdk_server.Server, pathlib.Path]:
        """Boot a server on n1; return it, and the file of its volume.

        The volume begins with CONTENT.
        """
        storage = self.cloud.block_storage
        volume = storage.create_volume(size=1)
        self.wait_until(lambda: storage.get_volume(
            volume).status == 'available', 'the volume is there')
        storage.set_volume_bootable_status(volume, True)
        with open(self.layout.volumes / ('volume-%s-flat.vmdk' % volume.id),
                  'r+b') as file:
            file.write(CONTENT)
        server = self.cloud.compute.create_server(
            name='volume', image_id='', host='n1',
            flavor_id=self.cloud.compute.find_flavor('m1.nano').id,
            networks=[{'uuid': self.cloud.network.find_network(
                self.settings.network).id}],
            block_device_mapping=[{
                'uuid': volume.id, 'source_type': 'volume',
                'destination_type': 'volume', 'boot_index': 0}])
        self.wait_for_status(server, 'ACTIVE')
        self.check_runs_on('n1', server)
        return server, self.cluster.volumes / ('volume-%s' % volume.id)

    def request_evacuation(self, server: sdk_server.Server,
                           host: str = 'n2') -> None:
        """Say that n1 is off, and request an evacuation."""
        self.force_down(True)
        self.addCleanup(self.force_down, False)
        self.post_evacuation(server, host)

    def post_evacuation(self, server: sdk_server.Server,
                        host: str = 'n2') -> None:
        # The SDK requests the first version, and later ones leave the server
        # stopped.
        answer = self.cloud.compute.post(
            '/servers/%s/action' % server.id, microversion='2.29',
            json={'evacuate': {'host': host}})
        self.assertEqual(200, answer.status_code, answer.text)

    def evacuate(self, server: sdk_server.Server, host: str = 'n2') -> None:
        self.request_evacuation(server, host)
        self.wait_until(lambda: self.node_of(server) == host,
                        'Nova has the server on ' + host)
        self.wait_for_status(server, 'ACTIVE')
        self.assertIn((host, server.id), self.where_it_runs([server]))

    def refused_evacuation(self, server: sdk_server.Server,
                           status: str = 'ACTIVE', host: str = 'n2') -> str:
        """Request an evacuation that fails, and return why.

        :param status: of the server afterwards
        """
        before = len(self.evacuations(server))
        self.post_evacuation(server, host)
        self.wait_until(
            lambda: len(self.evacuations(server)) > before and
            self.evacuations(server)[0] in _FAILED,
            'the evacuation has failed')
        self.wait_until(
            lambda: self.cloud.compute.get_server(server).task_state is None,
            'the server has no task')
        self.assertEqual((status, 'n1'), (
            self.cloud.compute.get_server(server).status,
            self.node_of(server)))
        return self.why(server)

    def why(self, server: sdk_server.Server) -> str:
        """Return why the last action failed."""
        [last, *_] = self.cloud.compute.server_actions(server)
        events = self.cloud.compute.get_server_action(
            last.request_id, server).events
        return '\n'.join(event.get('details') or '' for event in events)

    def evacuations(self, server: sdk_server.Server) -> list[str]:
        """Return the states of a server's evacuations, the last one first."""
        return [each.status for each in sorted(
            self.cloud.compute.migrations(
                instance_uuid=server.id, migration_type='evacuation'),
            key=lambda each: each.id, reverse=True)]
