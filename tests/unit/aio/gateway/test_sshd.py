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

import os
import pathlib
import pwd

import fixtures

from nova_vmrun.aio import errors
from nova_vmrun.aio.gateway import sshd
from tests.unit import base

KEY = 'ssh-ed25519 AAAA'


class ConfigTestCase(base.TestCase):

    def text(self, **details):
        folder = pathlib.Path('/a folder')
        return sshd.Config(
            2222, ('192.0.2.1', '::1'), folder / 'key', folder / 'cert',
            folder / 'authorized', **details).text()

    def test_listens_where_it_should(self):
        text = self.text()
        self.assertIn('Port 2222\n', text)
        self.assertIn('ListenAddress 192.0.2.1\n', text)
        self.assertIn('ListenAddress ::1\n', text)
        self.assertIn('AuthorizedKeysFile "/a folder/authorized"\n', text)

    def test_path_with_what_sshd_would_replace(self):
        self.assertIn('AuthorizedKeysFile "/a%%h/keys"\n', sshd.Config(
            2222, (), pathlib.Path('/key'), pathlib.Path('/cert'),
            pathlib.Path('/a%h/keys')).text())

    def test_allows_little(self):
        lines = self.text().splitlines()
        for line in ('AuthenticationMethods publickey', 'PermitTTY no',
                     'AllowAgentForwarding no', 'X11Forwarding no',
                     'AllowTcpForwarding no', 'GatewayPorts no',
                     'AllowUsers ' + sshd.user()):
            self.assertIn(line, lines)

    def test_gateway_forwards_and_revokes(self):
        text = self.text(forwards=True, revoked_keys=pathlib.Path('/revoked'))
        self.assertIn('AllowTcpForwarding yes\n', text)
        self.assertIn('RevokedKeys "/revoked"\n', text)

    def test_user_is_this_one(self):
        self.assertEqual(pwd.getpwuid(os.geteuid()).pw_name, sshd.user())


class AuthorizedTestCase(base.TestCase):

    def test_a_line_restricts(self):
        self.assertEqual(
            'restrict,permitopen="127.0.0.1:1",command="gate \\"a b\\"" '
            'ssh-ed25519 AAAA\n',
            sshd.authorized(KEY, 'permitopen="127.0.0.1:1"',
                            command='gate "a b"'))

    def test_an_authority(self):
        self.assertEqual(
            'cert-authority,restrict,command="receive" ssh-ed25519 AAAA\n',
            sshd.authorized(KEY, command='receive', authority=True))


class ProgramTestCase(base.TestCase):

    def test_missing(self):
        self.useFixture(fixtures.MockPatch('shutil.which', return_value=None))
        error = self.assertRaises(errors.AioError, sshd.find)
        self.assertIn('apt-get install openssh-server', error.resolution)

    def test_command_stays_in_the_foreground(self):
        self.useFixture(fixtures.MockPatch('shutil.which',
                                           return_value='/sbin/sshd'))
        self.assertEqual(['/sbin/sshd', '-D', '-e', '-f', '/config'],
                         sshd.command(pathlib.Path('/config')))

    def test_root_needs_a_folder(self):
        folder = self.useFixture(fixtures.TempDir()).path
        path = pathlib.Path(folder) / 'sshd'
        self.useFixture(fixtures.MockPatchObject(
            sshd, '_PRIVILEGE_SEPARATION', path))
        geteuid = self.useFixture(fixtures.MockPatch('os.geteuid')).mock
        geteuid.return_value = 1000
        sshd.prepare()
        self.assertFalse(path.exists())
        geteuid.return_value = 0
        sshd.prepare()
        self.assertTrue(path.exists())
