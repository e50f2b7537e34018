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

import subprocess

from nova_vmrun.cluster.node import wire
from tests.unit.cluster import base as cluster_base
from tests.unit.cluster.node import base
from tests.unit.cluster import test_token_file


class WireTestCase(base.NodeCase):

    def options(self, config, host):
        """Return what ssh reads in a file."""
        printed = subprocess.run(
            ['ssh', '-G', '-F', str(config), host], check=True, text=True,
            stdout=subprocess.PIPE).stdout
        found = {}
        for line in printed.splitlines():
            name, _, value = line.partition(' ')
            found.setdefault(name, []).append(value)
        return found

    def test_requests_carry_no_ports(self):
        wire.write_tunnel(self.files, self.member, '192.0.2.1')
        options = self.options(self.files.ssh_config, wire.FIRST)
        self.assertEqual(['192.0.2.1'], options['hostname'])
        self.assertEqual(['2222'], options['port'])
        self.assertEqual(['tester'], options['user'])
        self.assertIn(options['stricthostkeychecking'], (['true'], ['yes']))
        self.assertEqual([str(self.files.node_key)], options['identityfile'])
        self.assertNotIn('localforward', options)

    def test_the_tunnel_carries_every_port(self):
        wire.write_tunnel(self.files, self.member, '2001:db8::1')
        options = self.options(self.files.ssh_config, wire.TUNNEL)
        self.assertEqual(['2001:db8::1'], options['hostname'])
        self.assertEqual(['[127.0.0.1]:5000 [127.0.0.1]:5000',
                          '[127.0.0.1]:5672 [127.0.0.1]:5672'],
                         options['localforward'])
        self.assertEqual(100, len(options['remoteforward']))
        self.assertIn('[127.0.0.1]:20199 [127.0.0.1]:20199',
                      options['remoteforward'])
        self.assertEqual(['yes'], options['exitonforwardfailure'])

    def test_a_token_uses_its_own_key(self):
        wire.write_token(self.files, test_token_file.TOKEN, '192.0.2.1')
        options = self.options(self.files.token_config, wire.FIRST)
        self.assertEqual([str(self.files.token_key)],
                         options['identityfile'])
        self.assertEqual(0o600, self.files.token_key.stat().st_mode & 0o777)
        self.assertEqual(
            'nova-vmrun-first %s\n' % test_token_file.TOKEN.host_key,
            self.files.known_hosts.read_text())

    def test_other_nodes(self):
        wire.write_tunnel(self.files, self.member, '192.0.2.1')
        wire.write_peers(self.layout, self.files, self.member,
                         cluster_base.welcome())
        options = self.options(self.files.peers_config, 'lab-3.nova-vmrun')
        self.assertEqual(
            ['ssh -F %s -T first peer %%n' % self.files.ssh_config],
            options['proxycommand'])
        self.assertEqual('@cert-authority *.nova-vmrun %s\n'
                         % cluster_base.KEYS[4],
                         self.files.peers_known_hosts.read_text())
        self.assertIn('Port 20199\nListenAddress 127.0.0.1\n',
                      self.files.sshd_config.read_text())
        self.assertTrue(self.files.authorized_keys.read_text().startswith(
            'cert-authority,restrict,principals="nova-vmrun-move",'
            'command="'))

    def test_a_half_joined_node_uses_its_own_key_without_ports(self):
        wire.write_own(self.files, test_token_file.TOKEN, '192.0.2.1')
        options = self.options(self.files.ssh_config, wire.FIRST)
        self.assertEqual([str(self.files.node_key)], options['identityfile'])
        self.assertEqual(['2222'], options['port'])
        self.assertNotIn('localforward', options)
