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

"""What Neutron's API makes of a port that ``vmrun`` binds.

These cases run Neutron's plugin over its own database fixture. They are no
test module by name, since they need a process in which Nova was not imported:
see test_port_binding.
"""

import fixtures
from neutron.objects import network as network_objects
from neutron.tests.common import helpers
from neutron.tests.unit.plugins.ml2 import test_plugin
from neutron_lib.api.definitions import multiprovidernet
from neutron_lib.api.definitions import portbindings
from neutron_lib.api.definitions import provider_net
from neutron_lib import constants
from neutron_lib import context
from oslo_config import cfg

HOST = 'laptop'
FLAT = {provider_net.NETWORK_TYPE: 'flat',
        provider_net.PHYSICAL_NETWORK: 'physnet1'}
VLAN = {provider_net.NETWORK_TYPE: 'vlan',
        provider_net.PHYSICAL_NETWORK: 'physnet2',
        provider_net.SEGMENTATION_ID: 210}
LOCAL = {provider_net.NETWORK_TYPE: 'local'}
VXLAN = {provider_net.NETWORK_TYPE: 'vxlan',
         provider_net.SEGMENTATION_ID: 1001}


class MechanismDriversTestCase(test_plugin.Ml2PluginV2TestCase):

    def setUp(self):
        # It would tell Nova and placement of the addresses of a segment.
        self.useFixture(fixtures.MockPatch(
            'neutron.services.segments.plugin.NovaSegmentNotifier'))
        super().setUp()

    def get_additional_service_plugins(self):
        return {'segments_plugin_name': 'segments'}

    def make_network(self, *segments):
        network = self._make_network(
            self.fmt, 'net', True, as_admin=True,
            arg_list=(multiprovidernet.SEGMENTS,),
            **{multiprovidernet.SEGMENTS: list(segments)})
        return network['network']

    def make_subnet(self, network, **kwargs):
        subnet = self._make_subnet(
            self.fmt, {'network': network}, constants.ATTR_NOT_SPECIFIED,
            '192.0.2.0/24', as_admin=True, **kwargs)
        return subnet['subnet']

    def make_port(self, network, **attributes):
        attributes = {'device_owner': 'compute:nova',
                      portbindings.HOST_ID: HOST, **attributes}
        port = self._make_port(self.fmt, network['id'], as_admin=True,
                               arg_list=tuple(attributes), **attributes)
        return self.show_port(port['port'])

    def update_port(self, port, **attributes):
        self._update('ports', port['id'], {'port': attributes}, as_admin=True)
        return self.show_port(port)

    def show_port(self, port):
        return self._show('ports', port['id'], as_admin=True)['port']

    def assert_bound(self, port):
        self.assertEqual('vmrun', port[portbindings.VIF_TYPE])
        self.assertEqual('ACTIVE', port['status'])

    def assert_not_bound(self, port, vif_type='binding_failed'):
        self.assertEqual(vif_type, port[portbindings.VIF_TYPE])
        self.assertEqual('DOWN', port['status'])


class VmrunTestCase(MechanismDriversTestCase):

    _mechanism_drivers = ['vmrun']

    def test_flat(self):
        network = self.make_network(FLAT)
        self.make_subnet(network)
        port = self.make_port(network)
        self.assert_bound(port)
        self.assertEqual(
            {'port_filter': False, 'connectivity': 'l2',
             'network_type': 'flat', 'physical_network': 'physnet1',
             'bound_drivers': {'0': 'vmrun'}},
            port[portbindings.VIF_DETAILS])

    def test_vlan(self):
        network = self.make_network(VLAN)
        self.make_subnet(network)
        port = self.make_port(network)
        self.assert_bound(port)
        self.assertEqual(
            {'port_filter': False, 'connectivity': 'l2',
             'network_type': 'vlan', 'physical_network': 'physnet2',
             'segmentation_id': 210, 'bound_drivers': {'0': 'vmrun'}},
            port[portbindings.VIF_DETAILS])

    def test_port_without_address(self):
        self.assert_bound(self.make_port(self.make_network(FLAT)))

    def test_vxlan(self):
        self.assert_not_bound(self.make_port(self.make_network(VXLAN)))

    def test_vlan_segment_beside_vxlan(self):
        port = self.make_port(self.make_network(VXLAN, VLAN))
        self.assert_bound(port)
        self.assertEqual(
            210, port[portbindings.VIF_DETAILS]['segmentation_id'])

    def test_routed_network_binds_the_segment_of_the_address(self):
        network = self.make_network(FLAT, VLAN)
        segments = {segment.network_type: segment.id
                    for segment in network_objects.NetworkSegment.get_objects(
                        context.get_admin_context(),
                        network_id=network['id'])}
        self.make_subnet(network, segment_id=segments['vlan'])
        network_objects.SegmentHostMapping(
            context.get_admin_context(), segment_id=segments['vlan'],
            host=HOST).create()
        port = self.make_port(network)
        self.assertNotEqual([], port['fixed_ips'])
        self.assert_bound(port)
        self.assertEqual('vlan',
                         port[portbindings.VIF_DETAILS]['network_type'])

    def test_bound_when_nova_names_the_host(self):
        port = self.make_port(self.make_network(FLAT),
                              **{portbindings.HOST_ID: ''})
        self.assert_not_bound(port, 'unbound')
        self.assert_bound(
            self.update_port(port, **{portbindings.HOST_ID: HOST}))

    def test_unbound_when_nova_takes_the_host_away(self):
        port = self.make_port(self.make_network(FLAT))
        port = self.update_port(port, **{portbindings.HOST_ID: '',
                                         'device_id': '', 'device_owner': ''})
        self.assert_not_bound(port, 'unbound')

    def test_hosts(self):
        cfg.CONF.set_override('hosts', ['lap*'], group='ml2_vmrun')
        network = self.make_network(FLAT)
        self.assert_bound(self.make_port(network))
        port = self.make_port(network, **{portbindings.HOST_ID: 'compute1'})
        self.assert_not_bound(port)
        self.assert_bound(
            self.update_port(port, **{portbindings.HOST_ID: 'laptop2'}))

    def test_port_of_a_network_service(self):
        self.assert_not_bound(self.make_port(self.make_network(FLAT),
                                             device_owner='network:dhcp'))

    def test_network_of_a_project(self):
        """What 'aio' configures is also the default of ML2."""
        self.assertEqual(['local'], cfg.CONF.ml2.project_network_types)
        network = self._make_network(self.fmt, 'net', True)['network']
        self.make_subnet(network)
        port = self.make_port(network)
        self.assert_bound(port)
        self.assertEqual(
            {'port_filter': False, 'connectivity': 'l2',
             'network_type': 'local', 'physical_network': None,
             'bound_drivers': {'0': 'vmrun'}},
            port[portbindings.VIF_DETAILS])

    def test_local_network_does_not_span_hosts(self):
        logger = self.useFixture(fixtures.FakeLogger())
        network = self.make_network(LOCAL)
        first = self.make_port(network, device_id='one')
        self.assert_bound(first)
        self.assert_bound(self.make_port(network, device_id='two'))
        for host in ('laptop2', 'laptop3'):
            port = self.make_port(network, device_id='on ' + host,
                                  **{portbindings.HOST_ID: host})
            self.assert_not_bound(port)
            self.assertIn(
                'Port %s cannot be bound on host %s: the network %s is on '
                'host %s,' % (port['id'], host, network['id'], HOST),
                logger.output)
            # Neutron has tried ten times.
            self.assertEqual(1, logger.output.count(
                'Port %s cannot be bound' % port['id']))
        # The failures do not keep the network from its host, nor other
        # networks from the other hosts.
        self.assert_bound(self.make_port(network, device_id='four'))
        self.assert_bound(self.make_port(
            self.make_network(LOCAL), device_id='five',
            **{portbindings.HOST_ID: 'laptop3'}))

    def test_moving_server_takes_its_local_network_along(self):
        network = self.make_network(LOCAL)
        ports = [self.make_port(network, device_id='one') for _ in range(2)]
        for port in ports:
            self.assert_bound(self.update_port(
                port, **{portbindings.HOST_ID: 'laptop2'}))
        stays = self.make_port(network, device_id='two',
                               **{portbindings.HOST_ID: 'laptop2'})
        self.assert_bound(stays)
        self.assert_not_bound(self.update_port(
            ports[0], **{portbindings.HOST_ID: HOST}))

    def test_hosts_for_dhcp(self):
        cfg.CONF.set_override('hosts', ['lap*'], group='ml2_vmrun')
        hosts = {HOST, 'compute1'}
        for segment, expected in ((FLAT, {HOST}), (VXLAN, set())):
            network = self.make_network(segment)
            self.assertEqual(
                expected, self.driver.filter_hosts_with_network_access(
                    context.get_admin_context(), network['id'], hosts))

    def test_extensions(self):
        aliases = self.driver.supported_extension_aliases
        self.assertIn('security-group', aliases)
        self.assertNotIn('vlan-transparent', aliases)


class VmrunBesideAnotherTestCase(MechanismDriversTestCase):

    _mechanism_drivers = ['vmrun', 'openvswitch']

    def setUp(self):
        super().setUp()
        cfg.CONF.set_override('hosts', [HOST], group='ml2_vmrun')

    def test_each_binds_its_own_host(self):
        helpers.register_ovs_agent(
            host='compute1', bridge_mappings={'physnet1': 'br-ex'})
        network = self.make_network(FLAT)
        self.assert_bound(self.make_port(network))
        port = self.make_port(network, **{portbindings.HOST_ID: 'compute1'})
        self.assertEqual('ovs', port[portbindings.VIF_TYPE])

    def test_local_network_of_another_driver_is_refused(self):
        helpers.register_ovs_agent(host='compute1')
        network = self.make_network(LOCAL)
        port = self.make_port(network, device_id='one',
                              **{portbindings.HOST_ID: 'compute1'})
        self.assertEqual('ovs', port[portbindings.VIF_TYPE])
        self.assert_not_bound(self.make_port(network, device_id='two'))

    def test_other_driver_takes_a_local_network_away_with_a_warning(self):
        logger = self.useFixture(fixtures.FakeLogger())
        helpers.register_ovs_agent(host='compute1')
        network = self.make_network(LOCAL)
        self.assert_bound(self.make_port(network, device_id='one'))
        port = self.make_port(network, device_id='two',
                              **{portbindings.HOST_ID: 'compute1'})
        self.assertEqual('ovs', port[portbindings.VIF_TYPE])
        self.assertEqual(1, logger.output.count(
            'of type local is on host %s' % HOST))
