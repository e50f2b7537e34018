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
import sys

import fixtures

from nova_vmrun.doctor import steps
from nova_vmrun import exception
from tests.unit import base


class RecorderTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.recorder = steps.Recorder()
        self.recorder.folder = self.useFixture(fixtures.TempDir()).path
        self.recorder.step = 'look'

    def run_python(self, text, timeout=60):
        self.recorder.run(sys.executable, '-S', '-c', text, timeout=timeout)

    def test_changed_files(self):
        for name in ('gone', 'longer', 'same'):
            with open(os.path.join(self.recorder.folder, name), 'w') as file:
                file.write('1')
        self.run_python(
            'import os; os.chdir(%r); os.unlink("gone"); '
            'open("longer", "a").write("2"); os.mkdir("a"); open("a/new", "w")'
            % self.recorder.folder)
        call, = self.recorder.calls
        self.assertEqual(('+ a/new', '- gone', '~ longer'), call.files)
        self.assertEqual(('look', 0), (call.step, call.exit_code))

    def test_program_that_hangs(self):
        self.assertRaises(exception.ToolTimeout, self.run_python,
                          'import time; time.sleep(60)', timeout=0.1)
        call, = self.recorder.calls
        self.assertIsNone(call.exit_code)
        self.assertIn('-S', call.argv)
        self.assertNotEqual('', call.err)
