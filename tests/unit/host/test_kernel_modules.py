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

from nova_vmrun.host import kernel_modules
from tests.unit import base


class MissingTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.root = self.useFixture(fixtures.TempDir()).path
        os.makedirs(self.root + '/etc/vmware')
        os.mkdir(self.root + '/dev')

    def missing(self, platform='linux'):
        return [os.path.basename(path) for path in
                kernel_modules.missing_devices(self.root, platform)]

    def test_missing_devices(self):
        self.assertEqual(['vmmon', 'vmnet0'], self.missing())
        open(self.root + '/dev/vmmon', 'w').close()
        self.assertEqual(['vmnet0'], self.missing())
        open(self.root + '/dev/vmnet0', 'w').close()
        self.assertEqual([], self.missing())

    def test_macos_has_no_devices(self):
        self.assertEqual([], self.missing('darwin'))

    def test_vmware_is_not_installed(self):
        os.rmdir(self.root + '/etc/vmware')
        self.assertEqual([], self.missing())

    def test_describe(self):
        self.assertIn('/dev/vmmon is missing',
                      kernel_modules.describe(['/dev/vmmon']))
        self.assertIn('/dev/vmmon and /dev/vmnet0 are missing',
                      kernel_modules.describe(['/dev/vmmon', '/dev/vmnet0']))
