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
import resource
import signal
import subprocess
import sys
import tempfile
import time
from unittest import mock

import fixtures

from nova_vmrun import exception
from nova_vmrun.tools import process
from nova_vmrun.tools import process_end
from tests.macos import pretence
from tests.unit import base

PYTHON = sys.executable


class RunTestCase(base.TestCase):
    """The seam, with small programs that every system has."""

    def setUp(self):
        super().setUp()
        self.runner = process.Runner(env={'COLOUR': 'blue'})

    def run_python(self, code, **options):
        options.setdefault('timeout', 30)
        return self.runner.run(PYTHON, '-c', code, **options)

    def test_result_tells_both_streams_and_the_exit_status(self):
        result = self.run_python(
            "import sys; print('out'); print('err', file=sys.stderr); "
            "sys.exit(7)")
        self.assertEqual(('out\n', 'err\n', 7),
                         (result.stdout, result.stderr, result.exit_code))

    def test_environment_is_added_to_and_speaks_no_language(self):
        self.useFixture(fixtures.EnvironmentVariable('LANG', 'de_DE.UTF-8'))
        result = self.run_python(
            "import os; e = os.environ; "
            "print(e['COLOUR'], e['LC_ALL'], 'PATH' in e)")
        self.assertEqual('blue C.UTF-8 True\n', result.stdout)

    def test_standard_input_is_empty(self):
        result = self.run_python("import sys; print(repr(sys.stdin.read()))")
        self.assertEqual("''\n", result.stdout)

    def test_output_that_is_no_utf8_is_kept(self):
        result = self.run_python(
            r"import sys; sys.stdout.buffer.write(b'a\xff\r\n')")
        self.assertEqual('a\udcff\n', result.stdout)

    def test_a_program_gets_a_session_of_its_own(self):
        result = self.run_python("import os; print(os.getsid(0), os.getpid())")
        session, pid = result.stdout.split()
        self.assertEqual(session, pid)

    def test_a_grandchild_that_keeps_the_output_open_is_not_waited_for(self):
        pid_file = os.path.join(self.useFixture(fixtures.TempDir()).path, 'p')
        began = time.monotonic()
        result = self.runner.run(
            'sh', '-c', 'sleep 20 & echo $! > "$0"; echo started', pid_file,
            timeout=15)
        took = time.monotonic() - began
        with open(pid_file) as file:
            os.kill(int(file.read()), signal.SIGKILL)
        self.assertEqual('started\n', result.stdout)
        self.assertLess(took, 10)

    def test_a_program_that_has_done_its_work_is_left_running(self):
        self.useFixture(fixtures.MockPatchObject(process, '_ASK_SECONDS',
                                                 0.01))
        path = self.useFixture(fixtures.TempDir()).path + '/pid'
        result = self.runner.run(
            'sh', '-c', 'echo started; echo $$ > "$0.part"; mv "$0.part" "$0";'
            ' exec sleep 20', path, timeout=15,
            until=lambda: os.path.exists(path))
        self.assertEqual((0, 'started\n'), (result.exit_code, result.stdout))
        with open(path) as file:
            # It would fail if the program had ended.
            os.kill(int(file.read()), signal.SIGKILL)

    def test_a_program_that_ends_before_anybody_asks(self):
        result = self.runner.run('sh', '-c', 'cat; exit 3', timeout=15,
                                 until=lambda: self.fail('asked'))
        self.assertEqual(3, result.exit_code)

    def test_a_program_that_never_does_its_work(self):
        self.useFixture(fixtures.MockPatchObject(process, '_ASK_SECONDS',
                                                 0.01))
        self.assertRaises(
            exception.ToolTimeout, self.runner.run, 'sleep', '20',
            timeout=0.1, until=lambda: False)

    def test_a_program_that_is_not_there(self):
        error = self.assertRaises(
            exception.ToolNotFound, self.runner.run, '/no/such/vmrun',
            timeout=5)
        self.assertIn('/no/such/vmrun', str(error))
        self.assertIn('[vmrun]', error.resolution)
        self.assertEqual({}, self.runner.started)

    def test_its_end_is_noticed_at_once(self):
        sleep = self.useFixture(fixtures.MockPatch('time.sleep')).mock
        self.runner.run('sleep', '0.1', timeout=30)
        self.assertLessEqual({each.args for each in sleep.mock_calls},
                             {(0,)})

    def test_each_process_is_counted(self):
        self.run_python('')
        self.run_python('')
        self.runner.run('sh', '-c', ':', timeout=5)
        self.assertEqual({os.path.basename(PYTHON): 2, 'sh': 1},
                         self.runner.started)

    def test_a_full_disk_does_not_cut_the_output(self):
        # What lies in memory is named so by Linux.
        if not hasattr(os, 'memfd_create'):
            self.skipTest('This system has no files in memory')
        result = self.run_python(
            "import os; print(os.readlink('/proc/self/fd/1'), "
            "os.readlink('/proc/self/fd/2'))")
        self.assertEqual(2, result.stdout.count('/memfd:'))

    def test_a_system_without_files_in_memory(self):
        with mock.patch.object(os, 'memfd_create', create=True,
                               side_effect=OSError(38, 'not implemented')):
            result = self.run_python("print('out')")
        self.assertEqual('out\n', result.stdout)

    def test_what_a_program_prints_is_bound_by_its_limits(self):
        result = self.run_python(
            "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_DFL); "
            "print('x' * 100000)", limits={resource.RLIMIT_FSIZE: 1000})
        self.assertEqual(-signal.SIGXFSZ, result.exit_code)
        self.assertEqual(1000, len(result.stdout))

    def test_limits_bind_the_program_alone(self):
        before = resource.getrlimit(resource.RLIMIT_CPU)
        result = self.run_python(
            "import resource; print(resource.getrlimit(resource.RLIMIT_CPU))",
            limits={resource.RLIMIT_CPU: 11})
        self.assertEqual('(11, 11)\n', result.stdout)
        self.assertEqual(before, resource.getrlimit(resource.RLIMIT_CPU))


class LimitsOnMacOSTestCase(base.TestCase):
    """setrlimit(RLIMIT_AS) fails there."""

    def setUp(self):
        super().setUp()
        self.useFixture(pretence.MacOS())
        self.useFixture(fixtures.MockPatchObject(process, '_LOOK_SECONDS',
                                                 0.01))
        self.limits = {resource.RLIMIT_AS: 64 << 20,
                       resource.RLIMIT_CPU: 30}

    def test_a_program_runs_with_the_limits_that_are_left(self):
        result = process.Runner().run(
            PYTHON, '-c', 'import resource as r; '
            'print(r.getrlimit(r.RLIMIT_CPU), r.getrlimit(r.RLIMIT_AS))',
            timeout=30, limits=self.limits)
        self.assertEqual('(30, 30) %s\n' % (
            resource.getrlimit(resource.RLIMIT_AS),), result.stdout)

    def test_a_program_that_takes_too_much_memory_is_ended(self):
        runner = process.Runner()
        error = self.assertRaises(
            exception.ToolRefused, runner.run, PYTHON, '-c',
            'import time; b = b"x" * (128 << 20); time.sleep(60)',
            timeout=50, limits=self.limits)
        self.assertIn('may have 64', error.details)
        self.assertIn('hostile', error.resolution)

    def test_a_program_that_has_just_ended_has_none(self):
        child = subprocess.Popen(['true'])
        child.wait()
        process._refuse_more(child.pid, 0)

    def test_the_umask_that_fusion_needs(self):
        before = os.umask(0o077)
        self.addCleanup(os.umask, before)
        self.assertEqual('0022\n', process.Runner().run(
            'sh', '-c', 'umask', timeout=30).stdout)
        self.assertEqual(0o077, os.umask(0o077))

    def test_a_group_of_zombies_cannot_be_killed(self):
        """killpg says EPERM there, where Linux finds nobody."""
        with mock.patch.object(os, 'killpg',
                               side_effect=PermissionError(1, 'no')):
            self.assertRaises(
                exception.ToolTimeout, process.Runner().run, 'sleep', '60',
                timeout=0.1)


class RefusedLimitTestCase(base.TestCase):

    def test_what_fails_before_the_program_runs_is_told(self):
        """All that subprocess tells is that there was an exception."""
        with mock.patch.object(resource, 'setrlimit', side_effect=ValueError(
                'current limit exceeds maximum limit')):
            error = self.assertRaises(
                exception.ToolNotFound, process.Runner().run, 'true',
                timeout=5, limits={resource.RLIMIT_CPU: 5})
        self.assertIn('current limit exceeds', error.details)
        self.assertIn('ulimit', error.resolution)

    def test_a_hard_limit_of_our_own_that_is_lower(self):
        """No program may raise it, and none has to."""
        hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
        with mock.patch.object(resource, 'getrlimit', return_value=(0, 0)):
            result = process.Runner().run(
                'sh', '-c', 'ulimit -H -c', timeout=5,
                limits={resource.RLIMIT_CORE: 512})
        self.assertEqual('0\n', result.stdout, hard)


class TimeoutTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.pid_file = os.path.join(
            self.useFixture(fixtures.TempDir()).path, 'pids')

    def hang(self, **options):
        """Runs a program that hangs with a child; returns both pids."""
        error = self.assertRaises(
            exception.ToolTimeout, process.Runner().run, 'sh', '-c',
            'sleep 60 & echo $$ $! > "$0"; wait', self.pid_file,
            timeout=1, **options)
        self.assertIn('1 seconds', str(error))
        with open(self.pid_file) as file:
            return [int(pid) for pid in file.read().split()]

    def assertEnds(self, pid):
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                with open('/proc/%d/stat' % pid) as file:
                    if file.read().rpartition(')')[2].split()[0] == 'Z':
                        return
            except FileNotFoundError:
                return
            time.sleep(0.02)
        self.fail('process %d is still there' % pid)

    def test_the_whole_group_is_ended(self):
        tool, child = self.hang()
        self.assertEnds(tool)
        self.assertEnds(child)

    def test_what_a_start_left_behind_is_spared(self):
        tool, child = self.hang(kill_group=False)
        self.addCleanup(os.kill, child, signal.SIGKILL)
        self.assertEnds(tool)
        os.kill(child, 0)

    def test_a_wait_that_fails_leaves_no_program_behind(self):
        for kill_group in (True, False):
            runner = process.Runner()
            with (mock.patch.object(process, '_end',
                                    side_effect=process._end) as end,
                  mock.patch.object(process_end, 'wait',
                                    side_effect=MemoryError)):
                self.assertRaises(MemoryError, runner.run, 'sleep', '60',
                                  timeout=60, kill_group=kill_group)
            child, spared = end.call_args[0]
            self.assertEqual((-signal.SIGKILL, kill_group),
                             (child.returncode, spared))
            self.assertEqual({'sleep': 1}, runner.started)

    def test_who_does_not_die_is_not_waited_for(self):
        """A process in the D state dies when its disk answers."""
        self.useFixture(fixtures.MockPatchObject(process, '_KILL_SECONDS',
                                                 0.2))
        log = self.useFixture(fixtures.FakeLogger())
        with mock.patch.object(os, 'killpg'):
            tool, child = self.hang()
        self.assertIn('does not end', log.output)
        os.kill(tool, 0)
        # It is reaped when it ends at last: no zombie stays.
        os.killpg(tool, signal.SIGKILL)
        deadline = time.monotonic() + 10
        while os.path.exists('/proc/%d' % tool):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)


class MaskTestCase(base.TestCase):

    def test_passwords_are_struck_out(self):
        self.assertEqual(
            'vmrun -gu user -gp *** -vp *** list',
            process.mask(['vmrun', '-gu', 'user', '-gp', 's3cret', '-vp',
                          's3cret', 'list']))

    def test_details_of_a_result_are_masked(self):
        result = process.Result(('vmrun', '-vp', 's3cret'), 255,
                                'Error: no\n', '')
        self.assertNotIn('s3cret', result.details())
        self.assertIn('Error: no', result.details())

    def test_the_log_is_masked(self):
        log = self.useFixture(fixtures.FakeLogger(level=10))
        with tempfile.NamedTemporaryFile('w', suffix='.sh') as script:
            process.Runner().run('sh', script.name, '-gp', 's3cret',
                                 timeout=5)
        self.assertIn('-gp ***', log.output)
        self.assertNotIn('s3cret', log.output)
