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

"""The guest's awk programs, run by whatever awk there is."""

import json
import os
import shutil
import subprocess

import fixtures
import testtools

from tests.unit import guest

SCRIPTS = os.path.join(guest.GUEST, 'rootfs', 'lib', 'guest')

NETWORK_DATA = {
    'links': [
        {'id': 'tap1', 'ethernet_mac_address': 'FA:16:3E:00:00:01',
         'mtu': 1450, 'type': 'phy'},
        {'id': 'tap2', 'ethernet_mac_address': 'fa:16:3e:00:00:02',
         'mtu': None, 'type': 'phy'},
        {'id': 'tap3', 'ethernet_mac_address': 'fa:16:3e:00:00:99',
         'mtu': 1500, 'type': 'phy'}],
    'networks': [
        {'id': 'n0', 'link': 'tap2', 'type': 'ipv4_dhcp'},
        {'id': 'n1', 'link': 'tap1', 'type': 'ipv4',
         'ip_address': '192.168.70.10', 'netmask': '255.255.254.0',
         'routes': [{'network': '0.0.0.0', 'netmask': '0.0.0.0',
                     'gateway': '192.168.70.2'},
                    {'network': '10.0.0.0', 'netmask': '255.0.0.0',
                     'gateway': '192.168.70.3'}]},
        {'id': 'n2', 'link': 'tap1', 'type': 'ipv6',
         'ip_address': 'fd00::5', 'netmask': 'ffff:ffff:ffff:fffe::',
         'routes': []},
        {'id': 'n3', 'link': 'tap3', 'type': 'ipv4',
         'ip_address': '10.9.9.9', 'netmask': '255.255.255.0',
         'routes': []}],
    'services': [{'type': 'dns', 'address': '192.168.70.3'}],
}

NICS = ('eth0 fa:16:3e:00:00:01 vmxnet3 0000:0b:00.0\n'
        'eth1 fa:16:3e:00:00:02 vmxnet3 0000:13:00.0\n')


class AwkTest(testtools.TestCase):

    def setUp(self):
        super().setUp()
        if not shutil.which('awk'):
            self.skipTest('awk is not installed')
        self.folder = self.useFixture(fixtures.TempDir()).path

    def file(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, 'w', encoding='utf-8') as f:
            f.write(text)
        return path

    def awk(self, programs, *files):
        argv = ['awk']
        for program in programs:
            argv += ['-f', os.path.join(SCRIPTS, program)]
        done = subprocess.run(
            argv + list(files), stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, check=False,
            env={'PATH': os.environ['PATH'], 'LC_ALL': 'C'})
        self.assertEqual(b'', done.stderr)
        return done.stdout.decode('utf-8')

    def lines(self, value):
        path = self.file('value.json', json.dumps(value))
        return self.awk(['json_to_lines.awk'], path)

    def plan(self, program, description):
        return self.awk(['plan.awk', program], self.file('nics', NICS),
                        self.file('lines', description)).splitlines()


class JsonTest(AwkTest):

    def test_paths_and_tokens(self):
        text = self.lines({'a': [1, {'b': 'x"\\y\n'}], 'c': {'d e': None}})

        self.assertEqual(
            'a\037#0\t1\na\037#1\037b\t"x\\"\\\\y\\n"\nc\037d e\tnull\n',
            text)

    def test_there_and_back(self):
        value = {'name': 'we"b \u00e9 {[:,', 'meta': {'a b': 'c', 'n': -1.5},
                 'list': [[1, 2], [{'x': True}, {'x': False, 'y': [3]}]],
                 'last': 'z'}
        lines = ''.join('j\t%s\n' % line
                        for line in self.lines(value).splitlines())

        back = self.awk(['lines_to_json.awk'], self.file('lines', lines))

        self.assertEqual(value, json.loads(back))

    def test_text_is_quoted(self):
        content = self.file('content', 'two\nlines\t"\\\x01')
        lines = self.file('lines', 's\ta\tb"c\\\x1f\nf\td\t%s\nj\te\t[]\n'
                          % content)

        self.assertEqual({'a': 'b"c\\\x1f', 'd': 'two\nlines\t"\\\x01',
                          'e': []},
                         json.loads(self.awk(['lines_to_json.awk'], lines)))


class PlanTest(AwkTest):

    def test_network_data(self):
        self.assertEqual(
            ['mtu eth0 1450',
             'dhcp eth1',
             'address eth0 192.168.70.10/23',
             'route eth0 0.0.0.0/0 192.168.70.2',
             'route eth0 10.0.0.0/8 192.168.70.3',
             'address eth0 fd00::5/63',
             'dns - 192.168.70.3'],
            self.plan('plan_network_data.awk', self.lines(NETWORK_DATA)))

    def test_guestinfo(self):
        metadata = {'instance-id': 'i', 'network': {
            'version': 2, 'ethernets': {
                'a': {'match': {'macaddress': 'fa:16:3e:00:00:02'},
                      'addresses': ['10.0.0.5/24', 'fd00::6/64'],
                      'gateway4': '10.0.0.1', 'mtu': 1400,
                      'nameservers': {'addresses': ['10.0.0.3']}},
                'b': {'match': {'macaddress': 'FA:16:3E:00:00:01'},
                      'dhcp4': True, 'dhcp6': False,
                      'routes': [{'to': 'default', 'via': '10.1.0.1'},
                                 {'to': '10.2.0.0/16', 'via': '10.1.0.2'}]},
                'c': {'match': {'macaddress': 'fa:16:3e:00:00:99'},
                      'addresses': ['10.9.9.9/24']}}}}

        self.assertEqual(
            ['address eth1 10.0.0.5/24',
             'address eth1 fd00::6/64',
             'route eth1 0.0.0.0/0 10.0.0.1',
             'mtu eth1 1400',
             'dns - 10.0.0.3',
             'dhcp eth0',
             'route eth0 0.0.0.0/0 10.1.0.1',
             'route eth0 10.2.0.0/16 10.1.0.2'],
            self.plan('plan_guestinfo.awk', self.lines(metadata)))

    def test_machine_id(self):
        text = ('fa:16:3e:00:00:01;10.0.0.5;255.255.255.0;10.0.0.1;'
                '10.0.0.255;10.0.0.3,10.0.0.4#'
                'fa:16:3e:00:00:02;10.1.0.5;255.255.0.0;;;#'
                'fa:16:3e:00:00:99;10.9.0.5;255.255.0.0;;;#')

        self.assertEqual(
            ['address eth0 10.0.0.5/24',
             'route eth0 0.0.0.0/0 10.0.0.1',
             'dns - 10.0.0.3',
             'dns - 10.0.0.4',
             'address eth1 10.1.0.5/16'],
            self.plan('plan_machine_id.awk', text))


class KeysTest(AwkTest):

    ED25519 = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA+/= ann@home'
    ECDSA = 'ecdsa-sha2-nistp256 AAAAE2VjZHNh'

    def keys(self, value):
        lines = self.file('lines', self.lines(value))
        return self.awk(['keys.awk'], lines).splitlines()

    def test_config_drive(self):
        self.assertEqual([self.ED25519, self.ECDSA], self.keys({
            'uuid': 'an-id',
            'public_keys': {'one': self.ED25519 + '\n', 'two': self.ECDSA}}))

    def test_guestinfo(self):
        self.assertEqual([self.ED25519, self.ECDSA], self.keys({
            'public-keys-data': self.ED25519 + '\n' + self.ECDSA}))

    def test_other_lines_are_left_out(self):
        self.assertEqual([], self.keys({
            'public_keys': {'one': 'command="sh" ' + self.ED25519,
                            'two': '# ' + self.ED25519},
            'meta': {'key': self.ED25519}}))


class SortDisksTest(AwkTest):

    def test_by_controller_then_unit(self):
        pci = '/sys/devices/pci0000:00/0000:00:%s'
        paths = [(pci % '1f.0') + '/host0/target0:0:0/0:0:0:0',
                 (pci % '10.0') + '/host2/target2:0:10/2:0:10:0',
                 (pci % '10.0') + '/host2/target2:0:9/2:0:9:0',
                 (pci % '15.0') + '/0000:03:00.0/nvme/nvme0']
        unsorted = self.file('unsorted', ''.join(
            '%s disk%d\n' % (path, n) for n, path in enumerate(paths)))

        keys = sorted(self.awk(['sort_disks.awk'], unsorted).splitlines())

        self.assertEqual(['disk2', 'disk1', 'disk3', 'disk0'],
                         [line.split()[1] for line in keys])
