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

"""Evacuations from n1 to n2."""

from openstack.compute.v2 import server as sdk_server
from openstack.compute.v2 import service as sdk_service

from tests.cluster import base


class TestCase(base.TestCase):

    def service(self) -> sdk_service.Service:
        [found] = self.cloud.compute.services(
            host='n1', binary='nova-compute')
        return found

    def force_down(self, forced: bool) -> None:
        self.cloud.compute.update_service_forced_down(
            self.service(), forced=forced)

    def request_evacuation(self, server: sdk_server.Server) -> None:
        """Say that n1 is off, and request an evacuation."""
        self.force_down(True)
        self.addCleanup(self.force_down, False)
        self.post_evacuation(server)

    def post_evacuation(self, server: sdk_server.Server) -> None:
        # The SDK requests the first version, and later ones leave the server
        # stopped.
        answer = self.cloud.compute.post(
            '/servers/%s/action' % server.id, microversion='2.29',
            json={'evacuate': {'host': 'n2'}})
        self.assertEqual(200, answer.status_code, answer.text)

    def evacuate(self, server: sdk_server.Server) -> None:
        self.request_evacuation(server)
        self.wait_for_status(server, 'ACTIVE')
        self.assertIn(('n2', server.id), self.where_it_runs([server]))

    def refused_evacuation(self, server: sdk_server.Server,
                           status: str = 'ACTIVE') -> str:
        """Request an evacuation that fails, and return why.

        :param status: of the server afterwards
        """
        before = len(self.evacuations(server))
        self.post_evacuation(server)
        self.wait_until(
            lambda: len(self.evacuations(server)) > before and
            self.evacuations(server)[0] in ('failed', 'error'),
            'the evacuation has failed')
        self.wait_until(
            lambda: self.cloud.compute.get_server(server).task_state is None,
            'the server has no task')
        self.assertEqual((status, 'n1'), (
            self.cloud.compute.get_server(server).status,
            self.node_of(server)))
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
