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

from nova_vmrun.machine import guest_network
from tests.unit import base

FIRST = guest_network.Interface(
    'FA:16:3E:00:00:01', ('10.0.0.5/23', '10.0.0.6/23', 'fd00::5/64'),
    (('0.0.0.0/0', '10.0.0.1'), ('10.9.0.0/16', '10.0.0.9'),
     ('::/0', 'fd00::1')), ('10.0.0.53', 'fd00::53', '10.0.0.54'), 1400)
BARE = guest_network.Interface('fa:16:3e:00:00:02', ('192.168.9.5/24',))
ONLY_6 = guest_network.Interface('fa:16:3e:00:00:03', ('fd01::5/64',))
NONE = guest_network.Interface('fa:16:3e:00:00:04')


class Version2TestCase(base.TestCase):

    def test_all(self):
        found = guest_network.version2([FIRST, NONE])
        self.assertEqual(2, found['version'])
        self.assertEqual({
            'match': {'macaddress': 'fa:16:3e:00:00:01'}, 'set-name': 'eth0',
            'dhcp4': False, 'dhcp6': False, 'accept-ra': False, 'mtu': 1400,
            'addresses': ['10.0.0.5/23', '10.0.0.6/23', 'fd00::5/64'],
            'routes': [{'to': '0.0.0.0/0', 'via': '10.0.0.1'},
                       {'to': '10.9.0.0/16', 'via': '10.0.0.9'}],
            'gateway6': 'fd00::1',
            'nameservers': {'addresses': ['10.0.0.53', 'fd00::53',
                                          '10.0.0.54']},
        }, found['ethernets']['eth0'])
        self.assertEqual({
            'match': {'macaddress': 'fa:16:3e:00:00:04'}, 'set-name': 'eth1',
            'dhcp4': False, 'dhcp6': False, 'addresses': [],
        }, found['ethernets']['eth1'])


class MachineIdTestCase(base.TestCase):

    def test_as_essex_wrote_it(self):
        self.assertEqual(
            'fa:16:3e:00:00:01;10.0.0.5;255.255.254.0;10.0.0.1;10.0.1.255;'
            '10.0.0.53,10.0.0.54#'
            'fa:16:3e:00:00:02;192.168.9.5;255.255.255.0;;192.168.9.255;#',
            guest_network.machine_id([FIRST, BARE]))

    def test_only_ipv4(self):
        self.assertEqual('', guest_network.machine_id([ONLY_6, NONE]))
