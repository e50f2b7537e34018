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
import types

import fixtures
import yaml

from nova_vmrun.aio import errors
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.cmd import aio_clouds
from tests.unit import base

WORK = 'clouds:\n  work:\n    auth:\n      password: of-work\n'


class CloudsTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        folder = self.useFixture(fixtures.TempDir()).path
        self.layout = aio_layout.Layout(folder + '/state')
        self.layout.create()
        aio_settings.Settings().save(self.layout)
        self.passwords = aio_settings.passwords(self.layout)
        self.path = aio_layout.pathlib.Path(folder).resolve() / 'clouds.yaml'
        self.path.write_text(WORK)
        self.name_file(self.path)

    def name_file(self, path):
        self.useFixture(fixtures.EnvironmentVariable(
            'OS_CLIENT_CONFIG_FILE', str(path)))

    def run_command(self, *words, answer=''):
        app = types.SimpleNamespace(stdin=io.StringIO(answer),
                                    stdout=io.StringIO())
        instance = aio_clouds.Clouds(app, None)
        instance.run(instance.get_parser('clouds').parse_args(
            ['--state-dir', str(self.layout.root), *words]))
        return app.stdout.getvalue()

    def clouds(self):
        return yaml.safe_load(self.path.read_text())['clouds']

    def test_added_after_a_question(self):
        output = self.run_command(answer='yes\n')
        self.assertEqual({'work', 'nova-vmrun'}, set(self.clouds()))
        self.assertEqual(self.passwords['admin'],
                         self.clouds()['nova-vmrun']['auth']['password'])
        self.assertIn('openstack --os-cloud nova-vmrun', output)
        self.assertIn('before-nova-vmrun', output)

    def test_passwords_are_not_shown(self):
        output = self.run_command('--yes')
        self.assertIn('+  nova-vmrun:', output)
        self.assertIn('password: ***', output)
        self.assertNotIn(self.passwords['admin'], output)
        self.assertNotIn('of-work', self.run_command('--remove', '--yes'))

    def test_any_other_answer(self):
        for answer in ('no\n', '', 'y\n'):
            self.assertRaises(errors.AioError, self.run_command,
                              answer=answer)
            self.assertEqual(WORK, self.path.read_text())

    def test_again(self):
        self.run_command('--yes')
        self.assertIn('needs no change', self.run_command())

    def test_new_password(self):
        self.run_command('--yes')
        text = self.path.read_text().replace(self.passwords['admin'], 'old')
        self.path.write_text(text)
        self.run_command('--yes')
        self.assertEqual(self.passwords['admin'],
                         self.clouds()['nova-vmrun']['auth']['password'])

    def test_other_name(self):
        self.run_command('--yes', '--name', 'lab')
        self.assertEqual({'work', 'lab'}, set(self.clouds()))

    def test_ordinary_user(self):
        self.run_command('--yes', '--user', 'demo')
        self.assertEqual(
            self.passwords['demo'],
            self.clouds()['nova-vmrun-demo']['auth']['password'])

    def test_removed(self):
        self.run_command('--yes')
        self.run_command('--remove', '--yes')
        self.assertEqual(WORK, self.path.read_text())
        self.assertIn('needs no change', self.run_command('--remove'))

    def test_file_of_the_control_plane_itself(self):
        self.name_file(self.layout.clouds)
        self.assertRaises(errors.AioError, self.run_command, '--yes')

    def test_names(self):
        for text in ('', 'a b', '-a', 'a\n', 'a:', 64 * 'a'):
            self.assertRaises(argparse.ArgumentTypeError, aio_clouds._name,
                              text)
