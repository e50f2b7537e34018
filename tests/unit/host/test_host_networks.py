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

import os
from unittest import mock

import fixtures

from nova_vmrun import exception
from nova_vmrun.host import host_networks
from nova_vmrun.tools import vmrun
from tests.unit import base
from tests.unit.formats import test_vmnets as texts

REFUSED = exception.NotSupported('vmrun knows no such command.')


class HostNetworksTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = self.useFixture(fixtures.TempDir()).path
        self.tool = mock.create_autospec(vmrun.Vmrun, instance=True)
        self.tool.list_host_networks.return_value = texts.LISTED
        self.networks = host_networks.HostNetworks(self.tool, 'linux',
                                                   self.folder)

    def write(self, name, text, seconds=1):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w') as file:
            file.write(text)
        os.utime(path, (seconds, seconds))

    @property
    def asked(self):
        return self.tool.list_host_networks.call_count

    def test_networks_are_read_once(self):
        for name, kind in (('vmnet8', 'nat'), ('nat', 'nat'),
                           ('hostonly', 'hostonly'), ('bridged', 'bridged')):
            self.assertEqual(kind, self.networks.find(name).kind)
        self.assertEqual(1, self.asked)
        self.assertEqual(['vmnet0', 'vmnet1', 'vmnet8'],
                         self.networks.names())

    def test_all_networks_are_read_once(self):
        for seconds in (1, 1, 2):
            self.write('networking', '', seconds)
            self.assertEqual(
                ['vmnet0', 'vmnet1', 'vmnet8'],
                sorted(found.name for found in self.networks.all()))
        self.assertEqual(2, self.asked)

    def test_missing_network_is_read_again(self):
        self.assertIsNone(self.networks.find('vmnet3'))
        self.tool.list_host_networks.return_value += (
            '3      vmnet3       hostOnly     false        10.0.3.0'
            '         255.255.255.0\n')
        self.assertEqual('hostonly', self.networks.find('vmnet3').kind)
        self.assertEqual(2, self.asked)

    def test_changed_files_are_read_again(self):
        self.write('networking', texts.NETWORKING)
        self.networks.find('nat')
        self.write('networking', texts.NETWORKING, seconds=2)
        self.networks.find('nat')
        self.networks.find('nat')
        self.assertEqual(2, self.asked)

    def test_files_add_to_what_vmrun_lists(self):
        self.write('networking', texts.NETWORKING)
        self.write('vmnet8/dhcpd/dhcpd.conf', texts.DHCPD)
        self.write('vmnet8/nat/nat.conf', texts.NAT)
        nat = self.networks.find('nat')
        self.assertEqual(
            ('172.16.41.100', '172.16.41.9'),
            (str(nat.pool[0]), str(nat.gateway)))
        # It is there in the file alone, so VMware does not have it.
        self.assertIsNone(self.networks.find('vmnet11'))

    def test_vmrun_cannot_list_networks(self):
        self.write('networking', texts.NETWORKING)
        for outcome in (REFUSED, exception.ToolTimeout('vmrun hung.'),
                        ['Usage: vmrun\n']):
            self.tool.list_host_networks.side_effect = outcome
            networks = host_networks.HostNetworks(self.tool, 'linux',
                                                  self.folder)
            self.assertEqual('eth0.101', networks.find('vmnet11').adapter)

    def test_fusion(self):
        self.write('vmnet8/dhcpd.conf', texts.DHCPD)
        self.write('vmnet8/nat.conf', texts.NAT)
        nat = self.networks.find('nat')
        self.assertEqual(
            ('172.16.41.100', '172.16.41.9'),
            (str(nat.pool[0]), str(nat.gateway)))

    def test_windows(self):
        self.tool.list_host_networks.side_effect = REFUSED
        self.write('netmap.conf', texts.NETMAP)
        self.write('vmnetdhcp.conf', texts.WINDOWS_DHCPD)
        self.write('vmnetnat.conf', 'ip = 192.168.80.5/24\ndevice = vmnet8')
        nat = self.networks.find('nat')
        self.assertEqual(
            ('192.168.80.0/24', '192.168.80.5', '192.168.80.128'),
            (str(nat.subnet), str(nat.gateway), str(nat.pool[0])))

    def test_networks_are_unknown(self):
        self.tool.list_host_networks.side_effect = REFUSED
        log = self.useFixture(fixtures.FakeLogger())
        self.assertIsNone(self.networks.find('nat'))
        self.assertEqual([], self.networks.names())
        self.assertIn(self.folder, log.output)

    def test_unreadable_file(self):
        os.mkdir(os.path.join(self.folder, 'networking'))
        log = self.useFixture(fixtures.FakeLogger())
        self.assertEqual('nat', self.networks.find('nat').kind)
        self.assertIn('Cannot read ', log.output)
