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
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.cluster.first import registry
from nova_vmrun.cluster.first import tokens
from tests.unit.cluster import base


class MakeTestCase(base.FirstCase):

    def make(self, name='lab-2', minutes=60, **details):
        return tokens.make(self.layout, self.settings, name, minutes,
                           **details)

    def refuse(self, name='lab-2'):
        return str(self.assertRaises(errors.AioError, self.make, name))

    def test_a_token_leads_to_the_gateway(self):
        token = self.make(minutes=5, addresses=['192.0.2.1'])
        self.assertEqual(('lab-2', ['192.0.2.1'], 2222), (
            token.name, token.addresses, token.port))
        self.assertEqual(keys.public(self.files.host_key), token.host_key)
        self.assertAlmostEqual(300, token.expires - time.time(), delta=10)
        self.assertIn('--token ' + token.token_id,
                      self.files.authorized_keys.read_text())

    def test_a_new_token_replaces_the_old(self):
        old, new = self.make(), self.make()
        known = registry.load(self.layout)
        self.assertIsNone(known.by_token(old.token_id))
        self.assertEqual('lab-2', known.by_token(new.token_id).name)
        self.assertNotIn(old.token_id,
                         self.files.authorized_keys.read_text())

    def test_no_key_stays_here(self):
        self.make()
        self.assertEqual([], list(self.layout.run.iterdir()))

    def test_two_nodes_of_one_name(self):
        with registry.change(self.layout, self.settings) as known:
            known.nodes['lab-2'] = base.joined()
        self.assertIn('There is a node lab-2 already. It was last '
                      'connected from 192.0.2.7', self.refuse())
        self.assertIn('name of this machine', self.refuse('laptop'))

    def test_no_room(self):
        self.useFixture(fixtures.MockPatch(
            'nova_vmrun.cluster.first.capacity.SQLITE_NODES', 0))
        self.assertIn('no room for the node lab-2', self.refuse())
        self.assertEqual({}, registry.load(self.layout).nodes)

    def test_no_ports(self):
        self.settings.database = 'mysql://a:b@127.0.0.1/'
        self.useFixture(fixtures.MockPatch(
            'nova_vmrun.cluster.first.capacity.NODES', 0))
        self.assertIn('ports of the first machine', self.refuse())
        self.assertEqual({}, registry.load(self.layout).nodes)

    def test_a_hostile_name(self):
        self.assertIn('cannot have the name', self.refuse('-x'))

    def test_no_bus(self):
        self.settings.bus = aio_settings.NO_BUS
        self.assertIn('aio up --bus', self.refuse())

    def test_a_user_whom_ssh_cannot_name(self):
        self.useFixture(fixtures.MockPatch(
            'nova_vmrun.aio.gateway.sshd.user', return_value='a b'))
        self.assertIn("the user 'a b'", self.refuse())


class AddressesTestCase(base.FirstCase):

    def test_the_one_on_which_it_listens(self):
        self.settings.gateway_address = '192.0.2.9'
        self.assertEqual(['192.0.2.9'], tokens.own_addresses(self.settings))

    def addresses(self, *found):
        interfaces = {'eth0': [_Address(each) for each in found]}
        self.useFixture(fixtures.MockPatch('psutil.net_if_addrs',
                                           return_value=interfaces))
        return tokens.own_addresses(self.settings)

    def test_those_that_others_can_reach(self):
        self.assertEqual(['192.0.2.9'], self.addresses(
            '127.0.0.1', '192.0.2.9', 'fe80::1', '2001:db8::1',
            '00:11:22:33:44:55'))

    def test_of_both_families(self):
        self.settings.gateway_address = '::'
        self.assertEqual(['192.0.2.9', '2001:db8::1'], self.addresses(
            '192.0.2.9', '2001:db8::1'))

    def test_none_but_loopback(self):
        self.assertEqual(['127.0.0.1'], self.addresses('127.0.0.1'))


class _Address:

    def __init__(self, address):
        self.address = address
