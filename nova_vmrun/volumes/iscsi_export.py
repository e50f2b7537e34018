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

"""The daemon that shows one iSCSI LUN as a file, and that file's mount.

A crash can leave each without the other: a daemon whose start was not
recorded, or a mount whose daemon is dead and which answers every access with
an error. Both are found by asking the kernel, not by what we remember.
"""

import contextlib
import dataclasses
import hashlib
import os
import signal

from oslo_log import log as logging
from oslo_utils import fileutils

from nova_vmrun import exception
from nova_vmrun.formats import vmdk
from nova_vmrun.formats import volume_files
from nova_vmrun.host import files
from nova_vmrun.host import fuse
from nova_vmrun.server import process_identity
from nova_vmrun import system
from nova_vmrun.tools import fusermount
from nova_vmrun.tools import process_end
from nova_vmrun.tools import qemu_storage_daemon
from nova_vmrun.volumes import connectors
from nova_vmrun.volumes import iscsi_record
from nova_vmrun.volumes import iscsi_target

LOG = logging.getLogger(__name__)

# Seconds for a daemon to end after each signal. While its target does not
# answer, it ignores the first one.
_END_SECONDS = 5
_SECRET = 'secret'
_PID_FILE = 'daemon.pid'


@dataclasses.dataclass(frozen=True)
class Tools:
    """The programs that an export needs."""

    daemon: qemu_storage_daemon.QemuStorageDaemon
    fusermount: fusermount.Fusermount


class Export:
    """A LUN that is shown as a file, or will be, or was.

    :param folder: of the connector for this volume
    """

    def __init__(self, tools: Tools, folder: str, volume_id: str) -> None:
        self._tools = tools
        self._folder = folder
        self._volume_id = volume_id
        name = 'volume-' + volume_id
        self.descriptor = os.path.join(folder, volume_files.descriptor(name))
        self._files = qemu_storage_daemon.Files(
            mount_point=os.path.join(folder, volume_files.extent(name)),
            secret=os.path.join(folder, _SECRET),
            pid_file=os.path.join(folder, _PID_FILE),
            socket=_socket(folder))

    @property
    def mount_point(self) -> str:
        """The file that shows the LUN."""
        return self._files.mount_point

    def is_serving(self, target: iscsi_target.Target) -> bool:
        """Return whether a daemon that answers shows the LUN of a target."""
        record = iscsi_record.read(self._folder)
        return (record is not None and
                (record.portal, record.iqn, record.lun, record.user) ==
                (target.portal, target.iqn, target.lun, target.user) and
                bool(self._pids()) and fuse.is_mounted(self.mount_point) and
                self._tools.daemon.is_exporting(self._files))

    def open(self, target: iscsi_target.Target, initiator: str) -> None:
        """Start a daemon for a LUN; there must be none.

        :param initiator: name of this host
        :raises VmrunError: the LUN cannot be shown; nothing is left running
        """
        self._prepare(target)
        lun = qemu_storage_daemon.Lun(
            target.portal, target.iqn, target.lun, initiator, target.user)
        try:
            self._tools.daemon.start(lun, self._files)
            self._note_start()
            self.size()
        except BaseException:
            try:
                self.close(is_forced=True)
            except exception.VmrunError as error:
                LOG.warning('%s', error)
            raise
        finally:
            # The daemon has read it.
            fileutils.delete_if_exists(self._files.secret)

    def _prepare(self, target: iscsi_target.Target) -> None:
        os.makedirs(self._folder, mode=0o700, exist_ok=True)
        self._refuse_data_below_mount()
        files.remove_parts(self._folder)
        # First, because it says whose all other files are.
        iscsi_record.write(self._folder, iscsi_record.Record(
            self._volume_id, target.portal, target.iqn, target.lun,
            target.user, self.mount_point))
        for path in (self._files.pid_file, self._files.socket):
            fileutils.delete_if_exists(path)
        if target.password is not None:
            files.write_atomically(self._files.secret, target.password)
        os.close(os.open(self.mount_point,
                         os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600))

    def _refuse_data_below_mount(self) -> None:
        """Raise an error if the file contains data while it is not mounted.

        :raises VolumeDamaged: it does; a VM may have written it
        """
        with contextlib.suppress(FileNotFoundError):
            size = os.lstat(self.mount_point).st_size
            if size:
                raise exception.VolumeDamaged(
                    'Volume %s cannot be mounted or unmounted.'
                    % self._volume_id,
                    '%s, where it is mounted, itself contains %d bytes.'
                    % (self.mount_point, size),
                    'Find out what wrote them, and move the file away.')

    def _note_start(self) -> None:
        pid = int(files.read(self._files.pid_file))
        record = iscsi_record.read(self._folder)
        if record is not None:
            iscsi_record.write(self._folder, dataclasses.replace(
                record, pid=pid, birth=process_identity.of(pid),
                size=self.size()))

    def size(self) -> int:
        """Return the size of the LUN in bytes.

        Call it only while a daemon answers: the kernel would wait for one
        that hangs.

        :raises VolumeDamaged: the LUN is not shown, or cannot be a disk
        """
        try:
            status = os.stat(self.mount_point)
            if status.st_dev == os.stat(self._folder).st_dev:
                raise self._lost('Nothing is mounted on it.')
        except OSError as error:
            raise self._lost('The system says: %s.' % error) from error
        if not status.st_size or status.st_size % vmdk.SECTOR:
            raise self._lost('It has %d bytes, not a number of sectors.'
                             % status.st_size)
        return status.st_size

    def _lost(self, details: str) -> exception.VolumeDamaged:
        return exception.VolumeDamaged(
            'Volume %s does not appear in %s.' % (
                self._volume_id, self.mount_point), details,
            'Check the log of the system, and that the target has the LUN.')

    def close(self, is_forced: bool = False) -> None:
        """End the daemon, if there is one, and unmount the file.

        :param is_forced: also if a program has the file open; it will get
            errors
        :raises FileInUse: a program has the file open; nothing has changed
        :raises ToolTimeout: a process does not end
        :raises ToolRefused: the file is still mounted
        """
        pids = self._pids()
        if fuse.is_mounted(self.mount_point):
            try:
                # Without a daemon no data can be lost.
                self._tools.fusermount.unmount(self.mount_point,
                                               is_lazy=not pids)
            except exception.FileInUse:
                if not is_forced:
                    raise
        for pid in pids:
            self._end(pid)
        if fuse.is_mounted(self.mount_point):
            self._tools.fusermount.unmount(self.mount_point, is_lazy=True)
        if fuse.is_mounted(self.mount_point):
            raise exception.ToolRefused(
                'Volume %s is still mounted.' % self._volume_id,
                'It was unmounted from %s without an error.'
                % self.mount_point,
                'Unmount it by hand: sudo umount -l %s' % self.mount_point)
        fileutils.delete_if_exists(self._files.socket)

    def forget(self) -> None:
        """Remove all files; the export must be closed.

        :raises OSError: the folder contains other files
        :raises VolumeDamaged: somebody wrote to the file without the mount
        """
        self._refuse_data_below_mount()
        for path in (self._files.secret, self._files.pid_file,
                     self.descriptor, self.mount_point):
            fileutils.delete_if_exists(path)
        with contextlib.suppress(FileNotFoundError):
            files.remove_tree(volume_files.lock_of(self.descriptor))
            # Last, because it says whose the other files are.
            fileutils.delete_if_exists(iscsi_record.path(self._folder))
            files.remove_parts(self._folder)
            os.rmdir(self._folder)
        connectors.remove_if_empty(self._folder)

    def _pids(self) -> list[int]:
        """Return the processes of the daemon, also of one that starts."""
        record = iscsi_record.read(self._folder)
        if record is None or record.pid is None:
            return qemu_storage_daemon.pids(self._files)
        return ([record.pid]
                if process_identity.is_same(record.pid, record.birth) else [])

    def _end(self, pid: int) -> None:
        process = _Process(pid)
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
            if process_end.wait(process, _END_SECONDS):
                return
            LOG.warning('Process %d, which shows volume %s, has not ended '
                        '%d seconds after signal %d', pid, self._volume_id,
                        _END_SECONDS, number)
        raise exception.ToolTimeout(
            'The daemon of volume %s does not end.' % self._volume_id,
            'Process %d was killed, but is still there.' % pid,
            'Check the log of the system; a restart of the host ends it.')


@dataclasses.dataclass
class _Process:
    """A process that need not be our child; see process_end.Child."""

    pid: int

    def poll(self) -> int | None:
        return None if system.here().start_mark(self.pid) else 0


def _socket(folder: str) -> str:
    """Return the path of a daemon's socket, above the server's folder.

    Paths of sockets have little room, and two UUIDs would fill it.
    """
    server_folder, volume_id = os.path.split(folder)
    volumes_folder, server_uuid = os.path.split(server_folder)
    digits = hashlib.sha256((server_uuid + volume_id).encode()).hexdigest()
    return os.path.join(volumes_folder, digits[:12])
