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

import types
from unittest import mock

import fixtures
from openstack import exceptions

from nova_vmrun.cmd.bench import servers
from nova_vmrun.cmd.launch import choices
from nova_vmrun.cmd.launch import errors
from tests.unit import base


class ServerBenchmarkTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.cloud = self.useFixture(fixtures.MockPatchObject(
            servers.connection, 'Connection')).mock.return_value
        self.upload = self.useFixture(fixtures.MockPatchObject(
            servers.cloud, 'upload', return_value={'id': 'image'})).mock
        self.useFixture(fixtures.MockPatchObject(
            servers.cloud, 'image_client'))
        self.useFixture(fixtures.MockPatchObject(
            choices, 'flavor', return_value=(mock.Mock(id='small'), False)))
        self.useFixture(fixtures.MockPatchObject(
            choices, 'network', return_value=mock.Mock(id='net')))
        self.useFixture(fixtures.MockPatchObject(servers, '_POLL', 0))
        self.statuses = ['BUILD', 'ACTIVE']
        self.cloud.compute.create_server.return_value.id = 'server'
        self.cloud.compute.create_server.side_effect = self.create
        self.cloud.compute.delete_server.side_effect = self.delete
        self.cloud.compute.get_server.side_effect = self.get
        self.existing = set()
        self.told = []

    def create(self, **options):
        self.existing.add('server')
        self.left = list(self.statuses)
        return mock.Mock(id='server')

    def delete(self, server_id, ignore_missing):
        self.existing.discard(server_id)

    def get(self, server_id):
        if server_id not in self.existing:
            raise exceptions.NotFoundException()
        return types.SimpleNamespace(
            status=self.left.pop(0) if len(self.left) > 1 else self.left[0],
            fault={'message': 'No valid host.'}, task_state='spawning')

    def run_benchmark(self, seconds=60):
        return servers.ServerBenchmark(mock.Mock(), seconds, 0.5,
                                       self.told.append).run()

    def test_servers_start(self):
        found = self.run_benchmark()
        self.assertEqual(self.told, found)
        self.assertEqual(2, len(found))
        for each in found:
            self.assertGreater(each.here, 0)
            self.assertEqual(0.5, each.best)
        self.assertEqual(4, self.cloud.compute.create_server.call_count)
        self.assertEqual(set(), self.existing)
        self.cloud.image.delete_image.assert_called_once_with('image')

    def test_server_fails(self):
        self.statuses = ['ERROR']
        found = self.run_benchmark()
        self.assertEqual([None, None], [each.here for each in found])
        self.assertIn('No valid host.', found[0].best_is)
        self.assertEqual(set(), self.existing)
        self.cloud.image.delete_image.assert_called_once_with('image')

    def test_server_that_never_becomes_active(self):
        self.statuses = ['BUILD']
        found = self.run_benchmark(seconds=0)
        self.assertIn('its task is spawning', found[0].best_is)
        self.assertEqual(set(), self.existing)

    def test_server_that_cannot_be_deleted(self):
        self.cloud.compute.delete_server.side_effect = None
        self.useFixture(fixtures.MockPatchObject(
            servers, '_DELETE_SECONDS', 0.01))
        found = self.run_benchmark()
        self.assertIn('openstack server delete server', found[0].best_is)

    def test_no_image(self):
        self.upload.side_effect = errors.LaunchFailed('No quota.')
        found = self.run_benchmark()
        self.assertEqual('No quota.', found[0].best_is)
        self.cloud.image.delete_image.assert_not_called()

    def test_image_stays(self):
        self.cloud.image.delete_image.side_effect = (
            exceptions.SDKException('It is in use'))
        error = self.assertRaises(errors.LaunchFailed, self.run_benchmark)
        self.assertIn('Cannot delete the image nova-vmrun-bench-', str(error))

    def test_interrupted(self):
        self.cloud.compute.get_server.side_effect = [
            KeyboardInterrupt, exceptions.NotFoundException()]
        self.assertRaises(KeyboardInterrupt, self.run_benchmark)
        self.assertEqual(set(), self.existing)
        self.cloud.image.delete_image.assert_called_once_with('image')
