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

"""Eviction: moves the disks of a stopped server to another storage folder.

The order of the steps is that of nova_vmrun.storage.disk_moves, so that this
can be interrupted and repeated, while nova-compute runs.
"""

from collections import abc
import dataclasses
import os
import re

from oslo_log import log as logging

from nova_vmrun import exception
from nova_vmrun.host import files
from nova_vmrun.host import space
from nova_vmrun.ops import parts
from nova_vmrun.ops.resize import resize_plan
from nova_vmrun.ops import stopped as stopped_module
from nova_vmrun.server import disks as server_disks
from nova_vmrun.server import vmx_file
from nova_vmrun.storage import disk_moves
from nova_vmrun.storage import folders as storage_folders
from nova_vmrun.storage import linked
from nova_vmrun.storage import server_folders
from nova_vmrun.storage import twin_bases

LOG = logging.getLogger(__name__)

_NUMBER = re.compile('-([0-9]{6})[.]vmdk')


@dataclasses.dataclass(frozen=True)
class Moved:
    """What an eviction has done.

    :ivar folder: name of the storage folder where the disks are now
    :ivar disks: names of the disks that were moved; none were elsewhere
    :ivar size: bytes that were copied
    """

    folder: str
    disks: list[str]
    size: int


@dataclasses.dataclass(frozen=True)
class _Copy:
    """One disk that moves.

    :ivar disk: as it is now
    :ivar listed: as the record will list it
    :ivar own: paths of its files that no other server uses, the lowest first
    :ivar base: path of the base disk that the lowest is linked to, if any
    :ivar targets: paths of the copies of its own files, the lowest first
    """

    disk: resize_plan.Disk
    listed: server_disks.Disk
    own: list[str]
    base: str | None
    targets: list[str]


class Evictor:
    """Moves the disks of servers."""

    def __init__(self, host: parts.Host, servers: parts.Servers,
                 stopped: stopped_module.StoppedServers | None = None) -> None:
        self._qemu_img = host.qemu_img
        self._layout = servers.layout
        self._records = servers.records
        self._disk_lists = servers.disk_lists
        self._storage = servers.storage
        self._vmx_files = servers.vmx_files
        self._stopped = stopped or stopped_module.StoppedServers(servers)

    def evict(self, uuid: str, to: str | None = None) -> Moved:
        """Move the disks of a stopped server.

        Volumes, CDs and rescue disks stay where they are. Repeating this also
        ends a move that was interrupted.

        :param to: name of the storage folder; None: the one with most free
            space of those that new disks may go to and the server does not use
        :raises ServerInUse: another process works on the server
        :raises VmNotFound: the server is not on this host
        :raises NotStopped: it is on, suspended, in rescue or being resized
        :raises HasSnapshots: it has snapshots in VMware
        :raises InvalidInput: there is no such folder
        :raises StorageFolderMissing: a folder is not there
        :raises DiskFull: the folder has not enough space
        :raises OSError: a file cannot be written; often ENOSPC or EIO
        """
        with self._storage.locks.alone(uuid):
            self._require_record(uuid)
            self._storage.moves.end(uuid)
            self._storage.require(uuid)
            self._storage.remove_unused_of(uuid)
            self._require_at_rest(uuid)
            disks = self._disks(uuid)
            target = self._target(disks, to)
            copies = self._plan(uuid, disks, target)
            size = sum(space.allocated(path) for copy in copies
                       for path in copy.own)
            if copies:
                self._move(uuid, target, copies, size)
            return Moved(target.name,
                         [copy.listed.name for copy in copies], size)

    # What is refused

    def _require_record(self, uuid: str) -> None:
        record = self._records.get(uuid)
        if record is None:
            raise exception.VmNotFound(
                'Server %s is not on this host.' % uuid,
                'No nova.json of this compute node names it.',
                'Run the command on the host of the server.')
        if record.disks is None:
            raise exception.RecordUnreadable(
                'The disks of server %s are not listed yet.' % uuid,
                'An older release has written its record.',
                'Start and stop the server once.')

    def _require_at_rest(self, uuid: str) -> None:
        """Raise an error unless nothing uses the disks of a server."""
        brief = _brief(uuid)
        if any(map(os.path.isdir, self._layout.beside(uuid))):
            raise exception.NotStopped(
                brief, 'It is being resized, or its resize is not confirmed.',
                'Confirm or revert the resize first.')
        if server_disks.first(self._disk_lists.get(uuid),
                              *server_disks.OF_RESCUE):
            raise exception.NotStopped(
                brief, 'It is in rescue.', 'Unrescue and stop it first.')
        self._stopped.wait_until_closed(uuid)
        with self._vmx_files.opened(uuid) as file:
            self._require_stopped(file)
        resize_plan.refuse_snapshots(self._layout, uuid)

    def _require_stopped(self, file: vmx_file.OpenVmx) -> None:
        self._stopped.require(file, _brief(file.uuid))

    # Which disks go where

    def _disks(self, uuid: str) -> list[resize_plan.Disk]:
        """Return the disks that can move."""
        listed = self._disk_lists.get(uuid)
        found = resize_plan.attached_disks(
            self._layout, self._storage, uuid, self._vmx_files.load(uuid),
            listed)
        names = [disk.listed.name for disk in found]
        for disk in listed:
            if disk.origin in server_disks.OF_FLAVOR and (
                    disk.name not in names):
                raise exception.VmIncomplete(
                    'The disk %s of server %s is not in its .vmx.'
                    % (disk.name, uuid),
                    'No line of %s names %s.' % (self._layout.vmx(uuid),
                                                 disk.path),
                    'Attach it again, or reboot the server hard.')
        return found

    def _target(self, disks: abc.Iterable[resize_plan.Disk],
                to: str | None) -> storage_folders.StorageFolder:
        folders = self._storage.folders
        if to is not None:
            target = folders.named(to)
        else:
            used = {disk.listed.storage for disk in disks}
            others = [(found.free, folder) for folder, found in
                      folders.spaces() if folder.identity not in used]
            if not others:
                raise exception.InvalidInput(
                    'There is no other storage folder for the disks.',
                    'New disks may go to: %s.' % ', '.join(
                        folder.name for folder in folders.selected),
                    'Add one to [vmrun] storage_folders, or name one with '
                    '--to.')
            target = max(others, key=lambda each: each[0])[1]
        return target

    def _plan(self, uuid: str, disks: abc.Iterable[resize_plan.Disk],
              target: storage_folders.StorageFolder) -> list[_Copy]:
        """Return what has to be copied, nothing if all disks are there."""
        moving = [disk for disk in disks
                  if disk.listed.storage != target.identity]
        path = ('' if target.is_default else
                server_folders.new_path(target.path, uuid))
        copies = []
        for disk in moving:
            homes = [os.path.realpath(each) for each in (
                self._layout.folder(uuid),
                os.path.dirname(disk.listed.file(self._layout.folder(uuid))))]
            own = [each for each in reversed(disk.chain)
                   if os.path.dirname(each) in homes]
            above = disk.chain[len(own):]
            if len(above) > 1:
                raise exception.NotSupported(
                    _brief(uuid), 'Its disk %s is linked to %s, which is '
                    'linked itself.' % (disk.listed.name, above[0]),
                    'Resize the server instead.')
            listed = server_disks.moved(disk.listed, path, target.identity)
            copies.append(_Copy(
                disk, listed, own, above[0] if above else None,
                self._names(uuid, listed, len(own))))
        self._require_known_files(uuid, copies)
        return copies

    def _names(self, uuid: str, listed: server_disks.Disk,
               count: int) -> list[str]:
        """Return the paths of the copies of a disk's files.

        They are called as VMware calls a disk and its snapshots.
        """
        folder = self._layout.folder(uuid)
        path = listed.file(folder)
        first = 0
        if not listed.is_in_storage:
            if os.path.exists(path):
                raise exception.FileInUse(
                    _brief(uuid), '%s exists already.' % path,
                    'Move that file elsewhere.')
            first = max([0, *(int(found.group(1)) for found in map(
                _NUMBER.search, filter(listed.has_name, os.listdir(folder)))
                if found)])
        stem, extension = os.path.splitext(path)
        return [path, *('%s-%06d%s' % (stem, first + number, extension)
                        for number in range(1, count))]

    def _require_known_files(self, uuid: str,
                             copies: abc.Iterable[_Copy]) -> None:
        """Raise an error if other files would be removed with the disks."""
        known: dict[str, set[str]] = {}
        for copy in copies:
            if copy.disk.listed.is_in_storage:
                known.setdefault(
                    os.path.dirname(copy.disk.listed.path), set()).update(
                        map(os.path.basename, copy.own))
        for folder, names in known.items():
            others = [
                name for name in sorted(os.listdir(folder)) if not (
                    name in names or name.endswith('.lck') or
                    name in (server_folders.OWNER, server_folders.RECORD))]
            if others:
                raise exception.FileInUse(
                    _brief(uuid), 'Files in %s are not parts of its disks: '
                    '%s.' % (folder, ', '.join(others)),
                    'Move them elsewhere first.')

    # The move

    def _move(self, uuid: str, target: storage_folders.StorageFolder,
              copies: list[_Copy], size: int) -> None:
        bases = {copy.base for copy in copies if copy.base is not None}
        needed = size + sum(
            space.allocated(base) for base in bases
            if not twin_bases.exists(target, base))
        LOG.info('Moving the disks %s of server %s to the storage folder %s',
                 ', '.join(copy.listed.name for copy in copies), uuid,
                 target.name)
        sources = [path for copy in copies for path in copy.own]
        with self._storage.folders.begin_move(
                target, needed, 'The disks of server %s do not fit.' % uuid):
            before = files.fingerprints(sources)
            twins = {base: twin_bases.make(target, self._qemu_img, base)
                     for base in bases}
            move = self._describe(uuid, copies)
            self._storage.second.remove(uuid)
            self._storage.moves.begin(uuid, move)
            try:
                for folder in {os.path.dirname(copy.listed.path)
                               for copy in copies
                               if copy.listed.is_in_storage}:
                    self._storage.create(folder)
                for copy in copies:
                    _copy(copy, twins)
                with self._vmx_files.opened(uuid) as file:
                    self._require_stopped(file)
                    if files.fingerprints(sources) != before:
                        raise exception.DiskChanged(
                            _brief(uuid), 'They were written to while they '
                            'were copied.', 'Stop the server, and try again.')
                    file.edit(lambda keys: self._storage.moves.attach(
                        move, keys, self._layout.folder(uuid)))
            finally:
                self._storage.moves.end(uuid)
                self._storage.remove_unused_of(uuid)
                self._storage.second.write(uuid)

    def _describe(self, uuid: str, copies: list[_Copy]) -> disk_moves.Move:
        folder = self._layout.folder(uuid)
        listed = {copy.listed.name: copy.listed for copy in copies}
        return disk_moves.Move(
            disks=tuple(listed.get(disk.name, disk)
                        for disk in self._disk_lists.get(uuid)),
            originals={copy.disk.attached.node: copy.disk.chain[0]
                       for copy in copies},
            copies={copy.disk.attached.node: copy.targets[-1]
                    for copy in copies},
            old_names=_names_in(folder, [
                path for copy in copies for path in copy.own]),
            new_names=_names_in(folder, [
                path for copy in copies for path in copy.targets]))


def _brief(uuid: str) -> str:
    return 'The disks of server %s cannot be moved.' % uuid


def _names_in(folder: str, paths: abc.Iterable[str]) -> list[str]:
    real = os.path.realpath(folder)
    return [os.path.basename(path) for path in paths
            if os.path.realpath(os.path.dirname(path)) == real]


def _copy(copy: _Copy, twins: abc.Mapping[str, str]) -> None:
    """Copy the own files of a disk, the lowest first."""
    parent = twins[copy.base] if copy.base is not None else None
    for source, target in zip(copy.own, copy.targets):
        if parent is None:
            linked.make_twin(source, target, None)
        else:
            name = (os.path.basename(parent)
                    if os.path.dirname(parent) == os.path.dirname(target)
                    else parent)
            linked.make_twin(source, target, name,
                             linked.read_descriptor(parent).cid)
        parent = target
