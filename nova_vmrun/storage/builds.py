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

"""Servers that are being built right now, by any process on this host.

Each build has a folder that is locked while its process lives, so a crash ends
the build. Files that were requested from the image cache after a build began
may be about to be used; the files in its folder belong to that server alone.
A build can reserve space for the disks that it will create, so that another
build does not count on the same bytes.
"""

from collections.abc import Iterator
import contextlib
import fcntl
import os
import tempfile

from oslo_log import log as logging

from nova_vmrun.host import files
from nova_vmrun.host import strange_files
from nova_vmrun.server import layout as layouts
from nova_vmrun.storage import folder_locks

LOG = logging.getLogger(__name__)

_MAX_NUMBER = 20


class Builds:
    """The builds in progress."""

    def __init__(self, layout: layouts.Layout) -> None:
        self._folder = os.path.join(layout.cache, 'boots')
        self._locks = layout.locks

    @contextlib.contextmanager
    def begin(self, reserved: int = 0) -> Iterator[str]:
        """Begin a build: yield its folder and remove it in the end.

        :param reserved: bytes that its disks may need
        """
        with self._guard():
            os.makedirs(self._folder, mode=0o700, exist_ok=True)
            folder = tempfile.mkdtemp(dir=self._folder)
            lock = open(_lock(folder), 'w')
            fcntl.flock(lock, fcntl.LOCK_EX)
            if reserved:
                lock.write('%d' % reserved)
                lock.flush()
        try:
            yield folder
        finally:
            with self._guard():
                lock.close()
                self._remove(folder)

    def oldest_start(self) -> float | None:
        """Return when the oldest build began, or None if there is none.

        Also remove the folders of interrupted builds.

        :returns: seconds since the epoch, by the clock of the file system
        """
        with self._guard():
            running = [folder for folder in self._folders()
                       if _is_running(folder)]
            for folder in set(self._folders()) - set(running):
                self._remove(folder)
            return min((os.stat(_lock(folder)).st_mtime
                        for folder in running), default=None)

    def reserved(self) -> int:
        """Return how many bytes the builds in progress have reserved."""
        with self._guard():
            return sum(_reserved(folder) for folder in self._folders()
                       if _is_running(folder))

    def interrupted(self) -> list[str]:
        """Return the folders of builds that a crash has interrupted."""
        with self._guard():
            return [folder for folder in self._folders()
                    if not _is_running(folder)]

    def _guard(self) -> contextlib.AbstractContextManager[object]:
        return folder_locks.lock('vmrun-boots', self._locks)

    def _folders(self) -> list[str]:
        try:
            return [entry.path for entry in os.scandir(self._folder)]
        except FileNotFoundError:
            return []

    def _remove(self, folder: str) -> None:
        """Remove a folder; if that fails, the next call tries again."""
        try:
            files.remove_tree(folder)
        except OSError as error:
            LOG.warning('Cannot remove the folder %s: %s', folder, error)
        with contextlib.suppress(OSError):
            os.rmdir(self._folder)


def _lock(folder: str) -> str:
    return os.path.join(folder, 'lock')


def _is_running(folder: str) -> bool:
    """Return whether a build has its folder now.

    :raises OSError: it is not known
    """
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(strange_files.opened(
                _lock(folder), write=True))
        except PermissionError:
            raise
        except OSError as error:
            if error.errno not in strange_files.NO_FILE:
                raise
            LOG.debug('%s is no build in progress: %s', folder, error)
            return False
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def _reserved(folder: str) -> int:
    try:
        return int(strange_files.read(_lock(folder), _MAX_NUMBER) or 0)
    except (FileNotFoundError, ValueError):
        # It has just ended, or a crash left it half-written.
        return 0
