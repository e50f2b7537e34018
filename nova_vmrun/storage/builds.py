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

"""Servers that are being made right now, in all processes of this host.

Each has a folder that is locked as long as its process lives, so that a crash
ends it too. What a server has asked the image cache for after that folder was
made may be about to be used; what lies in the folder is the server's alone.
"""

import contextlib
import fcntl
import os
import tempfile

from oslo_concurrency import lockutils
from oslo_log import log as logging

from nova_vmrun.host import files

LOG = logging.getLogger(__name__)


class Builds:
    """The boots that are under way.

    :param layout: a nova_vmrun.server.layout.Layout
    """

    def __init__(self, layout):
        self._folder = os.path.join(layout.cache, 'boots')
        self._locks = layout.locks

    @contextlib.contextmanager
    def begin(self):
        """Gives the path of a folder that is removed in the end."""
        with self._guard():
            os.makedirs(self._folder, mode=0o700, exist_ok=True)
            folder = tempfile.mkdtemp(dir=self._folder)
            lock = open(_lock(folder), 'w')
            fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield folder
        finally:
            with self._guard():
                lock.close()
                self._remove(folder)

    def oldest(self):
        """Returns when the oldest boot began, None if there is none.

        :returns: seconds since the epoch, as the file system counts them
        """
        with self._guard():
            living = [folder for folder in self._folders()
                      if _is_alive(folder)]
            for folder in set(self._folders()) - set(living):
                self._remove(folder)
            return min((os.stat(_lock(folder)).st_mtime for folder in living),
                       default=None)

    def ended(self):
        """Returns the folders of boots that a crash has ended."""
        with self._guard():
            return [folder for folder in self._folders()
                    if not _is_alive(folder)]

    def _guard(self):
        return lockutils.lock('vmrun-boots', external=True,
                              lock_path=self._locks)

    def _folders(self):
        try:
            return [entry.path for entry in os.scandir(self._folder)]
        except FileNotFoundError:
            return []

    def _remove(self, folder):
        """Removes what is over; what cannot be removed is tried again."""
        try:
            files.remove_tree(folder)
        except OSError as error:
            LOG.warning('The folder %s stays: %s', folder, error)
        with contextlib.suppress(OSError):
            os.rmdir(self._folder)


def _lock(folder):
    return os.path.join(folder, 'lock')


def _is_alive(folder):
    try:
        with open(_lock(folder)) as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        pass
    return False
