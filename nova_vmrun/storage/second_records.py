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


"""The second record of a server, beside its disks in a storage folder.

Another host that has this folder, and not [DEFAULT] instances_path, can start
the server with its disks. So the folder of the server's first disk has in it

* owner.json, see server_folders.py
* record/nova.json: a copy of the server's record, and a number
* record/config-drive.iso...: copies of files that nobody could make again

If they differ, the record in instances_path is right, except about whose the
disks are: that is what owner.json says, which is written last when a server
changes hands. There are two copies for a moment when the disks have moved; the
one with the higher number is right.

What is read here was written by another host, and is checked.
"""

from collections.abc import Iterable
from collections.abc import Iterator
import contextlib
import dataclasses
import functools
import os
from typing import Any

from oslo_concurrency import lockutils
from oslo_log import log as logging
from oslo_serialization import jsonutils

from nova_vmrun import exception
from nova_vmrun.host import files
from nova_vmrun.host import responsive
from nova_vmrun.host import strange_files
from nova_vmrun.server import disks as disks_module
from nova_vmrun.server import layout as layout_module
from nova_vmrun.server import records as records_module
from nova_vmrun.server import vmx_file
from nova_vmrun.storage import folder_locks
from nova_vmrun.storage import folders as folders_module
from nova_vmrun.storage import server_folders
from nova_vmrun.storage import server_places
from nova_vmrun.storage import untrusted_records

LOG = logging.getLogger(__name__)

# Fields of a record that each host sets itself.
_OWN = ('uuid', 'name', 'compute_id', 'vnc_port', 'adopted_from', 'is_copy')


@dataclasses.dataclass(frozen=True)
class Second:
    """The second record of a server.

    :ivar path: of the folder of the server's first disk
    :ivar record: whose compute_id is that of the owner of the disks
    :ivar number: higher than those of earlier ones
    """

    path: str
    record: records_module.Record
    number: int


class SecondRecords:
    """The second records of the servers in the storage folders of a host.

    :param compute_id: this node's id in Nova

    :ivar places: where the disks of servers are, and whose they are
    """

    def __init__(self, folders: folders_module.StorageFolders,
                 layout: layout_module.Layout,
                 records: records_module.Records,
                 vmx_files: vmx_file.VmxFiles, compute_id: str) -> None:
        self._folders = folders
        self._layout = layout
        self._records = records
        self._vmx_files = vmx_files
        self._compute_id = compute_id
        self.places = server_places.ServerPlaces(folders, compute_id)

    # Of servers of this host

    def refresh(self) -> None:
        """Bring the second records of all servers in step."""
        if not self._folders.others:
            return
        try:
            places = self.places.by_server()
        except (exception.VmrunError, OSError) as error:
            LOG.warning('The records beside the disks of servers are not '
                        'looked at: %s', error)
            return
        for record in self._records.all():
            self._tidy(record)
            self._bring_in_step(record, places.get(record.uuid, []))

    def _tidy(self, record: records_module.Record) -> None:
        """Remove files that a crash has left, perhaps beside another's."""
        try:
            for path in self.places.there(record):
                place = untrusted_records.folder(path)
                if (strange_files.is_folder(path) and
                        strange_files.is_folder(place) and
                        any(map(files.is_part, os.listdir(place)))):
                    with self._locked(record.uuid, path):
                        files.remove_parts(place)
        except (exception.VmrunError, OSError, ValueError) as error:
            LOG.warning('Half-written files beside the disks of server %s '
                        'stay: %s', record.uuid, error)

    def write(self, uuid: str) -> None:
        """Bring the second record of a server of this host in step.

        Without one, an evacuation to a host that shares only the storage
        folder is refused. So nothing here is worth the failure of a start.
        """
        record = self._records.get(uuid) if self._folders.others else None
        if record is not None:
            self._bring_in_step(record)

    def _bring_in_step(self, record: records_module.Record,
                       places: Iterable[str] | None = None) -> None:
        """Write the second record of a server, and remove other ones.

        :param places: the server's folders, if that is known
        """
        uuid = record.uuid
        try:
            home = self._home(record)
            if home is not None and self.places.is_foreign(record):
                return
            if home is not None:
                self._write(record, home)
            self._remove(self.places.of_server(uuid) if places is None
                         else places, home)
        except (exception.VmrunError, OSError, ValueError) as error:
            LOG.warning('The record of server %s beside its disks is not '
                        'written: %s', uuid, error)

    def remove(self, uuid: str) -> None:
        """Remove it, because files elsewhere will have newer data.

        :raises OSError: it cannot be removed
        :raises StorageFolderMissing: it may be in a folder that is not there
        """
        record = self._records.get(uuid) if self._folders.others else None
        if record is not None:
            self.places.every_one(record)
            self._remove(self.places.of_server(uuid), None)

    def _remove(self, places: Iterable[str], home: str | None) -> None:
        for path in places:
            if path != home and self.places.may_write(path):
                server_folders.remove_record(path)

    def _home(self, record: records_module.Record) -> str | None:
        """Return the folder of its first disk.

        :returns: None if not all that other hosts need is in storage folders
        """
        of_flavor = _of_flavor(record)
        if not of_flavor or os.path.exists(self._layout.moving(record.uuid)):
            return None
        if any(disk.storage is None for disk in of_flavor):
            return None
        if self._has_snapshots(record.uuid, of_flavor):
            return None
        first = of_flavor[0]
        folder = self._folders.require(first.storage or '')
        return os.path.join(folder.path, os.path.basename(
            os.path.dirname(first.path)))

    def _has_snapshots(self, uuid: str,
                       of_flavor: Iterable[disks_module.Disk]) -> bool:
        """Return whether VMware writes to other files, perhaps elsewhere."""
        folder = self._layout.folder(uuid)
        try:
            keys = self._vmx_files.load_patiently(uuid)
        except exception.VmNotFound:
            # It was never started, or the record will restore it.
            return False
        for disk in of_flavor:
            found = disk.attachment(keys, folder)
            if found is None or os.path.basename(found.file) != (
                    os.path.basename(disk.path)):
                return True
        return False

    def _write(self, record: records_module.Record, path: str,
               is_taken: bool = False) -> None:
        """Write a record, after the files that it needs.

        :param is_taken: whether it has just become this node's
        """
        with self._locked(record.uuid, path):
            if not is_taken and not self.places.may_write(path):
                return
            place = untrusted_records.folder(path)
            wanted = dataclasses.asdict(record)
            found = untrusted_records.read(path)
            if found is None or found['record'] != wanted:
                numbers = [each.number for each in self._all(record.uuid)]
                content: dict[str, Any] = {
                    'number': max(numbers, default=0) + 1, 'record': wanted}
            else:
                content = found
            strange_files.require_folder(path)
            os.makedirs(place, mode=0o700, exist_ok=True)
            strange_files.require_folder(place)
            files.remove_parts(place)
            for name in self._names(record):
                source = self._layout.file(record.uuid, name)
                if os.path.exists(source):
                    _copy_if_newer(source, os.path.join(place, name))
            if content != found:
                files.sync_folder(path)
                files.write_atomically(
                    os.path.join(place, server_folders.RECORD_FILE),
                    jsonutils.dumps(content))

    def _names(self, record: records_module.Record) -> list[str]:
        """Return the names of files that go with a record."""
        return [
            os.path.basename(self._layout.guest_info(record.uuid)),
            record.uuid + '.nvram',
            *(disk.path for disk in server_places.disks(record)
              if disk.device is not disks_module.Device.DISK and
              not disk.is_outside and
              disk.origin not in disks_module.OF_RESCUE)]

    def may_remove(self, path: str) -> bool:
        """Return whether no other host may need a folder of a server.

        Be careful: a server may be about to change hands.
        """
        found = untrusted_records.read(path)
        return self.places.may_write(path) and (
            found is None or
            found['record'].get('compute_id') == self._compute_id)

    # Of servers of other hosts

    def find(self, uuid: str) -> Second | None:
        """Return the second record of a server, whichever node has it.

        :returns: None if there is none
        :raises RecordUnreadable: it is not what a host writes
        :raises StorageFolderMissing: this host lacks one of its disks, or may
            lack a later record
        """
        found = max(self._all(uuid), key=lambda each: each.number,
                    default=None)
        if found is None:
            return None
        for folder in self._folders.others:
            folder.require()
        return self._checked(found)

    def _all(self, uuid: str) -> list[Second]:
        found = []
        for path in self.places.of_server(uuid):
            content = responsive.call(
                os.path.dirname(path),
                functools.partial(untrusted_records.read, path))
            owner = self.places.owner_of(path)
            if content is not None and owner is not None:
                found.append(Second(
                    path, untrusted_records.parse(uuid, path, owner, content),
                    content['number']))
        return found

    def _checked(self, second: Second) -> Second:
        """Return it with the paths that its disks have on this host."""
        uuid, listed = second.record.uuid, []
        for disk in server_places.disks(second.record):
            if disk.origin in disks_module.OF_RESCUE:
                continue
            if disk.storage is not None:
                folder = self._folders.require(disk.storage)
                own = os.path.dirname(disk.path)
                if not server_folders.is_of(own, uuid):
                    raise untrusted_records.refused(
                        uuid, second.path, '%r is not a folder of the server.'
                        % own)
                disk = disks_module.moved(
                    disk, os.path.join(folder.path, os.path.basename(own)),
                    disk.storage)
                untrusted_records.require_file(uuid, second.path, disk.path)
            elif not disk.is_outside:
                untrusted_records.require_file(uuid, second.path, os.path.join(
                    untrusted_records.folder(second.path), disk.path))
            elif disk.volume_id is None:
                raise untrusted_records.refused(
                    uuid, second.path, 'The disk %r is in no storage folder.'
                    % disk.path)
            listed.append(disk)
        return dataclasses.replace(second, record=dataclasses.replace(
            second.record, disks=disks_module.dump(listed)))

    def take_over(self, second: Second, name: str, vnc_port: int | None,
                  former: str) -> None:
        """Make a server this node's. This can be interrupted and repeated.

        Nothing but the record and what is copied is in its folder then. The
        disks change hands at the end.

        :param second: as find has returned it
        :param name: instance.name, which whoever has written it may not give
        :param former: id of the node that give_back gives it to
        :raises OSError: a file cannot be written
        :raises RecordUnreadable: a file is not what a host writes
        :raises ServerInUse: another host works on it
        :raises StorageFolderMissing: a disk is not there
        """
        record, uuid = second.record, second.record.uuid
        # All disks change hands, or none.
        self.places.every_one(record)
        facts = {field: value for field, value in
                 dataclasses.asdict(record).items() if field not in _OWN}
        own = self._records.get(uuid)
        if own is None:
            own = self._records.create(
                uuid, name, vnc_port, **facts,
                adopted_from=former, is_copy=True)
        for each in self._names(own):
            untrusted_records.copy_in(
                os.path.join(untrusted_records.folder(second.path), each),
                self._layout.file(uuid, each))
        self._write(own, second.path, is_taken=True)
        for path in self.places.every_one(own):
            server_folders.create(path, self._compute_id)

    def give_back(self, record: records_module.Record) -> None:
        """Undo take_over, and remove the server's folder.

        :param record: as it was until the record there was given back, so that
            nothing else removes the disks
        :raises OSError: a file cannot be written
        :raises ServerInUse: another host works on it
        :raises StorageFolderMissing: a disk is not there; nothing is undone
        """
        if record.adopted_from is None:
            return
        paths = self.places.every_one(record)
        home = self._home(record)
        if home is not None:
            self._write(dataclasses.replace(
                record, compute_id=record.adopted_from, adopted_from=None,
                is_copy=False), home, is_taken=True)
        for path in paths:
            server_folders.create(path, record.adopted_from)
        renamed = self._layout.deleted(record.uuid)
        files.remove_tree(renamed)
        os.rename(self._layout.folder(record.uuid), renamed)
        files.sync_folder(self._layout.root)
        files.remove_tree(renamed)

    def take_back(self, record: records_module.Record) -> None:
        """Let the disks of a server of this host be its own again.

        :raises OSError: a file cannot be written
        :raises ServerInUse: another host works on it
        :raises StorageFolderMissing: a disk is not there; nothing is changed
        """
        paths = self.places.every_one(record)
        home = self._home(record)
        if home is not None:
            self._write(record, home, is_taken=True)
        for path in paths:
            server_folders.create(path, self._compute_id)

    # Files

    @contextlib.contextmanager
    def _locked(self, uuid: str, path: str) -> Iterator[None]:
        """Keep other hosts from writing the second record of a server."""
        locks = os.path.join(os.path.dirname(path), 'locks')
        try:
            with folder_locks.lock('record-' + uuid, locks, blocking=False):
                yield
        except lockutils.AcquireLockFailedException as error:
            raise exception.ServerInUse(
                'The disks of server %s change hands.' % uuid, '%s' % error,
                'Try again.') from error


def _of_flavor(record: records_module.Record) -> list[disks_module.Disk]:
    return [disk for disk in server_places.disks(record)
            if disk.origin in disks_module.OF_FLAVOR]


def _copy_if_newer(source: str, target: str) -> None:
    before = os.stat(source)
    with contextlib.suppress(FileNotFoundError):
        after = os.lstat(target)
        if (before.st_size, before.st_mtime_ns) == (after.st_size,
                                                    after.st_mtime_ns):
            return
    with files.replacing(target) as part:
        files.copy(source, part)
        os.chmod(part, 0o600)
        os.utime(part, ns=(before.st_atime_ns, before.st_mtime_ns))
