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

from nova_vmrun.cluster.first import authorized_keys
from nova_vmrun.cluster.first import node as first_node
from tests.unit.cluster import base


class TextTestCase(base.FirstCase):

    def lines(self, *nodes):
        return authorized_keys.text(self.layout, self.settings,
                                    nodes).splitlines()

    def test_a_token_may_only_join_for_a_time(self):
        line, _ = self.lines(first_node.Node(
            'lab-2', token_id='12ab', token_key=base.KEYS[0],
            expires=1_800_000_000))
        self.assertRegex(line, '^restrict,expiry-time="2027011[45][0-9]{6}",'
                         'command=".*gate .*--token 12ab" ssh-ed25519 A+')
        self.assertNotIn('forwarding', line)

    def test_a_node_has_its_own_ports_and_those_of_services(self):
        line, _ = self.lines(base.joined())
        self.assertTrue(line.startswith('restrict,port-forwarding,'))
        for port in (5000, 9292, 9696, 8774, 8778, 5672):
            self.assertIn('permitopen="127.0.0.1:%d"' % port, line)
        for port in (20100, 20199):
            self.assertIn('permitlisten="127.0.0.1:%d"' % port, line)
        for port in ('2222"', '6080', '25672', '20200', '20099', '8776'):
            self.assertNotIn(port, line)
        self.assertIn('--node lab-2" ', line)

    def test_certificates_send_servers(self):
        line, = self.lines()
        self.assertTrue(line.startswith(
            'cert-authority,restrict,principals="nova-vmrun-move",command="'))
        self.assertIn('nova-vmrun-receive --instances-path %s"'
                      % self.layout.instances, line)

    def test_volumes(self):
        self.settings.volumes = True
        self.assertEqual(8776, authorized_keys.service_ports(
            self.settings)['cinder'])
