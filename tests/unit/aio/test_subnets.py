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

from nova_vmrun.aio import errors
from nova_vmrun.aio import guests
from nova_vmrun.aio import seed
from nova_vmrun.aio import subnets
from nova_vmrun.aio import unenforced_rules
from nova_vmrun import exception
from nova_vmrun.host import host_networks
from tests.unit.aio import base
from tests.unit.formats import test_vmnets as texts


class ChooseTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = self.layout.root / 'vmware'
        self.folder.mkdir()
        self.patch(host_networks, '_FOLDERS', {'linux': str(self.folder)})
        self.listed = texts.LISTED
        self.patch(guests, 'tool', lambda layout, settings: self)

    def list_host_networks(self):
        if isinstance(self.listed, Exception):
            raise self.listed
        return self.listed

    def choose(self, **options):
        for name, value in options.items():
            setattr(self.settings, name, value)
        return subnets.choose(self.layout, self.settings)

    def refused(self, **options):
        return self.assertRaises(errors.AioError, self.choose, **options)

    def test_subnet_of_vmwares_network(self):
        self.assertEqual(
            subnets.Plan('172.16.41.0/24', '172.16.41.2', '172.16.41.10',
                         '172.16.41.127', ('172.16.41.2',)), self.choose())

    def test_addresses_of_the_dhcp_server_are_not_used(self):
        dhcpd = self.folder / 'vmnet8' / 'dhcpd' / 'dhcpd.conf'
        dhcpd.parent.mkdir(parents=True)
        for pool, servers in (
                (('100', '254'), ('10', '99')), (('3', '99'), ('100', '253')),
                (('60', '200'), ('201', '253')),
                (('3', '9'), ('10', '253'))):
            dhcpd.write_text(
                'subnet 172.16.41.0 netmask 255.255.255.0 {\n'
                'range 172.16.41.%s 172.16.41.%s;\n'
                'option domain-name-servers 172.16.41.2, 8.8.8.8;\n}\n' % pool)
            plan = self.choose()
            self.assertEqual(
                servers, tuple(address.rpartition('.')[2]
                               for address in (plan.first, plan.last)))
            self.assertEqual(('172.16.41.2',), plan.name_servers)
        dhcpd.write_text('subnet 172.16.41.0 netmask 255.255.255.0 {\n'
                         'range 172.16.41.3 172.16.41.253;\n}\n')
        self.assertIn('leaves no addresses', self.refused().brief)

    def test_a_gateway_elsewhere_is_no_servers(self):
        nat = self.folder / 'vmnet8' / 'nat' / 'nat.conf'
        nat.parent.mkdir(parents=True)
        nat.write_text('ip = 172.16.41.100\ndevice = /dev/vmnet8\n')
        plan = self.choose()
        self.assertEqual(('172.16.41.100', '172.16.41.99'),
                         (plan.gateway, plan.last))

    def test_host_only_has_no_gateway(self):
        plan = self.choose(vmnet='vmnet1')
        self.assertEqual(('172.16.11.0/24', None, ()), (
            plan.cidr, plan.gateway, plan.name_servers))

    def test_a_range_that_was_given_wins(self):
        self.assertEqual(
            subnets.Plan('10.1.2.0/28', '10.1.2.2', '10.1.2.4', '10.1.2.7',
                         ('10.1.2.2',)), self.choose(subnet='10.1.2.0/28'))

    def test_bridged_needs_one(self):
        error = self.refused(vmnet='bridged')
        self.assertIn('--subnet', error.resolution)
        self.assertIn('outside', error.details)
        self.assertEqual('10.1.2.1',
                         self.choose(subnet='10.1.2.0/24').gateway)

    def test_a_network_that_is_not_there(self):
        error = self.refused(vmnet='vmnet3', subnet='10.1.2.0/24')
        self.assertIn('vmnet0, vmnet1, vmnet8', error.details)
        self.assertIn('--vmnet', error.resolution)

    def test_host_that_does_not_list_its_networks(self):
        self.listed = exception.NotSupported('No such command.')
        self.assertIn('--subnet', self.refused().resolution)
        self.assertEqual('10.1.2.0/24',
                         self.choose(subnet='10.1.2.0/24').cidr)

    def test_vmrun_does_not_work(self):
        def broken(layout, settings):
            raise exception.InvalidConfiguration('Accept the licence.')

        self.patch(guests, 'tool', broken)
        self.assertIn('Accept the licence.', str(self.refused()))


class SeedTestCase(base.TestCase):
    """Neutron's part of it."""

    PLAN = subnets.of_range(ipaddress.IPv4Network('10.1.2.0/24'))

    def seed(self, network=None, known=()):
        self.neutron = mock.Mock()
        self.neutron.networks = self.networks
        self.network = network
        self.neutron.subnets.return_value = [
            types.SimpleNamespace(cidr=cidr) for cidr in known]
        return seed.network(types.SimpleNamespace(network=self.neutron),
                            self.settings, self.PLAN)

    def networks(self, **query):
        """List networks; a project has one of the same name, too."""
        self.assertEqual('vmnet8', query['name'])
        if 'provider_physical_network' not in query:
            yield types.SimpleNamespace(id='of a project')
        elif self.network is not None:
            yield self.network

    def test_it_is_made(self):
        said = self.seed()
        self.assertEqual(
            ['made network vmnet8',
             'made subnet 10.1.2.0/24, servers get 10.1.2.10 to 10.1.2.127',
             unenforced_rules.MESSAGE], said)
        made = self.neutron.create_subnet.call_args.kwargs
        self.assertEqual(
            ('10.1.2.2', ['10.1.2.2'],
             [{'start': '10.1.2.10', 'end': '10.1.2.127'}], False),
            (made['gateway_ip'], made['dns_nameservers'],
             made['allocation_pools'], made['is_dhcp_enabled']))

    def test_it_is_there(self):
        self.assertEqual([], self.seed(mock.Mock(), ['10.1.2.0/24']))
        self.assertFalse(self.neutron.create_subnet.called)

    def test_vmware_has_changed_its_network(self):
        line, = self.seed(mock.Mock(), ['10.9.9.0/24'])
        self.assertIn('has 10.9.9.0/24, but nat of VMware has 10.1.2.0/24',
                      line)
        self.assertFalse(self.neutron.create_subnet.called)
