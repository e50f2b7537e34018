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
from unittest import mock

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
        self.removed = self.useFixture(fixtures.MockPatchObject(
            accounts, 'remove')).mock
        self.token = tokens.make(self.layout, self.settings, 'lab-2', 60)

    def admit(self, token='', name=None, address='192.0.2.7', **changes):
        return admission.Admission(self.layout, self.settings).admit(
            base.request(**{'clock': int(time.time()), **changes}),
            (self.token.token_id if token == '' else token), name, address)

    def repair(self, **details):
        """Let a node that is in come with its own key."""
        return self.admit(token=None, name='lab-2', **details)

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
        self.assertEqual('', self.repair().ca)
        self.assertEqual('192.0.2.7', self.node().address)
        self.assertIn('--node lab-2',
                      self.files.authorized_keys.read_text())

    def test_joining_twice_repairs(self):
        first = self.admit()
        self.assertEqual(first.first_port, self.repair(
            address='192.0.2.8').first_port)
        self.assertEqual('192.0.2.8', self.node().address)
        self.assertEqual(2, self.made.call_count)

    def test_a_public_key_is_no_proof(self):
        """Whoever has the token's file may have seen it."""
        self.admit()
        self.assertRegex(
            self.refuse(), 'The token for node lab-2 has been used. It was '
            'last .* If .* shows the node, repeat "nova-vmrun aio up" there.')
        self.made.assert_called_once()

    def test_a_move_key_that_is_replaced_is_revoked(self):
        """Its certificate has no end."""
        self.admit()
        self.repair()
        self.assertEqual([], registry.load(self.layout).revoked)
        self.repair(move_key=base.KEYS[5])
        self.assertEqual(base.KEYS[1] + '\n',
                         self.files.revoked_keys.read_text())
        self.assertIn('keys that are in use',
                      self.refuse(messages.KeysUsed, token=None,
                                  name='lab-2'))

    def mark_as_leaving(self):
        with registry.change(self.layout, self.settings) as known:
            known.node('lab-2').leaving = True

    def test_a_node_that_is_leaving_gets_no_accounts(self):
        self.admit()
        self.mark_as_leaving()
        self.assertIn('Node lab-2 is leaving the cloud.',
                      self.refuse(token=None, name='lab-2'))
        self.made.assert_called_once()

    def check_left_meanwhile(self, leave, removed=True):
        """Let a node leave while its accounts are made."""
        self.admit()
        account = self.made.return_value
        self.made.side_effect = lambda *_: leave() or account
        self.assertIn('Node lab-2 is leaving the cloud.',
                      self.refuse(token=None, name='lab-2'))
        self.assertEqual([mock.call(self.layout, self.settings, 'lab-2')]
                         * removed, self.removed.call_args_list)

    def test_a_node_that_began_to_leave_meanwhile(self):
        self.check_left_meanwhile(self.mark_as_leaving)

    def forget(self):
        with registry.change(self.layout, self.settings) as known:
            known.remove('lab-2')

    def test_a_node_that_has_left_meanwhile(self):
        self.check_left_meanwhile(self.forget)

    def test_a_new_token_was_made_for_the_name_meanwhile(self):
        self.check_left_meanwhile(lambda: self.forget() or tokens.make(
            self.layout, self.settings, 'lab-2', 60) and None)

    def test_another_machine_has_the_name_meanwhile(self):
        """Its accounts stay."""
        def replace():
            with registry.change(self.layout, self.settings) as known:
                known.nodes['lab-2'] = base.joined(number=1)

        self.check_left_meanwhile(replace, removed=False)

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
