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
import os
import time
import types
from unittest import mock

import fixtures
from nova import exception as nova_exception
from nova.scheduler.client import report
from oslo_serialization import jsonutils

from nova_vmrun.host import files
from nova_vmrun.ops.nova import allocations
from tests.unit.ops import hosts

UUID = hosts.UUID
OTHER = hosts.OTHER
RESOURCES = {'provider': {'resources': {'VCPU': 1}}}
INSTANCE = types.SimpleNamespace(uuid=UUID, project_id='project',
                                 user_id='user')


class AllocationsTestCase(hosts.TestCase):

    def setUp(self):
        super().setUp()
        self.client = mock.create_autospec(report.SchedulerReportClient,
                                           instance=True)
        self.found = {}
        self.client.get_allocs_for_consumer.side_effect = (
            lambda context, uuid: {'allocations': self.found})
        self.useFixture(fixtures.MockPatchObject(
            report, 'report_client_singleton', return_value=self.client))
        self.path = self.layout.allocations(UUID)
        self.add_server()
        self.restart()
        self.allocations.expect_loss(INSTANCE, {
            'provider': {'generation': 7, 'resources': {'VCPU': 1}}})

    def restart(self):
        self.allocations = allocations.Allocations(self.layout, self.records)

    def put(self):
        return [call[0][1:]
                for call in self.client.put_allocations.call_args_list]

    def test_lost_ones_are_put_back_once(self):
        self.allocations.put_back()
        self.allocations.put_back()
        self.assertEqual([(UUID, {
            'allocations': RESOURCES, 'project_id': 'project',
            'user_id': 'user', 'consumer_generation': None})], self.put())
        self.assertFalse(os.path.exists(self.path))

    def test_those_of_another_server_are_put_back_too(self):
        """Nova refuses a second rebuild while the first is not settled."""
        self.allocations.put_back()
        self.add_server(OTHER)
        self.allocations.expect_loss(
            types.SimpleNamespace(uuid=OTHER, project_id='project',
                                  user_id='user'), RESOURCES)
        self.allocations.put_back()
        self.assertEqual([UUID, OTHER], [uuid for uuid, _ in self.put()])

    def test_those_that_placement_has_can_be_kept(self):
        """Nova deletes those of servers that were evacuated once."""
        self.allocations.put_back()
        self.add_server(OTHER)
        server = types.SimpleNamespace(uuid=OTHER, project_id='project',
                                       user_id='user')
        self.found = RESOURCES
        self.allocations.keep('context', server)
        self.found = {}
        self.allocations.put_back()
        self.assertEqual([UUID, OTHER], [uuid for uuid, _ in self.put()])

    def test_a_placement_that_does_not_answer(self):
        self.client.get_allocs_for_consumer.side_effect = (
            nova_exception.ConsumerAllocationRetrievalFailed(
                consumer_uuid=UUID, error='down'))
        self.allocations.keep('context', INSTANCE)

    def test_settled_ones_are_not_looked_for_again(self):
        self.allocations.put_back()
        with mock.patch.object(self.records, 'get') as get:
            self.allocations.put_back()
        self.assertFalse(get.called)

    def test_nova_is_killed_before(self):
        self.restart()
        self.allocations.put_back()
        self.assertEqual(1, len(self.put()))

    def test_nova_has_not_removed_them_yet(self):
        self.found = RESOURCES
        self.allocations.put_back()
        self.assertTrue(os.path.exists(self.path))
        self.found = {}
        self.allocations.put_back()
        self.assertEqual(1, len(self.put()))

    def test_nova_has_not_removed_them_at_all(self):
        self.found = RESOURCES
        # The clock was ahead when they were saved.
        ahead = time.time() + 86400
        os.utime(self.path, (ahead, ahead))
        later = time.monotonic() + 301
        with mock.patch.object(time, 'monotonic', return_value=later):
            self.allocations.put_back()
        self.assertFalse(os.path.exists(self.path))
        self.assertEqual([], self.put())

    def test_placement_does_not_answer_or_refuses(self):
        self.client.put_allocations.side_effect = [False, ValueError, True]
        for number in (1, 2, 3):
            self.assertTrue(os.path.exists(self.path))
            self.allocations.put_back()
            self.assertEqual(number, len(self.put()))
        self.assertFalse(os.path.exists(self.path))

    def test_the_server_was_deleted_meanwhile(self):
        files.remove_tree(self.layout.folder(UUID))
        self.allocations.put_back()
        self.assertEqual([], self.put())

    def test_file_has_the_fields_that_placement_accepts(self):
        self.assertEqual({'allocations', 'project_id', 'user_id',
                          'consumer_generation'},
                         set(jsonutils.loads(files.read(self.path))))
