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

import json
import socket
import urllib.request

from nova_vmrun.formats import identity
from tests.contract import ports
from tests.e2e.engine import vms
from tests.e2e.guest import console
from tests.e2e.guest import host_interface
from tests.e2e.guest import images

MACS = ('fa:16:3e:00:00:01', 'fa:16:3e:00:00:02')


def static(number, connection, mac, **more):
    return vms.nic_keys(number, 'vmxnet3', connection, addressType='static',
                        address=mac, checkMACAddress='FALSE', **more)


def http(address, port=80):
    """Return the hostname that a guest serves."""
    url = 'http://%s:%d/' % (address, port)
    with urllib.request.urlopen(url, timeout=vms.COMMAND) as answer:
        return answer.read().decode().strip()


class NetworkTest(vms.EngineCase):

    def test_nat_and_host_only(self):
        self._environ['FAKE_VMRUN_HOST_ROOT'] = '1'
        vm = self.vm({**vms.disk_keys(), **static(0, 'nat', MACS[0]),
                      **static(1, 'hostonly', MACS[1])},
                     images.image(kernel='cloud'))

        facts = vm.boot()

        self.assertEqual(list(MACS), [n['mac'] for n in facts['nics']])
        nat, = console.addresses(facts, MACS[0])
        private, = console.addresses(facts, MACS[1])
        self.assertTrue(nat.startswith('172.16.41.'), nat)
        self.assertTrue(128 <= int(nat.rpartition('.')[2]) <= 254, nat)
        self.assertTrue(private.startswith('172.16.11.'), private)
        self.assertIn('default via 172.16.41.2 dev', facts['routes'][0])
        self.assertEqual([nat], vm.run('getGuestIPAddress', '-wait').split())
        self._check_port_forwarding(nat)

    def _check_port_forwarding(self, address):
        port = ports.free()
        self.vmrun('setPortForwarding', 'vmnet8', 'tcp', str(port), address,
                   '80')

        self.wait_for('the forwarded port', lambda: self._answers(port))
        self.assertEqual('guest', http('127.0.0.1', port))

    def _answers(self, port):
        with socket.socket() as sock:
            return sock.connect_ex(('127.0.0.1', port)) == 0

    def test_guests_reach_each_other(self):
        server = self.vm({**vms.disk_keys(), **vms.nic_keys(0)},
                         images.image(kernel='cloud'), 'server')
        facts = server.boot()
        address, = console.addresses(facts, facts['nics'][0]['mac'])
        drive = self.config_drive('fetch neighbour http://%s/\n' % address)
        client = self.vm({**vms.disk_keys(), **vms.nic_keys(0),
                          **vms.cd_keys('ide1:0', drive)},
                         images.image(kernel='cloud'), 'client')

        self.assertEqual({'neighbour': 'guest'},
                         console.files(client.boot()))

    def test_guests_hear_only_those_on_their_segment(self):
        """Two networks with the same range, whose ids begin alike."""
        server = self.on_segment('one', '10.9.0.11', 'server')
        server.boot()
        facts = {}
        for network, name in (('one', 'friend'), ('two', 'stranger')):
            guest = self.on_segment(network, '10.9.0.12', name,
                                    'fetch neighbour http://10.9.0.11/\n')
            facts[name] = guest.boot()
            guest.run('stop', 'hard')

        for found in facts.values():
            self.assertEqual(['10.9.0.12'],
                             console.addresses(found, MACS[1]))
        self.assertEqual({'neighbour': 'the-name'},
                         console.files(facts['friend']))
        self.assertEqual({}, console.files(facts['stranger']))

    def on_segment(self, network, address, name, user_data=''):
        """Make a VM on a LAN segment, with a static address."""
        ids = {'one': '10b5f867-de2d-4436-952c-7f4416b3948e',
               'two': '10b5f867-de2d-4436-952c-7f4416b3948f'}
        mac = MACS[0 if name == 'server' else 1]
        drive = self.config_drive(user_data, json.dumps({
            'links': [{'id': 'link', 'type': 'phy', 'mtu': 1500,
                       'ethernet_mac_address': mac}],
            'networks': [{'id': 'network0', 'type': 'ipv4', 'link': 'link',
                          'ip_address': address, 'netmask': '255.255.255.0',
                          'routes': []}]}), name)
        return self.vm(
            {**vms.disk_keys(), **vms.cd_keys('ide1:0', drive),
             **static(0, 'pvn', mac, pvnID=identity.to_segment(ids[network]))},
            images.image(kernel='cloud'), name)

    def test_cards_keep_the_order_of_their_slots_and_their_cables(self):
        vm = self.vm({**vms.disk_keys(),
                      **static(0, 'nat', MACS[0], startConnected='FALSE'),
                      **static(1, 'nat', MACS[1]),
                      'scsi0.pciSlotNumber': '160',
                      'ethernet0.pciSlotNumber': '224',
                      'ethernet1.pciSlotNumber': '192'},
                     images.image(kernel='cloud'))

        facts = vm.boot()

        self.assertEqual([(MACS[1], True), (MACS[0], False)], [
            (nic['mac'], nic['carrier']) for nic in facts['nics']])

    def test_network_ends_with_its_last_vm(self):
        vm = self.vm({**vms.disk_keys(), **vms.nic_keys(0)},
                     images.image(kernel='cloud'))
        vm.start()
        self.assertTrue(self.processes(self.folder + '/state/net'))
        vm.run('stop', 'hard')

        self.wait_for('the network\'s end', lambda: not self.processes(
            self.folder + '/state/net'))


class HostInterfaceTest(vms.EngineCase):
    """The host can reach guests at their addresses."""

    environ = {'FAKE_VMRUN_NET': 'tap'}

    def setUp(self):
        super().setUp()
        self.useFixture(host_interface.HostInterface())

    def test_guest_is_reached_at_its_address(self):
        vm = self.vm({**vms.disk_keys(), **static(0, 'nat', MACS[0])},
                     images.image(kernel='cloud'))

        address, = console.addresses(vm.boot(), MACS[0])

        self.assertEqual('guest', http(address))
        with socket.create_connection((address, 80), vms.COMMAND) as sock:
            self.assertEqual('172.16.41.1', sock.getsockname()[0])

    def test_second_state_folder_does_without_the_interface(self):
        first = self.vm({**vms.disk_keys(), **vms.nic_keys(0)},
                        images.image(kernel='cloud'), 'first')
        first.start()
        self.assertIn('by the interface vmnet8 of the host.', first.log())
        before = dict(self._environ)
        self._environ.update(FAKE_VMRUN_STATE=self.folder + '/other',
                             FAKE_VMRUN_NET='auto')
        second = self.vm({**vms.disk_keys(), **vms.nic_keys(0)},
                         images.image(kernel='cloud'), 'second')
        second.start()
        second.run('stop', 'hard')
        self._environ = before
        self.assertIn('(no interface: there is a network interface vmnet8 '
                      'already)', second.log())
