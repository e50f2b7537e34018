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

    def test_novas_own_is_left_alone(self):
        original = network_info()
        guest_networks.static(original)
        self.assertEqual(network_info(), original)

    def test_no_ports(self):
        self.assertEqual([], guest_networks.static(model.NetworkInfo()))
