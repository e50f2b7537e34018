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

"""Server records: our data about a server that is not in its .vmx.

A record (nova.json) is the first file in a server's folder and is removed with
it. A folder whose record names another compute node is never touched:
instances_path may be shared, or copied from another machine.
"""

import dataclasses
import os
from typing import Any

from oslo_concurrency import lockutils
from oslo_log import log as logging
from oslo_serialization import jsonutils

from nova_vmrun import exception
from nova_vmrun.host import files
from nova_vmrun.server import layout as layout_module

LOG = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Record:
    """One server's record.

    :ivar uuid: of the instance
    :ivar name: instance.name, which Nova lists and compares
    :ivar compute_id: of the compute node that owns it
    :ivar vnc_port: TCP port of its console, None without one
    :ivar show_gui: False if its image asks for no window on the host
    :ivar image_adapter: ide or buslogic if the image's disk was made for it
    :ivar image_ref: id of the image that its root disk was created from, empty
        if there was none; None if it was not recorded
    :ivar image_properties: of that image, as Nova had them at that time
    :ivar disks: its disks as nova_vmrun.server.disks.dump returns them; None
        if an older release wrote the record
    :ivar adopted_from: id of the compute node that it was evacuated from, if
        it kept its disks
    :ivar is_copy: whether it was made from the one beside the disks then
    :ivar detached_volumes: ids of volumes that were detached although Nova may
        still list them; no start attaches them again
    """

    uuid: str
    name: str
    compute_id: str
    vnc_port: int | None = None
    show_gui: bool = True
    image_adapter: str | None = None
    image_ref: str | None = None
    image_properties: dict[str, str] | None = None
    disks: list[dict[str, object]] | None = None
    detached_volumes: list[str] = dataclasses.field(default_factory=list)
    adopted_from: str | None = None
    is_copy: bool = False


_FIELDS = [field.name for field in dataclasses.fields(Record)]


class Records:
    """The records of this compute node's servers.

    :param compute_id: this node's id in Nova
    """

    def __init__(self, layout: layout_module.Layout, compute_id: str) -> None:
        self._layout = layout
        self._compute_id = compute_id

    @property
    def compute_id(self) -> str:
        """The id of this compute node in Nova."""
        return self._compute_id

    def create(self, uuid: str, name: str, vnc_port: int | None = None,
               **facts: Any) -> Record:
        """Create the folder of a new server, with its record in it.

        :param facts: other fields of Record
        """
        record = Record(uuid, name, self._compute_id, vnc_port, **facts)
        folder = self._layout.folder(uuid)
        os.makedirs(folder, mode=0o700, exist_ok=True)
        # A crash here leaves a folder without a record, which
        # finish_interrupted skips.
        files.remove_parts(folder)
        self._write(record)
        return record

    def change_port(self, uuid: str, vnc_port: int) -> None:
        """Give the console of a server another TCP port."""
        self.change(uuid, vnc_port=vnc_port)

    def change(self, uuid: str, **facts: Any) -> None:
        """Change fields of a server's record, if there is one.

        :param facts: fields of Record
        :raises OSError: the record cannot be written
        """
        with lockutils.lock('vmrun-record-%s' % uuid):
            record = self.get(uuid)
            if record is not None:
                self._write(dataclasses.replace(record, **facts))

    def write_copy(self, record: Record, folder: str, **facts: Any) -> None:
        """Write a record, with other facts, to another folder of a server.

        :param facts: fields of Record
        """
        _write(self._path(record.uuid, folder),
               dataclasses.replace(record, **facts))

    def _write(self, record: Record) -> None:
        _write(self._layout.record(record.uuid), record)

    def get(self, uuid: str) -> Record | None:
        """Return a server's record, or None if the server is not ours."""
        return self.in_folder(uuid, self._layout.folder(uuid))

    def of_any_node(self, uuid: str) -> Record | None:
        """Return a server's record, whichever compute node owns it.

        :returns: None if there is no record
        :raises RecordUnreadable: it is damaged
        """
        return self._load(uuid, self._layout.folder(uuid))

    def is_new(self, uuid: str) -> bool:
        """Return whether a server has no folder here, or an empty one.

        A crash may have come before its record was written.
        """
        try:
            names = os.listdir(self._layout.folder(uuid))
        except FileNotFoundError:
            return True
        final = os.path.basename(self._layout.record(uuid))
        return all(files.is_part_of(name, final) for name in names)

    def is_own(self, record: Record) -> bool:
        """Return whether this compute node owns a server."""
        return record.compute_id == self._compute_id

    def was_own(self, record: Record) -> bool:
        """Return whether a server was evacuated from this compute node."""
        return record.adopted_from == self._compute_id

    def are_there(self) -> bool:
        """Return whether nova-compute has started with this instances_path.

        It has not if that was unmounted since: this is its mount point.
        """
        return os.path.exists(self._layout.node(self._compute_id))

    def take_over(self, record: Record, former: str | None = None,
                  **facts: Any) -> None:
        """Make a server this compute node's, in one step.

        Nobody may be writing to its folder.

        :param record: as it is now
        :param former: id of the node that give_back gives it to; None: the
            one that has it now
        :param facts: other fields of Record
        :raises OSError: the record cannot be written
        """
        # The last attempt may have been cut off, on any host.
        files.remove_parts(self._layout.folder(record.uuid))
        self._write(dataclasses.replace(
            record, compute_id=self._compute_id, is_copy=False,
            adopted_from=former or record.compute_id, **facts))

    def give_back(self, uuid: str) -> None:
        """Undo take_over, if the server is this compute node's.

        :raises OSError: the record cannot be written
        """
        record = self.get(uuid)
        if record is not None and record.adopted_from is not None:
            self._write(dataclasses.replace(
                record, compute_id=record.adopted_from, adopted_from=None))

    def kept(self, uuid: str) -> Record | None:
        """Return a server's record from before its resize.

        :returns: None if there is no such folder, or if it is not ours
        """
        return self.in_folder(uuid, self._layout.kept(uuid))

    def is_foreign(self, uuid: str, folder: str) -> bool:
        """Return whether a server's folder belongs to another compute node.

        :raises RecordUnreadable: its record does not say
        """
        record = self._load(uuid, folder)
        return record is not None and record.compute_id != self._compute_id

    def owner(self, uuid: str, folder: str) -> str | None:
        """Return the id of the node that owns a folder; None if unknown."""
        record = self._readable(uuid, folder)
        return None if record is None else record.compute_id

    def _path(self, uuid: str, folder: str) -> str:
        return os.path.join(
            folder, os.path.basename(self._layout.record(uuid)))

    def in_folder(self, uuid: str, folder: str) -> Record | None:
        """Return the record in one of the folders of a server.

        :returns: None if there is no such folder, or if it is not ours
        """
        try:
            record = self._load(uuid, folder)
        except exception.RecordUnreadable as error:
            LOG.debug('%s', error)
            return None
        ours = record is not None and record.compute_id == self._compute_id
        return record if ours else None

    def _load(self, uuid: str, folder: str) -> Record | None:
        """Return the record in a folder, whichever compute node owns it."""
        path = self._path(uuid, folder)
        try:
            with open(path, 'rb') as file:
                found = dict(jsonutils.load(file))
            # A later release may have written more.
            record = Record(**{name: found[name] for name in _FIELDS
                               if name in found})
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            raise _unreadable(uuid, folder, str(error)) from error
        if record.uuid != uuid:
            raise _unreadable(uuid, folder, 'It belongs to server %s.'
                              % record.uuid)
        return record

    def all(self) -> list[Record]:
        """Return the records of all servers of this compute node."""
        return list(filter(None, map(self.get, self._layout.uuids())))

    def finish_interrupted(self) -> None:
        """Remove half-written files that a crash left in servers' folders.

        Also look at what connectors keep for the servers.
        """
        uuids = [record.uuid for record in self.all()]
        folders = [self._layout.folder(uuid) for uuid in uuids]
        folders += [self._layout.volume(uuid, volume_id) for uuid in uuids
                    for volume_id in self._layout.connected_volumes(uuid)]
        for uuid in self._layout.prepared_uuids():
            folder = self._layout.prepared(uuid)
            try:
                if not self.is_foreign(uuid, folder):
                    folders.append(folder)
            except exception.RecordUnreadable as error:
                LOG.warning('%s', error)
        for folder in folders:
            try:
                files.remove_parts(folder)
            except OSError as error:
                LOG.error('Cannot remove half-written files from %s: %s',
                          folder, error)

    def taken_ports(self) -> set[int]:
        """Return the console ports of all servers, running or not.

        Include servers of other compute nodes: a node that shares the folder
        may be on this host. Also include servers that are on another host
        until their resize is confirmed, since they may return to their port.
        """
        found = [self._port(uuid, self._layout.folder(uuid))
                 for uuid in self._layout.uuids()]
        found += [self._port(uuid, self._layout.kept(uuid))
                  for uuid in self._layout.kept_uuids()]
        return {port for port in found if port is not None}

    def _port(self, uuid: str, folder: str) -> int | None:
        record = self._readable(uuid, folder)
        return None if record is None else record.vnc_port

    def _readable(self, uuid: str, folder: str) -> Record | None:
        """Return what _load does, or None if it cannot be read."""
        try:
            return self._load(uuid, folder)
        except exception.RecordUnreadable as error:
            LOG.debug('%s', error)
            return None


def _write(path: str, record: Record) -> None:
    files.write_atomically(path, jsonutils.dumps(dataclasses.asdict(record)))


def _unreadable(uuid: str, folder: str,
                details: str) -> exception.RecordUnreadable:
    return exception.RecordUnreadable(
        'The file nova.json in %s cannot be read.' % os.path.basename(folder),
        details, 'Make it readable or, if server %s is on this host, remove '
        'the file. Then try again.' % uuid)
