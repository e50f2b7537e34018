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
from neutron_lib.api.definitions import portbindings
from neutron_lib.plugins import directory
from oslo_config import cfg
from oslo_config import fixture as config_fixture
import testtools

from nova_vmrun.ml2 import lost_hosts
from nova_vmrun.ml2 import mech_vmrun
from tests.unit import ports_elsewhere

FLAT = {'id': 'flat-id', 'network_type': 'flat',
        'physical_network': 'physnet1', 'segmentation_id': None}
VLAN = {'id': 'vlan-id', 'network_type': 'vlan',
        'physical_network': 'physnet2', 'segmentation_id': 42}
VXLAN = {'id': 'vxlan-id', 'network_type': 'vxlan',
         'physical_network': None, 'segmentation_id': 1001}
SERVER = '1d9a7c3e-5b2f-4c60-9e18-7a4d0f6b8c21'
LOCAL = {'id': 'local-id', 'network_type': 'local',
         'physical_network': None, 'segmentation_id': None}


def port_context(segments, host='laptop', **port):
    context = mock.Mock(host=host, segments_to_bind=segments)
    context.current = {'id': 'port-id', 'network_id': 'network-id',
                       'device_owner': 'compute:nova', 'fixed_ips': [],
                       'device_id': 'server-id', 'project_id': 'project',
                       portbindings.VNIC_TYPE: 'normal', **port}
    return context


class MechVmrunTestCase(testtools.TestCase):

    def setUp(self):
        super().setUp()
        self.logger = self.useFixture(fixtures.FakeLogger())
        self.conf = self.useFixture(config_fixture.Config())
        self.conf.register_opt(cfg.ListOpt('mechanism_drivers'), group='ml2')
        self.driver = mech_vmrun.VmrunMechanismDriver()

    def set_hosts(self, *hosts):
        self.conf.config(group='ml2_vmrun', hosts=list(hosts))

    def set_subnets(self, subnets):
        plugin = mock.Mock()
        plugin.get_subnets.side_effect = lambda context, filters: [
            subnet for subnet in subnets if subnet['id'] in filters['id']]
        self.useFixture(fixtures.MockPatchObject(
            directory, 'get_plugin', return_value=plugin))

    def bound_segment(self, context):
        self.driver.bind_port(context)
        context.continue_binding.assert_not_called()
        if not context.set_binding.called:
            return None
        context.set_binding.assert_called_once()
        return context.set_binding.call_args.args[0]


class BindPortTestCase(MechVmrunTestCase):

    def test_flat(self):
        context = port_context([FLAT])
        self.driver.bind_port(context)
        context.set_binding.assert_called_once_with(
            'flat-id', 'vmrun',
            {'port_filter': False, 'connectivity': 'l2',
             'network_type': 'flat', 'physical_network': 'physnet1'},
            status='ACTIVE')

    def test_vlan(self):
        context = port_context([VLAN])
        self.driver.bind_port(context)
        context.set_binding.assert_called_once_with(
            'vlan-id', 'vmrun',
            {'port_filter': False, 'connectivity': 'l2',
             'network_type': 'vlan', 'physical_network': 'physnet2',
             'segmentation_id': 42},
            status='ACTIVE')

    def test_first_wireable_segment_wins(self):
        self.assertEqual(
            'vlan-id', self.bound_segment(port_context([VXLAN, VLAN, FLAT])))

    def test_no_wireable_segment(self):
        context = port_context([VXLAN])
        self.assertIsNone(self.bound_segment(context))
        self.assertIn(
            'Port port-id cannot be bound on host laptop: the types of its '
            'segments in network network-id are vxlan, but VMware can '
            'only be connected to flat, vlan and local.', self.logger.output)

    def test_other_vnic_type(self):
        context = port_context([FLAT], **{portbindings.VNIC_TYPE: 'direct'})
        self.assertIsNone(self.bound_segment(context))
        self.assertIn('its vnic_type is direct', self.logger.output)

    def test_log_says_whose_port_cannot_be_bound(self):
        """After a failed build, "nova-vmrun why" looks for the server."""
        for segments, port in (
                ([VXLAN], {}),
                ([FLAT], {portbindings.VNIC_TYPE: 'direct'})):
            self.bound_segment(port_context(
                segments, device_id=SERVER, project_id='p', **port))
        self.assertEqual(2, self.logger.output.count(
            'Port port-id of server %s in project p cannot be bound on host '
            'laptop: ' % SERVER))

    def test_device_that_would_make_a_line_of_its_own(self):
        for device in (SERVER + '\nPort x', 'x of server ' + SERVER, ''):
            self.bound_segment(port_context(
                [VXLAN], device_id=device, project_id='p'))
        self.assertEqual(
            3, self.logger.output.count('Port port-id cannot be bound'))
        self.assertNotIn(SERVER, self.logger.output)

    def test_port_of_a_network_service(self):
        context = port_context([FLAT], device_owner='network:dhcp')
        self.assertIsNone(self.bound_segment(context))

    def test_port_before_it_has_an_owner(self):
        context = port_context([FLAT], device_owner='')
        self.assertEqual('flat-id', self.bound_segment(context))

    def test_segment_of_the_address(self):
        self.set_subnets([{'id': 'subnet-1', 'segment_id': 'flat-id'},
                          {'id': 'subnet-2', 'segment_id': 'vlan-id'}])
        context = port_context([FLAT, VLAN],
                               fixed_ips=[{'subnet_id': 'subnet-2'}])
        self.assertEqual('vlan-id', self.bound_segment(context))

    def test_segment_of_the_address_is_not_wireable(self):
        self.set_subnets([{'id': 'subnet-1', 'segment_id': 'vxlan-id'}])
        context = port_context([FLAT, VXLAN],
                               fixed_ips=[{'subnet_id': 'subnet-1'}])
        self.assertIsNone(self.bound_segment(context))
        self.assertIn('network-id are vxlan, but', self.logger.output)

    def test_subnet_of_no_segment(self):
        self.set_subnets([{'id': 'subnet-1', 'segment_id': None},
                          {'id': 'subnet-2'}])
        context = port_context([FLAT], fixed_ips=[{'subnet_id': 'subnet-1'},
                                                  {'subnet_id': 'subnet-2'}])
        self.assertEqual('flat-id', self.bound_segment(context))


class _PortsTestCase(MechVmrunTestCase):
    """A network of type local, which ends at its host."""

    def set_ports(self, *ports):
        """Add ports to the network, besides the one that is bound.

        :param ports: attributes that differ from those of a bound port
        """
        ports = [{'id': 'port-id', portbindings.HOST_ID: 'laptop',
                  portbindings.VIF_TYPE: 'unbound',
                  'device_id': 'server-id', 'project_id': 'project',
                  'device_owner': 'compute:nova'},
                 *(ports_elsewhere.port(number, **port)
                   for number, port in enumerate(ports))]
        self.plugin = mock.Mock(spec=['get_ports'])
        self.plugin.get_ports.return_value = ports
        self.useFixture(fixtures.MockPatchObject(
            directory, 'get_plugin', return_value=self.plugin))


class LocalTestCase(_PortsTestCase):

    def setUp(self):
        super().setUp()
        self.lost = set()
        self.useFixture(fixtures.MockPatchObject(
            lost_hosts.LostHosts, 'among',
            lambda lost, hosts: self.lost & set(hosts)))

    def assert_bound(self, *ports, **port):
        self.set_ports(*ports)
        self.assertEqual(
            'local-id', self.bound_segment(port_context([LOCAL], **port)))
        self.assertNotIn('cannot be bound', self.logger.output)

    def assert_refused(self, *ports):
        self.set_ports(*ports)
        self.assertIsNone(self.bound_segment(port_context([LOCAL])))
        self.assertIn(
            'Port port-id cannot be bound on host laptop: the network '
            'network-id is on host other,', self.logger.output)
        self.assertIn('a network of type local ends at its host.',
                      self.logger.output)

    def test_the_first_server_chooses_the_host(self):
        self.assert_bound()
        context = port_context([LOCAL])
        self.driver.bind_port(context)
        context.set_binding.assert_called_once_with(
            'local-id', 'vmrun',
            {'port_filter': False, 'connectivity': 'l2',
             'network_type': 'local', 'physical_network': None},
            status='ACTIVE')
        self.plugin.get_ports.assert_called_with(
            context.plugin_context.elevated(),
            filters={'network_id': ['network-id']})

    def test_a_second_host_is_refused_by_name(self):
        for port in ports_elsewhere.COUNT:
            self.assert_refused(port)

    def test_ports_that_do_not_count(self):
        for port in ports_elsewhere.DO_NOT_COUNT:
            self.assert_bound(port)

    def refusals(self, *contexts):
        for context in contexts:
            self.assertIsNone(self.bound_segment(context))
        return self.logger.output.count('cannot be bound')

    def test_a_refusal_that_is_repeated_is_logged_once(self):
        """Neutron tries to bind a port ten times in a row."""
        self.set_ports({})
        self.assertEqual(1, self.refusals(
            *(port_context([LOCAL]) for _ in range(10))))
        self.assertEqual(3, self.refusals(
            port_context([LOCAL], id='another'),
            port_context([LOCAL], host='third')))
        # The reason is another one now.
        self.set_ports({}, {portbindings.HOST_ID: 'fourth'})
        self.assertEqual(4, self.refusals(port_context([LOCAL])))

    def test_the_server_that_is_refused_is_named(self):
        self.set_ports({})
        self.bound_segment(port_context([LOCAL], device_id=SERVER,
                                        project_id='p'))
        self.assertIn('Port port-id of server %s in project p cannot be '
                      'bound' % SERVER, self.logger.output)

    def test_ports_without_a_server_are_not_one_server(self):
        self.set_ports({'device_id': ''})
        self.assertIsNone(self.bound_segment(
            port_context([LOCAL], device_id='')))

    def test_a_host_that_is_lost_does_not_count(self):
        self.lost = {'other'}
        self.assert_bound({})
        self.assertIn('although host other has ports of it',
                      self.logger.output)

    def test_a_second_host_that_is_not_lost_counts(self):
        self.lost = {'third'}
        self.assert_refused({}, {portbindings.HOST_ID: 'third'})
        self.assertNotIn('host other, third', self.logger.output)


class BoundByOthersTestCase(_PortsTestCase):
    """Open vSwitch binds a port of a local network that is on our host."""

    def commit(self, segment=LOCAL, **attributes):
        self.set_hosts('other')
        context = port_context([segment], host='compute1')
        context.configure_mock(
            vif_type='ovs', original_vif_type='unbound',
            bottom_bound_segment=segment, **attributes)
        self.driver.update_port_postcommit(context)
        return self.logger.output

    def test_a_warning_names_both_hosts(self):
        self.set_ports({})
        self.assertIn(
            'Network network-id of type local is on host other, and port '
            'port-id of it was bound on host compute1 (vif_type ovs)',
            self.commit())

    def test_no_warning_without_a_port_on_our_host(self):
        self.set_ports({portbindings.HOST_ID: 'compute2'})
        self.assertEqual('', self.commit())

    def test_other_updates_and_networks_are_not_looked_at(self):
        self.set_ports({})
        for segment, attributes in (
                (LOCAL, {'original_vif_type': 'ovs'}),
                (LOCAL, {'vif_type': 'unbound', 'original_vif_type': 'ovs'}),
                (LOCAL, {'vif_type': 'vmrun'}), (VXLAN, {}), (None, {})):
            context = port_context([])
            context.configure_mock(**{
                'vif_type': 'ovs', 'original_vif_type': 'unbound',
                'bottom_bound_segment': segment, **attributes})
            self.driver.update_port_postcommit(context)
        self.plugin.get_ports.assert_not_called()


class HostsTestCase(MechVmrunTestCase):

    def test_every_host_by_default(self):
        self.assertEqual('flat-id', self.bound_segment(port_context([FLAT])))

    def test_no_host(self):
        self.assertIsNone(self.bound_segment(port_context([FLAT], host='')))
        self.assertIsNone(self.bound_segment(port_context([FLAT], host=None)))

    def test_patterns(self):
        self.set_hosts('mac-??', 'Laptop*.example.org')
        for host in ('mac-01', 'MAC-01', 'laptop.example.org',
                     'laptop-7.example.org'):
            self.assertEqual(
                'flat-id', self.bound_segment(port_context([FLAT], host)))
        for host in ('mac-1', 'mac-001', 'compute1', 'laptop.example.com'):
            self.assertIsNone(
                self.bound_segment(port_context([FLAT], host)))
        self.assertNotIn('cannot be bound', self.logger.output)

    def test_filter_hosts_with_segment_access(self):
        self.set_hosts('laptop*')
        self.assertEqual(
            {'laptop1', 'laptop2'},
            self.driver.filter_hosts_with_segment_access(
                None, [VXLAN, FLAT], {'laptop1', 'laptop2', 'compute1'},
                None))

    def test_filter_hosts_without_wireable_segment(self):
        self.assertEqual(
            set(), self.driver.filter_hosts_with_segment_access(
                None, [VXLAN], {'laptop1'}, None))


class InitializeTestCase(MechVmrunTestCase):

    def warnings(self, mechanism_drivers, *hosts):
        self.conf.config(group='ml2', mechanism_drivers=mechanism_drivers)
        self.set_hosts(*hosts)
        self.driver.initialize()
        return self.logger.output

    def test_alone_with_every_host(self):
        self.assertEqual('', self.warnings(['vmrun'], '*'))

    def test_with_others_and_named_hosts(self):
        self.assertEqual('', self.warnings(['ovn', 'vmrun'], 'laptop*'))

    def test_with_others_and_every_host(self):
        self.assertIn('there are other mechanism drivers: ovn, sriovnicswitch',
                      self.warnings(['vmrun', 'ovn', 'sriovnicswitch'], '*'))

    def test_no_hosts(self):
        self.assertIn('no port will be bound', self.warnings(['vmrun']))


class ExtensionsTestCase(MechVmrunTestCase):

    def test_extensions_that_need_vlans_in_guests_are_left_out(self):
        self.assertEqual(
            {'security-group', 'port-security'},
            self.driver.supported_extensions(
                {'security-group', 'port-security', 'vlan-transparent',
                 'qinq'}))
