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
from keystoneauth1 import exceptions as keystone
from nova import exception as nova_exception
from nova.network import model
from nova.network import neutron

from nova_vmrun import exception
from nova_vmrun.ops.nova import ports
from tests.unit import base

INSTANCE = types.SimpleNamespace(uuid='server', project_id='project')


class PortsTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.api = mock.create_autospec(neutron.API, instance=True)
        self.useFixture(fixtures.MockPatchObject(
            neutron, 'API', return_value=self.api))
        self.ports = ports.Ports('here')

    def test_all_ports_of_a_server(self):
        found = self.api.get_instance_nw_info.return_value = (
            model.NetworkInfo())
        self.assertIs(found, self.ports.of_server('context', 'instance'))
        self.api.get_instance_nw_info.assert_called_once_with(
            'context', 'instance', force_refresh=True)

    def test_no_answer_is_no_answer(self):
        for error in (keystone.ConnectFailure('down'),
                      nova_exception.Forbidden()):
            self.api.get_instance_nw_info.side_effect = error
            self.assertIsNone(self.ports.of_server(None, None))
            self.api.show_port.side_effect = error
            self.assertFalse(self.ports.is_deleted('port'))
            self.api.list_ports.side_effect = error
            self.assertEqual({}, self.ports.states(INSTANCE))
        self.assertIn('down', self.log.output)

    def test_whose_the_ports_of_networks_are(self):
        port = {name: name for name in ports.BINDING}
        self.api.list_ports.return_value = {'ports': [
            {**port, 'name': 'web'}, {'id': 'port'}]}
        self.assertEqual(
            [port, {**dict.fromkeys(port), 'id': 'port'}],
            self.ports.on_networks({'b', 'a'}))
        (context,), search = self.api.list_ports.call_args
        self.assertTrue(context.is_admin)
        self.assertEqual(['a', 'b'], search['network_id'])
        self.assertEqual(ports.BINDING, search['fields'])

    def test_no_answer_does_not_mean_that_they_are_nobodys(self):
        self.api.list_ports.side_effect = keystone.ConnectFailure('down')
        error = self.assertRaises(exception.InvalidConfiguration,
                                  self.ports.on_networks, ['net'])
        self.assertIn('network net', error.brief)
        self.assertIn('down', error.details)
        self.api.list_ports.side_effect = [{'ports': None}]
        self.assertRaises(exception.InvalidConfiguration,
                          self.ports.on_networks, ['net'])

    def test_a_port_that_is_there(self):
        self.assertFalse(self.ports.is_deleted('port'))

    def test_a_port_that_is_deleted_for_everybody(self):
        self.api.show_port.side_effect = nova_exception.PortNotFound(
            port_id='port')
        self.assertTrue(self.ports.is_deleted('port'))
        context, port_id = self.api.show_port.call_args.args
        self.assertTrue(context.is_admin)
        self.assertEqual('port', port_id)

    def test_the_states_of_ports_by_one_list(self):
        def port(name, host, vif_type, **facts):
            return {'id': name, 'binding:host_id': host,
                    'binding:vif_type': vif_type, **facts}

        self.api.list_ports.return_value = {'ports': [
            port('up', 'here', 'vmrun', admin_state_up=True),
            port('down', 'here', 'vmrun', admin_state_up=False),
            port('away', 'there', 'vmrun'),
            port('free', '', 'unbound'),
            port('failed', 'there', 'binding_failed'),
            # What Neutron does not show, it may not show to Nova.
            {'id': 'hidden'}, port('null', None, None)]}
        self.assertEqual(
            {'up': ports.State(), 'down': ports.State(is_enabled=False),
             'away': ports.State(elsewhere='there'),
             'free': ports.State(is_unbound=True),
             'failed': ports.State(is_unbound=True),
             'hidden': ports.State(), 'null': ports.State()},
            self.ports.states(INSTANCE))
        self.api.list_ports.assert_called_once_with(
            mock.ANY, device_id='server', tenant_id='project',
            fields=['id', 'admin_state_up', 'binding:host_id',
                    'binding:vif_type'])
        self.assertTrue(self.api.list_ports.call_args.args[0].is_admin)
