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

from nova_vmrun.aio import log_files
from nova_vmrun.aio import settings as aio_settings
from tests.unit.aio import base

_PROGRAM = '''
from nova_vmrun.aio import serve
import sys
import threading

def run(layout, name):
    # As the pool threads of a service: they do not end by themselves.
    threading.Thread(target=threading.Event().wait).start()
    if %r:
        raise RuntimeError('It cannot start.')

serve.run = run
sys.argv[1:] = ['nova', '--state-dir', %r]
serve.main()
'''
# Its broker, not the service itself, writes to the log.
_LONG_LIFE = '''
from nova_vmrun.aio import layout
from nova_vmrun.aio import log_files
from nova_vmrun.aio import serve
import os
import signal
import sys
import types

class Service:
    def __init__(self, *_):
        pass

    def start(self, tell):
        os.write(1, b"x" * 200)

    def stop(self):
        os.write(1, b"new")

look = log_files.keep_small

def look_and_end(*arguments):
    look(*arguments)
    os.kill(os.getpid(), signal.SIGTERM)

log_files._LIMIT, log_files.INTERVAL = 100, 0.01
log_files.keep_small = look_and_end
sys.modules["nova_vmrun.aio.services.rabbitmq"] = types.SimpleNamespace(
    Service=Service)
serve.run(layout.Layout(%r), "rabbitmq")
'''


class MainTestCase(base.TestCase):

    def serve(self, fails, output):
        aio_settings.Settings().save(self.layout)
        return subprocess.run(
            [sys.executable, '-c', _PROGRAM % (fails, str(self.layout.root))],
            stdout=output, stderr=output, timeout=60).returncode

    def test_threads_that_run_on_do_not_keep_the_process(self):
        self.assertEqual(0, self.serve(False, subprocess.DEVNULL))
        self.assertFalse(self.layout.pid('nova').exists())

    def test_failure_is_written_to_the_phase(self):
        self.assertEqual(1, self.serve(True, subprocess.DEVNULL))
        self.assertIn('failed: It cannot start.',
                      self.layout.phase('nova').read_text())

    def test_full_disk_does_not_keep_the_process(self):
        if not os.path.exists('/dev/full'):
            self.skipTest('This system has no /dev/full.')
        with open('/dev/full', 'w') as full:
            self.assertEqual(1, self.serve(True, full))

    def test_logs_are_kept_small_while_a_service_runs(self):
        aio_settings.Settings().save(self.layout)
        log = log_files.open_to_append(self.layout, 'rabbitmq')
        self.addCleanup(os.close, log)
        self.assertEqual(0, subprocess.run(
            [sys.executable, '-c', _LONG_LIFE % str(self.layout.root)],
            stdout=log, stderr=subprocess.DEVNULL, timeout=60).returncode)
        self.assertEqual('new', self.layout.log('rabbitmq').read_text())
        self.assertEqual(
            'x' * 200, (self.layout.logs / 'rabbitmq.log.1').read_text())
