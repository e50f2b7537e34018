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

import dataclasses
import ipaddress

from nova_vmrun.formats import vmnets
from tests.unit.doctor import hosts


class VmnetsTestCase(hosts.TestCase):

    def nat(self, **changes):
        return {'vmnet8': dataclasses.replace(hosts.NAT, **changes)}

    def test_no_networks(self):
        self.assert_wrong('no virtual networks',
                          'vmware-networks --start', 'networks', known={})

    def test_network_that_does_not_exist(self):
        self.assert_wrong(
            '[vmrun] vmnet_mappings names vmnet3, but VMware only has vmnet8',
            'vmware-netcfg', 'networks',
            wanted={'vmnet3': '[vmrun] vmnet_mappings'})

    def test_services_that_are_not_running(self):
        self.assert_wrong('/dev/vmnet8 does not exist',
                          'vmware-networks --start', 'networks',
                          missing_devices=('/dev/vmnet8',))

    def test_dhcp_range_outside_of_the_subnet(self):
        self.assert_wrong(
            'is not in its subnet, 172.16.41.0/24', 'vmware-netcfg',
            'networks', known=self.nat(pool=(
                ipaddress.IPv4Address('172.16.42.128'),
                ipaddress.IPv4Address('172.16.42.254'))))

    def test_dhcp_range_that_leaves_nothing(self):
        self.assert_warning(
            'nearly the whole subnet', 'smaller', 'networks',
            known=self.nat(pool=(hosts.NAT.subnet[3],
                                 hosts.NAT.subnet[254])))

    def test_subnet_of_another_adapter(self):
        self.assert_wrong(
            '172.16.41.0/24, are also those of wlan0', 'another subnet',
            'networks',
            subnets={'wlan0': ipaddress.IPv4Network('172.16.0.0/16'),
                     'eth0': ipaddress.IPv4Network('10.0.0.0/8')})

    def test_bridged_network_has_no_subnet(self):
        self.assertEqual([], self.problems(
            'networks', known={'vmnet0': vmnets.Vmnet('vmnet0', 'bridged')},
            wanted={'bridged': 'option'}))

    def test_no_vmrun_to_ask(self):
        self.assertEqual([], self.problems('networks', known={},
                                           is_known=False))


class PortsTestCase(hosts.TestCase):

    def test_port_that_is_taken(self):
        self.assert_wrong('Port 5000, which keystone needs, is taken',
                          'sudo ss -ltnp "sport = :5000"', 'ports',
                          taken={5000: 'keystone'})

    def test_no_port_for_a_screen(self):
        self.assert_wrong('5900 to 6099, are taken', 'vnc_port_range',
                          'ports', vnc_free=0)

    def test_firewall_of_the_loopback(self):
        self.assert_wrong('cannot connect to itself', '-i lo -j ACCEPT',
                          'ports', loopback_failure='timed out')
