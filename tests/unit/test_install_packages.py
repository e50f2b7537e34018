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
import subprocess
import sys

import fixtures

from tests.unit import base
from tools import install_packages

_TOOL = install_packages.__file__


class InstallPackagesTestCase(base.TestCase):

    def test_uv(self):
        self.assertEqual(
            ['/bin/uv', 'pip', 'install', '--quiet', '--python',
             sys.executable, '-r', 'file'],
            install_packages.command(['-r', 'file'], '/bin/uv'))

    def test_no_uv(self):
        self.assertEqual(
            [sys.executable, '-I', '-m', 'pip', 'install', '--no-compile',
             'a>=1'], install_packages.command(['a>=1'], None))

    def test_exit_status_is_that_of_uv(self):
        folder = self.useFixture(fixtures.TempDir()).path
        path = os.path.join(folder, 'uv')
        with open(path, 'w') as file:
            file.write('#!/bin/sh\necho "$@"\nexit 3\n')
        os.chmod(path, 0o755)
        done = subprocess.run(
            [sys.executable, _TOOL, 'a'], text=True, stdout=subprocess.PIPE,
            env={**os.environ, 'PATH': folder})
        self.assertEqual(3, done.returncode)
        self.assertEqual('pip install --quiet --python %s a\n'
                         % sys.executable, done.stdout)
