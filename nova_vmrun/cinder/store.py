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

"""Volumes and snapshots as files.

The content of each is raw bytes in a file; a volume also has a descriptor. A
file gets its final name when it is complete, and the descriptor is written
last, so a crash leaves a complete file or none. What Cinder was told to do is
then repeated or undone by deleting the volume.
"""

from collections.abc import Callable
from collections.abc import Iterator
import contextlib
import errno
import os
import stat
import time

from oslo_utils import fileutils

from nova_vmrun.cinder import disk as disks
from nova_vmrun.cinder import folder as folders
from nova_vmrun import exception
from nova_vmrun.formats import flat
from nova_vmrun.formats import volume_files
from nova_vmrun.host import files
from nova_vmrun.host import locks
from nova_vmrun.host import space
from nova_vmrun import system

_MODE = 0o600
# A descriptor of VMware has a few hundred bytes.
_LARGEST_DESCRIPTOR = 64 * 1024
# Seconds after which a file system gives another time to what is written.
_TICK = 0.02


class Store:
    """The volumes and snapshots in a folder.

    Nobody works on the same volume at the same time, because Cinder locks it.
    All methods raise DiskFull or FileSystemFailed if files cannot be written.
    """

    def __init__(self, folder: folders.Folder) -> None:
        self._folder = folder

    def create(self, disk: disks.Disk) -> None:
        """Create an empty volume.

        :raises InvalidInput: there can be no such volume
        :raises VolumeDamaged: its file is already there
        """
        self._make('Cannot create %s.' % disk.title, disk, lambda part: None)

    def copy(self, source: disks.Disk, target: disks.Disk) -> None:
        """Copy a volume or snapshot to a new one, which may be larger.

        :raises VolumeDamaged: the files of the source are not as they should
            be, or the target is already there
        :raises DiskChanged: a VM has written to the source in the meantime
        :raises HasSnapshots: the newest data is not in the source
        """
        brief = 'Cannot copy %s to %s.' % (source.title, target.title)
        self._make(brief, target, lambda part: self._fill(source, part))

    def revert(self, volume: disks.Disk, snapshot: disks.Disk) -> None:
        """Replace the content of a volume with that of a snapshot.

        :raises FileInUse: a VM uses the volume
        :raises VolumeDamaged: the snapshot's file is not as it should be
        """
        self.replace(volume, 'Cannot revert %s to %s.' % (
            volume.title, snapshot.title),
            lambda part: self._fill(snapshot, part))

    def replace(self, volume: disks.Disk, brief: str,
                fill: Callable[[str], object]) -> None:
        """Replace the content of a volume.

        :param brief: what failed if it cannot be done
        :param fill: writes the new content to a path; the rest is zeros
        :raises FileInUse: a VM uses the volume
        """
        with self._writing(brief):
            self.settle(volume)
            self._refuse_if_in_use(volume)
            with self._new_content(volume) as part:
                fill(part)
                # That may have taken minutes.
                self._refuse_if_in_use(volume)
            self._describe(volume)

    def extend(self, volume: disks.Disk, larger: disks.Disk) -> None:
        """Make a volume larger.

        :param volume: as it is now
        :param larger: as it is to be
        :raises FileInUse: a VM uses the volume
        :raises InvalidInput: there can be no such volume
        """
        larger.validate()
        with self._writing('Cannot extend %s.' % volume.title):
            path = self.settle(volume)
            self._refuse_if_in_use(volume)
            try:
                self._resize(path, larger.size)
                self._describe(larger)
            except OSError:
                self._resize(path, volume.size)
                raise

    def remove(self, disk: disks.Disk) -> None:
        """Remove a volume or snapshot; do nothing if there is none.

        :raises FileInUse: a VM uses the volume
        :raises HasSnapshots: VMware has made a snapshot of it
        """
        if not disk.can_exist:
            return
        with self._writing('Cannot delete %s.' % disk.title):
            if not disk.is_snapshot:
                self._refuse_if_in_use(disk)
                self._refuse_vmware_snapshots(disk)
                # No VM can open the volume without it.
                fileutils.delete_if_exists(self._descriptor(disk))
                # Only processes that have ended are named there.
                _remove_lock(volume_files.lock_of(self._descriptor(disk)))
            fileutils.delete_if_exists(self._extent(disk))
            files.sync_folder(self._folder.path)

    def lengthen(self, disk: disks.Disk) -> None:
        """Give a volume its size again, after a backup was restored to it.

        Cinder empties the file first, and writes no zeros to a new volume.

        :raises OSError: the file cannot be written
        """
        path = self._extent(disk)
        status = os.lstat(path)
        if stat.S_ISREG(status.st_mode) and status.st_nlink == 1 and (
                status.st_size < disk.size):
            self._resize(path, disk.size)

    def settle(self, disk: disks.Disk) -> str:
        """Check the content of a volume or snapshot; return its path.

        An extension that was cut short is undone.

        :raises VolumeDamaged: its file is not as it should be
        :raises HasSnapshots: the newest data is not in the file
        """
        disk.validate()
        path = self._extent(disk)
        try:
            status = os.lstat(path)
        except FileNotFoundError:
            raise _damaged(disk, 'Its file %s does not exist.' % path)
        if not stat.S_ISREG(status.st_mode):
            raise _damaged(disk, '%s is not a regular file.' % path)
        if status.st_nlink != 1:
            raise _damaged(disk, '%s has a second name: another file system '
                           'entry shares its content.' % path)
        if status.st_uid != os.geteuid():
            raise _damaged(disk, '%s belongs to user %d instead of %d.'
                           % (path, status.st_uid, os.geteuid()))
        if not disk.is_snapshot:
            self._refuse_vmware_snapshots(disk)
        if status.st_size < disk.size or (
                status.st_size > disk.size and
                (disk.is_snapshot or _has_data(path, disk.size))):
            raise _damaged(disk, '%s has %d bytes instead of %d.'
                           % (path, status.st_size, disk.size))
        if status.st_size > disk.size:
            self._refuse_if_in_use(disk)
            self._resize(path, disk.size)
        return path

    def prepare(self, volume: disks.Disk) -> str:
        """Prepare a volume for use by a VM; return the path of its content.

        A descriptor that is missing or wrong is written anew.

        :raises VolumeDamaged: its file is not as it should be
        :raises HasSnapshots: the newest data is not in the file
        :raises FileInUse: a VM uses the volume, and its descriptor is wrong
        """
        with self._writing('Cannot attach %s.' % volume.title):
            path = self.settle(volume)
            os.chmod(path, _MODE)
            if not self._is_described(volume):
                self._refuse_if_in_use(volume)
                self._describe(volume)
        return path

    def describe(self, volume: disks.Disk) -> None:
        """Write the descriptor of a volume that no VM uses."""
        with self._writing('Cannot describe %s.' % volume.title):
            self._refuse_if_in_use(volume)
            self._describe(volume)

    @contextlib.contextmanager
    def stable(self, volume: disks.Disk, is_attached: bool) -> Iterator[str]:
        """Yield the path of a volume's content while nobody writes to it.

        :param is_attached: whether a VM may write to the volume; a copy is
            made then
        :raises DiskChanged: it was written to while it was copied
        """
        with self._writing('Cannot read %s.' % volume.title):
            path = self.settle(volume)
            if not is_attached:
                yield path
                return
            with files.temporary(path) as part:
                _create(part)
                self._fill(volume, part)
                yield part

    def adopt(self, volume: disks.Disk, file: str) -> None:
        """Make a volume of a file in the folder, which gets its name.

        :param file: a name that find() returns
        :raises VolumeDamaged: a volume has this name already
        :raises FileInUse: a VM uses the file
        """
        volume.validate()
        path, target = self._folder.join(file), self._extent(volume)
        with self._writing('Cannot make %s of %s.' % (volume.title, path)):
            former = self._folder.join(
                volume_files.descriptor(file.removesuffix('-flat.vmdk')))
            self._refuse_locked(volume, former)
            if path != target:
                self._refuse_existing(volume)
            os.chmod(path, _MODE)
            self._resize(path, volume.size)
            os.rename(path, target)
            self._describe(volume)

    def _make(self, brief: str, disk: disks.Disk,
              fill: Callable[[str], object]) -> None:
        """Make a volume or snapshot, or nothing.

        :param fill: writes the content to a path
        """
        disk.validate()
        with self._writing(brief):
            self._refuse_existing(disk)
            with self._new_content(disk) as part:
                fill(part)
            if not disk.is_snapshot:
                try:
                    self._describe(disk)
                except OSError:
                    fileutils.delete_if_exists(self._extent(disk))
                    raise

    @contextlib.contextmanager
    def _new_content(self, disk: disks.Disk) -> Iterator[str]:
        """Yield a path to write to, which becomes the content of a disk."""
        with files.replacing(self._extent(disk)) as part:
            _create(part)
            yield part
            os.chmod(part, _MODE)
            os.truncate(part, disk.size)

    def _fill(self, source: disks.Disk, part: str) -> None:
        """Copy the content of a volume or snapshot to a file."""
        path = self.settle(source)
        self._folder.file_system().require(
            space.allocated(path), 'Cannot copy %s.' % source.title)
        before = files.fingerprints([path])
        if time.time() - before[0].mtime_ns / 1e9 < _TICK:
            # What is written in this tick would not change the fingerprint.
            time.sleep(_TICK)
        files.copy(path, part)
        if files.fingerprints([path]) != before:
            raise exception.DiskChanged(
                'Cannot copy %s.' % source.title,
                'A server wrote to it while it was copied, so the copy is '
                'useless.', 'Pause or stop the server first.')

    def _describe(self, volume: disks.Disk) -> None:
        files.write_atomically(self._descriptor(volume),
                               flat.descriptor(volume.flat), _MODE)

    def _is_described(self, volume: disks.Disk) -> bool:
        path = self._descriptor(volume)
        try:
            status = os.lstat(path)
            if not stat.S_ISREG(status.st_mode) or (
                    status.st_size > _LARGEST_DESCRIPTOR):
                return False
            flat.check(files.read(path), volume.flat)
        except (FileNotFoundError, PermissionError, exception.InvalidVmdk):
            return False
        return (status.st_uid == os.geteuid() and
                stat.S_IMODE(status.st_mode) == _MODE)

    def _resize(self, path: str, size: int) -> None:
        with open(path, 'r+b') as file:
            file.truncate(size)
            system.here().flush(file.fileno())

    def _refuse_existing(self, disk: disks.Disk) -> None:
        path = self._extent(disk)
        if os.path.lexists(path):
            raise _damaged(disk, '%s exists already.' % path)

    def _refuse_if_in_use(self, volume: disks.Disk) -> None:
        self._refuse_locked(volume, self._descriptor(volume))

    def _refuse_locked(self, volume: disks.Disk, descriptor: str) -> None:
        lock = volume_files.lock_of(descriptor)
        for holder in locks.holders(lock):
            raise exception.FileInUse(
                '%s is in use.' % volume.title,
                '%s says so; process %s.' % (lock, (
                    'unknown' if holder.pid is None else
                    '%d (%s)' % (holder.pid, holder.program))),
                'Stop the server that uses it, and detach the volume.')

    def _refuse_vmware_snapshots(self, volume: disks.Disk) -> None:
        found = volume_files.children(
            volume.name, os.listdir(self._folder.path))
        if found:
            raise exception.HasSnapshots(
                '%s has a snapshot that was made in VMware.' % volume.title,
                'The newest data is not in the volume but in %s.'
                % ', '.join(map(self._folder.join, found)),
                'Delete the snapshot in VMware, which merges it into the '
                'volume.')

    @contextlib.contextmanager
    def _writing(self, brief: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise self._folder.file_system().disk_full(
                    brief, '%s.' % error) from error
            raise exception.FileSystemFailed(
                brief, '%s.' % error, 'Check the file system and the '
                'permissions of %s.' % self._folder.path) from error

    def _extent(self, disk: disks.Disk) -> str:
        return self._folder.join(volume_files.extent(disk.name))

    def _descriptor(self, disk: disks.Disk) -> str:
        return self._folder.join(volume_files.descriptor(disk.name))


def _create(path: str) -> None:
    """Create an empty file that only its owner can use, whatever the umask."""
    fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _MODE)
    try:
        os.fchmod(fd, _MODE)
    finally:
        os.close(fd)


def _has_data(path: str, offset: int) -> bool:
    """Return whether a file has not only zeros behind an offset, in bytes."""
    with open(path, 'rb') as file:
        for start, length in system.here().data(file.fileno()):
            end = start + length
            file.seek(max(start, offset))
            while file.tell() < end:
                if any(file.read(min(1 << 20, end - file.tell()))):
                    return True
    return False


def _remove_lock(path: str) -> None:
    """Remove a lock that nobody holds; it may be missing."""
    if os.path.isdir(path) and not os.path.islink(path):
        files.remove_tree(path)
    else:
        fileutils.delete_if_exists(path)


def _damaged(disk: disks.Disk, details: str) -> exception.VolumeDamaged:
    return exception.VolumeDamaged(
        'The files of %s are not as they should be.' % disk.title, details,
        'Restore them, or delete it and use a backup.')
