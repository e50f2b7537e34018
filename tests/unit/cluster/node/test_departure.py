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

import fixtures

from nova_vmrun.aio import errors
from nova_vmrun.cluster import messages
from nova_vmrun.cluster.node import children
from nova_vmrun.cluster.node import departure
from nova_vmrun.cluster.node import gateway
from nova_vmrun.cluster.node import units
from tests.unit.cluster.node import base


class LeaveTestCase(base.NodeCase):

    def setUp(self):
        super().setUp()
        self.member.save(self.layout)
        self.files.node_key.write_text('secret')
        self.useFixture(fixtures.MockPatchObject(
            gateway, 'reachable', return_value='192.0.2.1'))
        self.first = self.useFixture(fixtures.MockPatchObject(
            gateway, 'Gateway')).mock.return_value
        self.unit = self.useFixture(fixtures.MockPatchObject(
            units, 'find')).mock.return_value
        self.ended = self.useFixture(fixtures.MockPatchObject(
            children, 'end_leftovers')).mock

    def test_processes_and_keys_go(self):
        departure.leave(self.layout, self.member)
        self.first.ask.assert_called_once_with(messages.Verb.LEAVE)
        self.unit.remove.assert_called_once_with()
        self.ended.assert_called_once()
        self.assertFalse(self.files.membership.exists())
        self.assertFalse(self.files.node_key.exists())

    def test_a_node_that_the_first_machine_has_forgotten(self):
        """That is so after a power cut in the middle of "leave", too."""
        self.first.ask.side_effect = gateway.KeyRefused('Not let in.')
        departure.leave(self.layout, self.member)
        self.unit.remove.assert_called_once_with()
        self.assertFalse(self.files.membership.exists())

    def test_a_refused_node_runs_on(self):
        self.first.ask.side_effect = errors.AioError('It has servers.')
        self.assertRaises(errors.AioError, departure.leave, self.layout,
                          self.member)
        self.unit.remove.assert_not_called()
        self.assertTrue(self.files.membership.exists())
        self.assertTrue(self.files.node_key.exists())
