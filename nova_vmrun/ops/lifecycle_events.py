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

"""Tells Nova at once when a server's VM has ended without us.

A guest that shuts down, a VM that crashes and one that is stopped or
suspended in the VMware window have one thing in common: the VM's process ends.
So we wait for the ends of these processes. One ``vmrun list`` then says, for
all that have ended, whether the VM is off, suspended or running again.

Nova hears STOPPED, SUSPENDED and, of a server that it has paused and whose
VM somebody has ended and started again, RESUMED. It never hears

* STARTED: it would stop what a user has just started by hand;
* PAUSED: a pause in the VMware window leaves no trace, and its process lives;
* anything while the state is not known, or about what we did ourselves.
"""

import collections
from collections import abc
import contextlib
import dataclasses
import functools
import os
import threading
import time
from typing import Any

from nova.virt import event as virtevent
from oslo_log import log as logging

from nova_vmrun.host import paths
from nova_vmrun.server import layout as host_layout
from nova_vmrun.server import process_ends
from nova_vmrun.server import states
from nova_vmrun.server import vm_process

LOG = logging.getLogger(__name__)

# How long we wait after the end of a process, in seconds: VMware may still
# write the .vmx, a user may start the VM again, and the VMs of a session that
# ends do not end in the same moment.
_SETTLE_SECONDS = 0.5
# When we look again if the state is not known, in seconds after each look.
# After the last one, Nova's power sync will find out.
_RETRY_SECONDS = (1.5, 3, 6, 12, 24, 48)
# How long the thread rests after an error of ours, in seconds.
_LEAST_REST_SECONDS = 1
_MOST_REST_SECONDS = 60
# How long we wait for the thread to end; it may be waiting for Nova.
_JOIN_SECONDS = 5

_EVENTS = {
    states.State.OFF: virtevent.EVENT_LIFECYCLE_STOPPED,
    states.State.SUSPENDED: virtevent.EVENT_LIFECYCLE_SUSPENDED,
}


def by_us(ends: bool = False) -> abc.Callable:
    """Marks a method that starts or ends a server's VM.

    Its object has LifecycleEvents as _events, and its first argument is the
    instance's uuid.

    :param ends: whether the VM is off after the method has returned
    """
    def decorate(method: abc.Callable) -> abc.Callable:
        @functools.wraps(method)
        def wrapper(self: Any, uuid: str, *args: Any, **options: Any) -> Any:
            with self._events.ours(uuid, ends):
                return method(self, uuid, *args, **options)

        return wrapper

    return decorate


def holding(method: abc.Callable) -> abc.Callable:
    """Marks a method that leaves a server's VM on while Nova has a task.

    See by_us; Nova hears what happened meanwhile when it has returned.
    """
    @functools.wraps(method)
    def wrapper(self: Any, uuid: str, *args: Any, **options: Any) -> Any:
        with self._events.held(uuid):
            return method(self, uuid, *args, **options)

    return wrapper


@dataclasses.dataclass
class _Ended:
    """A VM whose process has ended.

    :ivar process: that was
    :ivar due: when to look at its state, on the monotonic clock
    :ivar looks: how often its state was not known
    """

    process: process_ends.Process
    due: float
    looks: int = 0


class LifecycleEvents:
    """Watches the processes of VMs, in a thread of its own.

    Nothing happens before begin(), nor in a process forked after it.

    :param power_states: a nova_vmrun.server.states.PowerStates
    :param layout: a nova_vmrun.server.layout.Layout
    :param make_ends: makes a nova_vmrun.server.process_ends.ProcessEnds
    :param clock: a monotonic clock in seconds
    """

    def __init__(self, power_states: states.PowerStates,
                 layout: host_layout.Layout,
                 make_ends: abc.Callable = process_ends.ProcessEnds,
                 clock: abc.Callable[[], float] = time.monotonic) -> None:
        self._states = power_states
        self._layout = layout
        self._make_ends = make_ends
        self._clock = clock
        # The process that watches.
        self._owner: int | None = None
        self._lock = threading.Lock()
        self._processes: dict[str, process_ends.Process] = {}
        self._uuids: dict[process_ends.Process, set[str]] = {}
        self._ended: dict[str, _Ended] = {}
        # How many operations of ours are on a server: those that may end its
        # VM, and those that only keep Nova from listening.
        self._ours: collections.Counter[str] = collections.Counter()
        self._held: collections.Counter[str] = collections.Counter()

    def begin(self, emit: abc.Callable, uuids: list[str]) -> None:
        """Starts to watch.

        :param emit: called with each nova.virt.event.LifecycleEvent
        :param uuids: of this host's instances, whose VMs may be running
        """
        self._emit = emit
        self._ends = self._make_ends()
        self._stopping = threading.Event()
        self._owner = os.getpid()
        # One look at the process table, and not one for each server that is
        # off. Nova's next query finds any VM that is missing there.
        alive = set(map(paths.canonical, vm_process.vmx_paths()))
        for uuid in uuids:
            if paths.canonical(self._layout.vmx(uuid)) in alive:
                self.watch(uuid)
        self._thread = threading.Thread(
            target=self._run, daemon=True, name='vmrun-lifecycle-events')
        self._thread.start()

    def end(self) -> None:
        """Stops watching; the VMs run on."""
        if not self._is_on():
            return
        self._stopping.set()
        self._ends.wake()
        self._thread.join(_JOIN_SECONDS)
        with self._lock:
            self._owner = None
            self._processes.clear()
            self._uuids.clear()
            self._ended.clear()
        if self._thread.is_alive():
            LOG.warning('The thread that tells Nova of stopped servers does '
                        'not end')
            return
        self._ends.close()

    def _is_on(self) -> bool:
        return self._owner == os.getpid()

    def watch(self, uuid: str) -> None:
        """Watches the process of a server's VM, if it has one.

        It costs nothing if that process is watched already.
        """
        if not self._is_on() or uuid in self._processes:
            return
        process = vm_process.identity(self._layout.vmx(uuid))
        if process is None:
            return
        with self._lock:
            if (self._is_on() and uuid not in self._processes and
                    not self._ours[uuid]):
                self._processes[uuid] = process
                # More than one, if a vmware.log is not what VMware wrote.
                self._uuids.setdefault(process, set()).add(uuid)
                self._ends.add(process)

    @contextlib.contextmanager
    def ours(self, uuid: str, ends: bool = False) -> abc.Iterator[None]:
        """Keeps quiet about a server whose VM we start or end.

        :param ends: whether the VM is off if the block succeeds
        """
        if not self._is_on():
            yield
            return
        with self._lock:
            self._ours[uuid] += 1
            self._forget(uuid)
        is_off = False
        try:
            yield
            is_off = ends
        finally:
            with self._lock:
                _count_down(self._ours, uuid)
            if not is_off:
                self.watch(uuid)

    @contextlib.contextmanager
    def held(self, uuid: str) -> abc.Iterator[None]:
        """Tells Nova nothing of a server until an operation has ended.

        Nova does not listen to events of a server that has a task.
        """
        if not self._is_on():
            yield
            return
        with self._lock:
            self._held[uuid] += 1
        try:
            yield
        finally:
            with self._lock:
                _count_down(self._held, uuid)
                if uuid in self._ended:
                    self._ended[uuid].due = self._clock() + _SETTLE_SECONDS
                    self._ends.wake()

    def _forget(self, uuid: str) -> None:
        self._ended.pop(uuid, None)
        process = self._processes.pop(uuid, None)
        if process is not None:
            self._uuids[process].remove(uuid)
            if not self._uuids[process]:
                del self._uuids[process]
                self._ends.remove(process)

    # In the thread

    def _run(self) -> None:
        rest = _LEAST_REST_SECONDS
        while not self._stopping.is_set():
            try:
                self._turn()
                rest = _LEAST_REST_SECONDS
            except Exception:
                LOG.exception('Watching the processes of VMs has failed; it '
                              'goes on in %d s', rest)
                self._stopping.wait(rest)
                rest = min(2 * rest, _MOST_REST_SECONDS)

    def _turn(self) -> None:
        """Waits for something to happen, and sees to it."""
        for process in self._ends.wait(self._seconds_left()):
            self._note_end(process)
        due = self._due()
        if due and not self._stopping.is_set():
            self._look(due)

    def _seconds_left(self) -> float | None:
        with self._lock:
            times = [ended.due for uuid, ended in self._ended.items()
                     if not self._held[uuid]]
        return max(0.0, min(times) - self._clock()) if times else None

    def _due(self) -> dict[str, _Ended]:
        now = self._clock()
        with self._lock:
            return {uuid: ended for uuid, ended in self._ended.items()
                    if ended.due <= now and not self._held[uuid]}

    def _note_end(self, process: process_ends.Process) -> None:
        due = self._clock() + _SETTLE_SECONDS
        with self._lock:
            for uuid in self._uuids.pop(process, ()):
                del self._processes[uuid]
                self._ended[uuid] = _Ended(process, due)

    def _look(self, due: dict[str, _Ended]) -> None:
        """Finds out what became of some VMs, and tells Nova."""
        for uuid in [uuid for uuid in due if not self._exists(uuid)]:
            self._settle(uuid, due.pop(uuid))
        for uuid, state in self._states.of_all(due).items():
            self._conclude(uuid, state, due[uuid])

    def _exists(self, uuid: str) -> bool:
        return os.path.exists(self._layout.vmx(uuid))

    def _conclude(self, uuid: str, state: states.State,
                  ended: _Ended) -> None:
        transition = _EVENTS.get(state)
        if transition is None:
            if state is states.State.UNKNOWN or not self._has_next(uuid):
                self._try_later(uuid, ended)
                return
            if (state is states.State.RUNNING and
                    self._states.marks_paused(uuid, ended.process)):
                transition = virtevent.EVENT_LIFECYCLE_RESUMED
        if self._settle(uuid, ended) and transition is not None:
            self._emit(virtevent.LifecycleEvent(uuid, transition))

    def _has_next(self, uuid: str) -> bool:
        """Watches a VM that somebody has started again, if it is there."""
        self.watch(uuid)
        return uuid in self._processes

    def _settle(self, uuid: str, ended: _Ended) -> bool:
        """Ends the matter; False if an operation of ours has, meanwhile."""
        with self._lock:
            if self._ended.get(uuid) is not ended:
                return False
            del self._ended[uuid]
            return True

    def _try_later(self, uuid: str, ended: _Ended) -> None:
        if ended.looks == len(_RETRY_SECONDS):
            if self._settle(uuid, ended):
                LOG.warning("Whether server %s has stopped is not known; "
                            "Nova's power sync will find out", uuid)
            return
        ended.due = self._clock() + _RETRY_SECONDS[ended.looks]
        ended.looks += 1


def _count_down(counter: collections.Counter, uuid: str) -> None:
    counter[uuid] -= 1
    if not counter[uuid]:
        del counter[uuid]
