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

"""Lifecycle events: tell Nova at once when a VM stops without our doing.

When a guest shuts down, a VM crashes, or somebody stops or suspends a VM in
the VMware window, the process of the VM ends. So wait for the ends of these
processes. One ``vmrun list`` then shows, for all VMs that have ended, whether
they are off, suspended or running again.

Nova gets STOPPED and SUSPENDED. It gets RESUMED for a server that it had
paused and that somebody stopped and started again. It never gets

* STARTED, because it would stop what a user has just started by hand;
* PAUSED, because a pause in the VMware window leaves no trace;
* an event while the state is unknown, or about our own operations.
"""

import collections
from collections import abc
import contextlib
import dataclasses
import functools
import os
import threading
import time
from typing import Any, cast, TypeVar

from nova.virt import event as virtevent
from oslo_log import log as logging

from nova_vmrun.host import paths
from nova_vmrun.server import layout as host_layout
from nova_vmrun.server import process_ends
from nova_vmrun.server import states
from nova_vmrun.server import vm_process

LOG = logging.getLogger(__name__)

_Method = TypeVar('_Method', bound=abc.Callable[..., Any])

# Seconds to wait after the end of a process: VMware may still write the .vmx,
# a user may start the VM again, and the VMs of a session end one by one.
_SETTLE_SECONDS = 0.5
# Seconds that Nova gets to end its task after an operation of the driver. It
# ignores events before that.
_TASK_SECONDS = 5
# Seconds between attempts to find out the state. After the last one, leave it
# to Nova's power sync.
_RETRY_SECONDS = (1.5, 3, 6, 12, 24, 48)
# Seconds that the thread pauses after an unexpected error.
_MIN_PAUSE_SECONDS = 1
_MAX_PAUSE_SECONDS = 60
# Seconds to wait for the thread to end; it may be waiting for Nova.
_JOIN_SECONDS = 5

_EVENTS = {
    states.State.OFF: virtevent.EVENT_LIFECYCLE_STOPPED,
    states.State.SUSPENDED: virtevent.EVENT_LIFECYCLE_SUSPENDED,
}


def by_us(ends: bool = False) -> abc.Callable[[_Method], _Method]:
    """Decorate a method that starts or stops a server's VM.

    Its object has a LifecycleEvents as _events, and the first argument is the
    server's uuid.

    :param ends: whether the VM is off when the method returns
    """
    def decorate(method: _Method) -> _Method:
        @functools.wraps(method)
        def wrapper(self: Any, uuid: str, *args: Any, **options: Any) -> Any:
            with self._events.ours(uuid, ends):
                return method(self, uuid, *args, **options)

        return cast(_Method, wrapper)

    return decorate


def holding(method: _Method) -> _Method:
    """Decorate a method that leaves a server's VM on, like by_us.

    Nova gets the events of the meantime when the method has returned.
    """
    @functools.wraps(method)
    def wrapper(self: Any, uuid: str, *args: Any, **options: Any) -> Any:
        with self._events.held(uuid):
            return method(self, uuid, *args, **options)

    return cast(_Method, wrapper)


@dataclasses.dataclass
class _Ended:
    """A VM whose process has ended.

    :ivar due: when to look at its state, on the monotonic clock
    :ivar looks: how many times its state was unknown
    """

    process: process_ends.Process
    due: float
    looks: int = 0


class LifecycleEvents:
    """Watches the processes of VMs in a thread.

    Does nothing before begin() is called, or in a child process.

    :param make_ends: creates a ProcessEnds
    :param clock: a monotonic clock in seconds
    """

    def __init__(self, power_states: states.PowerStates,
                 layout: host_layout.Layout,
                 make_ends: abc.Callable[[], process_ends.ProcessEnds]
                 = process_ends.ProcessEnds,
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

    def begin(self, send: abc.Callable[[virtevent.LifecycleEvent], None],
              uuids: list[str]) -> None:
        """Start to watch.

        :param send: passes an event to Nova
        :param uuids: of this host's servers, whose VMs may be running
        """
        self._send = send
        self._ends = self._make_ends()
        self._stopping = threading.Event()
        self._owner = os.getpid()
        # Look at the process table once, and not for each server that is off.
        # Nova's next query finds any VM that is missing there.
        alive = set(map(paths.canonical, vm_process.vmx_paths()))
        for uuid in uuids:
            if paths.canonical(self._layout.vmx(uuid)) in alive:
                self.watch(uuid)
        self._thread = threading.Thread(
            target=self._run, daemon=True, name='vmrun-lifecycle-events')
        self._thread.start()

    def end(self) -> None:
        """Stop watching; the VMs keep running."""
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
            LOG.warning('The thread for lifecycle events does not end')
            return
        self._ends.close()

    def _is_on(self) -> bool:
        return self._owner == os.getpid()

    def watch(self, uuid: str) -> None:
        """Watch the process of a server's VM, if it has one.

        This is cheap if the process is already watched.
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
                # Several servers, if a vmware.log was copied or forged.
                self._uuids.setdefault(process, set()).add(uuid)
                self._ends.add(process)

    @contextlib.contextmanager
    def ours(self, uuid: str, ends: bool = False) -> abc.Iterator[None]:
        """Send no events about a server whose VM we start or stop.

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
        """Send no events about a server until an operation has ended.

        Nova ignores events about a server that has a task.
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
                    self._ended[uuid].due = self._clock() + _TASK_SECONDS
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
        pause = _MIN_PAUSE_SECONDS
        while not self._stopping.is_set():
            try:
                self._turn()
                pause = _MIN_PAUSE_SECONDS
            except Exception:
                LOG.exception('Cannot watch the processes of VMs; trying '
                              'again in %d s', pause)
                self._stopping.wait(pause)
                pause = min(2 * pause, _MAX_PAUSE_SECONDS)

    def _turn(self) -> None:
        """Wait for the next end of a process or state check, and handle it."""
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
        """Find out the state of some VMs, and tell Nova."""
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
            self._send(virtevent.LifecycleEvent(uuid, transition))

    def _has_next(self, uuid: str) -> bool:
        """Watch the VM if somebody has started it again; return whether."""
        self.watch(uuid)
        return uuid in self._processes

    def _settle(self, uuid: str, ended: _Ended) -> bool:
        """Forget an ended VM; return False if an operation of ours has."""
        with self._lock:
            if self._ended.get(uuid) is not ended:
                return False
            del self._ended[uuid]
            return True

    def _try_later(self, uuid: str, ended: _Ended) -> None:
        if ended.looks == len(_RETRY_SECONDS):
            if self._settle(uuid, ended):
                LOG.warning("Cannot tell whether server %s has stopped; "
                            "Nova's power sync will find out", uuid)
            return
        ended.due = self._clock() + _RETRY_SECONDS[ended.looks]
        ended.looks += 1


def _count_down(counter: collections.Counter[str], uuid: str) -> None:
    counter[uuid] -= 1
    if not counter[uuid]:
        del counter[uuid]
