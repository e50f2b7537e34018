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


import logging
import types
from unittest import mock

import fixtures

from nova_vmrun.ops.nova import security_groups
from tests.unit import base

INSTANCE = types.SimpleNamespace(uuid='server-1')


class WarnTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.ask = self.useFixture(fixtures.MockPatch(
            'nova.network.security_group_api.get_instance_security_groups',
            return_value=[{'name': 'web'}, {'name': 'default'},
                          {'name': 'web'}])).mock
        self.log = self.useFixture(fixtures.FakeLogger(
            level=logging.DEBUG))

    def warnings(self, network_info=('port',)):
        security_groups.warn('context', INSTANCE, network_info)
        return [line for line in self.log.output.splitlines()
                if 'enforces' in line]

    def test_one_line_for_all_groups(self):
        line, = self.warnings()
        self.assertIn('default, web', line)
        self.ask.assert_called_once_with('context', INSTANCE)

    def test_no_groups(self):
        self.ask.return_value = []
        self.assertEqual([], self.warnings())

    def test_no_ports(self):
        self.assertEqual([], self.warnings(network_info=[]))
        self.assertFalse(self.ask.called)

    def test_ports_that_nova_remembers(self):
        server = mock.Mock(**{'get_network_info.return_value': ['port']})
        security_groups.warn('context', server)
        self.ask.assert_called_once_with('context', server)

    def test_unknown_ports(self):
        self.assertEqual([], self.warnings(network_info=None))
        self.assertFalse(self.ask.called)

    def test_neutron_does_not_answer(self):
        self.ask.side_effect = RuntimeError('connection refused')
        self.assertEqual([], self.warnings())
        self.assertIn('connection refused', self.log.output)
