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

import socket
import urllib.request

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
    with urllib.request.urlopen(url, timeout=30) as answer:
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
        self.assertEqual([nat], vm.run('getGuestIPAddress').split())
        self._check_port_forwarding(nat)

    def _check_port_forwarding(self, address):
        with socket.socket() as probe:
            probe.bind(('127.0.0.1', 0))
            port = probe.getsockname()[1]
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
        with socket.create_connection((address, 80), 10) as sock:
            self.assertEqual('172.16.41.1', sock.getsockname()[0])
