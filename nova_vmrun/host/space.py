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

"""Free disk space: how much may be used, and the error if it is not enough.

All VMs of a host write to one file system and hang when it is full, so some of
its space is kept in reserve.
"""

import dataclasses
import os
import shutil

from oslo_utils import units

from nova_vmrun import exception

# Bytes that the running VMs may need in the meantime.
RESERVE = 512 * units.Mi
_BLOCK_SIZE = 512


@dataclasses.dataclass(frozen=True)
class FileSystem:
    """A file system that something is to be written to.

    :ivar name: what to call it in messages
    :ivar free: bytes
    :ivar reserve: bytes to leave free
    :ivar advice: what to do if there is not enough space
    """

    name: str
    free: int
    reserve: int = dataclasses.field(default_factory=lambda: RESERVE)
    advice: str = 'Free some space there.'

    @property
    def available(self) -> int:
        """Bytes that may be written."""
        return max(0, self.free - self.reserve)

    def require(self, needed: int, brief: str,
                details: str | None = None) -> None:
        """Raise DiskFull unless there is enough space.

        :param needed: bytes
        :param brief: what fails without them
        :param details: what the space is for; None: only say how much it is
        """
        if needed > self.available:
            raise self.disk_full(
                brief, details or 'It may need %d MiB.' % (needed // units.Mi))

    def disk_full(self, brief: str, details: str) -> exception.DiskFull:
        """Return the error for something that does not fit.

        :param brief: what failed
        :param details: how much space it needs
        """
        reserve = (', of which %d MiB are kept in reserve'
                   % (self.reserve // units.Mi) if self.reserve else '')
        return exception.DiskFull(
            brief, '%s %s has %d MiB free%s.' % (
                details, self.name, self.free // units.Mi, reserve),
            self.advice)


def of_folder(folder: str, advice: str, reserve: int = 0) -> FileSystem:
    """Return the file system of a folder, named after the folder.

    :param advice: what to do if there is not enough space
    :param reserve: bytes to leave free
    """
    return FileSystem('The file system of %s' % folder,
                      shutil.disk_usage(folder).free, reserve, advice)


def of_instances(folder: str, advice: str = 'Free some space on the file '
                 'system of the instances.') -> FileSystem:
    """Return the file system that the servers are on.

    :param folder: on that file system
    :param advice: what to do if there is not enough space
    """
    return FileSystem('The file system of the instances',
                      shutil.disk_usage(folder).free, advice=advice)


def allocated(path: str) -> int:
    """Return how many bytes a file takes, not counting its holes."""
    return os.stat(path).st_blocks * _BLOCK_SIZE


def reclaimable(path: str) -> int:
    """Return how many bytes become free if a file is removed.

    That is 0 if the file does not exist or has another hard link.
    """
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return 0
    return status.st_blocks * _BLOCK_SIZE if status.st_nlink == 1 else 0
