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
import sys
import tempfile
import time
from unittest import mock

import fixtures

from nova_vmrun import exception
from nova_vmrun.tools import process
from nova_vmrun.tools import process_end
from tests.unit import base

PYTHON = sys.executable


class RunTestCase(base.TestCase):
    """Run small programs that every system has."""

    def setUp(self):
        super().setUp()
        self.runner = process.Runner(env={'COLOUR': 'blue'})

    def run_python(self, code, **options):
        options.setdefault('timeout', 30)
        return self.runner.run(PYTHON, '-c', code, **options)

    def test_result_has_both_streams_and_the_exit_status(self):
        result = self.run_python(
            "import sys; print('out'); print('err', file=sys.stderr); "
            "sys.exit(7)")
        self.assertEqual(('out\n', 'err\n', 7),
                         (result.stdout, result.stderr, result.exit_code))

    def test_environment_is_extended_and_has_a_neutral_locale(self):
        self.useFixture(fixtures.EnvironmentVariable('LANG', 'de_DE.UTF-8'))
        result = self.run_python(
            "import os; e = os.environ; "
            "print(e['COLOUR'], e['LC_ALL'], 'PATH' in e)")
        self.assertEqual('blue C.UTF-8 True\n', result.stdout)

    def test_standard_input_is_empty(self):
        result = self.run_python("import sys; print(repr(sys.stdin.read()))")
        self.assertEqual("''\n", result.stdout)

    def test_standard_input_can_be_written(self):
        result = self.run_python(
            'import sys; print(len(sys.stdin.read()))',
            feed=lambda stream: stream.write(b'x' * 200000))
        self.assertEqual('200000\n', result.stdout)

    def test_a_program_that_hangs_does_not_read_its_input(self):
        self.assertRaises(
            exception.ToolTimeout, self.run_python, 'import time; '
            'time.sleep(60)', timeout=0.5,
            feed=lambda stream: stream.write(b'x' * 20000000))

    def test_output_that_is_not_utf8_is_kept(self):
        result = self.run_python(
            r"import sys; sys.stdout.buffer.write(b'a\xff\r\n')")
        self.assertEqual('a\udcff\n', result.stdout)

    def test_program_has_a_session_of_its_own(self):
        result = self.run_python("import os; print(os.getsid(0), os.getpid())")
        session, pid = result.stdout.split()
        self.assertEqual(session, pid)

    def test_grandchild_that_holds_the_output_open_is_not_awaited(self):
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

    def test_program_is_left_running_once_until_is_true(self):
        self.useFixture(fixtures.MockPatchObject(process, '_UNTIL_INTERVAL',
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

    def test_program_that_ends_before_until_is_called(self):
        result = self.runner.run('sh', '-c', 'cat; exit 3', timeout=15,
                                 until=lambda: self.fail('asked'))
        self.assertEqual(3, result.exit_code)

    def test_timeout_while_until_is_false(self):
        self.useFixture(fixtures.MockPatchObject(process, '_UNTIL_INTERVAL',
                                                 0.01))
        self.assertRaises(
            exception.ToolTimeout, self.runner.run, 'sleep', '20',
            timeout=0.1, until=lambda: False)

    def test_program_that_does_not_exist(self):
        error = self.assertRaises(
            exception.ToolNotFound, self.runner.run, '/no/such/vmrun',
            timeout=5)
        self.assertIn('/no/such/vmrun', str(error))
        self.assertIn('[vmrun]', error.resolution)
        self.assertEqual({}, self.runner.started)

    def test_end_is_noticed_without_polling(self):
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
        self.assertEqual({}, self.runner.failed)

    def test_each_failure_is_counted(self):
        self.runner.run('false', timeout=5)
        for timeout, *argv in ((0.1, 'sleep', '20'), (5, '/no/such/vmrun')):
            self.assertRaises(exception.VmrunError, self.runner.run, *argv,
                              timeout=timeout)
        self.assertEqual({'false': 1, 'sleep': 1, 'vmrun': 1},
                         self.runner.failed)

    def test_output_is_kept_in_memory(self):
        # Linux shows files in memory by this name.
        if not hasattr(os, 'memfd_create'):
            self.skipTest('This system has no files in memory')
        result = self.run_python(
            "import os; print(os.readlink('/proc/self/fd/1'), "
            "os.readlink('/proc/self/fd/2'))")
        self.assertEqual(2, result.stdout.count('/memfd:'))

    def test_system_without_files_in_memory(self):
        with mock.patch.object(os, 'memfd_create', create=True,
                               side_effect=OSError(38, 'not implemented')):
            result = self.run_python("print('out')")
        self.assertEqual('out\n', result.stdout)

    def test_file_size_limit_applies_to_the_output(self):
        result = self.run_python(
            "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_DFL); "
            "print('x' * 100000)", limits={resource.RLIMIT_FSIZE: 1000})
        self.assertEqual(-signal.SIGXFSZ, result.exit_code)
        self.assertEqual(1000, len(result.stdout))

    def test_limits_apply_to_the_program_only(self):
        before = resource.getrlimit(resource.RLIMIT_CPU)
        result = self.run_python(
            "import resource; print(resource.getrlimit(resource.RLIMIT_CPU))",
            limits={resource.RLIMIT_CPU: 11})
        self.assertEqual('(11, 11)\n', result.stdout)
        self.assertEqual(before, resource.getrlimit(resource.RLIMIT_CPU))


class TimeoutTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.pid_file = os.path.join(
            self.useFixture(fixtures.TempDir()).path, 'pids')

    def hang(self, **options):
        """Run a program that hangs with a child; return both pids."""
        # On a busy machine, it may be killed before it has begun.
        for timeout in (1, 10):
            error = self.assertRaises(
                exception.ToolTimeout, process.Runner().run, 'sh', '-c',
                'sleep 60 & echo $$ $! > "$0"; wait', self.pid_file,
                timeout=timeout, **options)
            self.assertIn(' %d seconds' % timeout, str(error))
            with open(self.pid_file, 'a+') as file:
                file.seek(0)
                if pids := [int(pid) for pid in file.read().split()]:
                    return pids
        self.fail('It did not begin.')

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

    def test_whole_process_group_is_killed(self):
        tool, child = self.hang()
        self.assertEnds(tool)
        self.assertEnds(child)

    def test_only_the_program_is_killed_without_kill_group(self):
        tool, child = self.hang(kill_group=False)
        self.addCleanup(os.kill, child, signal.SIGKILL)
        self.assertEnds(tool)
        os.kill(child, 0)

    def test_program_is_killed_if_waiting_fails(self):
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

    def test_program_that_does_not_die_is_not_awaited(self):
        """A process in the D state dies once its disk responds."""
        self.useFixture(fixtures.MockPatchObject(process, '_KILL_SECONDS',
                                                 0.2))
        log = self.useFixture(fixtures.FakeLogger())
        with mock.patch.object(os, 'killpg'):
            tool, child = self.hang()
        self.assertIn('has not ended', log.output)
        os.kill(tool, 0)
        # It is reaped when it ends, so no zombie remains.
        os.killpg(tool, signal.SIGKILL)
        deadline = time.monotonic() + 10
        while os.path.exists('/proc/%d' % tool):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)


class MaskTestCase(base.TestCase):

    def test_passwords_are_masked(self):
        self.assertEqual(
            'vmrun -gu user -gp *** -vp *** list',
            process.mask(['vmrun', '-gu', 'user', '-gp', 's3cret', '-vp',
                          's3cret', 'list']))

    def test_details_are_masked(self):
        result = process.Result(('vmrun', '-vp', 's3cret'), 255,
                                'Error: no\n', '')
        self.assertNotIn('s3cret', result.details())
        self.assertIn('Error: no', result.details())

    def test_log_is_masked(self):
        log = self.useFixture(fixtures.FakeLogger(level=10))
        with tempfile.NamedTemporaryFile('w', suffix='.sh') as script:
            process.Runner().run('sh', script.name, '-gp', 's3cret',
                                 timeout=5)
        self.assertIn('-gp ***', log.output)
        self.assertNotIn('s3cret', log.output)
