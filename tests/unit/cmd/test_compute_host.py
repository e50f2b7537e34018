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

UUID = '11111111-2222-3333-4444-555555555555'


class ConfigurationTestCase(base.TestCase):
    """As a program: reading nova.conf changes what tests share."""

    def setUp(self):
        super().setUp()
        self.folder = self.useFixture(fixtures.TempDir()).path
        self.path = os.path.join(self.folder, 'nova.conf')
        with open(self.path, 'w') as file:
            file.write('[DEFAULT]\nstate_path = %s\n[vmrun]\n'
                       'list_timeout = 7\n' % self.folder)

    def configuration(self):
        done = subprocess.run(
            [sys.executable, '-c',
             'import sys\nfrom nova_vmrun.cmd import compute_host\n'
             'try:\n'
             '  conf, node = compute_host.configuration(sys.argv[1:])\n'
             '  print(node, conf.instances_path, conf.vmrun.list_timeout)\n'
             'except compute_host.exception.InvalidConfiguration as error:\n'
             '  print(error)\n', self.path],
            check=True, stdout=subprocess.PIPE, text=True)
        return done.stdout

    def write_id(self, text):
        with open(os.path.join(self.folder, 'compute_id'), 'w') as file:
            file.write(text)

    def test_a_compute_host(self):
        self.write_id(UUID + '\n')
        self.assertEqual('%s %s/instances 7\n' % (UUID, self.folder),
                         self.configuration())

    def test_no_compute_host(self):
        self.assertIn('nova-compute has never run here', self.configuration())
        self.assertFalse(os.path.exists(
            os.path.join(self.folder, 'compute_id')))

    def test_an_id_that_is_damaged(self):
        self.write_id('1111')
        self.assertIn('cannot be read', self.configuration())
