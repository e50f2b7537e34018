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

import psutil

from nova_vmrun.aio import errors
from nova_vmrun.aio import processes
from tests.unit.aio import base

_PRINT_AND_WAIT = 'print("up", flush=True); import sys; sys.stdin.read()'
_DEAF = ('import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); '
         + _PRINT_AND_WAIT)
# It never looks after its child, which ends at once.
_PARENT_OF_ZOMBIE = """
import subprocess, sys
print('begun', flush=True)
child = subprocess.Popen(['sleep', '0'])
print(child.pid, flush=True)
sys.stdin.read()
"""


class ProcessCase(base.TestCase):

    def run_python(self, code, *arguments):
        """Starts a program that has begun when this returns."""
        process = subprocess.Popen(
            [sys.executable, '-c', code, *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stdin.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        process.stdout.readline()
        return process

    def run_service(self, service='glance'):
        """Starts something whose command line ends as a service's does."""
        return self.run_python(
            _PRINT_AND_WAIT,
            *processes.command(self.layout, service)[2:])

    def write_pid(self, pid, service='glance', started=None):
        self.layout.pid(service).write_text(
            '%d\n%s\n' % (pid, started or processes.start_time(pid)))


class FindTestCase(ProcessCase):

    def test_service_that_runs_is_found(self):
        process = self.run_service()
        self.write_pid(process.pid)
        self.assertEqual(process.pid, processes.find(self.layout, 'glance'))

    def test_no_pid_file_means_down(self):
        self.assertIsNone(processes.find(self.layout, 'glance'))

    def test_garbage_means_down(self):
        for text in ('', 'x\n', '12\n', '12 13 14\n'):
            self.layout.pid('glance').write_text(text)
            self.assertIsNone(processes.find(self.layout, 'glance'))

    def test_process_that_died_means_down(self):
        process = self.run_service()
        self.write_pid(process.pid)
        process.kill()
        process.wait()
        self.assertIsNone(processes.find(self.layout, 'glance'))

    def test_process_that_nobody_has_waited_for_means_down(self):
        process = self.run_service()
        self.write_pid(process.pid)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        self.assertIsNone(processes.find(self.layout, 'glance'))

    def test_title_in_place_of_the_words_is_recognised(self):
        """As Neutron's process has one, and the path has blanks."""
        self.assertTrue(processes.is_service(
            self.layout, 'neutron',
            ' '.join(processes.command(self.layout, 'neutron')).split(' ')))

    def test_number_given_to_another_program_means_down(self):
        process = self.run_python(_PRINT_AND_WAIT)
        self.write_pid(process.pid)
        self.assertIsNone(processes.find(self.layout, 'glance'))

    def test_number_given_to_another_service_means_down(self):
        process = self.run_service('neutron')
        self.write_pid(process.pid)
        self.assertIsNone(processes.find(self.layout, 'glance'))

    def test_process_that_started_at_another_time_means_down(self):
        process = self.run_service()
        self.write_pid(process.pid, started='12345')
        self.assertIsNone(processes.find(self.layout, 'glance'))


class StraysTestCase(ProcessCase):

    def test_service_whose_pid_file_was_lost_is_found(self):
        lost = self.run_service('neutron')
        known = self.run_service('glance')
        self.write_pid(known.pid)
        self.assertEqual(
            [lost.pid],
            [process.pid for process in processes.strays(self.layout)])

    def test_using_finds_any_program_that_names_the_directory(self):
        process = self.run_python(
            _PRINT_AND_WAIT, str(self.layout.root / 'disk.vmdk'))
        self.assertEqual(
            [process.pid],
            [found.pid for found in processes.using(self.layout.root)])


class EndTestCase(ProcessCase):

    def test_process_that_listens_is_not_killed(self):
        process = self.run_python(_PRINT_AND_WAIT)
        self.assertEqual([], processes.end([process.pid], 30))
        self.assertFalse(psutil.pid_exists(process.pid))

    def test_process_that_does_not_is_killed(self):
        process = self.run_python(_DEAF)
        self.assertEqual([process.pid], processes.end([process.pid], 0.1))
        self.assertFalse(psutil.pid_exists(process.pid))

    def test_zombie_has_ended(self):
        parent = self.run_python(_PARENT_OF_ZOMBIE)
        zombie = int(parent.stdout.readline())
        reports = []
        self.patch(processes, '_PATIENCE', 0.01)
        processes.wait_until(
            lambda: psutil.Process(zombie).status() == psutil.STATUS_ZOMBIE,
            10)
        self.assertEqual([], processes.end([zombie], 30, reports.append))
        self.assertEqual([], reports)

    def test_processes_that_take_long_to_end_are_reported(self):
        self.patch(processes, '_PATIENCE', 0.01)
        process = self.run_python(_DEAF)
        told = []
        processes.end([process.pid], 0.1, told.append)
        self.assertEqual([process.pid], told[0])

    def test_process_that_is_gone_is_no_error(self):
        process = self.run_python(_PRINT_AND_WAIT)
        process.kill()
        process.wait()
        self.assertEqual([], processes.end([process.pid], 1))


class PhaseTestCase(ProcessCase):

    def test_phase_of_a_process(self):
        processes.write_phase(self.layout, 'nova', 'starting compute')
        self.assertEqual('starting compute', processes.phase(
            self.layout, 'nova', os.getpid()))

    def test_phase_of_an_earlier_process_does_not_count(self):
        processes.write_phase(self.layout, 'nova', processes.READY)
        self.assertEqual('', processes.phase(self.layout, 'nova', 1))

    def test_last_phase_counts_if_the_process_is_unknown(self):
        processes.write_phase(self.layout, 'nova', processes.READY, 1)
        self.assertEqual(processes.READY,
                         processes.phase(self.layout, 'nova'))

    def test_failure_is_one_line(self):
        processes.write_failure(self.layout, 'nova',
                                RuntimeError('one\n  two'))
        self.assertEqual('failed: one two', processes.phase(
            self.layout, 'nova', os.getpid()))

    def test_failure_without_words_has_its_name(self):
        processes.write_failure(self.layout, 'nova', KeyboardInterrupt())
        self.assertEqual('failed: KeyboardInterrupt', processes.phase(
            self.layout, 'nova', os.getpid()))

    def test_pid_file_of_this_process_is_its_own(self):
        processes.write_pid(self.layout, 'nova')
        pid, started = self.layout.pid('nova').read_text().split()
        self.assertEqual((os.getpid(), processes.start_time(os.getpid())),
                         (int(pid), started))
        processes.forget(self.layout, 'nova')
        self.assertFalse(self.layout.pid('nova').exists())


class WaitForTestCase(ProcessCase):
    """A service waits until another one is ready."""

    def wait(self):
        processes.wait_for(self.layout, 'glance', 0.2)

    def test_service_is_ready(self):
        process = self.run_service()
        self.write_pid(process.pid)
        processes.write_phase(self.layout, 'glance', processes.READY,
                              process.pid)
        self.wait()

    def test_service_is_not_ready(self):
        process = self.run_service()
        self.write_pid(process.pid)
        # An earlier process was ready.
        processes.write_phase(self.layout, 'glance', processes.READY, 1)
        error = self.assertRaises(RuntimeError, self.wait)
        self.assertIn(str(self.layout.log('glance')), str(error))


class ChildrenTestCase(ProcessCase):

    def test_children_and_theirs(self):
        process = self.run_python(
            'import subprocess, sys; subprocess.run([sys.executable, "-c", %r'
            '])' % _PRINT_AND_WAIT)
        [child] = processes.children(process.pid)
        self.assertIn(child, processes.children(os.getpid()))
        process.stdin.close()

    def test_process_that_is_gone_has_none(self):
        process = self.run_python('print("up")')
        process.wait()
        self.assertEqual([], processes.children(process.pid))


class LaunchTestCase(ProcessCase):

    def test_launcher_that_cannot_run_is_one_clear_line(self):
        self.layout.launcher_log.mkdir()
        error = self.assertRaises(errors.AioError, processes.launch,
                                  self.layout, ['glance', 'nova'], {})
        self.assertIn('glance, nova could not be started.', error.brief)

    def test_what_earlier_processes_wrote_does_not_count(self):
        processes.write_phase(self.layout, 'nova', processes.READY)
        launcher = processes.launch(self.layout, ['nova'], dict(os.environ))
        self.addCleanup(processes.release, launcher)
        self.assertEqual('', processes.phase(self.layout, 'nova'))

    def test_launcher_that_does_not_end_is_killed(self):
        self.patch(processes, '_LAUNCHER_GRACE', 0.1)
        process = self.run_python(
            'import time; print(flush=True); time.sleep(600)')
        processes.release(process)
        self.assertEqual(-signal.SIGKILL, process.returncode)
