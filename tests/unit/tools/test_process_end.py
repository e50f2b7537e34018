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
import select
import subprocess
import types

from nova_vmrun.tools import process_end
from tests.unit import base


class Queue:
    """A kqueue of macOS; its child has ended, or ends never."""

    def __init__(self, events, error=None):
        self._events = events
        self._error = error
        self.closed = 0

    def control(self, changes, most, seconds):
        self.asked = changes[0], most, seconds
        if self._error:
            raise self._error
        return self._events

    def close(self):
        self.closed += 1


def macos(queue):
    return types.SimpleNamespace(
        kqueue=lambda: queue, kevent=lambda *fields: fields,
        KQ_FILTER_PROC=-5, KQ_EV_ADD=1, KQ_EV_ONESHOT=16,
        KQ_NOTE_EXIT=2 ** 31)


class WaitTestCase(base.TestCase):

    def start(self, *words):
        child = subprocess.Popen(words)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        return child

    def test_popen_can_still_read_the_status(self):
        child = self.start('sh', '-c', 'exit 7')
        self.assertTrue(process_end.wait(child, 30))
        self.assertEqual(7, child.wait())

    def test_process_that_does_not_end_in_time(self):
        child = self.start('sleep', '60')
        self.assertFalse(process_end.wait(child, 0.01))
        self.assertFalse(process_end.wait(child, 0))

    def test_no_file_descriptor_is_left_open(self):
        child = self.start('sleep', '60')
        before = os.listdir('/proc/self/fd')
        process_end.wait(child, 0)
        self.assertEqual(before, os.listdir('/proc/self/fd'))

    def test_system_without_pidfd_and_kqueue(self):
        def refuse(pid):
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

        for system, selector in (
                (types.SimpleNamespace(pidfd_open=refuse), select),
                (types.SimpleNamespace(), types.SimpleNamespace())):
            child = self.start('sleep', '60')
            self.assertFalse(process_end.wait(child, 0.01, system, selector))
            child.kill()
            self.assertTrue(process_end.wait(child, 30, system, selector))

    def test_macos(self):
        child = self.start('sleep', '60')
        for events in ([], ['end']):
            queue = Queue(events)
            self.assertEqual(bool(events), process_end.wait(
                child, 9, types.SimpleNamespace(), macos(queue)))
            self.assertEqual(((child.pid, -5, 17, 2 ** 31), 1, 9),
                             queue.asked)
            self.assertEqual(1, queue.closed)

    def test_zombie_on_macos(self):
        queue = Queue([], ProcessLookupError())
        self.assertTrue(process_end.wait(
            self.start('true'), 9, types.SimpleNamespace(), macos(queue)))
        self.assertEqual(1, queue.closed)
