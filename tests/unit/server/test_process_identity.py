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
from unittest import mock

import psutil

from nova_vmrun.server import process_identity
from nova_vmrun import system
from nova_vmrun.system import linux
from tests.unit import base


class BirthTestCase(base.TestCase):

    def start(self):
        """Starts a process that ends with its input."""
        child = subprocess.Popen(['cat'], stdin=subprocess.PIPE)
        self.addCleanup(child.wait)
        self.addCleanup(child.stdin.close)
        return child

    def test_a_process_keeps_its_birth(self):
        birth = process_identity.of(os.getpid())
        self.assertEqual(birth, process_identity.of(os.getpid()))
        self.assertTrue(process_identity.is_same(os.getpid(), birth))

    def test_a_step_of_the_clock_changes_nothing(self):
        if sys.platform != 'linux':
            self.skipTest('Only Linux counts from the boot')
        birth = process_identity.of(os.getpid())
        with mock.patch.object(psutil.Process, 'create_time',
                               return_value=12345.0):
            self.assertTrue(process_identity.is_same(os.getpid(), birth))

    def test_another_boot_is_another_birth(self):
        birth = process_identity.of(os.getpid())
        with mock.patch.object(linux, 'boot_id', return_value='another'):
            self.assertFalse(process_identity.is_same(os.getpid(), birth))

    def test_system_with_start_times_by_the_clock(self):
        with system.pretend(system.of(system.MACOS)):
            birth = process_identity.of(os.getpid())
            self.assertEqual(psutil.Process().create_time(), birth)
            for seconds, is_same in ((1, True), (-1, True), (60, False)):
                self.assertEqual(is_same, process_identity.is_same(
                    os.getpid(), birth + seconds))

    def test_ended_process_has_no_identity(self):
        child = self.start()
        birth = process_identity.of(child.pid)
        child.kill()
        # Until somebody waits for it, it is there as a zombie.
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        self.assertIsNone(process_identity.of(child.pid))
        child.wait()
        self.assertIsNone(process_identity.of(child.pid))
        self.assertFalse(process_identity.is_same(child.pid, birth))
        self.assertFalse(process_identity.is_same(child.pid, None))

    def test_a_zombie_is_not_the_process_that_ended(self):
        for name in ('linux', system.MACOS):
            with system.pretend(system.of(name)):
                child = self.start()
                births = (process_identity.of(child.pid),
                          psutil.Process(child.pid).create_time())
                child.kill()
                os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
                for birth in births:
                    self.assertFalse(
                        process_identity.is_same(child.pid, birth), name)
