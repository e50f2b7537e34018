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

"""Waits for the end of a child process, and notices it at once.

Popen.wait with a timeout looks every 50 ms, which is as long as a short
program runs; here the kernel wakes us. The child is not reaped: its exit
status is left for Popen.
"""

import os
import select
import time
from typing import Any, Protocol

_POLL_SECONDS = 0.05


class Child(Protocol):
    """What is needed of a subprocess.Popen."""

    pid: int

    def poll(self) -> int | None:
        """Returns the exit status, or None if it runs."""


def wait(process: Child, seconds: float,
         system: Any = os, selector: Any = select) -> bool:
    """Waits until a child process ends.

    :param process: the child; nobody else may wait for it
    :param seconds: how long, at most
    :param system: the os module
    :param selector: the select module
    :returns: whether it has ended
    """
    try:
        if hasattr(system, 'pidfd_open') and hasattr(selector, 'poll'):
            return _by_pidfd(process.pid, seconds, system, selector)
        if hasattr(selector, 'kqueue'):
            return _by_kqueue(process.pid, seconds, selector)
    except ProcessLookupError:
        return True
    except OSError:
        # Too few file descriptors, or Linux is older than 5.3.
        return _by_polling(process, seconds)
    return _by_polling(process, seconds)


def _by_pidfd(pid: int, seconds: float, system: Any, selector: Any) -> bool:
    fd = system.pidfd_open(pid)
    try:
        poll = selector.poll()
        poll.register(fd, selector.POLLIN)
        deadline = time.monotonic() + seconds
        # poll() takes milliseconds, in 32 bits.
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
