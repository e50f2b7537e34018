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


import dataclasses
import os
import types

import fixtures

from nova_vmrun.aio import client
from nova_vmrun.aio import errors
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.aio import ssh_program
from nova_vmrun.aio import ssh_route
from nova_vmrun.cmd.image import cloud
from nova_vmrun.cmd import ssh
from tests.unit import base
from tests.unit.cmd import commands

TARGET = ssh_route.Hop('id-1', 'web', '172.16.41.5', 'root')
JUMP = ssh_route.Hop('id-2', 'a\x1bpp', '172.16.41.6', 'root')


class SshTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        for name in list(os.environ):
            if name.startswith('OS_'):
                self.useFixture(fixtures.EnvironmentVariable(name))
        self.folder = self.useFixture(fixtures.TempDir()).path
        self.layout = aio_layout.Layout(self.folder + '/state')
        self.layout.create()
        self.settings = aio_settings.Settings(
            ports=aio_settings.ports_from(21000))
        self.settings.save(self.layout)
        self.route = ssh_route.Route(TARGET)
        self.found, self.words = [], []
        self.useFixture(fixtures.MockPatchObject(
            client, 'connect', lambda *_: 'own cloud'))
        self.useFixture(fixtures.MockPatchObject(
            ssh_route, 'Finder',
            lambda *clouds: types.SimpleNamespace(
                find=lambda *args: self.find(clouds, *args))))
        self.useFixture(fixtures.MockPatchObject(
            ssh_program, 'replace_process', self.words.extend))

    def find(self, *args):
        self.found.append(args)
        return self.route

    def log_in_at(self, url):
        """Have credentials for a cloud."""
        self.useFixture(fixtures.EnvironmentVariable('OS_AUTH_URL', url))
        self.useFixture(fixtures.MockPatchObject(
            cloud, 'log_in', lambda name: types.SimpleNamespace(
                auth={'auth_url': url})))
        self.useFixture(fixtures.MockPatch(
            'openstack.connection.Connection', lambda config: 'other cloud'))

    def run_command(self, *words):
        return commands.run(ssh.Ssh, '--state-dir', str(self.layout.root),
                            *words)

    def test_control_plane_of_the_directory(self):
        self.layout.fakes.mkdir()
        self.run_command('-l', 'ann', '-i', '/key', '--jump', 'app', 'web',
                         '--', '-v', 'uptime')
        self.assertEqual([(('own cloud', None), 'web', 'ann', 'app')],
                         self.found)
        self.assertEqual(['172.16.41.5', '-v', 'uptime'], self.words[-3:])
        self.assertIn('IdentityFile="/key"', self.words)
        self.assertTrue(any(word.startswith('ProxyCommand=')
                            for word in self.words))
        self.assertIn('UserKnownHostsFile="%s"' % self.layout.known_hosts,
                      self.words)

    def test_server_on_the_way_is_named(self):
        self.route = ssh_route.Route(TARGET, JUMP)
        _, _, said = self.run_command('web')
        self.assertEqual('Through server a\\x1bpp (172.16.41.6).\n', said)

    def test_users_of_rescue_images_are_a_guess(self):
        self.route = ssh_route.Route(
            dataclasses.replace(TARGET, is_guess=True),
            dataclasses.replace(JUMP, is_guess=True))
        _, _, said = self.run_command('web')
        self.assertEqual(
            'Through server a\\x1bpp (172.16.41.6).\n'
            'Server a\\x1bpp is in rescue. root is the user of its own image. '
            'If the rescue image has another: --jump USER@SERVER\n'
            'Server web is in rescue. root is the user of its own image. '
            'If the rescue image has another: -l\n', said)

    def test_project_of_others_is_named(self):
        self.route = ssh_route.Route(
            dataclasses.replace(TARGET, project='l\x1bab (other)'), JUMP)
        _, _, said = self.run_command('web')
        self.assertEqual(
            'Through server a\\x1bpp (172.16.41.6).\n'
            'Server web is of project l\\x1bab (other).\n', said)

    def test_credentials_of_the_same_control_plane(self):
        self.log_in_at('http://127.0.0.1:21000/v3')
        self.run_command('web')
        self.assertEqual(('other cloud', 'own cloud'), self.found[0][0])
        self.assertTrue(any('known_hosts' in word for word in self.words))

    def test_credentials_for_the_address_that_it_listens_on(self):
        settings = aio_settings.load(self.layout)
        settings.listen = '192.0.2.7'
        settings.save(self.layout)
        self.log_in_at('https://192.0.2.7:21000/v3')
        self.run_command('web')
        self.assertTrue(any('known_hosts' in word for word in self.words))

    def test_credentials_of_another_control_plane(self):
        self.log_in_at('http://127.0.0.1:31000/v3')
        error = self.assertRaises(errors.AioError, self.run_command, 'web')
        self.assertIn('--state-dir', str(error))

    def test_credentials_of_another_cloud(self):
        self.layout.fakes.mkdir()
        self.log_in_at('https://cloud.example.org:5000/v3')
        self.run_command('web')
        self.assertEqual(('other cloud', None), self.found[0][0])
        self.assertEqual(['ssh', '-o', 'HostKeyAlias=id-1', '-l', 'root',
                          '172.16.41.5'], self.words)
