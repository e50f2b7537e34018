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

from nova_vmrun.aio import errors
from nova_vmrun.aio.gateway import keys
from tests.unit.aio import base


class KeysTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.layout.nodes.mkdir()
        self.path = self.layout.nodes / 'key'

    def show(self, certificate):
        path = self.layout.nodes / 'certificate'
        path.write_text(certificate)
        return subprocess.run(['ssh-keygen', '-L', '-f', str(path)],
                              stdout=subprocess.PIPE, check=True,
                              text=True).stdout

    def test_a_key_is_made_once_for_its_owner_alone(self):
        keys.make(self.path)
        first = keys.public(self.path)
        keys.make(self.path)
        self.assertEqual(first, keys.public(self.path))
        self.assertTrue(keys.is_public(first))
        self.assertEqual(0o600, self.path.stat().st_mode & 0o777)
        self.assertEqual({'key', 'key.pub'}, {
            path.name for path in self.layout.nodes.iterdir()})

    def test_half_a_key_is_made_again(self):
        keys.make(self.path)
        self.path.unlink()
        keys.make(self.path)
        self.assertTrue(self.path.exists())

    def test_other_texts_are_no_keys(self):
        keys.make(self.path)
        key = keys.public(self.path)
        for text in ('', key + ' comment', key + '\n' + key, key[:-1],
                     'command="id" ' + key, key.replace('ed25519', 'rsa')):
            self.assertFalse(keys.is_public(text), text)

    def test_damage_is_reported(self):
        keys.make(self.path)
        self.path.with_name('key.pub').write_text('nonsense')
        error = self.assertRaises(errors.AioError, keys.public, self.path)
        self.assertIn('damaged', str(error))

    def test_certificates_allow_one_thing_each(self):
        keys.make(self.path)
        keys.make(self.layout.nodes / 'ca')
        user = self.show(keys.sign_user(
            self.layout.nodes / 'ca', keys.public(self.path), 'lab-2'))
        self.assertIn('user certificate', user)
        self.assertIn('nova-vmrun-move', user)
        self.assertIn('Extensions: (none)', user)
        host = self.show(keys.sign_host(
            self.layout.nodes / 'ca', keys.public(self.path), 'Lab-2'))
        self.assertIn('host certificate', host)
        self.assertIn('lab-2.nova-vmrun', host)

    def test_failure_is_reported(self):
        error = self.assertRaises(
            errors.AioError, keys.sign_user, self.layout.nodes / 'no',
            'ssh-ed25519 x', 'lab-2')
        self.assertIn('ssh-keygen failed', str(error))
