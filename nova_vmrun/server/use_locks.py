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

"""Locks that keep other processes off a server.

Any number of operations of nova-compute share the lock of a server; a command
that moves its disks holds it alone. Nobody waits: who cannot get the lock is
refused. The system releases the locks of a process that has ended.
"""

from collections import abc
import contextlib
import errno
import fcntl
import os

from oslo_log import log as logging

from nova_vmrun import exception
from nova_vmrun.server import layout as layout_module

LOG = logging.getLogger(__name__)

# A server has to be stopped or deleted before a full file system has space.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


class UseLocks:
    """The locks of all servers."""

    def __init__(self, layout: layout_module.Layout) -> None:
        self._layout = layout

    @contextlib.contextmanager
    def shared(self, uuid: str) -> abc.Iterator[None]:
        """Hold the lock of a server while an operation works on it.

        Do without if the file system has no space for a file.

        :raises ServerInUse: a command holds it alone
        """
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(self._locked(
                    uuid, fcntl.LOCK_SH, exception.ServerInUse(
                        'The disks of server %s are being moved.' % uuid,
                        '"nova-vmrun storage evict" is running.',
                        'Try again when it has ended.')))
            except OSError as error:
                if error.errno not in _FULL:
                    raise
                LOG.warning('Working on server %s without a lock: %s', uuid,
                            error)
            yield

    def alone(self, uuid: str) -> contextlib.AbstractContextManager[None]:
        """Hold the lock of a server so that no operation begins.

        :raises ServerInUse: another process works on the server
        """
        return self._locked(uuid, fcntl.LOCK_EX, exception.ServerInUse(
            'Server %s is in use.' % uuid,
            'nova-compute is working on it, or its disks are being moved.',
            'Try again when that has ended.'))

    def is_held_alone(self, uuid: str) -> bool:
        """Return whether a process moves the disks of a server."""
        try:
            with open(self._layout.use_lock(uuid)) as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def remove(self, uuid: str) -> None:
        """Remove the lock file of a deleted server."""
        with contextlib.suppress(FileNotFoundError):
            os.remove(self._layout.use_lock(uuid))

    @contextlib.contextmanager
    def _locked(self, uuid: str, how: int, error: exception.ServerInUse
                ) -> abc.Iterator[None]:
        path = self._layout.use_lock(uuid)
        while True:
            # Network file systems only lock files that are open for writing.
            with open(path, 'a') as file:
                try:
                    fcntl.flock(file, how | fcntl.LOCK_NB)
                except BlockingIOError:
                    raise error from None
                if _is_at(path, file.fileno()):
                    yield
                    return
            # It was removed in the meantime, so it excludes nobody.


def _is_at(path: str, descriptor: int) -> bool:
    """Return whether an open file is still the one at a path."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False
