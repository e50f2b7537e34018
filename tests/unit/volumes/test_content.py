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
from oslo_utils import units

from nova_vmrun import exception
from nova_vmrun.volumes import content
from tests.unit import base


class FileTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.path = self.useFixture(fixtures.TempDir()).join('volume')
        with open(self.path, 'wb') as file:
            file.truncate(1 << 20)
        os.chmod(self.path, 0o600)

    def refused(self, **options):
        return str(self.assertRaises(exception.VolumeDamaged,
                                     content.check_file, 'id', self.path,
                                     **options))

    def test_its_size(self):
        for is_shared in (False, True):
            self.assertEqual(1 << 20, content.check_file('id', self.path,
                                                         is_shared))

    def test_files_of_others(self):
        os.chmod(self.path, 0o666)
        self.assertIn('others', self.refused())
        content.check_file('id', self.path, is_shared=True)
        self.useFixture(fixtures.MockPatch('os.access', return_value=False))
        self.assertIn('may not write', self.refused(is_shared=True))

    def test_no_file(self):
        os.remove(self.path)
        self.refused()
        os.mkdir(self.path)
        self.refused(is_shared=True)


class SizeTestCase(base.TestCase):

    def test_as_cinder_says_or_larger(self):
        for size in (1 << 20, 1 << 30):
            content.require_size('id', 'path', size, 1 << 20)

    def test_what_no_disk_can_have(self):
        for size, wanted in ((0, 0), (512, 1024), (1025, 1025),
                             (64 * units.Ti, 64 * units.Ti)):
            self.assertRaises(exception.VolumeDamaged, content.require_size,
                              'id', 'path', size, wanted)
