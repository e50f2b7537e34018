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
from nova import exception as nova_exception
from nova.objects import compute_node
from nova.objects import migration as nova_migration

from nova_vmrun.ops.resize import moves
from tests.unit import base

INSTANCE = types.SimpleNamespace(
    uuid='server', migration_context=types.SimpleNamespace(migration_id=7))


class DestinationTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.found = types.SimpleNamespace(
            source_compute='one', dest_compute='two', dest_node='two.lan',
            dest_host='10.0.0.1')
        self.look = self.useFixture(fixtures.MockPatchObject(
            nova_migration.Migration, 'get_by_id_and_instance',
            side_effect=lambda *args: self.found)).mock
        self.node = self.useFixture(fixtures.MockPatchObject(
            compute_node.ComputeNode, 'get_by_host_and_nodename',
            return_value=types.SimpleNamespace(uuid='node'))).mock

    def find(self):
        return moves.destination(mock.Mock(), INSTANCE)

    def test_another_host_is_known_by_its_name(self):
        self.assertEqual(moves.Destination('two', '10.0.0.1', 'node'),
                         self.find())
        self.assertEqual((7, 'server'), self.look.call_args[0][1:])
        self.assertEqual(('two', 'two.lan'), self.node.call_args[0][1:])

    def test_the_same_host(self):
        self.found.dest_compute = 'one'
        self.assertIsNone(self.find())

    def test_a_host_whose_id_is_unknown(self):
        self.node.side_effect = nova_exception.ComputeHostNotFound(host='two')
        self.assertIsNone(self.find().node_id)

    def test_nova_does_not_answer(self):
        self.look.side_effect = ValueError('no conductor')
        error = self.assertRaises(nova_exception.InstanceFaultRollback,
                                  self.find)
        self.assertIn('no conductor', str(error.inner_exception))
