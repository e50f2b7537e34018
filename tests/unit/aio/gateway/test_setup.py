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

from nova_vmrun.aio.gateway import files as gateway_files
from nova_vmrun.aio.gateway import keys
from nova_vmrun.aio.gateway import setup
from tests.unit.cluster import base


class SetupTestCase(base.FirstCase):

    def test_each_key_has_its_use(self):
        for key in (self.files.host_key, self.files.move_key):
            self.assertTrue(gateway_files.certificate(key).exists())
        for key in (self.files.user_ca, self.files.host_ca):
            self.assertTrue(keys.is_public(keys.public(key)))

    def test_the_gateway_listens_on_its_port(self):
        text = self.files.sshd_config.read_text()
        self.assertIn('Port 2222\nListenAddress 0.0.0.0\n', text)
        self.assertIn('AllowTcpForwarding yes\n', text)

    def test_a_second_start_changes_neither_keys_nor_who_may_log_in(self):
        before = keys.public(self.files.host_key)
        self.files.authorized_keys.write_text('somebody\n')
        self.files.revoked_keys.write_text('somebody else\n')
        setup.write(self.layout, self.settings)
        self.assertEqual(before, keys.public(self.files.host_key))
        self.assertEqual('somebody\n', self.files.authorized_keys.read_text())
        self.assertEqual('somebody else\n',
                         self.files.revoked_keys.read_text())

    def test_nodes_are_known_by_their_certificates(self):
        self.assertEqual('@cert-authority *.nova-vmrun %s\n'
                         % keys.public(self.files.host_ca),
                         self.files.known_hosts.read_text())
        text = self.files.ssh_config.read_text()
        self.assertIn('Host *.nova-vmrun\n', text)
        self.assertIn('-m nova_vmrun.cluster.first.peer --state-dir', text)
        self.assertIn(' %n\n', text)

    def test_paths_with_what_ssh_would_replace(self):
        folder = self.layout.root / 'a%h b'
        folder.mkdir()
        setup.write_ssh_config(
            folder / 'config', folder / 'known', folder / 'key', 'ca',
            "'/a%h/python' -m peer")
        text = (folder / 'config').read_text()
        for line in ("ProxyCommand '/a%%h/python' -m peer %n\n",
                     'a%%h b/key"\n', 'a%%h b/key-cert.pub"\n',
                     'a%%h b/known"\n'):
            self.assertIn(line, text)

    def test_the_receiver_gets_the_folder_of_this_machine(self):
        self.assertIn("nova-vmrun-receive --instances-path '/a b'",
                      setup.receiver('/a b'))
