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

"""A port of a running server is deleted in Neutron."""

import os
import re
import subprocess
import time

import fixtures
import testtools

from tests.e2e.cloud import base
from tests.e2e.guest import images

_KEY = 'deleted-port'


class DeletedPortTest(base.CloudCase):

    def setUp(self):
        super().setUp()
        images.need_programs('ssh', 'ssh-keygen')
        self.identity = os.path.join(self.useFixture(fixtures.TempDir()).path,
                                     'identity')
        subprocess.run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f',
                        self.identity], check=True)
        with open(self.identity + '.pub') as file:
            self.cloud.compute.create_keypair(name=_KEY,
                                              public_key=file.read())
        self.addCleanup(self.cloud.compute.delete_keypair, _KEY)

    def ask(self, address, command):
        """Return what a command prints in the guest."""
        done = subprocess.run(
            ['ssh', '-F', str(self.plane.layout.ssh_config), '-i',
             self.identity, 'root@' + address, command],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, timeout=base.CHANGE)
        self.assertEqual(0, done.returncode, done.stderr)
        return done.stdout.strip()

    def wait_until(self, expected, look):
        """Wait until a function returns what is expected."""
        end = time.monotonic() + base.CHANGE
        while (found := look()) != expected:
            self.assertTrue(time.monotonic() < end, found)
            time.sleep(0.5)

    def listed_addresses(self, server):
        """Return the addresses of a server in the list of all servers."""
        entry, = [each for each in self.cloud.compute.servers()
                  if each.id == server.id]
        return [each['addr'] for entries in entry.addresses.values()
                for each in entries]

    def adapters(self, server):
        """Return the MAC addresses of the adapters in the .vmx."""
        vmx = (server.folder / (server.id + '.vmx')).read_text()
        self.assertEqual(
            vmx.count('.addressType = "static"'),
            len(re.findall(r'^ethernet\d+\.present = "TRUE"$', vmx, re.M)))
        return set(re.findall(r'^ethernet\d+\.address = "(.*)"$', vmx, re.M))

    @testtools.testcase.attr('sample')
    def test_cable_is_pulled_and_address_and_adapter_go(self):
        server, facts = self.boot(key_name=_KEY, networks=[
            {'uuid': self.plane.nat.id}, {'uuid': self.plane.private.id}])
        kept, gone = sorted(
            server.ports(),
            key=lambda port: port.network_id == self.plane.private.id)
        address = kept.fixed_ips[0]['ip_address']
        names = {nic['mac']: nic['name'] for nic in facts['nics']}

        def carriers():
            return self.ask(address, 'cat ' + ' '.join(
                '/sys/class/net/%s/carrier' % names[port.mac_address]
                for port in (kept, gone))).split()

        self.assertEqual(['1', '1'], carriers())
        self.assertEqual(2, len(self.listed_addresses(server)))
        self.assertEqual({kept.mac_address, gone.mac_address},
                         self.adapters(server))

        self.cloud.network.delete_port(gone)

        self.wait_until(['1', '0'], carriers)
        self.wait_until([address], lambda: self.listed_addresses(server))
        self.cloud.compute.stop_server(server.id)
        server.wait('SHUTOFF')
        self.cloud.compute.start_server(server.id)
        facts = server.console.wait_boots(2)
        server.wait('ACTIVE')
        self.assertEqual({kept.mac_address}, self.adapters(server))
        self.assertEqual([kept.mac_address],
                         [nic['mac'] for nic in facts['nics']])
