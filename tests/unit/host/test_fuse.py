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

import fixtures

from nova_vmrun import exception
from nova_vmrun.host import fuse
from tests.unit import base


class CheckTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.root = self.useFixture(fixtures.TempDir()).path
        for folder in ('dev', 'etc', 'bin'):
            os.mkdir(os.path.join(self.root, folder))
        self.device = self.make('dev/fuse')
        self.configuration = self.make(
            'etc/fuse.conf', '# mount_max = 5\n user_allow_other \n')
        os.chmod(self.make('bin/fusermount3'), 0o755)
        self.useFixture(fixtures.EnvironmentVariable(
            'PATH', os.path.join(self.root, 'bin')))
        self.user = self.useFixture(
            fixtures.MockPatch('os.geteuid', return_value=1234)).mock

    def make(self, name, text=''):
        path = os.path.join(self.root, name)
        with open(path, 'w') as file:
            file.write(text)
        return path

    def refusal(self, kind=exception.InvalidConfiguration, platform='linux'):
        error = self.assertRaises(kind, fuse.check, self.root, platform)
        self.assertTrue(error.details)
        self.assertTrue(error.resolution)
        return str(error)

    def test_everything_is_there(self):
        fuse.check(self.root, 'linux')

    def test_macos(self):
        self.assertIn('only on Linux',
                      self.refusal(exception.NotSupported, 'darwin'))

    def test_no_device(self):
        os.remove(self.device)
        self.assertIn('sudo modprobe fuse', self.refusal())

    def test_a_device_of_root(self):
        self.useFixture(fixtures.MockPatch('os.access', return_value=False))
        self.assertIn('sudo chmod 666 ' + self.device, self.refusal())

    def test_no_program(self):
        os.remove(os.path.join(self.root, 'bin', 'fusermount3'))
        self.assertIn('Install the package fuse3', self.refusal())

    def test_mounts_may_not_be_shared(self):
        self.make('etc/fuse.conf', '#user_allow_other\n')
        self.assertIn('user_allow_other', self.refusal())

    def test_no_configuration(self):
        os.remove(self.configuration)
        self.assertIn('user_allow_other', self.refusal())

    def test_root_may_share_without_it(self):
        os.remove(self.configuration)
        self.user.return_value = 0
        fuse.check(self.root, 'linux')


class MountedTestCase(base.TestCase):

    def test_a_mount(self):
        self.assertTrue(fuse.is_mounted('/proc'))

    def test_a_file(self):
        path = os.path.join(self.useFixture(fixtures.TempDir()).path, 'a')
        self.assertFalse(fuse.is_mounted(path))
        open(path, 'w').close()
        self.assertFalse(fuse.is_mounted(path))

    def test_a_link_to_the_folder(self):
        link = os.path.join(self.useFixture(fixtures.TempDir()).path, 'a')
        os.symlink('/', link)
        self.assertTrue(fuse.is_mounted(os.path.join(link, 'proc')))
