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

import argparse
import io
import os
import pathlib
import time

import fixtures

from nova_vmrun.aio.demo import image as demo_image
from nova_vmrun.aio import errors
from nova_vmrun.cmd.image import cloud as clouds
from nova_vmrun.cmd.launch import command
from nova_vmrun.cmd.launch import launcher
from nova_vmrun.cmd import own_cloud
from nova_vmrun.cmd import ssh
from nova_vmrun import exception
from tests.unit import base
from tests.unit.cmd import commands
from tests.unit.cmd.launch import fake_clouds
from tests.unit.cmd.launch import web_servers

ENTRY = '''
[mine-1]
user = "me"
min_disk = 2
min_memory = 256
[mine-1.builds.amd64]
address = "http://127.0.0.1:1/mine.img"
'''


class LaunchCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        for name in ('HOME', 'XDG_CONFIG_HOME', 'XDG_STATE_HOME',
                     'XDG_DATA_HOME', 'XDG_CACHE_HOME'):
            self.useFixture(fixtures.EnvironmentVariable(
                name, str(self.folder)))
        for name in own_cloud.VARIABLES:
            self.useFixture(fixtures.EnvironmentVariable(name))
        self.cloud = fake_clouds.Cloud()
        self.logins = []
        self.patch(launcher, 'connect', self._connect)

    def _connect(self, name, state_dir):
        self.logins.append((name, state_dir))
        return launcher.Cloud(self.cloud.sdk, self.cloud.glance, [])

    def run_command(self, *words):
        return commands.run(command.Launch, *words)

    def refused(self, *words, kind=exception.InvalidInput):
        return str(self.assertRaises(kind, self.run_command, *words))


class LaunchTestCase(LaunchCase):

    def test_list(self):
        _, output, _ = self.run_command('--list')
        lines = output.splitlines()
        self.assertEqual(['Name', 'System', 'Architectures', 'User'],
                         lines[0].split())
        self.assertIn('debian-12', output)
        self.assertEqual([], self.logins)

    def test_own_catalogue(self):
        path = self.folder / 'mine.toml'
        path.write_text(ENTRY)
        _, output, _ = self.run_command('--list', '--catalogue', str(path))
        self.assertIn('mine-1', output)

    def test_nothing_to_launch(self):
        self.assertIn('--list', self.refused())

    def test_unknown_image(self):
        self.assertIn('debian-12', self.refused('debian'))
        self.assertEqual([], self.logins)

    def test_without_internet(self):
        self.useFixture(fixtures.EnvironmentVariable('http_proxy'))
        path = self.folder / 'mine.toml'
        path.write_text(ENTRY)
        text = self.refused('mine-1', '--catalogue', str(path), '--arch',
                            'amd64', kind=exception.VmrunError)
        self.assertIn('Cannot reach 127.0.0.1.', text)
        self.assertIn('nova-vmrun launch FILE', text)

    def test_times(self):
        for text in ('0', '-1', 'nan', '1e9'):
            self.assertRaises(argparse.ArgumentTypeError, command._seconds,
                              text)
        self.assertEqual(1.5, command._seconds('1.5'))


class CloudTestCase(LaunchCase):
    """Which cloud is used."""

    def login(self, *words):
        server = self.useFixture(web_servers.WebServer())
        self.refused(server.address + '/missing', *words,
                     kind=exception.VmrunError)
        [login] = self.logins
        return login

    def _make_aio(self, name='nova-vmrun'):
        path = self.folder / name / 'clouds.yaml'
        path.parent.mkdir()
        path.touch()
        return str(path.parent)

    def test_credentials_of_the_environment(self):
        self.assertEqual((None, None), self.login())

    def test_aio_that_is_there(self):
        path = self._make_aio()
        self.assertEqual((None, path), self.login())

    def test_aio_that_is_named(self):
        path = self._make_aio('other')
        self.useFixture(fixtures.EnvironmentVariable('OS_CLOUD', 'work'))
        self.assertEqual((None, path), self.login('--state-dir', path))

    def test_cloud_that_is_named(self):
        self._make_aio()
        self.assertEqual(('work', None), self.login('--os-cloud', 'work'))

    def test_cloud_of_the_environment(self):
        self._make_aio()
        self.useFixture(fixtures.EnvironmentVariable('OS_CLOUD', 'work'))
        self.assertEqual((None, None), self.login())


class SshTestCase(LaunchCase):
    """What happens after a launch with --ssh."""

    def setUp(self):
        super().setUp()
        self.path = self.folder / 'disk.img'
        self.path.write_bytes(demo_image.partition_table() + bytes(1 << 16))
        self.patch(time, 'sleep', lambda seconds: None)
        self.started = []

    def launch(self, *words):
        app = fake_clouds.thing(
            stdout=io.StringIO(), stderr=io.StringIO(), options=None,
            run_subcommand=self._run_subcommand)
        instance = command.Launch(app, None)
        return instance.run(instance.get_parser('launch').parse_args(
            [str(self.path), *words]))

    def _run_subcommand(self, words):
        self.started.append((words, os.environ.get('OS_CLOUD')))
        return 7

    def test_ssh(self):
        self.assertEqual(7, self.launch('--ssh', '--user', 'me'))
        [(words, _)] = self.started
        self.assertEqual(('ssh', 'uuid-1'), (words[0], words[-1]))
        parsed = ssh.Ssh(fake_clouds.thing(), None).get_parser(
            'ssh').parse_args(words[1:])
        self.assertEqual(('me', 'uuid-1', []), (
            parsed.login, parsed.server, parsed.rest))
        self.assertTrue(os.path.isfile(parsed.identity))
        # The first boot was waited for.
        self.assertEqual([fake_clouds.CLOUD_INIT],
                         self.cloud.compute.consoles)

    def test_variables_of_another_cloud_do_not_lead_ssh_there(self):
        self.useFixture(fixtures.EnvironmentVariable('OS_CLOUD', 'work'))
        self.launch('--ssh')
        self.launch('--ssh', '--state-dir', str(self.folder / 'aio'))
        self.assertEqual(['work', None],
                         [variable for _, variable in self.started])

    def test_without_the_option(self):
        self.assertEqual(0, self.launch())
        self.assertEqual([], self.started)


class LogInTestCase(base.TestCase):

    def test_directory_without_a_control_plane(self):
        folder = self.useFixture(fixtures.TempDir()).path
        self.assertRaises(errors.AioError, launcher.connect, None, folder)

    def test_only_the_clouds_file_counts(self):
        folder = self.useFixture(fixtures.TempDir()).path
        path = folder + '/clouds.yaml'
        with open(path, 'w') as file:
            file.write('clouds: {other: {auth: {auth_url: "http://x"}}}')
        self.useFixture(fixtures.EnvironmentVariable('OS_CLOUD', 'other'))
        self.assertRaises(exception.InvalidConfiguration, clouds.log_in,
                          'nova-vmrun', path)
