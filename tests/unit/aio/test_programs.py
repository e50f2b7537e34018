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
        self.installed = set()
        self.patch(programs.shutil, 'which', lambda name: (
            name if name in self.installed else None))

    def test_installed(self):
        self.installed.add('qemu-img')
        self.assertIsNone(programs.require())

    def test_command_that_installs_it(self):
        for platform, command in (('linux', 'apt-get install qemu-utils'),
                                  ('darwin', 'brew install qemu')):
            error = self.assertRaises(errors.AioError, programs.require,
                                      platform)
            self.assertIn('qemu-img', error.brief)
            self.assertIn(command, error.resolution)
