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

"""Units of systemd in contrib."""

import os
import pathlib
import shutil
import subprocess

import fixtures

from tests.unit import base

UNIT = (pathlib.Path(__file__).parents[2] / 'contrib' / 'systemd' /
        'nova-compute-vmrun.service')


class SystemdTestCase(base.TestCase):

    def test_only_nova_compute_itself_is_signalled(self):
        """The default would kill all VMs with it."""
        settings = [line for line in UNIT.read_text().splitlines()
                    if not line.startswith('#')]
        self.assertIn('KillMode=process', settings)
        self.assertIn('OOMPolicy=continue', settings)

    def test_systemd_knows_each_setting(self):
        if not shutil.which('systemd-analyze'):
            self.skipTest('systemd-analyze is not installed')
        folder = self.useFixture(fixtures.TempDir()).path
        told = subprocess.run(
            ['systemd-analyze', 'verify', '--user', str(UNIT)],
            env=dict(os.environ, XDG_RUNTIME_DIR=folder),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertEqual((0, ''), (told.returncode, told.stdout))
