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
import queue
import threading

import fixtures
from nova.virt import event as virtevent

from nova_vmrun.host import files
from nova_vmrun.ops import lifecycle_events
from nova_vmrun.server import states
from nova_vmrun.server import vm_process
from nova_vmrun.server import vmx_file
from tests.unit.ops import hosts

UUID = hosts.UUID
OTHER = hosts.OTHER
STOPPED = virtevent.EVENT_LIFECYCLE_STOPPED
SUSPENDED = virtevent.EVENT_LIFECYCLE_SUSPENDED
RESUMED = virtevent.EVENT_LIFECYCLE_RESUMED

# Only a test that fails waits so long.
PATIENCE = 30


class Ends:
    """Stands for ProcessEnds: the test says what ends, and time flies."""

    def __init__(self, clock):
        self._clock = clock
        self._changes = threading.Condition()
        self._ended = []
        self._woken = False
        self.watched = set()
        self.is_idle = False
        self.is_closed = False
        self.error = None

    def add(self, process):
        self.watched.add(process)

    def remove(self, process):
        self.watched.discard(process)

    def wait(self, seconds=None):
        with self._changes:
            if self.error:
                raise self.error
            if not self._ended and seconds is None:
                self.is_idle = True
                self._changes.notify_all()
                self._changes.wait_for(lambda: self._ended or self._woken,
                                       PATIENCE)
            elif not self._ended:
                self._clock.sleep(seconds)
            self.is_idle = self._woken = False
            ended, self._ended = self._ended, []
            self.watched.difference_update(ended)
            return ended

    def wake(self):
        with self._changes:
            self._woken = True
            self._changes.notify_all()

    def close(self):
        self.is_closed = True

    # What the tests call

    def end(self, *processes):
        with self._changes:
            self._ended += processes
            self.is_idle = False
            self._changes.notify_all()

    def wait_until_idle(self):
        with self._changes:
            if not self._changes.wait_for(lambda: self.is_idle, PATIENCE):
                raise AssertionError('The watcher is not idle.')


class Base(hosts.TestCase):

    def setUp(self):
        super().setUp()
        self.clock = hosts.Clock()
        self.states = states.PowerStates(
            self.vmrun.tool, self.layout,
            vmx_file.VmxFiles(self.layout, self.clock.sleep).load_patiently,
            self.clock.monotonic)
        self.ends = Ends(self.clock)
        self.told = queue.Queue()
        # By the path of the .vmx; a VM has a process as long as it is here.
        self.processes = {}
        self.useFixture(fixtures.MockPatchObject(
            vm_process, 'identity', self.identify))
        self.useFixture(fixtures.MockPatchObject(
            vm_process, 'vmx_paths', lambda: set(self.processes)))
        self.identified = []
        self.events = lifecycle_events.LifecycleEvents(
            self.states, self.layout, lambda: self.ends,
            self.clock.monotonic)
        self.addCleanup(self.events.end)

    def identify(self, vmx):
        self.identified.append(vmx)
        return self.processes.get(vmx)

    def begin(self, *uuids):
        self.events.begin(self.told.put, list(uuids))

    def run_vm(self, uuid=UUID, pid=1001):
        """Makes a server with a VM that runs; returns the VM's process."""
        if not os.path.exists(self.layout.vmx(uuid)):
            self.add_server(uuid)
        process = pid, 'boot %d' % pid
        self.processes[self.layout.vmx(uuid)] = process
        self.vmrun.running.add(self.layout.vmx(uuid))
        return process

    def end_vm(self, uuid=UUID, state=''):
        """Ends a VM by itself; the watcher does not hear of it yet."""
        process = self.processes.pop(self.layout.vmx(uuid))
        self.vmrun.running.discard(self.layout.vmx(uuid))
        if state:
            files.write_atomically(
                self.layout.vmx(uuid),
                hosts.VMX + 'checkpoint.vmState = "%s"\n' % state)
        return process

    def heard(self):
        """Returns (uuid, transition) of what Nova has been told by now."""
        self.ends.wait_until_idle()
        found = []
        while not self.told.empty():
            event = self.told.get()
            found.append((event.uuid, event.transition))
        return found

    def lists(self):
        return self.vmrun.tool.list.call_count


class OutsideTestCase(Base):
    """Changes made outside of Nova are reported."""

    def test_a_vm_that_ends(self):
        self.run_vm()
        self.begin(UUID)
        self.ends.end(self.end_vm())
        self.assertEqual([(UUID, STOPPED)], self.heard())

    def test_a_vm_that_is_suspended(self):
        self.run_vm()
        self.begin(UUID)
        self.ends.end(self.end_vm(state='a.vmss'))
        self.assertEqual([(UUID, SUSPENDED)], self.heard())

    def test_within_a_second(self):
        self.run_vm()
        self.begin(UUID)
        before = self.clock.now
        self.ends.end(self.end_vm())
        self.heard()
        self.assertLess(self.clock.now - before, 1)

    def test_one_list_for_all(self):
        uuids = ['%08d-2222-3333-4444-555555555555' % number
                 for number in range(20)]
        for number, uuid in enumerate(uuids):
            self.run_vm(uuid, 1001 + number)
        self.begin(*uuids)
        self.ends.end(*map(self.end_vm, uuids))
        self.assertEqual({(uuid, STOPPED) for uuid in uuids},
                         set(self.heard()))
        self.assertEqual(1, self.lists())

    def test_nothing_runs_and_nothing_is_read_before(self):
        self.run_vm()
        self.begin(UUID)
        self.events.watch(UUID)
        self.assertEqual([], self.heard())
        self.assertEqual(0, self.lists())

    def test_servers_that_are_off_cost_nothing_at_the_start(self):
        """The processes of the host are looked through once."""
        self.run_vm()
        self.add_server(OTHER)
        self.begin(OTHER, UUID)
        self.assertEqual([self.layout.vmx(UUID)], self.identified)

    def test_vms_that_end_one_after_the_other(self):
        self.run_vm()
        self.run_vm(OTHER, 1002)
        self.begin(UUID, OTHER)
        self.ends.end(self.end_vm())
        self.assertEqual([(UUID, STOPPED)], self.heard())
        self.ends.end(self.end_vm(OTHER))
        self.assertEqual([(OTHER, STOPPED)], self.heard())

    def test_a_vm_that_was_started_by_hand_meanwhile(self):
        """It is not told, and its end will be."""
        self.run_vm()
        self.begin(UUID)
        old = self.end_vm()
        self.run_vm(pid=1002)
        self.ends.end(old)
        self.assertEqual([], self.heard())
        self.ends.end(self.end_vm())
        self.assertEqual([(UUID, STOPPED)], self.heard())

    def test_a_vm_that_a_question_of_novas_has_found(self):
        self.begin()
        self.run_vm()
        self.events.watch(UUID)
        self.ends.end(self.end_vm())
        self.assertEqual([(UUID, STOPPED)], self.heard())

    def test_paused_vm_that_was_restarted(self):
        process = self.run_vm()
        self.begin(UUID)
        self.states.mark_paused(UUID)
        self.end_vm()
        self.run_vm(pid=1002)
        self.ends.end(process)
        self.assertEqual([(UUID, RESUMED)], self.heard())

    def test_a_paused_vm_that_ends(self):
        self.run_vm()
        self.begin(UUID)
        self.states.mark_paused(UUID)
        self.ends.end(self.end_vm())
        self.assertEqual([(UUID, STOPPED)], self.heard())

    def test_a_log_that_names_the_process_of_another_server(self):
        """It cannot keep Nova from hearing of that one."""
        self.run_vm()
        self.begin(UUID)
        self.add_server(OTHER)
        self.processes[self.layout.vmx(OTHER)] = self.run_vm()
        self.events.watch(OTHER)
        with self.events.ours(OTHER, ends=True):
            pass
        self.ends.end(self.end_vm())
        self.assertEqual([(UUID, STOPPED)], self.heard())


class UnknownTestCase(Base):
    """Nova hears nothing that is not known."""

    def setUp(self):
        super().setUp()
        self.process = self.run_vm()
        self.begin(UUID)

    def test_a_list_that_fails_is_asked_again(self):
        self.vmrun.fail('list', hosts.refused())
        self.ends.end(self.end_vm())
        self.assertEqual([], self.heard())
        self.assertEqual(7, self.lists())
        self.assertIn('Cannot tell whether', self.log.output)

    def test_a_list_that_works_later(self):
        answers = [hosts.refused(), hosts.hung(), []]
        self.vmrun.tool.list.side_effect = answers
        self.ends.end(self.end_vm())
        self.assertEqual([(UUID, STOPPED)], self.heard())
        self.assertEqual(3, self.lists())

    def test_a_failure_is_logged_once_for_all(self):
        self.run_vm(OTHER, 1002)
        self.events.watch(OTHER)
        self.vmrun.tool.list.side_effect = [hosts.refused(), []]
        self.ends.end(self.end_vm(), self.end_vm(OTHER))
        self.assertEqual({(UUID, STOPPED), (OTHER, STOPPED)},
                         set(self.heard()))
        self.assertEqual(1, self.log.output.count('vmrun failed'))

    def test_a_vm_that_is_listed_without_a_process(self):
        """It was killed, and VMware's list is late."""
        vmx = self.layout.vmx(UUID)
        del self.processes[vmx]
        # Locks of the dead do not count.
        files.remove_tree(vmx + '.lck')
        self.vmrun.tool.list.side_effect = [[vmx], [vmx], []]
        self.ends.end(self.process)
        self.assertEqual([(UUID, STOPPED)], self.heard())

    def test_a_vmx_that_cannot_be_read(self):
        self.end_vm()
        files.write_atomically(self.layout.vmx(UUID), '"')
        self.ends.end(self.process)
        self.assertEqual([], self.heard())

    def test_a_server_that_is_gone(self):
        self.end_vm()
        os.remove(self.layout.vmx(UUID))
        self.ends.end(self.process)
        self.assertEqual([], self.heard())
        self.assertEqual(0, self.lists())


class ThreadTestCase(Base):

    def test_an_error_is_logged_and_the_thread_goes_on(self):
        self.run_vm()
        self.begin(UUID)
        self.ends.wait_until_idle()
        rests = []

        def rest(seconds):
            rests.append(seconds)
            if len(rests) == 8:
                self.ends.error = None

        self.events._stopping.wait = rest
        self.ends.error = ValueError('no such luck')
        self.ends.end(self.end_vm())
        self.assertEqual(UUID, self.told.get(timeout=PATIENCE).uuid)
        self.assertEqual([1, 2, 4, 8, 16, 32, 60, 60], rests)
        self.assertIn('no such luck', self.log.output)

    def test_an_error_while_telling_nova(self):
        """Other events are still sent."""
        self.run_vm()
        self.run_vm(OTHER, 1002)
        told = []

        def emit(event):
            told.append(event.uuid)
            if len(told) == 1:
                raise ValueError('no such luck')

        self.useFixture(fixtures.MockPatchObject(
            lifecycle_events, '_MIN_PAUSE_SECONDS', 0))
        self.events.begin(emit, [UUID, OTHER])
        self.ends.end(self.end_vm(), self.end_vm(OTHER))
        self.ends.wait_until_idle()
        self.assertEqual([UUID, OTHER], sorted(told))

    def test_it_ends(self):
        self.run_vm()
        self.begin(UUID)
        self.ends.wait_until_idle()
        self.events.end()
        self.assertTrue(self.ends.is_closed)
        self.assertNotIn('vmrun-lifecycle-events',
                         [thread.name for thread in threading.enumerate()])
        # Nothing is left to be done, and nothing fails.
        self.events.end()
        self.events.watch(UUID)
        with self.events.ours(UUID), self.events.held(UUID):
            pass

    def test_nothing_before_it_begins(self):
        self.run_vm()
        self.events.watch(UUID)
        with self.events.ours(UUID), self.events.held(UUID):
            pass
        self.assertEqual(set(), self.ends.watched)

    def test_a_forked_process_changes_nothing(self):
        self.run_vm()
        self.begin(UUID)
        child = os.fork()
        if not child:
            with self.events.ours(UUID, ends=True), self.events.held(UUID):
                self.events.end()
            os._exit(len(self.ends.watched))
        self.assertEqual(1, os.waitstatus_to_exitcode(
            os.waitpid(child, 0)[1]))
