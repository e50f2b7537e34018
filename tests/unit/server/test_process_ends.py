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

import errno
import os
import resource
import select
import subprocess
import sys
import threading
import types
from unittest import mock

import fixtures

from nova_vmrun.server import process_ends
from nova_vmrun.server import process_identity
from tests.unit import base

# Only a test that fails waits so long, in seconds.
PATIENCE = 30


class Base(base.TestCase):

    def setUp(self):
        super().setUp()
        self.ends = process_ends.ProcessEnds()
        self.addCleanup(self.ends.close)

    def start(self):
        """Starts a program that does not end; returns the Popen."""
        started = subprocess.Popen(['sleep', '600'])
        self.addCleanup(started.wait)
        self.addCleanup(started.kill)
        return started

    def watch(self, started):
        process = started.pid, process_identity.of(started.pid)
        self.ends.add(process)
        return process


class EndsTestCase(Base):
    """As this system does it, with real processes."""

    def test_a_process_that_is_killed(self):
        """Also while its parent has not yet taken notice."""
        first, second = self.start(), self.start()
        self.watch(first)
        process = self.watch(second)
        self.assertEqual([], self.ends.wait(0))
        second.kill()
        self.assertEqual([process], self.ends.wait(PATIENCE))
        # It is reported once.
        self.assertEqual([], self.ends.wait(0))

    def test_a_process_that_was_gone_before(self):
        started = self.start()
        process = started.pid, process_identity.of(started.pid)
        started.kill()
        started.wait()
        self.ends.add(process)
        self.assertEqual([process], self.ends.wait())

    def test_a_pid_that_is_another_processs(self):
        started = self.start()
        stale = started.pid, 'another boot 5'
        self.ends.add(stale)
        self.assertEqual([stale], self.ends.wait())
        # The process that has it now can be watched.
        process = self.watch(started)
        started.kill()
        self.assertEqual([process], self.ends.wait(PATIENCE))

    def test_a_pid_that_is_used_again(self):
        """The end of the first may not have been told yet."""
        started = self.start()
        process = self.watch(started)
        self.useFixture(fixtures.MockPatchObject(process_identity, 'is_same',
                                                 return_value=True))
        later = started.pid, 'another boot 5'
        self.ends.add(later)
        self.assertEqual([process], self.ends.wait())
        started.kill()
        self.assertEqual([later], self.ends.wait(PATIENCE))

    def test_a_process_that_is_forgotten(self):
        started = self.start()
        process = self.watch(started)
        # Twice is once.
        self.ends.add(process)
        self.ends.remove(process)
        self.ends.remove(process)
        started.kill()
        started.wait()
        self.assertEqual([], self.ends.wait(0))

    def test_a_gone_process_that_is_forgotten(self):
        process = self.start().pid, 'another boot 5'
        self.ends.add(process)
        self.ends.remove(process)
        self.assertEqual([], self.ends.wait(0))

    def test_a_thread_that_waits_takes_new_processes(self):
        ended = []
        thread = threading.Thread(
            target=lambda: ended.extend(self.ends.wait(PATIENCE)))
        thread.start()
        started = self.start()
        process = self.watch(started)
        started.kill()
        thread.join(PATIENCE)
        self.assertEqual([process], ended)

    def test_a_thread_that_waits_is_woken(self):
        ended = []
        thread = threading.Thread(
            target=lambda: ended.append(self.ends.wait()))
        thread.start()
        self.ends.wake()
        thread.join(PATIENCE)
        self.assertEqual([[]], ended)

    def test_children_inherit_nothing(self):
        self.watch(self.start())
        for number in map(int, os.listdir('/proc/self/fd')):
            if 'anon_inode' in _link(number):
                self.assertFalse(os.get_inheritable(number))

    def test_everything_is_given_back(self):
        before = sorted(map(_link, map(int, os.listdir('/proc/self/fd'))))
        ends = process_ends.ProcessEnds()
        started = self.start()
        ends.add((started.pid, process_identity.of(started.pid)))
        ends.close()
        self.assertEqual(before, sorted(
            map(_link, map(int, os.listdir('/proc/self/fd')))))


def _link(number):
    try:
        return os.readlink('/proc/self/fd/%d' % number)
    except FileNotFoundError:
        # That of the listing itself.
        return '/proc/%d/fd' % os.getpid()


class CostTestCase(Base):
    """What hundreds of VMs cost while nothing happens."""

    def test_no_wakeup_and_no_processor_time(self):
        for _ in range(100):
            self.watch(self.start())
        waiting = threading.Event()
        thread_id = []

        def wait():
            thread_id.append(threading.get_native_id())
            waiting.set()
            self.ends.wait()

        thread = threading.Thread(target=wait)
        thread.start()
        waiting.wait(PATIENCE)
        while _state(thread_id[0]) != 'S':
            pass
        before = _switches(thread_id[0])
        # Twice as long as a look once a second would sleep.
        threading.Event().wait(2 * process_ends._POLL_SECONDS)
        self.assertEqual(before, _switches(thread_id[0]))
        self.ends.wake()
        thread.join(PATIENCE)


def _status(thread_id):
    with open('/proc/self/task/%d/status' % thread_id) as file:
        return dict(line.rstrip('\n').split(':\t', 1) for line in file)


def _state(thread_id):
    return _status(thread_id)['State'][:1]


def _switches(thread_id):
    """Returns how often a thread slept and how often it was interrupted."""
    status = _status(thread_id)
    return (int(status['voluntary_ctxt_switches']),
            int(status['nonvoluntary_ctxt_switches']))


class PolledTestCase(Base):
    """The kernel does not watch for us."""

    def setUp(self):
        super().setUp()
        self.useFixture(fixtures.MockPatchObject(
            process_ends, '_POLL_SECONDS', 0.01))
        self.refuse = self.useFixture(fixtures.MockPatchObject(
            os, 'pidfd_open', side_effect=OSError(errno.ENOSYS, 'no'))).mock

    def wait(self):
        for _ in range(1000):
            if ended := self.ends.wait():
                return ended
        self.fail('No end was reported.')

    def test_a_process_that_ends(self):
        first, second = self.start(), self.start()
        self.watch(first)
        process = self.watch(second)
        self.assertEqual([], self.ends.wait())
        second.kill()
        second.wait()
        self.assertEqual([process], self.wait())

    def test_a_python_without_pidfds(self):
        started = self.start()
        with mock.patch.object(os, 'pidfd_open', create=True):
            del os.pidfd_open
            process = self.watch(started)
        started.kill()
        started.wait()
        self.assertEqual([process], self.wait())

    def test_a_zombie_and_a_pid_that_is_used_again(self):
        """Each turn looks at one of all more closely."""
        zombie, reused = self.start(), self.start()
        processes = {self.watch(zombie), self.watch(reused)}
        zombie.kill()
        is_same = process_identity.is_same
        self.useFixture(fixtures.MockPatchObject(
            process_identity, 'is_same',
            lambda pid, birth: pid != reused.pid and is_same(pid, birth)))
        self.assertEqual(processes, {*self.wait(), *self.wait()})

    def test_a_process_that_is_forgotten(self):
        started = self.start()
        self.ends.remove(self.watch(started))
        started.kill()
        started.wait()
        self.assertEqual([], self.ends.wait(0.01))

    def test_a_process_of_another_user(self):
        started = self.start()
        self.watch(started)
        with mock.patch.object(os, 'kill', side_effect=PermissionError):
            self.assertEqual([], self.ends.wait())

    def test_no_number_of_processes_makes_it_read_more_files(self):
        is_same = self.useFixture(fixtures.MockPatchObject(
            process_identity, 'is_same', return_value=True)).mock
        self.useFixture(fixtures.MockPatchObject(os, 'kill'))
        for number in range(1, 501):
            self.ends.add((number, 'boot'))
        is_same.reset_mock()
        opened = []
        sys.addaudithook(lambda event, arguments: opened.append(
            arguments[0]) if event == 'open' and self.counting else None)
        self.counting = True
        self.ends.wait(0)
        self.counting = False
        self.assertEqual([], opened)
        self.assertEqual(1, is_same.call_count)

    def test_the_rest_of_nova_compute_keeps_half_of_the_descriptors(self):
        self.refuse.side_effect = AssertionError
        with mock.patch.object(resource, 'getrlimit', return_value=(0, 0)):
            ends = process_ends.ProcessEnds()
        self.addCleanup(ends.close)
        started = self.start()
        ends.add((started.pid, process_identity.of(started.pid)))
        self.assertFalse(self.refuse.called)


class FakeKqueue:
    """As much of macOS's as is used.

    :ivar living: pids of processes
    """

    def __init__(self):
        self.living = set()
        self._events = {}
        self.asked = []
        self.is_closed = False

    def control(self, changes, most, seconds=None):
        for change in changes or ():
            key = change.filter, change.ident
            if change.flags & KQ.KQ_EV_DELETE:
                if self._events.pop(key, None) is None:
                    raise FileNotFoundError
                continue
            if change.filter == KQ.KQ_FILTER_PROC and (
                    change.ident not in self.living):
                raise ProcessLookupError
            self._events[key] = change
        if not most:
            return []
        self.asked.append(seconds)
        fired = [change for (kind, ident), change in self._events.items()
                 if kind == KQ.KQ_FILTER_PROC and ident not in self.living]
        for change in fired:
            if change.flags & KQ.KQ_EV_ONESHOT:
                del self._events[change.filter, change.ident]
        return fired[:most]

    def close(self):
        self.is_closed = True


KQ = types.SimpleNamespace(
    KQ_FILTER_READ=-1, KQ_FILTER_PROC=-5, KQ_EV_ADD=1, KQ_EV_DELETE=2,
    KQ_EV_ONESHOT=16, KQ_NOTE_EXIT=1 << 31,
    kevent=lambda ident, filter, flags=1, fflags=0: types.SimpleNamespace(
        ident=ident, filter=filter, flags=flags, fflags=fflags))


class KqueueTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.queue = FakeKqueue()
        KQ.kqueue = lambda: self.queue
        self.useFixture(fixtures.MockPatchObject(
            process_identity, 'is_same',
            lambda pid, birth: pid in self.queue.living))
        self.ends = process_ends.ProcessEnds(
            lambda wake: process_ends.Kqueue(wake, KQ))

    def test_a_process_that_ends(self):
        self.queue.living |= {11, 12}
        self.ends.add((11, 1.5))
        self.ends.add((12, 2.5))
        self.queue.living.remove(12)
        self.assertEqual([(12, 2.5)], self.ends.wait())
        self.assertEqual([None], self.queue.asked)
        self.assertEqual([], self.ends.wait(3))

    def test_a_process_that_is_gone(self):
        self.ends.add((11, 1.5))
        self.assertEqual([(11, 1.5)], self.ends.wait())

    def test_a_process_that_is_forgotten(self):
        self.queue.living |= {11, 12}
        self.ends.add((11, 1.5))
        self.ends.add((12, 2.5))
        self.ends.remove((11, 1.5))
        self.queue.living.clear()
        self.assertEqual([(12, 2.5)], self.ends.wait())
        self.ends.remove((12, 2.5))

    def test_it_is_closed(self):
        self.ends.close()
        self.assertTrue(self.queue.is_closed)

    def test_which_system_has_it(self):
        for system, kind in (({'epoll': mock.Mock()}, 'Pidfds'),
                             ({'kqueue': lambda: self.queue,
                               **vars(KQ)}, 'Kqueue')):
            with mock.patch.object(process_ends, 'select',
                                   types.SimpleNamespace(EPOLLIN=1,
                                                         **system)), (
                    mock.patch.object(process_ends.Kqueue.__init__,
                                      '__defaults__', (KQ,))):
                self.assertEqual(kind, type(
                    process_ends.system_source(0)).__name__)


class NumbersTestCase(base.TestCase):

    def test_the_fake_has_the_numbers_of_macos(self):
        if not hasattr(select, 'kqueue'):
            self.skipTest('This system has no kqueue.')
        for name in vars(KQ):
            if name.startswith('KQ_'):
                self.assertEqual(getattr(select, name), getattr(KQ, name))
