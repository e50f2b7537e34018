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

"""Whether a file system answers: one on a network can hang forever.

A thread that asks it cannot be ended. So there is at most one for each path,
and everybody else is told at once.
"""

import os
import threading

from nova_vmrun import exception

# Enough for a server that is busy, and for disks that have to start.
_SECONDS = 10.0

_hanging: dict[str, threading.Thread] = {}
_lock = threading.Lock()


def require(path: str, seconds: float | None = None) -> None:
    """Raise an error if the file system of a path does not answer.

    :param path: need not exist
    :param seconds: to wait for an answer; None: as long as is usual
    :raises FileSystemFailed: it does not answer
    """
    with _lock:
        former = _hanging.get(path)
        if former is not None and former.is_alive():
            raise _error(path)
        thread = threading.Thread(
            target=_ask, args=(path,), name='ask ' + path, daemon=True)
        _hanging[path] = thread
        thread.start()
    thread.join(_SECONDS if seconds is None else seconds)
    if thread.is_alive():
        raise _error(path)
    with _lock:
        if _hanging.get(path) is thread:
            del _hanging[path]


def _ask(path: str) -> None:
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
