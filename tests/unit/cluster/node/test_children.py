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
import types
from unittest import mock

import fixtures
import psutil

from nova_vmrun.aio import errors
from nova_vmrun.aio import processes
from nova_vmrun.cluster.node import children
from tests.unit.cluster.node import base


class ChildTestCase(base.NodeCase):

    def child(self, code):
        child = children.Child(self.layout, 'compute',
                               [sys.executable, '-c', code], {})
        self.addCleanup(child.stop)
        return child

    def test_it_runs_until_it_is_stopped(self):
        child = self.child('import time; time.sleep(60)')
        self.assertTrue(child.may_start)
        child.start()
        self.assertTrue(child.alive)
        self.assertFalse(child.may_start)
        self.assertEqual('', child.note_end())
        child.stop()
        self.assertFalse(child.alive)

    def test_it_says_how_it_ended_and_waits_longer_each_time(self):
        child = self.child('raise SystemExit("out of order")')
        pauses = []
        for _ in range(2):
            child.start()
            child.process.wait()
            self.assertEqual('compute ended with status 1: out of order',
                             child.note_end())
            self.assertFalse(child.may_start)
            pauses.append(child.not_before - time.monotonic())
        self.assertLess(1.5 * pauses[0], pauses[1])

    def test_it_has_run_for_long_whatever_the_clock_says(self):
        child = self.child('pass')
        child.delay()
        child.start()
        child.process.wait()
        later = time.monotonic() + 100
        with mock.patch.object(children, 'time', types.SimpleNamespace(
                monotonic=lambda: later)):
            child.note_end()
        self.assertEqual(later + 1, child.not_before)

    def test_the_line_of_a_log_that_says_something(self):
        self.layout.log('compute').write_text(
            '2026-01-01 00:00:00.000 7 ERROR nova ValueError: no such bus\n'
            '2026-01-01 00:00:00.000 7 ERROR nova \n')
        self.assertTrue(children.last_complaint(
            self.layout.log('compute'), None).endswith(
                'ValueError: no such bus'))

    def test_what_an_earlier_process_said_is_not_repeated(self):
        self.layout.log('compute').write_text('7 ERROR nova Out of order\n')
        for code, text in (('raise SystemExit(1)', ''),
                           ('raise SystemExit("No space")', ': No space')):
            child = self.child(code)
            child.start()
            child.process.wait()
            self.assertEqual('compute ended with status 1' + text,
                             child.note_end())

    def test_a_program_that_is_missing(self):
        child = children.Child(self.layout, 'sshd', ['/no/such'], {})
        error = self.assertRaises(errors.AioError, child.start)
        self.assertIn('/no/such could not be started', str(error))


class LeftoversTestCase(base.NodeCase):

    def test_what_a_killed_supervisor_left_is_ended(self):
        def start(word):
            process = subprocess.Popen(
                [sys.executable, '-c', 'import time; time.sleep(60)', 'x',
                 *word.split()])
            self.addCleanup(process.wait)
            self.addCleanup(process.kill)
            return process

        words = {children.TUNNEL: ['marker', str(self.layout.root)]}
        self.useFixture(fixtures.MockPatchObject(
            children, 'commands', return_value=words))
        ours = start('marker %s' % self.layout.root)
        other = start('marker /elsewhere')
        # Python replaces the forked process some time after the fork.
        for process in (ours, other):
            command = psutil.Process(process.pid)
            processes.wait_until(lambda: 'marker' in command.cmdline(), 10)
        children.end_leftovers(self.files)
        self.assertIsNotNone(ours.poll())
        self.assertIsNone(other.poll())


class CommandsTestCase(base.NodeCase):

    def test_each(self):
        commands = children.commands(self.files)
        self.assertEqual(set(children.ALL), set(commands))
        self.assertIn(str(self.files.nova_conf),
                      commands[children.COMPUTE])
        self.assertEqual('tunnel', commands[children.TUNNEL][-1])

    def test_variables(self):
        variables = children.environment(
            self.layout, {'FAKE_VMRUN_ENGINE': 'qemu'},
            {'PATH': '/bin', 'OS_PASSWORD': 'x'})
        self.assertEqual('qemu', variables['FAKE_VMRUN_ENGINE'])
        self.assertEqual('/bin', variables['PATH'])
        self.assertNotIn('OS_PASSWORD', variables)
