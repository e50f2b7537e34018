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

from nova_vmrun.aio import errors
from nova_vmrun.aio import programs
from tests.unit.aio import base


class ProgramsTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.installed = {'qemu-img', 'genisoimage'}
        self.patch(programs.shutil, 'which', lambda name: (
            name if name in self.installed else None))

    def test_all_there_is_no_error(self):
        self.assertIsNone(programs.require())

    def test_command_to_type_is_told(self):
        self.installed = set()
        error = self.assertRaises(errors.AioError, programs.require, 'linux')
        self.assertIn('qemu-img, genisoimage', error.brief)
        self.assertIn('apt-get install qemu-utils genisoimage',
                      error.resolution)

    def test_only_what_is_missing_is_named(self):
        self.installed = {'qemu-img'}
        error = self.assertRaises(errors.AioError, programs.require, 'darwin')
        self.assertIn('brew install cdrtools', error.resolution)
        self.assertNotIn('qemu-img', error.brief)

    def test_another_program_that_writes_isos_serves(self):
        self.installed = {'qemu-img', 'xorrisofs'}
        self.assertIsNone(programs.require())
        self.assertEqual('xorrisofs', programs.iso_program())
