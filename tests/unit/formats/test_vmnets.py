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

from nova_vmrun.formats import vmnets
from tests.unit import base

LISTED = """\
Total host networks: 3
INDEX  NAME         TYPE         DHCP         SUBNET           MASK
0      vmnet0       bridged      false        empty            empty
1      vmnet1       hostOnly     true         172.16.11.0      255.255.255.0
8      vmnet8       nat          true         172.16.41.0      255.255.255.0
"""

NETWORKING = """\
VERSION=1,0
answer VNET_1_DHCP yes
answer VNET_1_HOSTONLY_NETMASK 255.255.255.0
answer VNET_1_HOSTONLY_SUBNET 172.16.11.0
answer VNET_1_VIRTUAL_ADAPTER yes
answer VNET_2_DHCP no
answer VNET_2_HOSTONLY_NETMASK 255.255.255.0
answer VNET_2_HOSTONLY_SUBNET 172.16.12.0
answer VNET_2_VIRTUAL_ADAPTER no
answer VNET_8_DHCP yes
answer VNET_8_HOSTONLY_NETMASK 255.255.255.0
answer VNET_8_HOSTONLY_SUBNET 172.16.41.0
answer VNET_8_NAT yes
answer VNET_8_VIRTUAL_ADAPTER yes
add_bridge_mapping eth0.101 11
add_nat_portfwd 8 tcp 2222 172.16.41.129 22
"""

DHCPD = """\
# Configuration file for vmnet-dhcpd operating on vmnet8.
allow unknown-clients;
default-lease-time 1800;                # default is 30 minutes
subnet 172.16.41.0 netmask 255.255.255.0 {
\trange 172.16.41.100 172.16.41.254;  # subnet 1.2.3.0 netmask 255.0.0.0 {
\toption broadcast-address 172.16.41.255;
\toption domain-name-servers 172.16.41.2, 172.16.41.3;
\toption domain-name localdomain;
\toption routers 172.16.41.2;
}
host vmnet8 {
\thardware ethernet 00:50:56:C0:00:08;
\tfixed-address 172.16.41.1;
\toption domain-name-servers 0.0.0.0;
}
"""

# Windows has one file for all networks.
WINDOWS_DHCPD = """\
# Virtual ethernet segment 1
subnet 192.168.110.0 netmask 255.255.255.0 {
range 192.168.110.128 192.168.110.254;            # default allows up to 125
option broadcast-address 192.168.110.255;
option domain-name-servers 192.168.110.1;
option domain-name "localdomain";
}
host VMnet1 {
    hardware ethernet 00:50:56:C0:00:01;
    fixed-address 192.168.110.1;
}
# Virtual ethernet segment 8
subnet 192.168.80.0 netmask 255.255.255.0 {
range 192.168.80.128 192.168.80.254;
option routers 192.168.80.2;
}
host VMnet8 {
    fixed-address 192.168.80.1;
}
"""

NETMAP = """\
network0.name = "Bridged"
network0.device = "vmnet0"
network1.name = "HostOnly"
network1.device = "vmnet1"
network2.device = "VMnet2"
network2.name = "VMnet2"
network8.name = "NAT"
network8.device = "vmnet8"
"""

NAT = """\
[host]
# NAT gateway address
ip = 172.16.41.9
netmask = 255.255.255.0
# VMnet device if not specified on command line
device = /dev/vmnet8
[incomingtcp]
"""


def net(text):
    return ipaddress.IPv4Network(text)


def addr(text):
    return ipaddress.IPv4Address(text)


class ListTestCase(base.TestCase):

    def test_networks(self):
        self.assertEqual({
            'vmnet0': vmnets.Vmnet('vmnet0', 'bridged'),
            'vmnet1': vmnets.Vmnet('vmnet1', 'hostonly', True,
                                   net('172.16.11.0/24')),
            'vmnet8': vmnets.Vmnet('vmnet8', 'nat', True,
                                   net('172.16.41.0/24')),
        }, vmnets.parse_list(LISTED))

    def test_another_text(self):
        for text in ('', 'Usage: vmrun ...', LISTED[:40]):
            self.assertEqual({}, vmnets.parse_list(text))


class NetworkingTestCase(base.TestCase):

    def test_networks(self):
        found = vmnets.parse_networking(NETWORKING)
        self.assertEqual(
            {'vmnet0': ('bridged', False, None),
             'vmnet1': ('hostonly', True, net('172.16.11.0/24')),
             'vmnet2': ('hostonly', False, net('172.16.12.0/24')),
             'vmnet8': ('nat', True, net('172.16.41.0/24')),
             'vmnet11': ('bridged', False, None)},
            {name: (found[name].kind, found[name].dhcp, found[name].subnet)
             for name in found})
        self.assertEqual('eth0.101', found['vmnet11'].adapter)
        self.assertIsNone(found['vmnet0'].adapter)

    def test_no_such_file(self):
        self.assertEqual({}, vmnets.parse_networking(''))


class NetmapTestCase(base.TestCase):

    def test_networks(self):
        self.assertEqual(
            {'vmnet0': 'bridged', 'vmnet1': 'hostonly', 'vmnet2': 'hostonly',
             'vmnet8': 'nat'},
            {name: vmnet.kind
             for name, vmnet in vmnets.parse_netmap(NETMAP).items()})


class DhcpdTestCase(base.TestCase):

    def test_a_subnet(self):
        found, = vmnets.parse_dhcpd(DHCPD)
        self.assertEqual(vmnets.DhcpSubnet(
            net('172.16.41.0/24'),
            (addr('172.16.41.100'), addr('172.16.41.254')),
            (addr('172.16.41.2'), addr('172.16.41.3')), 'vmnet8'), found)

    def test_several(self):
        self.assertEqual(
            [('vmnet1', addr('192.168.110.254'),
              (addr('192.168.110.1'),)),
             ('vmnet8', addr('192.168.80.254'), ())],
            [(found.vmnet, found.pool[1], found.name_servers)
             for found in vmnets.parse_dhcpd(WINDOWS_DHCPD)])

    def test_damaged_subnets(self):
        self.assertEqual([], vmnets.parse_dhcpd(
            'subnet 1.2.3 netmask 255.255.255.0 { }'))
        found, = vmnets.parse_dhcpd('subnet 10.0.0.0 netmask 255.0.0.0 {\n'
                                    'range 10.0.0.999 10.0.1.0;\n}')
        self.assertIsNone(found.pool)


class CompleteTestCase(base.TestCase):

    def complete(self, networks, gateways=(), dhcpd=DHCPD):
        return vmnets.complete(
            networks, vmnets.parse_networking(NETWORKING),
            vmnets.parse_dhcpd(dhcpd), gateways)

    def test_files_complete_the_listed_networks(self):
        nat = self.complete(vmnets.parse_list(LISTED))['vmnet8']
        self.assertEqual(
            (addr('172.16.41.100'), addr('172.16.41.2'),
             (addr('172.16.41.2'), addr('172.16.41.3'))),
            (nat.pool[0], nat.gateway, nat.name_servers))

    def test_the_gateway_in_nat_conf(self):
        self.assertEqual(addr('172.16.41.9'), self.complete(
            vmnets.parse_list(LISTED),
            [vmnets.parse_nat(NAT)])['vmnet8'].gateway)

    def test_host_only_networks_have_none(self):
        self.assertIsNone(
            self.complete(vmnets.parse_list(LISTED))['vmnet1'].gateway)

    def test_the_adapter_of_a_listed_network(self):
        found = self.complete({'vmnet11': vmnets.Vmnet('vmnet11', 'bridged')})
        self.assertEqual('eth0.101', found['vmnet11'].adapter)

    def test_files_for_another_subnet_are_ignored(self):
        other = LISTED.replace('172.16.41.0', '10.1.2.0   ')
        nat = self.complete(vmnets.parse_list(other),
                            [vmnets.parse_nat(NAT)])['vmnet8']
        self.assertEqual((None, addr('10.1.2.2'), ()),
                         (nat.pool, nat.gateway, nat.name_servers))

    def test_windows_knows_subnets_by_the_hosts_address(self):
        found = self.complete(vmnets.parse_netmap(NETMAP),
                              dhcpd=WINDOWS_DHCPD)
        self.assertEqual(
            {'vmnet0': None, 'vmnet1': net('192.168.110.0/24'),
             'vmnet2': None, 'vmnet8': net('192.168.80.0/24')},
            {name: vmnet.subnet for name, vmnet in found.items()})
        self.assertEqual(addr('192.168.80.2'), found['vmnet8'].gateway)


class NatTestCase(base.TestCase):

    def test_linux_and_windows(self):
        self.assertEqual(('vmnet8', addr('172.16.41.9')),
                         vmnets.parse_nat(NAT))
        self.assertEqual(('vmnet8', addr('192.168.80.2')), vmnets.parse_nat(
            'ip = 192.168.80.2/24\ndevice = VMnet8\n'))
        self.assertEqual((None, None), vmnets.parse_nat(''))
