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

"""Locks on things in a storage folder, for threads and processes.

The lock files are in the folder, because other hosts may use it. Threads wait
for each other by folder: while one hangs, the locks in others stay free.
"""

import contextlib
import errno
import os
import threading

from oslo_concurrency import lockutils

from nova_vmrun.host import strange_files

_semaphores: dict[str, lockutils.Semaphores] = {}
_guard = threading.Lock()


def lock(name: str, locks: str, blocking: bool = True
         ) -> contextlib.AbstractContextManager[object]:
    """Return a context manager that holds a lock.

    :param locks: the folder of the lock files
    :param blocking: False: raise if it is in use
    :raises AcquireLockFailedException: of lockutils
    :raises OSError: another host has put something else than a file there
    """
    path = os.path.join(locks, name)
    if os.path.lexists(path) and not strange_files.is_file(path):
        # lockutils would wait for a pipe, or follow a link.
        raise OSError(errno.EINVAL, 'It is no file', path)
    with _guard:
        semaphores = _semaphores.setdefault(locks, lockutils.Semaphores())
    return lockutils.lock(name, external=True, lock_path=locks,
                          blocking=blocking, semaphores=semaphores)
