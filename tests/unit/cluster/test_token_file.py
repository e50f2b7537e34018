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
import pathlib

import fixtures

from nova_vmrun.aio import errors
from nova_vmrun.cluster import token_file
from tests.unit import base
from tests.unit.cluster import base as cluster_base

TOKEN = token_file.Token(
    name='lab-2', token_id='12ab', user='tester', addresses=['192.0.2.1'],
    port=2222, host_key=cluster_base.KEYS[0],
    private_key='-----BEGIN\nx\n-----END\n', expires=1_800_000_000)


class TokenTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.path = pathlib.Path(
            self.useFixture(fixtures.TempDir()).path) / 'token'

    def refuse(self):
        return str(self.assertRaises(errors.AioError, token_file.read,
                                     self.path))

    def change(self, **changes):
        TOKEN.write(self.path)
        values = json.loads(self.path.read_text())
        self.path.write_text(json.dumps({**values, **changes}))

    def test_there_and_back(self):
        TOKEN.write(self.path)
        self.assertEqual(TOKEN, token_file.read(self.path))
        self.assertEqual(0o600, self.path.stat().st_mode & 0o777)

    def test_secrets_are_not_shown(self):
        self.assertNotIn('BEGIN', repr(TOKEN))

    def test_others_can_read_it(self):
        TOKEN.write(self.path)
        self.path.chmod(0o644)
        self.assertIn('Its mode is 644', self.refuse())

    def test_other_addresses(self):
        addresses = ['2001:db8::1', 'fe80::1%eth0', 'lab-1.example']
        found = TOKEN.at(addresses)
        self.assertEqual(addresses, found.addresses)
        self.assertEqual(TOKEN.host_key, found.host_key)

    def test_what_is_no_address(self):
        for text in ('', '-oProxyCommand=x', 'a b', '192.0.2.1\n', 'é'):
            error = self.assertRaises(errors.AioError, TOKEN.at,
                                      ['192.0.2.1', text])
            self.assertIn('is no address of the first machine', str(error))

    def test_no_file(self):
        self.assertIn('No such file', self.refuse())
        self.path.mkdir()
        self.assertIn('cannot be read', self.refuse())

    def test_no_token(self):
        for text in ('', '{}', '[1]', 'x' * 100_000, '\x00'):
            self.path.write_text(text)
            self.path.chmod(0o600)
            self.assertIn('is no token of nova-vmrun', self.refuse())

    def test_hostile_values(self):
        for name, value in (
                ('name', '-x'), ('name', 'a\nb'), ('user', '-oProxyCommand'),
                ('user', 'a b'), ('addresses', []), ('port', 0),
                ('addresses', ['-oProxyCommand=id']), ('port', '22'),
                ('addresses', ['a b']), ('host_key', 'ssh-rsa x'),
                ('private_key', None), ('expires', 'soon'),
                ('nova-vmrun token', 2)):
            self.change(**{name: value})
            self.assertIn('is no token of nova-vmrun', self.refuse(), name)
