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
import time

import fixtures

from nova_vmrun.server import stale_vmrun
from tests.unit import base
from tests.unit import locks

_LIVES = 'import sys; print(flush=True); sys.stdin.read()'


class SurvivorsTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.vmx = self.useFixture(fixtures.TempDir()).path + '/a.vmx'
        self.slept = 0

    def start(self, *words):
        """Starts a program that lives until its input ends."""
        process = subprocess.Popen(
            [sys.executable, '-S', '-c', _LIVES, *words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(process.wait)
        self.addCleanup(process.stdin.close)
        self.addCleanup(process.stdout.close)
        process.stdout.readline()
        return process

    def start_vmrun(self, product='ws', vmx=None):
        return self.start('-T', product, 'start', vmx or self.vmx, 'nogui')

    def wait(self, clock=time.time):
        stale_vmrun.wait_for({self.vmx: 30, '/other.vmx': 90}, 'ws',
                             self._sleep, clock)

    def _sleep(self, seconds):
        self.slept += 1
        self.on_sleep()
        time.sleep(seconds)

    def test_one_that_comes_to_its_end(self):
        process = self.start_vmrun()
        self.on_sleep = process.stdin.close
        self.wait()
        self.assertEqual(0, process.wait())
        self.assertGreater(self.slept, 0)

    def test_one_that_hangs(self):
        process = self.start_vmrun()
        self.wait(clock=lambda: time.time() + 31)
        self.assertEqual(-9, process.wait())
        self.assertEqual(0, self.slept)

    def test_one_that_keeps_the_window_of_a_vm_open(self):
        process = self.start('-T', 'ws', 'start', self.vmx, 'gui')
        locks.lock(self.vmx.replace('.vmx', '.vmdk'))
        self.wait(clock=lambda: time.time() + 31)
        self.assertIsNone(process.poll())

    def test_one_that_cannot_open_a_window(self):
        process = self.start('-T', 'ws', 'start', self.vmx, 'gui')
        self.wait(clock=lambda: time.time() + 31)
        self.assertEqual(-9, process.wait())

    def test_other_processes_are_not_waited_for(self):
        """A VM, another server's, another product's."""
        started = [self.start(self.vmx),
                   self.start_vmrun(vmx=self.vmx + '2'),
                   self.start_vmrun(product='player')]
        self.wait(clock=lambda: time.time() + 31)
        self.assertEqual([None] * 3, [each.poll() for each in started])
