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

"""The folder of a back end: its set-up, its lock and its space."""

import errno
import fcntl
import os
import shutil
import stat
import tempfile
from typing import NamedTuple

from oslo_log import log as logging
from oslo_utils import units

from nova_vmrun import exception
from nova_vmrun.formats import volume_files
from nova_vmrun.host import files
from nova_vmrun.host import space

LOG = logging.getLogger(__name__)

_MODE = 0o700


class Capacity(NamedTuple):
    """Space, in bytes.

    :ivar total: of the file system
    :ivar free: bytes that can be written there, without the reserve
    :ivar provisioned: sizes of all volumes, and what the snapshots take
    """

    total: int
    free: int
    provisioned: int


class Folder:
    """The folder that has the files of all volumes and snapshots.

    :param path: as the operator has set it
    """

    def __init__(self, path: str) -> None:
        self._is_absolute = os.path.isabs(path)
        self.path = os.path.realpath(path)
        self._lock: int | None = None

    def open(self) -> None:
        """Make the folder ready for use; safe to repeat.

        What crashes have left is removed: files that are still incomplete.

        :raises InvalidConfiguration: it cannot be used
        """
        if self._lock is not None:
            return
        if not self._is_absolute:
            raise self._unusable('Its path is not absolute, so it would '
                                 'depend on where cinder-volume is started.')
        try:
            os.makedirs(self.path, mode=_MODE, exist_ok=True)
            status = os.stat(self.path)
            if status.st_uid != os.geteuid():
                raise self._unusable(
                    'It belongs to user %d instead of %d.'
                    % (status.st_uid, os.geteuid()))
            if stat.S_IMODE(status.st_mode) != _MODE:
                os.chmod(self.path, _MODE)
            self._require_sparse_files()
            self._lock = self._take_lock()
            files.remove_parts(self.path, _is_ours)
        except OSError as error:
            raise self._unusable('%s.' % error) from error

    def close(self) -> None:
        """Let another process use the folder."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def join(self, name: str) -> str:
        """Return the path of a file in the folder."""
        return os.path.join(self.path, name)

    def file_system(self) -> space.FileSystem:
        """Return the file system of the volumes, with what is free now."""
        return space.FileSystem(
            'The file system of %s' % self.path,
            shutil.disk_usage(self.path).free,
            advice='Delete volumes or snapshots, or ask the operator for '
            'more space.')

    def capacity(self) -> Capacity:
        """Return how much space there is, and how much is promised."""
        names = set(os.listdir(self.path))
        provisioned = 0
        for file in names:
            name = volume_files.name_of(file)
            if name is not None:
                try:
                    status = os.lstat(self.join(file))
                except FileNotFoundError:
                    # Another request has just deleted it.
                    continue
                # Nobody writes to a snapshot, which has no descriptor.
                provisioned += (
                    status.st_size
                    if volume_files.descriptor(name) in names
                    else status.st_blocks * 512)
        return Capacity(shutil.disk_usage(self.path).total,
                        self.file_system().available, provisioned)

    def _require_sparse_files(self) -> None:
        with tempfile.TemporaryFile(dir=self.path) as file:
            file.truncate(units.Mi)
            if os.fstat(file.fileno()).st_blocks * 512 >= units.Mi:
                raise self._unusable(
                    'Its file system does not support sparse files, so each '
                    'volume would take all of its size at once.')

    def _take_lock(self) -> int:
        """Keep other processes from removing files that we are writing."""
        lock = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(lock)
            if error.errno != errno.EWOULDBLOCK:
                raise
            raise self._unusable(
                'Another back end or another cinder-volume uses it.')
        return lock

    def _unusable(self, details: str) -> exception.InvalidConfiguration:
        return exception.InvalidConfiguration(
            'The folder %s cannot be used for volumes.' % self.path, details,
            'Set vmrun_volume_folder in the section of the back end to a '
            'folder of the user who runs cinder-volume.')


def _is_ours(name: str) -> bool:
    """Return whether a temporary file could have become one of a volume."""
    return (volume_files.name_of(name) is not None or
            volume_files.is_name(name.removesuffix('.vmdk')))
