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

import pathlib
import types

from cryptography.hazmat.primitives import serialization
import fixtures

from nova_vmrun.cmd.launch import errors
from nova_vmrun.cmd.launch import keys
from nova_vmrun import exception
from tests.unit import base
from tests.unit.cmd.launch import fake_clouds

BLOB = 'AAAAC3NzaC1lZDI1NTE5AAAAIE2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e'


class KeyCase(base.TestCase):

    def setUp(self):
        super().setUp()
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.ssh = folder / 'ssh'
        self.ssh.mkdir()
        self.own = folder / 'share' / 'nova-vmrun'

    def write(self, text, name='id_ed25519.pub'):
        path = self.ssh / name
        path.write_text(text)
        return path

    def find(self):
        return keys.find_or_make(self.ssh, self.own)


class FindTestCase(KeyCase):

    def test_key_of_the_user(self):
        path = self.write('ssh-ed25519 %s me@laptop\n' % BLOB)
        self.assertEqual(keys.PublicKey(path, 'ssh-ed25519', BLOB),
                         self.find())
        self.assertFalse(self.own.exists())

    def test_best_key_wins(self):
        self.write('ssh-rsa %s' % BLOB, 'id_rsa.pub')
        path = self.write('ssh-ed25519 %s' % BLOB)
        self.assertEqual(path, self.find().path)

    def test_private_key_is_not_opened(self):
        self.write('ssh-ed25519 %s' % BLOB)
        # Whoever opens it gets an error.
        (self.ssh / 'id_ed25519').mkdir()
        self.find()

    def test_key_is_made_once(self):
        first = self.find()
        self.assertTrue(first.is_ours)
        self.assertEqual('ssh-ed25519', first.type)
        self.assertEqual(first, self.find())

    def test_key_that_is_made_can_be_used(self):
        key = self.find()
        private = serialization.load_ssh_private_key(
            key.private_path.read_bytes(), None)
        self.assertEqual(key.text, private.public_key().public_bytes(
            serialization.Encoding.OpenSSH,
            serialization.PublicFormat.OpenSSH).decode())

    def test_nobody_else_can_read_it(self):
        key = self.find()
        for path, mode in ((key.private_path, 0o600), (self.own, 0o700)):
            self.assertEqual(mode, path.stat().st_mode & 0o777)
        self.assertEqual(2, len(list(self.own.iterdir())))

    def test_key_without_its_public_half_is_made_again(self):
        """The program was stopped between the two files."""
        key = self.find()
        key.path.unlink()
        self.assertNotEqual(key.blob, self.find().blob)


class ReadTestCase(KeyCase):

    def test_types(self):
        for kind in ('ssh-rsa', 'ecdsa-sha2-nistp256', 'ssh-ed25519'):
            self.assertEqual(kind, keys.read(self.write(
                '%s %s a comment' % (kind, BLOB))).type)

    def test_private_key(self):
        error = self.assertRaises(
            exception.InvalidInput, keys.read, self.write(
                '-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n', 'id_ed25519'))
        self.assertIn('is a private key', str(error))

    def test_anything_else(self):
        for text in ('', 'ssh-ed25519', 'ssh-dss ' + BLOB,
                     'ssh-ed25519 not-base64', 'ssh-ed25519 ', '\0\xff'):
            self.assertRaises(exception.InvalidInput, keys.read,
                              self.write(text))


class RegisterTestCase(KeyCase):

    def setUp(self):
        super().setUp()
        self.cloud = fake_clouds.Cloud()
        self.key = keys.PublicKey(pathlib.Path('a.pub'), 'ssh-rsa', BLOB)

    def register(self):
        return keys.register(self.cloud.sdk, self.key)

    def test_new_key(self):
        name, is_new = self.register()
        self.assertTrue(is_new)
        [pair] = self.cloud.compute.keypair_list
        self.assertEqual((name, 'ssh-rsa ' + BLOB),
                         (pair.name, pair.public_key))

    def test_again(self):
        name, _ = self.register()
        self.assertEqual((name, False), self.register())

    def test_key_that_has_another_name(self):
        self.cloud.compute.keypair_list.append(types.SimpleNamespace(
            name='laptop', public_key='ssh-rsa %s me@laptop\n' % BLOB))
        self.assertEqual(('laptop', False), self.register())

    def test_refused(self):
        self.cloud.compute.refusal = fake_clouds.forbidden('Quota exceeded')
        error = self.assertRaises(errors.LaunchFailed, self.register)
        self.assertIn('Quota exceeded', str(error))


class FolderTestCase(base.TestCase):

    def test_folder_of_the_environment(self):
        self.assertEqual(pathlib.Path('/d/nova-vmrun'),
                         keys.own_folder({'XDG_DATA_HOME': '/d'}))
        self.assertEqual(pathlib.Path.home() / '.local/share/nova-vmrun',
                         keys.own_folder({}))
