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
import signal
import subprocess
import sys

from nova_vmrun.aio import processes
from tests.unit.aio import base

_PROGRAM = '''
import os
import sys
import time

from nova_vmrun.aio import launch
from nova_vmrun.aio import preload
from nova_vmrun.aio import processes
from nova_vmrun.aio import serve

def run(layout, name):
    %s

preload.load = lambda: None
serve.run = run
sys.exit(launch.main())
'''
_WAIT = '''
    print(name, os.environ.get('http_proxy'), os.getsid(0) == os.getpid())
    sys.stdout.flush()
    processes.write_phase(layout, name, processes.READY)
    time.sleep(600)
'''
_DIE = 'os.kill(os.getpid(), 9)'
_FAIL = 'raise RuntimeError("no such driver")'
_TIMEOUT = 60


class LaunchTestCase(base.TestCase):
    """A launcher whose services do as a test wants."""

    def launch(self, code, *services):
        self.settings.save(self.layout)
        process = subprocess.Popen(
            [sys.executable, '-c', _PROGRAM % code, *services,
             '--state-dir', str(self.layout.root)],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=dict(os.environ, http_proxy='http://proxy'))
        self.addCleanup(self.end, process, services)
        return process

    def end(self, process, services):
        process.kill()
        process.wait()
        process.stdin.close()
        processes.end(filter(None, (
            processes.find(self.layout, name) for name in services)), 5)

    def started(self, code, *services):
        process = self.launch(code, *services)
        processes.start(process)
        return process

    def wait_for(self, condition):
        found = processes.wait_until(condition, _TIMEOUT)
        self.assertTrue(found)
        return found

    def ready(self, name):
        """Wait until a service is ready, and return its process number."""
        self.wait_for(lambda: processes.phase(
            self.layout, name) == processes.READY)
        return processes.find(self.layout, name)

    def test_service_is_found_by_its_title(self):
        self.started(_WAIT, 'glance', 'nova')
        pids = {self.ready('glance'), self.ready('nova')}
        self.assertNotIn(None, pids)
        self.assertEqual(2, len(pids))

    def test_service_has_a_log_a_session_and_only_its_own_variables(self):
        self.started(_WAIT, 'glance', 'nova')
        self.ready('glance')
        self.ready('nova')
        self.assertEqual('glance http://proxy True\n',
                         self.layout.log('glance').read_text())
        self.assertEqual('nova None True\n',
                         self.layout.log('nova').read_text())

    def test_services_outlive_the_launcher(self):
        launcher = self.started(_WAIT, 'nova')
        pid = self.ready('nova')
        processes.release(launcher)
        self.assertEqual(0, launcher.returncode)
        self.assertEqual(pid, processes.find(self.layout, 'nova'))

    def test_launcher_that_is_asked_to_end_ends_its_services(self):
        launcher = self.started(_WAIT, 'glance', 'nova')
        self.ready('glance')
        self.ready('nova')
        launcher.terminate()
        processes.release(launcher)
        for name in ('glance', 'nova'):
            self.assertIsNone(processes.find(self.layout, name))

    def test_nothing_starts_without_an_order(self):
        launcher = self.launch(_WAIT, 'nova')
        processes.release(launcher)
        self.assertEqual(0, launcher.returncode)
        self.assertEqual('', processes.phase(self.layout, 'nova'))

    def test_order_to_a_dead_launcher_is_no_error(self):
        launcher = self.launch(_WAIT, 'nova')
        launcher.kill()
        launcher.wait()
        processes.start(launcher)
        processes.release(launcher)
        self.assertEqual(-signal.SIGKILL, launcher.returncode)

    def test_killed_service_is_reported(self):
        self.started(_DIE, 'nova')
        self.assertEqual('failed: It was ended by SIGKILL.', self.wait_for(
            lambda: processes.phase(self.layout, 'nova')))

    def test_last_words_of_a_service_are_kept(self):
        launcher = self.started(_FAIL, 'nova')
        launcher.wait(_TIMEOUT)
        self.assertEqual('failed: no such driver',
                         processes.phase(self.layout, 'nova'))

    def test_service_that_stops_early_is_reported(self):
        launcher = self.started('return', 'nova')
        launcher.wait(_TIMEOUT)
        self.assertEqual('failed: It ended with status 0.',
                         processes.phase(self.layout, 'nova'))

    def test_log_that_cannot_be_written_is_reported(self):
        self.layout.log('glance').mkdir()
        launcher = self.started(_WAIT, 'glance')
        launcher.wait(_TIMEOUT)
        self.assertIn('Is a directory',
                      processes.phase(self.layout, 'glance'))
