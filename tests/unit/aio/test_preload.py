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

import subprocess
import sys

from nova_vmrun.aio import preload
from nova_vmrun import system
from tests.unit.aio import base

_TIMEOUT = 60


class PreloadTestCase(base.TestCase):

    def run_python(self, code):
        return subprocess.run(
            [sys.executable, '-c', code], check=True, capture_output=True,
            text=True, timeout=_TIMEOUT).stdout

    def test_nothing_is_loaded_that_forks_badly(self):
        """Nova does not start with eventlet, and forks have one thread."""
        self.assertEqual('False 1\n', self.run_python(
            'import sys, threading\n'
            'from nova_vmrun.aio import preload\n'
            'preload.load()\n'
            'print("eventlet" in sys.modules, threading.active_count())'))

    def test_nothing_is_loaded_on_macos(self):
        for name, empty in (('linux', False), ('darwin', True)):
            with system.pretend(system.of(name)):
                self.assertEqual(empty, preload.modules() == ())
