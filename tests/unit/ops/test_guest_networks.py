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

from nova.network import model
from nova.virt import netutils

from nova_vmrun.machine import guest_network
from nova_vmrun.ops import guest_networks
from tests.unit import base


def subnet(cidr, address, gateway, version, **meta):
    return model.Subnet(
        cidr=cidr, gateway=model.IP(address=gateway, type='gateway'),
        ips=[model.FixedIP(address=address)], version=version,
        dns=[model.IP(address='10.0.0.53', type='dns')],
        routes=[model.Route(cidr='10.9.0.0/16', gateway=model.IP(
            address='10.0.0.9', type='gateway'))] if version == 4 else [],
        **meta)


def network_info():
    """Two ports: one of both kinds of addresses, one without any."""
    return model.NetworkInfo([
        model.VIF(id='one', address='fa:16:3e:00:00:01', network=model.Network(
            id='net', mtu=1400, subnets=[
                subnet('10.0.0.1/24', '10.0.0.5', '10.0.0.1', 4,
                       dhcp_server='10.0.0.2', enable_dhcp=True),
                subnet('fd00::/64', 'fd00::5', 'fd00::1', 6,
                       ipv6_address_mode='slaac', enable_dhcp=True)])),
        model.VIF(id='two', address='fa:16:3e:00:00:02',
                  network=model.Network(id='bare', subnets=[]))])


def several_addresses(vif):
    """Give a port a second address and a second IPv4 subnet."""
    subnets = vif['network']['subnets']
    subnets[0]['ips'].append(model.FixedIP(address='10.0.0.6'))
    subnets.append(subnet('10.1.0.0/24', '10.1.0.5', '10.1.0.1', 4))


class InterfacesTestCase(base.TestCase):

    def test_all_addresses_and_routes(self):
        self.assertEqual([
            guest_network.Interface(
                'fa:16:3e:00:00:01', ('10.0.0.5/24', 'fd00::5/64'),
                (('0.0.0.0/0', '10.0.0.1'), ('10.9.0.0/16', '10.0.0.9'),
                 ('::/0', 'fd00::1')), ('10.0.0.53',), 1400),
            guest_network.Interface('fa:16:3e:00:00:02')],
            guest_networks.interfaces(network_info()))

    def test_a_subnet_without_gateway(self):
        info = network_info()
        info[0]['network']['subnets'][0]['gateway'] = model.IP(
            address=None, type='gateway')
        self.assertEqual(
            (('10.9.0.0/16', '10.0.0.9'), ('::/0', 'fd00::1')),
            guest_networks.interfaces(info)[0].routes)

    def test_no_default_route_through_a_network_that_has_no_way_out(self):
        info = network_info()
        info[0]['details'] = {'network_type': 'local'}
        self.assertEqual((('10.9.0.0/16', '10.0.0.9'),),
                         guest_networks.interfaces(info)[0].routes)

    def test_one_default_route_for_several_subnets(self):
        info = network_info()
        several_addresses(info[0])
        found = guest_networks.interfaces(info)[0]
        self.assertEqual(
            ('10.0.0.5/24', '10.0.0.6/24', 'fd00::5/64', '10.1.0.5/24'),
            found.addresses)
        self.assertEqual(
            [('0.0.0.0/0', '10.0.0.1'), ('::/0', 'fd00::1')],
            [route for route in found.routes if route[0].endswith('/0')])


class StaticTestCase(base.TestCase):

    def test_no_server_is_asked_for_an_address(self):
        """By what Nova itself makes of it for a config drive."""
        told = netutils.get_network_metadata(
            guest_networks.static(network_info()))
        self.assertEqual(
            [('ipv4', '10.0.0.5', '255.255.255.0'),
             ('ipv6', 'fd00::5', 'ffff:ffff:ffff:ffff::')],
            [(each['type'], each['ip_address'], each['netmask'])
             for each in told['networks']])
        self.assertEqual(
            [('0.0.0.0', '10.0.0.1'), ('10.9.0.0', '10.0.0.9')],
            [(each['network'], each['gateway'])
             for each in told['networks'][0]['routes']])
        self.assertEqual([1400], [link['mtu'] for link in told['links']])
        self.assertEqual(['10.0.0.53'],
                         [each['address'] for each in told['services']])

    def test_no_default_route_through_a_network_that_has_no_way_out(self):
        info = network_info()
        info[0]['details'] = {'network_type': 'local'}
        told = netutils.get_network_metadata(guest_networks.static(info))
        self.assertEqual(
            [['10.9.0.0'], []],
            [[route['network'] for route in each['routes']]
             for each in told['networks']])

    def test_a_subnet_without_gateway_leaves_the_route_to_another(self):
        info = network_info()
        several_addresses(info[0])
        info[0]['network']['subnets'][0]['gateway'] = None
        static = guest_networks.static(info)
        self.assertEqual(
            [None, 'fd00::1', '10.1.0.1'],
            [(each['gateway'] or {}).get('address')
             for each in static[0]['network']['subnets']])

    def test_novas_own_is_left_alone(self):
        original = network_info()
        guest_networks.static(original)
        self.assertEqual(network_info(), original)

    def test_no_ports(self):
        self.assertEqual([], guest_networks.static(model.NetworkInfo()))


class MetadataTestCase(base.TestCase):
    """network_data.json of a config drive."""

    def test_same_as_novas_for_one_address_of_each_version(self):
        static = guest_networks.static(network_info())
        expected = netutils.get_network_metadata(static)
        # The port without a subnet is not in it.
        self.assertEqual(1, len(expected['links']))
        self.assertEqual(expected, guest_networks.metadata(static))

    def test_every_address_of_a_port(self):
        info = network_info()
        several_addresses(info[0])
        found = guest_networks.metadata(guest_networks.static(info))
        link, = found['links']
        self.assertEqual(
            [('network0', '10.0.0.5', ['0.0.0.0', '10.9.0.0']),
             ('network1', '10.0.0.6', []), ('network2', 'fd00::5', ['::']),
             ('network3', '10.1.0.5', ['10.9.0.0'])],
            [(each['id'], each['ip_address'],
              [route['network'] for route in each['routes']])
             for each in found['networks']])
        self.assertEqual({link['id']},
                         {each['link'] for each in found['networks']})

    def test_links_of_several_ports(self):
        info = network_info()
        several_addresses(info[0])
        info[1]['network']['subnets'] = [
            subnet('10.2.0.0/24', '10.2.0.5', '10.2.0.1', 4)]
        found = guest_networks.metadata(guest_networks.static(info))
        self.assertEqual(['one', 'two'],
                         [each['vif_id'] for each in found['links']])
        ids = [each['id'] for each in found['links']]
        self.assertEqual([ids[0]] * 4 + [ids[1]],
                         [each['link'] for each in found['networks']])

    def test_no_ports(self):
        self.assertIsNone(guest_networks.metadata(model.NetworkInfo()))
