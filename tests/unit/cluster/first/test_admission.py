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

import time

import fixtures

from nova_vmrun.aio import errors
from nova_vmrun.aio.gateway import keys
from nova_vmrun.aio.tls import authority
from nova_vmrun.cluster.first import accounts
from nova_vmrun.cluster.first import admission
from nova_vmrun.cluster.first import capacity
from nova_vmrun.cluster.first import registry
from nova_vmrun.cluster.first import tokens
from nova_vmrun.cluster import messages
from nova_vmrun.cluster import versions
from tests.unit.cluster import base


class AdmitTestCase(base.FirstCase):

    def setUp(self):
        super().setUp()
        self.useFixture(fixtures.MockPatchObject(
            versions, 'own', return_value=('34.0.0', '1.0.0')))
        self.useFixture(fixtures.MockPatchObject(
            registry, '_is_free', return_value=True))
        self.made = self.useFixture(fixtures.MockPatchObject(
            accounts, 'create', return_value=accounts.Account(
                'rabbit://x', {'a': 'b'}, 'node-lab-2',
                'of-keystone'))).mock
        self.token = tokens.make(self.layout, self.settings, 'lab-2', 60)

    def admit(self, token='', name=None, address='192.0.2.7', **changes):
        return admission.Admission(self.layout, self.settings).admit(
            base.request(**{'clock': int(time.time()), **changes}),
            (self.token.token_id if token == '' else token), name, address)

    def refuse(self, kind=errors.AioError, **details):
        error = self.assertRaises(kind, self.admit, **details)
        return str(error)

    def node(self):
        return registry.load(self.layout).node('lab-2')

    def test_a_node_gets_its_own_accounts_and_ports(self):
        welcome = self.admit()
        self.assertEqual(('lab-2', 20100, 'node-lab-2', 'of-keystone',
                          'rabbit://x', {'a': 'b'}), (
            welcome.name, welcome.first_port, welcome.user,
            welcome.password, welcome.transport_url, welcome.messaging))
        self.assertEqual(5672, welcome.services['rabbitmq'])
        self.assertEqual(('', ''), (welcome.listen, welcome.ca))

    def test_a_node_learns_how_to_reach_the_services_by_tls(self):
        self.settings.listen = '192.0.2.7'
        authority.ensure(self.layout, self.settings)
        welcome = self.admit()
        self.assertEqual(
            ('192.0.2.7', self.layout.ca.read_text(), 6080),
            (welcome.listen, welcome.ca, welcome.proxies['novncproxy']))
        self.assertNotIn('PRIVATE', welcome.ca)
        self.settings.listen_insecure = True
        self.assertEqual('', self.admit().ca)
        self.assertEqual('192.0.2.7', self.node().address)
        self.assertIn('--node lab-2',
                      self.files.authorized_keys.read_text())

    def test_joining_twice_repairs(self):
        first = self.admit()
        self.assertEqual(first.first_port, self.admit().first_port)
        self.assertEqual(first.first_port, self.admit(
            token=None, name='lab-2', address='192.0.2.8').first_port)
        self.assertEqual('192.0.2.8', self.node().address)
        self.assertEqual(3, self.made.call_count)

    def test_a_used_token(self):
        self.admit()
        self.assertIn(
            'The token for node lab-2 has been used by another machine. It '
            'was last connected from 192.0.2.7',
            self.refuse(node_key=base.KEYS[7]))
        self.assertEqual(base.KEYS[0], self.node().node_key)

    def test_a_replaced_token(self):
        self.assertIn('not valid any more', self.refuse(token='other'))

    def test_another_release(self):
        self.assertIn('another release of Nova', self.refuse(nova='33.0.0'))
        self.assertIn('another release', self.refuse(protocol=1))
        self.assertFalse(self.node().has_joined)

    def test_a_clock_that_is_off(self):
        now = int(time.time())
        self.assertRegex(self.refuse(clock=now - 120),
                         'clock of the node is 1[12][0-9] seconds behind')
        self.assertIn('seconds ahead of', self.refuse(clock=now + 120))

    def test_no_room(self):
        self.useFixture(fixtures.MockPatchObject(capacity, 'SQLITE_NODES', 0))
        self.assertIn('no room for the node lab-2', self.refuse())
        self.assertFalse(self.node().has_joined)

    def test_keys_of_others(self):
        with registry.change(self.layout, self.settings) as known:
            known.nodes['lab-3'] = base.joined('lab-3', 1)
            known.revoked.append(base.KEYS[3])
        for key in (base.KEYS[4], base.KEYS[5], base.KEYS[3],
                    keys.public(self.files.move_key),
                    keys.public(self.files.user_ca)):
            self.assertIn('keys that are in use', self.refuse(
                messages.KeysUsed, move_key=key))
        self.assertIn('keys that are in use',
                      self.refuse(move_key=base.KEYS[0]))
        self.assertFalse(self.node().has_joined)
