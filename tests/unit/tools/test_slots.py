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

import threading
import time

from nova_vmrun import exception
from nova_vmrun.tools import process
from nova_vmrun.tools import vmrun
from tests.unit import base
from tests.unit import stubs

VMX = '/vms/a/a.vmx'


class MeetingRunner:
    """Let a program end only once enough others are running."""

    def __init__(self, number):
        self._meeting = threading.Barrier(number)
        self._lock = threading.Lock()
        self._now = 0
        self.most = 0

    def run(self, *argv, **options):
        if 'list' in argv:
            return process.Result(argv, 0, 'Total running VMs: 0\n', '')
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        self._meeting.wait(20)
        time.sleep(0.02)
        with self._lock:
            self._now -= 1
        return process.Result(argv, 0, '', '')


class ConcurrencyTestCase(base.TestCase):
    """Commands that change VMs run in parallel, a few at a time."""

    def start_threads(self, number, runner):
        self.tool = vmrun.Vmrun(runner, '/usr/bin/vmrun', 'ws',
                                stubs.conf(max_concurrent_operations=3))
        threads = [threading.Thread(target=self.tool.start, args=(VMX,))
                   for _ in range(number)]
        for thread in threads:
            thread.start()
        return threads

    def test_limit_is_max_concurrent_operations(self):
        runner = MeetingRunner(3)
        for thread in self.start_threads(9, runner):
            thread.join(20)
        self.assertEqual(3, runner.most)

    def test_list_takes_no_slot(self):
        runner = MeetingRunner(4)
        threads = self.start_threads(3, runner)
        self.assertEqual([], self.tool.list())
        runner._meeting.wait(20)
        for thread in threads:
            thread.join(20)


class HeldRunner:
    """Let no command end before let_go is set."""

    def __init__(self):
        self.began = threading.Semaphore(0)
        self.let_go = threading.Event()
        self.verbs = []

    def run(self, *argv, **options):
        self.verbs.append(argv[3])
        self.began.release()
        self.let_go.wait(20)
        return process.Result(argv, 0, '', '')


class SlotsTestCase(base.TestCase):
    """Which commands block which."""

    def setUp(self):
        super().setUp()
        self.runner = HeldRunner()
        self.threads = []
        self.addCleanup(self.end)

    def end(self):
        self.runner.let_go.set()
        for thread in self.threads:
            thread.join(20)

    def vmrun(self, **conf):
        return vmrun.Vmrun(self.runner, '/usr/bin/vmrun', 'ws',
                           stubs.conf(**conf))

    def begin(self, command, *args, **options):
        """Run a command in a thread and return the thread."""
        thread = threading.Thread(target=command, args=args, kwargs=options)
        self.threads.append(thread)
        thread.start()
        return thread

    def assertBegins(self, command, *args, **options):
        self.begin(command, *args, **options)
        self.assertTrue(self.runner.began.acquire(timeout=20))

    def assertWaits(self, command, *args, **options):
        self.begin(command, *args, **options)
        self.assertFalse(self.runner.began.acquire(timeout=0.1))

    def test_waiting_for_guests_takes_no_slot(self):
        tool = self.vmrun(max_concurrent_operations=1)
        for number in range(5):
            path = '/%d.vmx' % number
            self.assertBegins(tool.stop, path, hard=False, timeout=60)
            self.assertBegins(tool.reset, path, hard=False, timeout=60)
            self.assertBegins(tool.guest_address, path)
        self.assertBegins(tool.stop, VMX)

    def test_one_request_of_each_verb_per_guest(self):
        tool = self.vmrun()
        for ask, options in (
                (tool.stop, {'hard': False, 'timeout': 60}),
                (tool.reset, {'hard': False, 'timeout': 60}),
                (tool.guest_address, {})):
            self.assertBegins(ask, VMX, **options)
            error = self.assertRaises(exception.GuestBusy, ask, VMX,
                                      **options)
            self.assertIn(VMX, error.brief)
        self.assertEqual(3, len(self.runner.verbs))
        self.end()
        tool.stop(VMX, hard=False, timeout=60)
        self.assertEqual('stop', self.runner.verbs[-1])

    def test_long_commands_leave_one_slot_for_short_ones(self):
        tool = self.vmrun(max_concurrent_operations=3)
        self.assertBegins(tool.snapshot, '/1.vmx', 'name')
        self.assertBegins(tool.suspend, '/2.vmx')
        for command, *args in ((tool.suspend, '/3.vmx'),
                               (tool.snapshot, '/4.vmx', 'name'),
                               (tool.delete_snapshot, '/5.vmx', 'name')):
            self.assertWaits(command, *args)
        self.assertBegins(tool.stop, VMX)

    def test_one_slot_is_shared_by_long_and_short_commands(self):
        tool = self.vmrun(max_concurrent_operations=1)
        self.assertBegins(tool.snapshot, '/1.vmx', 'name')
        self.assertWaits(tool.stop, VMX)
        self.end()
        self.assertEqual(['snapshot', 'stop'], self.runner.verbs)

    def test_slot_is_released_between_two_tries(self):
        runner = stubs.ScriptedRunner(
            (255, 'Error: The file is already in use\n'), (0, ''))

        def other(seconds):
            thread = self.begin(tool.stop, VMX)
            thread.join(20)
            self.assertFalse(thread.is_alive())

        tool = vmrun.Vmrun(runner, '/usr/bin/vmrun', 'ws',
                           stubs.conf(max_concurrent_operations=1), other)
        tool.start(VMX)
        self.assertEqual(['start', 'stop', 'start'],
                         [words[3] for words in runner.calls])
