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

from unittest import mock

import fixtures
from nova import exception as nova_exception

from nova_vmrun import exception
from tests.unit import test_driver

INSTANCE = test_driver.INSTANCE
UUID = test_driver.UUID


class SecurityGroupsTestCase(test_driver.Base):
    """Each boot of a server has a warning, and nothing else has one."""

    def setUp(self):
        super().setUp()
        self.ask = self.useFixture(fixtures.MockPatch(
            'nova.network.security_group_api.get_instance_security_groups',
            return_value=[{'name': 'web'}])).mock

    def assertWarns(self, count, method, *arguments):
        self.ask.reset_mock()
        getattr(self.driver, method)(*arguments)
        self.assertEqual(count, self.ask.call_count, method)

    def test_each_boot(self):
        server = mock.MagicMock(uuid=UUID, task_state=None)
        for call in (
                ('spawn', 'context', server, 'image', [], None, {}, 'network'),
                ('power_on', 'context', server, 'network'),
                ('reboot', 'context', server, 'network', 'SOFT'),
                ('reboot', 'context', server, 'network', 'HARD'),
                ('resume_state_on_host_boot', 'context', server, 'network',
                 'shares'),
                ('rescue', 'context', server, 'network', 'image', None,
                 'disks', 'shares'),
                ('unrescue', 'context', server),
                ('finish_migration', 'context', 'migration', server, 'info',
                 'network', 'image', True, {}),
                ('finish_revert_migration', 'context', server, 'network',
                 'migration')):
            self.assertWarns(1, *call)

    def test_a_server_that_stays_off(self):
        for call in (
                ('spawn', 'context', INSTANCE, 'image', [], None, {},
                 'network', 'disks', False),
                ('finish_migration', 'context', 'migration', INSTANCE, 'info',
                 'network', 'image', True, {}, 'disks', False),
                ('finish_revert_migration', 'context', INSTANCE, 'network',
                 'migration', 'disks', False),
                ('power_off', INSTANCE)):
            self.assertWarns(0, *call)

    def test_a_boot_that_fails(self):
        self.parts.power.on.side_effect = exception.ToolTimeout('vmrun hung.')
        self.assertRaises(nova_exception.NovaException, self.driver.power_on,
                          'context', INSTANCE, 'network')
        self.assertFalse(self.ask.called)
