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

import ipaddress
import types
from unittest import mock

from nova import exception as nova_exception
from nova.network import model as network_model

from nova_vmrun import exception
from nova_vmrun.formats import vmnets
from nova_vmrun.host import host_networks
from nova_vmrun.host import product
from nova_vmrun.host import vlans
from nova_vmrun.machine import model
from nova_vmrun.ops import networks
from nova_vmrun.ops.nova import ports as ports_module
from tests.unit import base
from tests.unit import stubs

MAC = 'fa:16:3e:00:00:01'


def port(physical='physnet1', vif_type='vmrun', details=None, mac=MAC):
    """Returns a port as Neutron tells Nova of it.

    :param physical: name of its physical network
    :param details: of its binding; None: they name the physical network
    """
    network = network_model.Network(
        id='net', bridge=None, label='net', physical_network=physical)
    if details is None:
        details = {'physical_network': physical}
    return network_model.VIF(id='port-1', address=mac, network=network,
                             type=vif_type, details=details)


class _TestCase(base.TestCase):

    hardware = types.SimpleNamespace(
        nic_model='vmxnet3', nic_rx_kbps=1000, nic_tx_kbps=None)

    def networks(self, mappings=None, default='nat', host=(),
                 kind=product.WORKSTATION):
        self.vlans = mock.create_autospec(vlans.Vlans, instance=True)
        return networks.Networks(
            types.SimpleNamespace(vmnet_mappings=mappings or {},
                                  default_vmnet=default),
            stubs.HostNetworks(*host) if isinstance(host, tuple) else host,
            self.vlans,
            product.Product(kind, None, 'vmrun', None))

    def nic(self, vif, **options):
        nic, = self.networks(**options).nics([vif], self.hardware)
        return nic

    def connection(self, vif, **options):
        nic = self.nic(vif, **options)
        return nic.connection, nic.vnet


class NetworksTestCase(_TestCase):

    def test_a_nic(self):
        self.assertEqual(
            model.Nic(mac=MAC, model='vmxnet3', connection='nat',
                      rx_kbps=1000), self.nic(port()))

    def test_links(self):
        ports = [port(), port()]
        ports[1]['id'] = 'port-2'
        nics = self.networks().nics(networks.with_states(ports, {
            'port-2': ports_module.State(is_enabled=False)}), self.hardware)
        self.assertEqual([True, False], [nic.connected for nic in nics])
        self.assertEqual({}, ports[1]['meta'])

    def test_ports_keep_their_order(self):
        macs = ['fa:16:3e:00:00:0%d' % number for number in (3, 1, 2)]
        nics = self.networks().nics([port(mac=mac) for mac in macs],
                                    self.hardware)
        self.assertEqual(macs, [nic.mac for nic in nics])

    def test_a_physical_network_that_is_mapped(self):
        for value, connection in (
                ('vmnet8', ('custom', 'vmnet8')),
                ('vmnet255', ('custom', 'vmnet255')),
                ('bridged', ('bridged', None)),
                ('hostonly', ('hostonly', None))):
            self.assertEqual(connection, self.connection(
                port(), mappings={'physnet1': value}))

    def test_one_that_is_not_mapped_takes_the_default(self):
        self.assertEqual(('custom', 'vmnet2'), self.connection(
            port('other'), mappings={'physnet1': 'bridged'},
            default='vmnet2'))

    def test_without_a_default_it_is_refused(self):
        error = self.assertRaises(
            exception.InvalidConfiguration, self.nic, port('other'),
            default='')
        self.assertIn('physical network other', error.brief)
        self.assertIn('port-1', error.details)
        self.assertIn('vmnet_mappings', error.resolution)

    def test_a_vlan_has_a_mapping_of_its_own(self):
        vlan = port(details={'physical_network': 'physnet1',
                             'segmentation_id': 42})
        self.assertEqual(('custom', 'vmnet3'), self.connection(
            vlan, mappings={'physnet1': 'nat', 'physnet1.42': 'vmnet3'}))

    def test_a_vlan_never_lands_on_an_untagged_network(self):
        vlan = port(details={'physical_network': 'physnet1',
                             'segmentation_id': 42})
        error = self.assertRaises(
            exception.InvalidConfiguration, self.nic, vlan,
            mappings={'physnet1': 'bridged'})
        self.assertIn('physnet1.42', error.brief)

    def test_a_vlan_is_checked_on_the_host(self):
        vlan = port(details={'physical_network': 'physnet1',
                             'segmentation_id': '42'})
        for host, found in ((('vmnet3',), vmnets.Vmnet('vmnet3', 'nat')),
                            ((), None)):
            self.networks({'physnet1.42': 'vmnet3'}, host=host).check([vlan])
            self.vlans.check.assert_called_once_with(found, 42)

    def test_a_flat_network_is_no_vlan(self):
        self.networks(host=('vmnet8',)).check([port()])
        self.assertFalse(self.vlans.check.called)

    def test_a_network_that_the_host_does_not_have(self):
        for value, name in (('vmnet3', 'vmnet3'), ('hostonly', 'hostonly')):
            refused = self.networks({'physnet1': value},
                                    host=('vmnet0', 'vmnet8'))
            error = self.assertRaises(
                exception.InvalidConfiguration, refused.check, [port()])
            self.assertIn('no virtual network %s' % name, error.brief)
            self.assertIn('port-1', error.details)
            self.assertIn('vmnet0, vmnet8', error.details)
            self.assertIn('vmware-netcfg', error.resolution)

    def test_where_neutron_fails_a_nic_stays_as_it_is(self):
        checked = self.networks(default='vmnet3', host=('vmnet8',))
        checked.check([port(vif_type='binding_failed')])
        checked.check(None)

    def test_host_that_does_not_list_its_networks(self):
        self.networks(default='vmnet3').check([port()])

    def test_a_binding_without_details(self):
        self.assertEqual(('bridged', None), self.connection(
            port(details={}), mappings={'physnet1': 'bridged'}))

    def test_a_port_that_is_not_bound_here(self):
        for vif_type in ('unbound', 'binding_failed'):
            error = self.assertRaises(
                nova_exception.VirtualInterfacePlugException, self.nic,
                port(vif_type=vif_type))
            self.assertIn('mechanism_drivers', str(error))

    def test_a_port_that_another_driver_has_bound(self):
        """Of a VLAN it may tell the physical network alone."""
        mappings = {'physnet1': 'bridged', 'physnet1.101': 'vmnet11'}
        for refused in (lambda vif: self.nic(vif, mappings=mappings),
                        lambda vif: self.networks(mappings).check([vif])):
            for physical in ('physnet1', None):
                error = self.assertRaises(
                    exception.InvalidConfiguration, refused,
                    port(physical, vif_type='ovs', details={}))
                self.assertIn('port-1 (vif_type ovs)', error.brief)
                self.assertIn('mechanism_drivers', error.resolution)
                self.assertIn('[ml2_vmrun] hosts', error.resolution)

    def test_options_that_name_no_network(self):
        for value in ('eth0', 'vmnet256', 'vmnet01', 'vmnet', '../vmnet8',
                      'vmnet8\n'):
            for option, conf in (
                    ('vmnet_mappings', {'mappings': {'physnet1': value}}),
                    ('default_vmnet', {'default': value})):
                error = self.assertRaises(exception.InvalidConfiguration,
                                          self.networks, **conf)
                self.assertIn(option, error.brief)


NETWORK = '10b5f867-de2d-4436-952c-7f4416b3948e'
SEGMENT = '10 b5 f8 67 de 2d 44 36-95 2c 7f 44 16 b3 94 8e'


def local_port(network=NETWORK):
    vif = port(None, details={'network_type': 'local',
                              'physical_network': None})
    vif['network']['id'] = network
    return vif


class LocalTestCase(_TestCase):
    """A network that a project has created."""

    def test_it_is_a_segment_with_the_networks_id(self):
        self.assertEqual(
            model.Nic(mac=MAC, model='vmxnet3', connection='pvn',
                      segment=SEGMENT, rx_kbps=1000), self.nic(local_port()))

    def test_networks_whose_ids_begin_alike(self):
        self.assertNotEqual(self.nic(local_port()).segment,
                            self.nic(local_port(NETWORK[:-1] + 'f')).segment)

    def test_the_options_do_not_matter(self):
        self.assertEqual('pvn', self.nic(
            local_port(), mappings={'None': 'vmnet3'}, default='').connection)

    def test_the_host_needs_no_network_of_its_own(self):
        checked = self.networks(default='', host=('vmnet8',))
        checked.check([local_port()])
        checked.check_addresses([local_port()])
        self.assertFalse(self.vlans.check.called)

    def test_player_has_segments(self):
        self.assertEqual('pvn', self.nic(local_port(),
                                         kind=product.PLAYER).connection)

    def test_fusion_has_none(self):
        for refused in (lambda vif: self.nic(vif, kind=product.FUSION),
                        lambda vif: self.networks(
                            kind=product.FUSION).check([vif])):
            error = self.assertRaises(exception.InvalidConfiguration, refused,
                                      local_port())
            self.assertIn('VMware Fusion has no LAN segments', error.brief)
            self.assertIn('Port port-1 is on the network %s' % NETWORK,
                          error.details)
            self.assertIn('network of type flat', error.resolution)

    def test_other_networks_of_fusion(self):
        self.networks(kind=product.FUSION).check([port()])

    def test_a_port_that_is_not_bound(self):
        """Neutron has no details of a binding that has failed."""
        vif = local_port()
        vif.update(type='binding_failed', details={})
        error = self.assertRaises(
            nova_exception.VirtualInterfacePlugException, self.nic, vif)
        # Nova cuts off the rest.
        shown = str(error)[:255]
        self.assertIn('Port port-1 is not bound to this host', shown)
        self.assertIn('network %s' % NETWORK, shown)
        self.assertIn('remove the port and add it again', shown)
        self.assertIn('mechanism_drivers', str(error))

    def in_state(self, vif, **state):
        found, = networks.with_states([vif], {
            vif['id']: ports_module.State(**state)})
        return found

    def test_a_port_that_is_bound_to_another_host(self):
        vif = local_port()
        vif['id'] = NETWORK
        refused = self.in_state(vif, elsewhere='compute-2.example.com')
        self.assertTrue(networks.is_unbound(refused))
        error = self.assertRaises(
            nova_exception.VirtualInterfacePlugException, self.nic, refused)
        shown = str(error)[:255]
        self.assertIn('Port %s is bound to host compute-2.example.com, not to '
                      'this one' % NETWORK, shown)
        self.assertIn('remove the port and add it again', shown)
        self.assertIn('port set --host', shown)
        # Nova's cache is as it was.
        self.assertEqual('pvn', self.nic(vif).connection)

    def test_a_port_that_neutron_has_failed_to_bind_since(self):
        refused = self.in_state(local_port(), is_unbound=True)
        self.assertTrue(networks.is_unbound(refused))
        self.assertEqual('', networks.elsewhere(refused))

    def test_what_may_be_on_two_hosts(self):
        for state in ({'elsewhere': 'n2'}, {'is_unbound': True}):
            vif = self.in_state(port(), **state)
            self.assertFalse(networks.is_unbound(vif))
            self.assertEqual('nat', self.nic(vif).connection)

    def test_a_port_that_another_driver_has_bound(self):
        vif = local_port()
        vif['type'] = 'ovs'
        self.assertRaises(exception.InvalidConfiguration,
                          self.networks().check, [vif])


class AddressesTestCase(_TestCase):
    """Addresses in Neutron, and the range of a virtual network."""

    def check(self, *addresses, kind='nat', subnet='172.16.41.0/24', vif=None):
        vif = vif or port()
        vif['network']['subnets'] = [network_model.Subnet(
            cidr='0.0.0.0/0', ips=[network_model.FixedIP(address=address)
                                   for address in addresses])]
        host = mock.create_autospec(host_networks.HostNetworks, instance=True)
        host.find.return_value = vmnets.Vmnet(
            'vmnet8', kind, subnet=subnet and ipaddress.IPv4Network(subnet))
        self.networks(host=host).check_addresses([vif])

    def test_an_address_in_the_range(self):
        self.check('172.16.41.24')

    def test_one_outside_the_range_is_refused_with_the_range(self):
        error = self.assertRaises(exception.InvalidConfiguration, self.check,
                                  '192.168.1.3')
        self.assertIn('192.168.1.3 is outside the range of vmnet8, which is '
                      '172.16.41.0/24', error.brief)
        self.assertIn('port-1', error.details)

    def test_one_of_several_addresses_is_enough(self):
        self.check('10.0.0.5', '172.16.41.24')

    def test_what_has_no_range(self):
        self.check('192.168.1.3', subnet=None)
        self.check('192.168.1.3', vif=local_port())
        self.check('192.168.1.3', vif=port(vif_type='binding_failed'))

    def test_what_has_no_ipv4_address(self):
        self.check()
        self.check('fd00::5')
