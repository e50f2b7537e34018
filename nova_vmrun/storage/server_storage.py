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

"""The disks of servers that are in storage folders.

The record of a server names their files, and the folder of record stays in
[DEFAULT] instances_path. The .vmx is made to follow the record whenever the
disks have moved, because VMware and not the record says what is attached.
"""

from collections.abc import Iterable
from collections.abc import Iterator
import contextlib
import dataclasses
import functools
import os

from oslo_log import log as logging

from nova_vmrun import exception
from nova_vmrun.formats import vmx
from nova_vmrun.server import disks as disks_module
from nova_vmrun.server import layout as layout_module
from nova_vmrun.server import records as records_module
from nova_vmrun.server import use_locks
from nova_vmrun.server import vmx_file
from nova_vmrun.storage import disk_moves
from nova_vmrun.storage import folders as folders_module
from nova_vmrun.storage import linked
from nova_vmrun.storage import second_records
from nova_vmrun.storage import server_folders

LOG = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Place:
    """Where disks of a server are.

    :ivar storage: id of the storage folder
    :ivar path: of the server's folder in it, as recorded: the storage folder
        may be mounted elsewhere now
    """

    storage: str
    path: str

    def now(self, folder: folders_module.StorageFolder) -> str:
        """Return the path where it is now."""
        return os.path.join(folder.path, os.path.basename(self.path))


class ServerStorage:
    """The disks in the storage folders of this host.

    :param compute_id: this node's id in Nova

    :ivar folders: the storage folders
    :ivar locks: held while a process works on a server
    :ivar moves: of disks to other storage folders
    :ivar second: records of servers beside their disks
    """

    def __init__(self, folders: folders_module.StorageFolders,
                 layout: layout_module.Layout,
                 records: records_module.Records,
                 vmx_files: vmx_file.VmxFiles, compute_id: str) -> None:
        self.folders = folders
        self._layout = layout
        self._records = records
        self._vmx_files = vmx_files
        self._compute_id = compute_id
        self.locks = use_locks.UseLocks(layout)
        self.moves = disk_moves.DiskMoves(layout, records, vmx_files)
        self.second = second_records.SecondRecords(
            folders, layout, records, vmx_files, compute_id)

    # Who uses a server

    @contextlib.contextmanager
    def held(self, uuid: str) -> Iterator[None]:
        """Keep commands from moving the disks of a server meanwhile.

        End a move that was interrupted.

        :raises ServerInUse: a command is moving them
        :raises VmrunError: it is not known whether they have moved
        """
        while True:
            with self.locks.shared(uuid):
                if not self.moves.is_begun(uuid):
                    yield
                    return
            self.end_move(uuid)

    @contextlib.contextmanager
    def in_use(self, uuid: str) -> Iterator[None]:
        """Hold a server whose disks can be used, as require() says."""
        with self.held(uuid):
            self.require(uuid)
            yield

    def end_move(self, uuid: str) -> None:
        """End a move of a server's disks that was interrupted.

        :raises ServerInUse: the move is still going on
        :raises VmrunError: it is not known whether they have moved
        """
        with self.locks.alone(uuid):
            self.moves.end(uuid)
            self.remove_unused_of(uuid)

    # Whether the disks are there

    def is_there(self, record: records_module.Record) -> bool:
        """Return whether the folders of all disks of a server are there."""
        return all(folder is not None and folder.is_there()
                   for folder in map(self.folders.find, _storages(record)))

    def require(self, uuid: str) -> None:
        """Raise an error unless the disks of a server can be used.

        If they have moved, make the .vmx and the disks follow.

        :raises StorageFolderMissing: a storage folder is not there
        :raises FileInUse: another host has adopted them
        :raises NotStopped: the disks have moved, and its memory is saved
        """
        record = self._records.get(uuid)
        if record is None:
            return
        folders = {storage: self.folders.require(storage)
                   for storage in _storages(record)}
        if self.second.places.is_foreign(record):
            raise exception.FileInUse(
                'The disks of server %s are those of another host now.'
                % uuid, 'It was evacuated, or is being evacuated.',
                'If Nova has the server on this host, reboot it hard. If not, '
                'restart nova-compute here.')
        listed = tuple(
            disks_module.moved(disk, _place(disk).now(
                folders[disk.storage]), disk.storage)
            if disk.storage is not None else disk
            for disk in _disks(record))
        if listed != _disks(record):
            self._follow(uuid, listed)

    def require_all(self, uuid: str) -> None:
        """Raise an error unless all disks of a server are there.

        Also look at those of the folders that a resize makes.

        :raises StorageFolderMissing: a storage folder is not there
        """
        for folder in (self._layout.folder(uuid), *self._layout.beside(uuid)):
            self.require_places(uuid, folder)

    def require_places(self, uuid: str, folder: str) -> None:
        """Raise an error unless all disks are there that a record names.

        :param folder: one of the folders of record of a server
        :raises StorageFolderMissing: a storage folder is not there
        """
        for place in self.places(uuid, folder):
            self.folders.require(place.storage)

    def _follow(self, uuid: str,
                listed: tuple[disks_module.Disk, ...]) -> None:
        """Make everything name the disks where they are now.

        The record is last, so that a crash lets all of it be done again.
        """
        with self._vmx_files.opened(uuid) as file:
            if file.exists():
                if file.keys.get(vmx.MEMORY):
                    raise exception.NotStopped(
                        'The disks of server %s have moved while it was '
                        'suspended.' % uuid, 'They are in %s now.' % ', '.join(
                            sorted({os.path.dirname(disk.path)
                                    for disk in listed
                                    if disk.storage is not None})),
                        'Mount the storage folder at its former path, or '
                        'reset the state of the server and reboot it hard, '
                        'which loses its memory.')
                self._relink(uuid, listed)
                file.edit(lambda keys: self._attach(uuid, keys, listed))
            else:
                self._relink(uuid, listed)
            self._records.change(uuid, disks=disks_module.dump(listed))
        LOG.info('Server %s uses its disks where they are now: %s', uuid,
                 ', '.join(disk.file(self._layout.folder(uuid))
                           for disk in listed if disk.volume_id is None))

    def _attach(self, uuid: str, keys: vmx.Vmx,
                listed: Iterable[disks_module.Disk]) -> None:
        """Let a .vmx name the disks, or snapshots beside them."""
        for disk in listed:
            if disk.node is None or disk.volume_id is not None:
                continue
            key = disk.node + '.fileName'
            path = keys.get(key) or ''
            name = os.path.basename(path)
            # A relative path is that of a snapshot beside the .vmx.
            if os.path.isabs(path) and disk.has_name(name):
                keys[key] = os.path.join(os.path.dirname(disk.path), name)

    def _relink(self, uuid: str, listed: Iterable[disks_module.Disk]) -> None:
        """Let the descriptors of linked disks name their base disks."""
        for disk in listed:
            if disk.storage is None or (
                    disk.device is not disks_module.Device.DISK):
                continue
            folder = self.folders.require(disk.storage)
            own = os.path.dirname(disk.path)
            for name in sorted(os.listdir(own)):
                if disk.has_name(name):
                    linked.relink(os.path.join(own, name), folder.path)
            self._relink_snapshots(uuid, disk)

    def _relink_snapshots(self, uuid: str, disk: disks_module.Disk) -> None:
        """Let snapshots of a disk that are beside the .vmx name the disk."""
        folder, own = self._layout.folder(uuid), os.path.dirname(disk.path)
        for name in sorted(os.listdir(folder)):
            if disk.has_name(name):
                child = os.path.join(folder, name)
                found = linked.read_descriptor(child)
                parent = found.parent_hint or ''
                moved = os.path.join(own, os.path.basename(parent))
                if moved != parent and os.path.basename(os.path.dirname(
                        parent)) == os.path.basename(own):
                    linked.point(child, moved, found.parent_cid)

    def refresh_records(self) -> None:
        """Bring the records of all servers beside their disks in step."""
        self.second.refresh()

    # Which folders there are

    def servers_by_folder(self) -> dict[str | None, set[str]]:
        """Return the ids of the servers with disks in each storage folder.

        :returns: by the ids of the folders; None: [DEFAULT] instances_path
        """
        found: dict[str | None, set[str]] = {}
        for record in self._records.all():
            for disk in _disks(record):
                if disk.origin in disks_module.OF_FLAVOR:
                    found.setdefault(disk.storage, set()).add(record.uuid)
        return found

    def places(self, uuid: str, folder: str) -> list[Place]:
        """Return where the disks are that a record names.

        :param folder: one of the folders of record of a server
        """
        record = self._records.in_folder(uuid, folder)
        return [] if record is None else self.places_of(record)

    def places_of(self, record: records_module.Record) -> list[Place]:
        """Return where the disks are that any node's record names."""
        return sorted({_place(disk) for disk in _disks(record)
                       if disk.storage is not None},
                      key=lambda place: place.path)

    def chain_folders(self, disks: Iterable[disks_module.Disk]) -> list[str]:
        """Return where files of the chains of disks may be.

        :param disks: of a server; only those in storage folders count
        """
        found = []
        for disk in disks:
            if disk.storage is not None:
                folder = self.folders.require(disk.storage)
                found += [os.path.dirname(disk.path),
                          *folder.layout.caches()]
        return found

    def create(self, path: str) -> None:
        """Create a folder of a server in a storage folder.

        :raises OSError: it cannot be created
        """
        server_folders.create(path, self._compute_id)

    def remove(self, uuid: str, folder: str) -> None:
        """Remove the disks in storage folders that a record names.

        Leave those that another host has adopted.

        :param folder: one of the folders of record of a server
        :raises StorageFolderMissing: a storage folder is not there
        :raises RecordUnreadable: it names a folder that is not the server's
        :raises OSError: a file cannot be removed
        """
        for place in self.places(uuid, folder):
            if not server_folders.is_of(place.path, uuid):
                raise exception.RecordUnreadable(
                    'The disks of server %s cannot be removed.' % uuid,
                    'The record in %s names %r, which is not a folder of the '
                    'server.' % (folder, place.path),
                    'Correct the paths of the disks there.')
            path = place.now(self.folders.require(place.storage))
            if self.second.may_remove(path):
                server_folders.remove(path)
            else:
                LOG.warning('Not removing %s: another host has adopted the '
                            'disks of server %s', path, uuid)

    def unused(self, storage_folder: folders_module.StorageFolder
               ) -> list[tuple[str, str]]:
        """Return the folders of this node that no record names.

        Leave out those of servers whose record cannot be read, or is missing
        from their folders: it may name them.

        :returns: ids of servers and paths
        :raises OSError: the storage folder cannot be read
        """
        return [(uuid, path) for uuid, path in server_folders.find(
            storage_folder.path) if not self.locks.is_held_alone(uuid) and
            self._is_unused(uuid, path)]

    def _is_unused(self, uuid: str, path: str) -> bool:
        try:
            owner = server_folders.owner(path)
            if owner is not None and owner != self._compute_id:
                return False
            used = self._used(uuid)
        except (exception.RecordUnreadable, OSError) as error:
            LOG.debug('%s', error)
            return False
        return os.path.basename(path) not in used and (
            owner is not None or server_folders.is_new(path))

    def _used(self, uuid: str) -> set[str]:
        """Return the names of the folders that the records of a server name.

        Include those that its disks are moving to.

        :raises RecordUnreadable: a record cannot be read, or is missing
        """
        folders = [folder for folder in (self._layout.folder(uuid),
                                         self._layout.deleted(uuid),
                                         *self._layout.beside(uuid))
                   if os.path.isdir(folder)]
        records = []
        for folder in folders:
            # Raises an error if it cannot be read.
            self._records.is_foreign(uuid, folder)
            record = self._records.in_folder(uuid, folder)
            if record is not None:
                records.append(record)
        if folders and not records:
            raise exception.RecordUnreadable(
                'No record of this host says where the disks of server %s '
                'are.' % uuid, 'It is not in %s.' % ', '.join(folders))
        try:
            listed = [disk for record in records
                      for disk in disks_module.parse(record.disks or [])]
        except ValueError as error:
            raise exception.RecordUnreadable(
                'The disks of server %s are unknown.' % uuid,
                '%s' % error) from error
        return {os.path.basename(_place(disk).path)
                for disk in (*listed, *self.moves.disks(uuid))
                if disk.storage is not None}

    def unused_everywhere(self) -> list[tuple[str, str]]:
        """Return what unused() does, for all folders that are there."""
        return [each for folder in self.folders.others if folder.is_there()
                for each in folder.call(functools.partial(self.unused,
                                                          folder))]

    def finish_interrupted(self) -> None:
        """End interrupted moves, and remove the files that crashes left."""
        uuids = {record.uuid for record in self._records.all()}
        for uuid in sorted(uuids.union(self._layout.prepared_uuids())):
            try:
                if self.moves.is_begun(uuid):
                    self.end_move(uuid)
                self._remove_parts(uuid)
            except (exception.VmrunError, OSError) as error:
                LOG.error('%s', error)
        self.remove_unused()

    def _remove_parts(self, uuid: str) -> None:
        """Remove half-written files from the disks of a server."""
        for record in (self._layout.folder(uuid),
                       self._layout.prepared(uuid)):
            for place in self.places(uuid, record):
                folder = self.folders.find(place.storage)
                if folder is not None and folder.is_there():
                    folder.call(functools.partial(
                        server_folders.remove_parts, place.now(folder)))

    def remove_unused(self, uuids: Iterable[str] | None = None) -> None:
        """Remove the disks that a crash has left of moves and builds.

        Those of servers without any folder are orphans; leave them.

        :param uuids: of the servers to look at; None: of all
        """
        for uuid, path in self.unused_everywhere():
            is_server = any(map(os.path.isdir, (
                self._layout.folder(uuid), *self._layout.beside(uuid))))
            if is_server and (uuids is None or uuid in uuids):
                LOG.info('Removing disks that no server uses: %s', path)
                server_folders.remove(path)

    def remove_unused_of(self, uuid: str) -> None:
        """Do the same for one server, whose lock the caller holds alone."""
        for folder in self.folders.others:
            if folder.is_there():
                for each, path in folder.call(functools.partial(
                        server_folders.find, folder.path)):
                    if each == uuid and self._is_unused(uuid, path):
                        LOG.info('Removing disks that server %s has left: %s',
                                 uuid, path)
                        server_folders.remove(path)


def _disks(record: records_module.Record) -> tuple[disks_module.Disk, ...]:
    """Return the disks of a record, none if the list is damaged."""
    try:
        return disks_module.parse(record.disks or [])
    except ValueError as error:
        LOG.debug('The disks of server %s: %s', record.uuid, error)
        return ()


def _storages(record: records_module.Record) -> list[str]:
    """Return the ids of the storage folders with disks of a server."""
    return sorted({disk.storage for disk in _disks(record)
                   if disk.storage is not None})


def _place(disk: disks_module.Disk) -> Place:
    return Place(disk.storage or '', os.path.dirname(disk.path))
