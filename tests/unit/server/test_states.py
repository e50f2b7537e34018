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
import threading
import time
from unittest import mock

import fixtures
import psutil

from nova_vmrun import exception
from nova_vmrun.host import files
from nova_vmrun.server import layout
from nova_vmrun.server import process_identity
from nova_vmrun.server import states
from nova_vmrun.server import vmx_file
from tests.unit import base
from tests.unit import locks

State = states.State

UUID = '11111111-2222-3333-4444-555555555555'
OTHER = '99999999-2222-3333-4444-555555555555'


class Clock:
    now = 100.0
    calls = 0

    def __call__(self):
        self.calls += 1
        return self.now


class Lister:
    """A vmrun that only lists."""

    def __init__(self, clock):
        self._clock = clock
        self.paths = []
        self.calls = 0
        self.takes = 0

    def list(self):
        self.calls += 1
        self._clock.now += self.takes
        if isinstance(self.paths, Exception):
            raise self.paths
        return list(self.paths)


class Base(base.TestCase):

    def setUp(self):
        super().setUp()
        self.layout = layout.Layout(
            self.useFixture(fixtures.TempDir()).path, '_base')
        self.clock = Clock()
        self.vmrun = Lister(self.clock)
        self.slept = []
        self.states = states.PowerStates(
            self.vmrun, self.layout, vmx_file.VmxFiles(
                self.layout, self.slept.append).load_patiently, self.clock)

    def write_vmx(self, text='config.version = "8"\n', uuid=UUID):
        os.makedirs(self.layout.folder(uuid), exist_ok=True)
        files.write_atomically(self.layout.vmx(uuid), text)

    def start(self, pid=None):
        """Makes the VM run, as this very process unless told otherwise."""
        self.write_vmx()
        self.end()
        locks.lock(self.layout.vmx(UUID), pid=pid)
        self.vmrun.paths = [self.layout.vmx(UUID)]

    def end(self):
        """Removes the lock of a VM that is gone."""
        files.remove_tree(self.layout.vmx(UUID) + '.lck')
        self.vmrun.paths = []


class StateTestCase(Base):

    def test_running(self):
        self.start()
        self.assertEqual(State.RUNNING, self.states.get(UUID))

    def test_running_by_another_spelling_of_its_path(self):
        self.start()
        link = self.useFixture(fixtures.TempDir()).path + '/link'
        os.symlink(self.layout.root, link)
        self.vmrun.paths = ['%s/%s/%s.vmx' % (link, UUID, UUID)]
        self.assertEqual(State.RUNNING, self.states.get(UUID))

    def test_off(self):
        self.write_vmx()
        self.assertEqual(State.OFF, self.states.get(UUID))

    def test_suspended(self):
        self.write_vmx('checkpoint.vmState = "a-1234abcd.vmss"\n')
        self.assertEqual(State.SUSPENDED, self.states.get(UUID))

    def test_resumed(self):
        self.write_vmx('checkpoint.vmState = ""\n')
        self.assertEqual(State.OFF, self.states.get(UUID))

    def test_paused(self):
        self.start()
        self.states.mark_paused(UUID)
        self.assertEqual(State.PAUSED, self.states.get(UUID))
        self.states.unmark_paused(UUID)
        self.assertEqual(State.RUNNING, self.states.get(UUID))

    def test_paused_for_a_copy(self):
        self.start()
        for for_copy in (True, False):
            self.states.mark_paused(UUID, for_copy)
            self.assertEqual(State.PAUSED, self.states.get(UUID))
            self.assertEqual(for_copy, self.states.is_paused_for_copy(UUID))
        self.states.unmark_paused(UUID)
        self.assertFalse(self.states.is_paused_for_copy(UUID))

    def test_unmark_what_was_not_marked(self):
        self.start()
        self.states.unmark_paused(UUID)
        self.assertEqual(State.RUNNING, self.states.get(UUID))

    def test_mark_of_an_earlier_process_is_void(self):
        self.start()
        self.states.mark_paused(UUID)
        self.start(pid=os.getppid())
        self.assertEqual(State.RUNNING, self.states.get(UUID))

    def test_mark_of_a_reused_pid_is_void(self):
        self.start()
        files.write_atomically(self.layout.paused(UUID),
                               '[%d, 12345.0]' % os.getpid())
        self.assertEqual(State.RUNNING, self.states.get(UUID))

    def test_a_step_of_the_clock_does_not_void_the_mark(self):
        self.start()
        self.states.mark_paused(UUID)
        self.useFixture(fixtures.MockPatchObject(
            psutil.Process, 'create_time', return_value=12345.0))
        self.assertEqual(State.PAUSED, self.states.get(UUID))

    def test_a_guest_that_fills_the_log_does_not_void_the_mark(self):
        """VMware begins a new one, whose first line may be the guest's."""
        self.start()
        self.states.mark_paused(UUID)
        for line in ('', 'Guest: pid=1 x\n', 'pid=%d x\n' % os.getppid()):
            files.write_atomically(self.layout.vmware_log(UUID), line)
            self.assertEqual(State.PAUSED, self.states.get(UUID))

    def test_a_mark_outlasts_locks_that_cannot_be_read(self):
        self.start()
        self.states.mark_paused(UUID)
        files.remove_tree(self.layout.vmx(UUID) + '.lck')
        self.assertEqual(State.PAUSED, self.states.get(UUID))

    def test_a_mark_with_the_time_of_day(self):
        self.start()
        for seconds, state in ((2, State.PAUSED), (60, State.RUNNING)):
            files.write_atomically(self.layout.paused(UUID), '[%d, %f]' % (
                os.getpid(), psutil.Process().create_time() + seconds))
            self.assertEqual(state, self.states.get(UUID))

    def test_a_mark_without_a_process_is_void(self):
        self.start()
        for text in ('null', '[]', '[1', '[%d, null]' % os.getpid()):
            files.write_atomically(self.layout.paused(UUID), text)
            self.assertEqual(State.RUNNING, self.states.get(UUID))

    def test_mark_does_not_outlive_the_vm(self):
        self.start()
        self.states.mark_paused(UUID)
        self.end()
        self.assertEqual(State.OFF, self.states.get(UUID))

    def test_unknown_while_a_vm_that_is_not_listed_uses_its_files(self):
        """It starts, or ends, or is of another user: it is not off."""
        self.write_vmx()
        lock = locks.lock(self.layout.file(UUID, 'root.vmdk'))
        for fresh in (True, False):
            self.assertEqual(State.UNKNOWN, self.states.get(UUID, fresh))
        self.assertTrue(self.states.is_unlisted(UUID))
        self.assertIn('"vmrun list" does not show it', self.log.output)
        files.remove_tree(lock)
        self.assertEqual(State.OFF, self.states.get(UUID))

    def test_a_vm_that_has_not_locked_its_files_yet(self):
        self.write_vmx()
        with subprocess.Popen(
                ['vmware-vmx', '-c', 'print(flush=True); input()',
                 self.layout.vmx(UUID)], executable=sys.executable,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            self.assertEqual(State.UNKNOWN, self.states.get(UUID))
            process.stdin.write(b'\n')
        self.clock.now += 1
        self.assertEqual(State.OFF, self.states.get(UUID))

    def test_tools_that_work_on_its_disk_are_no_vm(self):
        self.write_vmx()
        locks.lock(self.layout.file(UUID, 'root.vmdk'),
                   program='vmware-vdiskmanager')
        self.assertEqual(State.OFF, self.states.get(UUID))

    def test_unknown_while_vmrun_fails(self):
        self.write_vmx()
        self.vmrun.paths = exception.ToolTimeout('list hangs')
        self.assertEqual(State.UNKNOWN, self.states.get(UUID))

    def test_unknown_while_the_vmx_cannot_be_read(self):
        self.write_vmx('half of a li')
        self.assertEqual(State.UNKNOWN, self.states.get(UUID))
        self.assertEqual([0.5] * 4, self.slept)

    def test_a_vmx_that_was_just_being_rewritten(self):
        self.write_vmx('half of a li')

        def finish_writing(seconds):
            self.write_vmx('checkpoint.vmState = "a.vmss"\n')

        reader = states.PowerStates(
            self.vmrun, self.layout, vmx_file.VmxFiles(
                self.layout, finish_writing).load_patiently, self.clock)
        self.assertEqual(State.SUSPENDED, reader.get(UUID))

    def test_unknown_when_the_vmx_is_gone(self):
        self.assertEqual(State.UNKNOWN, self.states.get(UUID))


class StillOnTestCase(Base):
    """What its process says of a VM that was on."""

    def setUp(self):
        super().setUp()
        self.start()

    def started(self):
        self.states.started(UUID)
        self.states.changed()

    def test_a_vm_that_was_just_started_needs_no_list(self):
        self.started()
        self.clock.now += 10 ** 6
        self.assertEqual(State.RUNNING, self.states.confirm(UUID))
        self.states.mark_paused(UUID)
        self.assertEqual(State.PAUSED, self.states.confirm(UUID))
        self.assertEqual(0, self.vmrun.calls)

    def test_one_that_was_listed_needs_no_second_list(self):
        for _ in range(3):
            self.states.changed()
            self.assertEqual(State.RUNNING, self.states.confirm(UUID))
            self.clock.now += 10 ** 6
        self.assertEqual(1, self.vmrun.calls)

    def test_its_process_has_ended(self):
        self.started()
        self.end()
        self.useFixture(fixtures.MockPatchObject(
            process_identity, 'is_same', return_value=False))
        self.assertEqual(State.OFF, self.states.confirm(UUID))
        self.assertEqual(1, self.vmrun.calls)

    def test_without_a_process_it_is_listed(self):
        paths = self.vmrun.paths
        self.end()
        self.started()
        self.vmrun.paths = paths
        self.assertEqual(State.RUNNING, self.states.confirm(UUID))
        self.assertEqual(1, self.vmrun.calls)


class OneListForAllTestCase(Base):

    def test_which_of_some_servers_are_listed(self):
        self.start()
        self.assertEqual({UUID}, self.states.listed([UUID, OTHER]))
        self.assertEqual(set(), self.states.listed([OTHER]))

    def test_none_is_listed_if_vmrun_fails(self):
        self.start()
        self.vmrun.paths = exception.ToolTimeout('Hangs.')
        self.assertEqual(set(), self.states.listed([UUID]))

    def test_one_list_answers_for_a_second(self):
        self.write_vmx()
        self.write_vmx(uuid=OTHER)
        for uuid in (UUID, OTHER) * 50:
            self.clock.now += 0.009
            self.states.get(uuid, fresh=False)
        self.assertEqual(1, self.vmrun.calls)
        self.clock.now += 1.1
        self.states.get(UUID, fresh=False)
        self.assertEqual(2, self.vmrun.calls)

    def test_continuous_queries_share_one_list(self):
        self.write_vmx()
        for seconds, calls in ((54, 1), (12, 2)):
            for _ in range(seconds * 2):
                self.states.get(UUID, fresh=False)
                self.clock.now += 0.5
            self.assertEqual(calls, self.vmrun.calls)

    def test_fresh_queries_always_list(self):
        self.write_vmx()
        for _ in range(3):
            self.clock.now += 0.01
            self.states.get(UUID, fresh=True)
        self.assertEqual(3, self.vmrun.calls)

    def test_queries_for_many_servers_share_one_list(self):
        """As Nova does for each server when it starts."""
        self.start()
        self.write_vmx(uuid=OTHER)
        for _ in range(30):
            self.assertEqual(State.RUNNING, self.states.confirm(UUID))
            self.assertEqual(State.OFF, self.states.confirm(OTHER))
            self.clock.now += 0.9
        self.assertEqual(1, self.vmrun.calls)

    def test_a_vm_that_has_ended_meanwhile_is_seen(self):
        with subprocess.Popen(['cat'], stdin=subprocess.PIPE) as process:
            self.start(process.pid)
            self.assertEqual(State.RUNNING, self.states.confirm(UUID))
        self.end()
        self.clock.now += 0.1
        self.assertEqual(State.OFF, self.states.confirm(UUID))

    def test_a_vm_that_was_started_meanwhile_is_seen(self):
        self.write_vmx()
        self.assertEqual(State.OFF, self.states.confirm(UUID))
        self.clock.now += 0.1
        self.start()
        locks.lock(self.layout.file(UUID, 'root.vmdk'))
        self.assertEqual(State.RUNNING, self.states.confirm(UUID))

    def test_a_vm_whose_process_is_not_known_is_listed_again(self):
        self.start()
        files.remove_tree(self.layout.vmx(UUID) + '.lck')
        for calls in (1, 2):
            self.assertEqual(State.RUNNING, self.states.confirm(UUID))
            self.assertEqual(calls, self.vmrun.calls)
            self.clock.now += 0.1

    def test_our_own_changes_void_the_list(self):
        self.write_vmx()
        self.states.get(UUID, fresh=False)
        self.clock.now += 0.01
        self.states.changed()
        self.states.get(UUID, fresh=False)
        self.assertEqual(2, self.vmrun.calls)

    def test_a_list_that_began_before_the_change_is_void(self):
        self.write_vmx()
        self.vmrun.takes = 0.5
        began = self.clock.now
        self.states.get(UUID, fresh=False)
        self.states._changed_at = began + 0.1
        self.states.get(UUID, fresh=False)
        self.assertEqual(2, self.vmrun.calls)

    def hang(self):
        self.start()
        self.paths = self.vmrun.paths
        self.vmrun.paths = exception.ToolTimeout('list hangs', 'for long')
        self.vmrun.takes = 30

    def test_a_failure_answers_for_a_second(self):
        """500 servers, asked for in turn, do not each wait for a timeout."""
        self.hang()
        for number in range(100):
            self.assertEqual(State.UNKNOWN, self.states.get(
                UUID, fresh=bool(number % 2)))
            self.clock.now += 0.009
        self.assertEqual(1, self.vmrun.calls)
        self.assertEqual(100, self.log.output.count('list hangs for long'))

    def test_and_no_longer(self):
        for fresh in (False, True):
            self.hang()
            self.states.get(UUID, fresh)
            self.vmrun.paths = self.paths
            self.clock.now += 1.1
            self.assertEqual(State.RUNNING, self.states.get(UUID, fresh))
            self.clock.now += 10

    def test_our_own_changes_void_a_failure(self):
        self.hang()
        self.states.get(UUID)
        self.vmrun.paths = self.paths
        self.clock.now += 0.01
        self.states.changed()
        self.clock.now += 0.01
        self.assertEqual(State.RUNNING, self.states.get(UUID))

    def test_waiting_queries_share_a_failure(self):
        """Ten who ask while a list hangs need no list of their own."""
        self.hang()
        asked = self.clock.now
        self.states.get(UUID)
        for _ in range(10):
            # As if the lock had been waited for since then.
            with mock.patch.object(self.states, '_clock', return_value=asked):
                self.assertEqual(State.UNKNOWN, self.states.get(UUID))
        self.assertEqual(1, self.vmrun.calls)

    def test_waiting_queries_share_the_next_list(self):
        """Ten who ask during a list need one more, not ten."""
        self.start()
        listing, go_on = threading.Event(), threading.Event()
        plain_list = self.vmrun.list

        def slow_list():
            listing.set()
            self.assertTrue(go_on.wait(10))
            self.clock.now += 0.001
            return plain_list()

        self.vmrun.list = slow_list
        threads = [threading.Thread(target=self.states.get, args=(UUID,))
                   for _ in range(11)]
        threads[0].start()
        self.assertTrue(listing.wait(10))
        self.clock.now += 0.001
        asked = self.clock.calls + 10
        for thread in threads[1:]:
            thread.start()
        while self.clock.calls < asked:
            time.sleep(0.001)
        go_on.set()
        for thread in threads:
            thread.join(10)
        self.assertEqual(2, self.vmrun.calls)
