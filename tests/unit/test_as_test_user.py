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

    def test_without_a_list(self):
        as_test_user._hand_over_list(['-m', 'runner'])

    def test_the_ways_to_a_folder(self):
        self.assertEqual(['/a/b', '/a', '/'], as_test_user._ways('/a/b'))

    def test_only_the_topmost_closed_folder_is_hidden(self):
        closed = os.path.join(self.folder, 'closed')
        needed = os.path.join(closed, 'inner', 'checkout')
        os.makedirs(needed)
        os.chmod(self.folder, 0o755)
        os.chmod(closed, 0o700)
        mounts = self.useFixture(fixtures.MockPatch(
            'tools.as_test_user._mount')).mock
        stage = os.path.join(self.folder, 'stage')
        os.mkdir(stage)
        self.useFixture(fixtures.MockPatch(
            'tools.as_test_user._STAGE', stage))
        as_test_user._open_ways({needed})
        self.assertEqual(
            [('--bind', needed, os.path.join(stage, '0')),
             ('-t', 'tmpfs', 'none', closed),
             ('--move', os.path.join(stage, '0'), needed)],
            [call.args for call in mounts.call_args_list])

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
