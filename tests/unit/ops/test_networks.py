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

from nova import exception as nova_exception
from nova.network import model as network_model

from nova_vmrun import exception
from nova_vmrun.formats import vmnets
from nova_vmrun.host import vlans
from nova_vmrun.machine import model
from nova_vmrun.ops import networks
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


class NetworksTestCase(base.TestCase):

    hardware = types.SimpleNamespace(
        nic_model='vmxnet3', nic_rx_kbps=1000, nic_tx_kbps=None)

    def networks(self, mappings=None, default='nat', host=()):
        self.vlans = mock.create_autospec(vlans.Vlans, instance=True)
        return networks.Networks(
            types.SimpleNamespace(vmnet_mappings=mappings or {},
                                  default_vmnet=default),
            stubs.HostNetworks(*host), self.vlans)

    def nic(self, vif, **options):
        nic, = self.networks(**options).nics([vif], self.hardware)
        return nic

    def connection(self, vif, **options):
        nic = self.nic(vif, **options)
        return nic.connection, nic.vnet

    def test_a_nic(self):
        self.assertEqual(
            model.Nic(mac=MAC, model='vmxnet3', connection='nat',
                      rx_kbps=1000), self.nic(port()))

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

    def test_a_host_that_does_not_tell(self):
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
