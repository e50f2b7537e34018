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

"""Wait for processes to end, without polling them.

The kernel reports the end: through a pidfd on Linux, through a kqueue on
macOS. A process that the kernel cannot watch, because Linux is older than 5.3
or too few file descriptors are left, is polled once a second.
"""

from collections.abc import Callable
import contextlib
import errno
import os
import resource
import select
import threading
from typing import Any, Protocol

from oslo_log import log as logging

from nova_vmrun.server import process_identity

LOG = logging.getLogger(__name__)

# The identity of a process: its pid, and its birth as returned by
# process_identity.of.
Process = tuple[int, str | float]

_POLL_SECONDS = 1.0


class Source(Protocol):
    """How the kernel reports that a process has ended."""

    def add(self, pid: int) -> None:
        """Watch a process.

        :raises ProcessLookupError: there is no such process
        :raises OSError: the kernel cannot watch it
        """

    def remove(self, pid: int) -> None:
        """Stop watching a process, which may have ended."""

    def wait(self, seconds: float | None) -> list[int]:
        """Return the pids that ended; none after a wake or a timeout."""

    def close(self) -> None:
        """Close all file descriptors."""


class Pidfds:
    """Linux: one file descriptor for each process, one epoll for all.

    :param wake: file descriptor that ends a wait when it becomes readable
    """

    def __init__(self, wake: int) -> None:
        self._wake = wake
        self._epoll = select.epoll()
        self._epoll.register(wake, select.EPOLLIN)
        self._fds: dict[int, int] = {}
        self._pids: dict[int, int] = {}
        # Leave file descriptors for the rest of nova-compute.
        self._most = resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2

    def add(self, pid: int) -> None:
        if not hasattr(os, 'pidfd_open'):
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
        if len(self._fds) >= self._most:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        fd = os.pidfd_open(pid)
        try:
            self._epoll.register(fd, select.EPOLLIN)
        except OSError:
            os.close(fd)
            raise
        self._fds[pid] = fd
        self._pids[fd] = pid

    def remove(self, pid: int) -> None:
        fd = self._fds.pop(pid)
        del self._pids[fd]
        self._epoll.unregister(fd)
        os.close(fd)

    def wait(self, seconds: float | None) -> list[int]:
        ready = [fd for fd, _events in self._epoll.poll(seconds)]
        # Another thread may have just removed one of them.
        return [pid for pid in map(self._pids.get, ready) if pid is not None]

    def close(self) -> None:
        for pid in list(self._fds):
            self.remove(pid)
        self._epoll.close()


class Kqueue:
    """macOS: one kqueue for all processes.

    :param wake: file descriptor that ends a wait when it becomes readable
    :param api: the select module, of which other systems lack these parts
    """

    def __init__(self, wake: int, api: Any = select) -> None:
        self._api = api
        self._queue = api.kqueue()
        self._pids: set[int] = set()
        self._change(wake, api.KQ_FILTER_READ, api.KQ_EV_ADD)

    def add(self, pid: int) -> None:
        self._change(pid, self._api.KQ_FILTER_PROC,
                     self._api.KQ_EV_ADD | self._api.KQ_EV_ONESHOT,
                     self._api.KQ_NOTE_EXIT)
        self._pids.add(pid)

    def remove(self, pid: int) -> None:
        self._pids.discard(pid)
        # The kqueue has dropped it if it has ended.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            self._change(pid, self._api.KQ_FILTER_PROC,
                         self._api.KQ_EV_DELETE)

    def wait(self, seconds: float | None) -> list[int]:
        events = self._queue.control(None, len(self._pids) + 1, seconds)
        return [event.ident for event in events
                if event.filter == self._api.KQ_FILTER_PROC]

    def close(self) -> None:
        self._queue.close()

    def _change(self, *fields: int) -> None:
        self._queue.control([self._api.kevent(*fields)], 0)


def system_source(wake: int) -> Source:
    """Return this system's source."""
    return (Pidfds if hasattr(select, 'epoll') else Kqueue)(wake)


class ProcessEnds:
    """The watched processes, for whose ends one thread waits.

    Other threads may add and remove processes.

    :param make_source: creates a Source from the file descriptor that wakes it
    """

    def __init__(self, make_source: Callable[[int], Source] = system_source
                 ) -> None:
        self._lock = threading.Lock()
        self._woken, self._waker = os.pipe()
        for fd in (self._woken, self._waker):
            os.set_blocking(fd, False)
        self._source = make_source(self._woken)
        # Processes that the kernel watches.
        self._watched: dict[int, Process] = {}
        # Processes that are polled once a second.
        self._polled: dict[int, Process] = {}
        # Processes that have ended, which the next wait reports.
        self._gone: list[Process] = []

    def add(self, process: Process) -> None:
        """Watch a process; if it is gone already, the next wait reports it."""
        pid, birth = process
        with self._lock:
            known = self._watched.get(pid) or self._polled.get(pid)
            if known == process:
                return
            if known:
                self._drop(pid)
                self._gone.append(known)
            try:
                self._source.add(pid)
                self._watched[pid] = process
            except ProcessLookupError:
                self._gone.append(process)
            except OSError as error:
                LOG.debug('Polling process %d each second: %s', pid, error)
                self._polled[pid] = process
            # Another process might have its pid by now.
            if self._holds(pid) and not process_identity.is_same(pid, birth):
                self._drop(pid)
                self._gone.append(process)
            must_wake = bool(self._gone or self._polled)
        if must_wake:
            self.wake()

    def remove(self, process: Process) -> None:
        """Stop watching a process, and do not report its end."""
        with self._lock:
            if process in self._gone:
                self._gone.remove(process)
            elif process in (self._watched.get(process[0]),
                             self._polled.get(process[0])):
                self._drop(process[0])

    def wait(self, seconds: float | None = None) -> list[Process]:
        """Wait for processes to end, and stop watching those that have.

        :param seconds: maximum time; None: no limit
        :returns: those that have ended; none after a wake or a timeout
        """
        with self._lock:
            if self._polled:
                seconds = min(_POLL_SECONDS if seconds is None else seconds,
                              _POLL_SECONDS)
            if self._gone:
                seconds = 0
        pids = self._source.wait(seconds)
        with contextlib.suppress(BlockingIOError):
            while os.read(self._woken, 512):
                pass
        with self._lock:
            ended, self._gone = self._gone, []
            for pid in [pid for pid in pids if pid in self._watched]:
                ended.append(self._drop(pid))
            for pid in self._ended_of_polled():
                ended.append(self._drop(pid))
        return ended

    def wake(self) -> None:
        """End the current wait, or else the next one."""
        with contextlib.suppress(BlockingIOError):
            os.write(self._waker, b'.')

    def close(self) -> None:
        """Close all file descriptors; no thread may be waiting."""
        with self._lock:
            self._source.close()
            os.close(self._woken)
            os.close(self._waker)

    def _holds(self, pid: int) -> bool:
        return pid in self._watched or pid in self._polled

    def _drop(self, pid: int) -> Process:
        if pid in self._watched:
            self._source.remove(pid)
            return self._watched.pop(pid)
        return self._polled.pop(pid)

    def _ended_of_polled(self) -> list[int]:
        ended = [pid for pid in self._polled if not _exists(pid)]
        if not self._polled:
            return ended
        # Check the identity of one process a turn, however many there are: a
        # zombie still has its pid, and a new process may have the same pid.
        pid, process = next(iter(self._polled.items()))
        self._polled[pid] = self._polled.pop(pid)
        if pid not in ended and not process_identity.is_same(pid, process[1]):
            ended.append(pid)
        return ended


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        LOG.debug('Process %d belongs to another user', pid)
    return True
