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
from nova.network import model
import oslo_messaging

from nova_vmrun import exception
from nova_vmrun.ops.nova import evacuations
from nova_vmrun.ops.nova import ports
from nova_vmrun.ops.resize import project_networks
from tests.unit import base
from tests.unit import ports_elsewhere

OWN = {'id': 'port-id', 'binding:host_id': 'here', 'device_id': 'server-id'}


def vif(port='port-id', network='network-id', details=None, physical=None,
        **attributes):
    return model.VIF(
        id=port, type=attributes.pop('vif_type', 'vmrun'),
        network=model.Network(id=network, physical_network=physical,
                              tunneled=attributes.pop('tunneled', False)),
        details={'network_type': 'local'} if details is None else details)


class ProjectNetworksTestCase(base.TestCase):
    """A server on host "here" that is to move to host "laptop"."""

    def setUp(self):
        super().setUp()
        self.fenced = set()
        self.useFixture(fixtures.MockPatchObject(
            evacuations, 'is_fenced', lambda context, host:
            context.is_admin and host in self.fenced))
        self.ports = mock.create_autospec(ports.Ports, instance=True)
        self.vifs = [vif()]

    def require(self, *others):
        self.ports.on_networks.return_value = [
            ports_elsewhere.port(9, **OWN),
            *(ports_elsewhere.port(number, **other)
              for number, other in enumerate(others))]
        project_networks.require_movable(
            types.SimpleNamespace(uuid='server-id',
                                  get_network_info=lambda: self.vifs),
            'laptop', self.ports)

    def refuse(self, *others):
        return self.assertRaises(exception.NotSupported, self.require,
                                 *others)

    def test_the_rule_of_neutron(self):
        for other in ports_elsewhere.COUNT:
            self.refuse(other)
        for other in ports_elsewhere.DO_NOT_COUNT:
            self.require(other)

    def test_what_it_says(self):
        error = self.refuse({}, {}, {'binding:host_id': 'here'},
                            {'binding:host_id': 'laptop'})
        self.assertEqual('Server server-id cannot move: other servers on its '
                         'network network-id are on host here, other.',
                         error.brief)
        self.assertIn('3 of its ports', error.details)
        self.assertIn('Shelve them', error.resolution)

    def test_hosts_that_are_off(self):
        self.fenced = {'other'}
        self.require({})
        error = self.refuse({}, {'binding:host_id': 'third'})
        self.assertIn('on host third.', error.brief)
        self.assertIn('1 of its ports', error.details)

    def test_ports_of_the_servers_other_networks(self):
        self.require({'network_id': 'another'})

    def test_neutron_is_asked_once_about_such_networks_alone(self):
        self.vifs = [vif(), vif('port-2', 'second'),
                     vif('port-3', 'vmnet8', {'network_type': 'flat'})]
        self.require()
        self.ports.on_networks.assert_called_once_with(
            {'network-id', 'second'})

    def test_a_server_without_such_a_network(self):
        self.vifs = [
            vif(details={'network_type': 'vlan'}),
            vif(details={}, physical='physnet1', vif_type='binding_failed'),
            vif(details={}, tunneled=True, vif_type='binding_failed')]
        self.require({})
        self.vifs = None
        self.require({})
        self.assertFalse(self.ports.on_networks.called)

    def test_a_port_whose_binding_has_failed(self):
        self.vifs = [vif(details={}, vif_type='binding_failed')]
        self.refuse({})

    def test_neutron_does_not_answer(self):
        self.ports.on_networks.side_effect = exception.InvalidConfiguration(
            'No answer.')
        self.assertRaises(exception.InvalidConfiguration, self.require)

    def test_nova_does_not_answer(self):
        with mock.patch.object(evacuations, 'is_fenced',
                               side_effect=oslo_messaging.MessagingTimeout):
            error = self.assertRaises(exception.InvalidConfiguration,
                                      self.require, {})
        self.assertIn('unknown whether host', str(error))
