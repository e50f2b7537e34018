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

import datetime
import types
from unittest import mock

from openstack import exceptions

from nova_vmrun.aio import errors
from nova_vmrun.cluster.first import cloud
from tests.unit.aio import base


def service(host='lab-2', age=3, **changes):
    now = datetime.datetime.now(datetime.timezone.utc)
    return types.SimpleNamespace(**{
        'host': host, 'state': 'up', 'status': 'enabled',
        'is_forced_down': False, 'updated_at': (
            now - datetime.timedelta(seconds=age)).strftime(
            '%Y-%m-%dT%H:%M:%S.000000'), **changes})


class CloudTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.connection = mock.Mock()
        self.compute = self.connection.compute
        self.placement = self.connection.placement
        self.compute.services.return_value = [service()]
        self.compute.hypervisors.return_value = [types.SimpleNamespace(
            service_details={'host': 'lab-2'})]
        self.placement.resource_providers.return_value = [
            types.SimpleNamespace(name='lab-2')]
        self.placement.resource_provider_inventories.return_value = [
            types.SimpleNamespace(resource_class='VCPU')]
        self.cloud = cloud.Cloud(self.layout, self.connection)

    def test_a_node_that_is_ready(self):
        state = self.cloud.state('lab-2')
        self.assertTrue(state.ready)
        self.assertTrue(3 <= state.reported < 60, state.reported)

    def test_a_node_without_its_parts(self):
        self.compute.hypervisors.return_value = []
        self.assertFalse(self.cloud.state('lab-2').listed)
        self.placement.resource_provider_inventories.return_value = []
        self.assertFalse(self.cloud.state('lab-2').inventory)
        self.compute.services.return_value = [service(state='down')]
        self.assertFalse(self.cloud.state('lab-2').up)
        self.compute.services.return_value = [service(is_forced_down=True)]
        self.assertTrue(self.cloud.state('lab-2').fenced)
        self.compute.services.return_value = [service(updated_at=None)]
        self.assertEqual(-1, self.cloud.state('lab-2').reported)
        self.compute.services.return_value = []
        self.assertEqual(-1, self.cloud.state('lab-2').reported)

    def test_servers_of_all_projects_on_one_node(self):
        self.compute.servers.return_value = iter(['a'])
        self.assertEqual(['a'], self.cloud.servers('lab-2'))
        self.compute.servers.assert_called_once_with(
            all_projects=True, compute_host='lab-2', is_soft_deleted=True)

    def test_a_server_that_is_gone(self):
        self.assertEqual(self.compute.get_server.return_value,
                         self.cloud.server('a'))
        self.compute.get_server.side_effect = exceptions.NotFoundException()
        self.assertIsNone(self.cloud.server('a'))
        self.compute.get_server.side_effect = exceptions.HttpException('No')
        self.assertRaises(errors.AioError, self.cloud.server, 'a')

    def test_moves_from_and_to_a_node_until_they_have_ended(self):
        self.compute.migrations.return_value = [
            types.SimpleNamespace(status=status) for status in (
                'finished', 'confirmed', 'migrating', 'done', 'error')]
        self.assertEqual(
            ['finished', 'migrating'],
            [move.status for move in self.cloud.moves('lab-2')])
        self.compute.migrations.assert_called_once_with(host='lab-2')

    def test_evacuations_that_a_node_has_to_answer_for(self):
        def move(source, target, status, kind='evacuation'):
            return types.SimpleNamespace(
                source_compute=source, dest_compute=target, status=status,
                migration_type=kind)

        expected = [move('lab-2', 'lab-3', 'done'),
                    move('lab-3', 'lab-2', 'failed'),
                    move('lab-3', 'lab-2', 'error'),
                    move('lab-3', 'lab-2', 'completed')]
        self.compute.migrations.return_value = [
            *expected, move('lab-2', 'lab-3', 'completed'),
            move('lab-2', 'lab-3', 'failed'), move('lab-3', 'lab-2', 'done'),
            move('lab-3', 'lab-2', 'cancelled'),
            move('lab-2', 'lab-3', 'done', kind='migration')]
        self.assertEqual(expected, self.cloud.evacuations('lab-2'))
        self.compute.migrations.assert_called_once_with(host='lab-2')

    def test_changes(self):
        self.cloud.set_fenced('lab-2', True)
        self.assertEqual({'forced': True}, self.compute.
                         update_service_forced_down.call_args.kwargs)
        self.cloud.set_disabled('lab-2', 'because')
        self.assertEqual({'disabled_reason': 'because'},
                         self.compute.disable_service.call_args.kwargs)
        self.cloud.set_disabled('lab-2', '')
        self.compute.enable_service.assert_called_once()
        self.cloud.forget('lab-2')
        self.compute.delete_service.assert_called_once()
        self.cloud.forget('never-seen')
        self.compute.delete_service.assert_called_once()

    def test_a_node_that_nova_has_never_seen(self):
        error = self.assertRaises(errors.AioError, self.cloud.set_fenced,
                                  'x', True)
        self.assertIn('has never seen', str(error))

    def test_an_api_that_refuses(self):
        self.compute.services.side_effect = exceptions.HttpException('No')
        error = self.assertRaises(errors.AioError, self.cloud.services)
        self.assertIn('No', error.details)
