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

"""Access to file systems that may hang, such as those on a network.

A thread that waits for such a file system cannot be ended. So there is at most
one for each path, and while it waits, other callers get an error at once.
"""

from collections.abc import Callable
import os
import threading
import time
from typing import Any
from typing import Generic
from typing import TypeVar

from nova_vmrun import exception

# Enough for a server that is busy, and for disks that have to start.
_SECONDS = 10.0

_T = TypeVar('_T')


class _Question(Generic[_T]):
    """A function that runs in a thread, and what came of it.

    :param name: of the thread
    :param seconds: in which it should return
    """

    def __init__(self, function: Callable[[], _T], name: str,
                 seconds: float) -> None:
        self._function = function
        self._deadline = time.monotonic() + seconds
        self.thread = threading.Thread(target=self._run, name=name,
                                       daemon=True)
        self._error: BaseException | None = None
        self._answers: list[_T] = []

    def wait(self) -> bool:
        """Wait for the function, and return whether it has returned."""
        self.thread.join(max(self._deadline - time.monotonic(), 0))
        return not self.thread.is_alive()

    def _run(self) -> None:
        try:
            self._answers.append(self._function())
        except BaseException as error:
            self._error = error

    def answer(self) -> _T:
        """Return what the function has returned, or raise its error."""
        if self._error is not None:
            raise self._error
        return self._answers[0]


_questions: dict[str, _Question[Any]] = {}
_lock = threading.Lock()


def require(path: str, seconds: float | None = None) -> None:
    """Raise an error if the file system of a path does not answer.

    :param path: need not exist
    :param seconds: to wait for an answer; None: as long as is usual
    :raises FileSystemFailed: it does not answer
    """
    call(path, lambda: _look(path), seconds)


def call(path: str, function: Callable[[], _T],
         seconds: float | None = None) -> _T:
    """Return what a function returns that may hang with a file system.

    :param path: on that file system; one function at a time runs for it
    :param seconds: to wait for the function; None: as long as is usual
    :raises FileSystemFailed: it has not returned, or an earlier one has not
    """
    question = _Question(function, 'ask ' + path,
                         _SECONDS if seconds is None else seconds)
    while True:
        with _lock:
            former = _questions.setdefault(path, question)
            if former is question:
                question.thread.start()
        if not former.wait():
            raise _error(path)
        with _lock:
            if _questions.get(path) is former:
                del _questions[path]
        if former is question:
            return question.answer()


def _look(path: str) -> None:
    try:
        os.stat(path)
    except OSError:
        # An error is an answer.
        return


def _error(path: str) -> exception.FileSystemFailed:
    return exception.FileSystemFailed(
        'The file system of %s does not answer.' % path,
        'The server that it is mounted from may be down or unreachable.',
        'Bring the server back, or unmount the file system with '
        '"umount -f -l" as root. Then try again.')
