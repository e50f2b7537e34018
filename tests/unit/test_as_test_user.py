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

"""The parts that need no root; the suite "iscsi" runs the rest."""

import os
import shutil
import stat
import subprocess
import sys

import fixtures

from tests.unit import base
from tools import as_test_user


class AsTestUserTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = self.useFixture(fixtures.TempDir()).path

    def test_the_list_of_tests_can_be_read(self):
        path = os.path.join(self.folder, 'list')
        with open(path, 'w'):
            os.chmod(path, 0o600)
        as_test_user._hand_over_list(['-m', 'runner', '--load-list', path])
        self.assertEqual(0o644, stat.S_IMODE(os.stat(path).st_mode))

    def test_guests_that_were_made_are_copied(self):
        made = os.path.join(self.folder, 'cache', 'nova-vmrun', 'guest')
        os.makedirs(made)
        with open(os.path.join(made, 'disk.raw'), 'w') as file:
            file.write('a disk')
        self.useFixture(fixtures.EnvironmentVariable(
            'XDG_CACHE_HOME', os.path.join(self.folder, 'cache')))
        home = os.path.join(self.folder, 'home')
        as_test_user._copy_guests(home)
        with open(os.path.join(home, '.cache', 'nova-vmrun', 'guest',
                               'disk.raw')) as file:
            self.assertEqual('a disk', file.read())
        self.assertNotIn('XDG_CACHE_HOME', os.environ)

    def test_no_guest_was_made(self):
        self.useFixture(fixtures.EnvironmentVariable('XDG_CACHE_HOME',
                                                     self.folder))
        as_test_user._copy_guests(self.folder + '/home')
        self.assertFalse(os.path.exists(self.folder + '/home'))

    def test_without_a_list(self):
        as_test_user._hand_over_list(['-m', 'runner'])

    def test_the_ways_to_a_folder(self):
        self.assertEqual(['/a/b', '/a', '/'], as_test_user._ways('/a/b'))

    def open_ways(self, *needed):
        """Open the ways to folders; mounts are copies."""
        def mount(*words):
            if words[0] == '--bind':
                copy = shutil.copytree if os.path.isdir(
                    words[1]) else shutil.copyfile
                os.path.isdir(words[2]) and os.rmdir(words[2])
                copy(words[1], words[2])
            else:
                shutil.rmtree(words[3])
                os.mkdir(words[3])

        self.useFixture(fixtures.MockPatch('tools.as_test_user._mount',
                                           mount))
        stage = os.path.join(self.folder, 'stage')
        os.mkdir(stage)
        self.useFixture(fixtures.MockPatch('tools.as_test_user._STAGE',
                                           stage))
        as_test_user._open_ways(set(needed))

    def make(self, path, closed=()):
        """Make a folder with a file and a link; close some above it."""
        folder = os.path.join(self.folder, path)
        os.makedirs(folder)
        with open(os.path.join(folder, 'file'), 'w') as file:
            file.write('content')
        os.symlink('file', os.path.join(folder, 'link'))
        os.chmod(self.folder, 0o755)
        for name in closed:
            os.chmod(os.path.join(self.folder, name), 0o700)
        return folder

    def check_open(self, *needed):
        for folder in needed:
            for way in as_test_user._ways(folder):
                if way.startswith(self.folder):
                    self.assertTrue(os.stat(way).st_mode & stat.S_IXOTH, way)
            with open(os.path.join(folder, 'link')) as file:
                self.assertEqual('content', file.read())

    def test_way_through_a_closed_folder(self):
        needed = self.make('home/checkout', ['home'])
        other = self.make('home/private')
        self.open_ways(needed)
        self.check_open(needed)
        self.assertFalse(os.path.exists(other))

    def test_two_closed_folders(self):
        needed = [self.make('one/inner', ['one']),
                  self.make('two/inner', ['two'])]
        self.open_ways(*needed)
        self.check_open(*needed)

    def test_closed_folder_in_a_closed_folder(self):
        needed = [self.make('home/checkout', ['home']),
                  self.make('home/checkout/.tox/all', ['home/checkout/.tox'])]
        self.open_ways(*needed)
        self.check_open(*needed)

    def test_folder_that_is_closed_itself(self):
        needed = self.make('checkout', ['checkout'])
        self.open_ways(needed)
        self.check_open(needed)

    def test_an_ordinary_user_just_runs_python(self):
        if os.geteuid() == 0:
            self.useFixture(fixtures.MockPatch('os.geteuid', return_value=7))
        run = self.useFixture(fixtures.MockPatch('os.execv')).mock
        as_test_user.main(['-c', 'pass'])
        run.assert_called_once_with(sys.executable,
                                    [sys.executable, '-c', 'pass'])

    def test_root_gets_mounts_of_its_own(self):
        self.useFixture(fixtures.MockPatch('os.geteuid', return_value=0))
        run = self.useFixture(fixtures.MockPatch(
            'os.execvp', side_effect=subprocess.SubprocessError)).mock
        self.assertRaises(subprocess.SubprocessError, as_test_user.main,
                          ['-c', 'pass'])
        words = run.call_args.args[1]
        self.assertEqual(['unshare', '--mount', '--propagation', 'private'],
                         words[:4])
        self.assertEqual(['--inside', '-c', 'pass'], words[-3:])
