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

from nova_vmrun.aio import layout
from nova_vmrun.cluster.node import units
from nova_vmrun.tools import process
from tests.unit import base

UNIT = (pathlib.Path(__file__).parents[2] / 'contrib' / 'systemd' /
        'nova-compute-vmrun.service')


class SystemdTestCase(base.TestCase):
    """That of contrib, and that of a node, which protect VMs alike."""

    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        node = units.Systemd(layout.Layout(self.folder), 'lab-2',
                             process.Runner())
        path = self.folder / node.name
        path.write_text(node.text())
        self.paths = [UNIT, path]

    def test_vms_outlive_the_unit_and_are_not_dumped(self):
        for path in self.paths:
            settings = path.read_text().splitlines()
            # The default would kill all VMs at each stop.
            self.assertIn('KillMode=process', settings)
            self.assertIn('OOMPolicy=continue', settings)
            self.assertIn('LimitCORE=0', settings)

    def test_systemd_knows_each_setting(self):
        if not shutil.which('systemd-analyze'):
            self.skipTest('systemd-analyze is not installed')
        for path in self.paths:
            told = subprocess.run(
                ['systemd-analyze', 'verify', '--user', str(path)],
                env=dict(os.environ, XDG_RUNTIME_DIR=str(self.folder)),
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            self.assertEqual((0, ''), (told.returncode, told.stdout))
