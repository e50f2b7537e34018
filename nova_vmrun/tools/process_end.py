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

"""Wait for a child process to end, without polling.

Popen.wait with a timeout polls every 50 ms, which is as long as a short
program runs; here the kernel wakes us up. The child is not reaped: Popen can
still read its exit status.
"""

import os
import select
import time
from typing import Any, Protocol

_POLL_SECONDS = 0.05


class Child(Protocol):
    """The part of subprocess.Popen that is used here."""

    pid: int

    def poll(self) -> int | None:
        """Return the exit status, or None while the process runs."""


def wait(process: Child, seconds: float,
         system: Any = os, selector: Any = select) -> bool:
    """Wait until a child process ends.

    :param process: the child; nobody else may wait for it
    :param seconds: how long to wait at most
    :param system: the os module; tests replace it
    :param selector: the select module; tests replace it
    :returns: whether the process has ended
    """
    try:
        if hasattr(system, 'pidfd_open') and hasattr(selector, 'poll'):
            return _by_pidfd(process.pid, seconds, system, selector)
        if hasattr(selector, 'kqueue'):
            return _by_kqueue(process.pid, seconds, selector)
    except ProcessLookupError:
        return True
    except OSError:
        # No file descriptor left, or Linux is older than 5.3.
        return _by_polling(process, seconds)
    return _by_polling(process, seconds)


def _by_pidfd(pid: int, seconds: float, system: Any, selector: Any) -> bool:
    fd = system.pidfd_open(pid)
    try:
        poll = selector.poll()
        poll.register(fd, selector.POLLIN)
        deadline = time.monotonic() + seconds
        # poll() takes milliseconds as a 32-bit integer.
        while not (ready := poll.poll(min(10 ** 9, max(
                0, 1000 * (deadline - time.monotonic()))))):
            if time.monotonic() >= deadline:
                break
        return bool(ready)
    finally:
        os.close(fd)


def _by_kqueue(pid: int, seconds: float, selector: Any) -> bool:
    queue = selector.kqueue()
    try:
        event = selector.kevent(
            pid, selector.KQ_FILTER_PROC,
            selector.KQ_EV_ADD | selector.KQ_EV_ONESHOT,
            selector.KQ_NOTE_EXIT)
        return bool(queue.control([event], 1, seconds))
    finally:
        queue.close()


def _by_polling(process: Child, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while process.poll() is None:
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True
