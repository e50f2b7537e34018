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

"""A kqueue for Linux, with the parts that the driver uses on macOS."""

from collections.abc import Callable, Iterable
import os
import select
import types
from typing import Any

# Kept before a test takes them away.
_epoll = getattr(select, 'epoll', None)
_EPOLLIN = getattr(select, 'EPOLLIN', 1)
_pidfd_open = getattr(os, 'pidfd_open', None)

NUMBERS = {'KQ_FILTER_READ': -1, 'KQ_FILTER_PROC': -5, 'KQ_EV_ADD': 1,
           'KQ_EV_DELETE': 2, 'KQ_EV_ONESHOT': 16, 'KQ_NOTE_EXIT': 1 << 31}


def kevent(ident: int, filter: int, flags: int = 1,
           fflags: int = 0) -> types.SimpleNamespace:
    return types.SimpleNamespace(ident=ident, filter=filter, flags=flags,
                                 fflags=fflags)


class Kqueue:

    def __init__(self) -> None:
        self._epoll = _epoll()
        self._fds: dict[int, int] = {}
        self._events: dict[int, types.SimpleNamespace] = {}

    def control(self, changes: Iterable | None, most: int,
                seconds: float | None = None) -> list:
        for change in changes or ():
            if change.flags & NUMBERS['KQ_EV_DELETE']:
                self._remove(change.ident)
            else:
                self._add(change)
        if not most:
            return []
        found = []
        for fd, _bits in self._epoll.poll(seconds, most):
            event = self._events.get(fd)
            if event is not None:
                found.append(event)
                if event.flags & NUMBERS['KQ_EV_ONESHOT']:
                    self._remove(event.ident)
        return found

    def close(self) -> None:
        for pid in list(self._fds):
            self._remove(pid)
        self._epoll.close()

    def _add(self, change: types.SimpleNamespace) -> None:
        fd = change.ident
        if change.filter == NUMBERS['KQ_FILTER_PROC']:
            fd = self._fds[change.ident] = _pidfd_open(change.ident)
        self._events[fd] = change
        self._epoll.register(fd, _EPOLLIN)

    def _remove(self, pid: int) -> None:
        if pid not in self._fds:
            raise FileNotFoundError(pid)
        fd = self._fds.pop(pid)
        del self._events[fd]
        self._epoll.unregister(fd)
        os.close(fd)


def install(put: Callable[[Any, str, Any], None]) -> None:
    """Add what macOS has to the select module.

    :param put: sets an attribute
    """
    put(select, 'kqueue', Kqueue)
    put(select, 'kevent', kevent)
    for name, number in NUMBERS.items():
        put(select, name, number)
