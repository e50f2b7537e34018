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

"""Whose server a folder holds, written beside its .vmx.

The record is the first file in a server's folder and goes with it. A folder
whose record names another compute node is never touched: instances_path may
be shared, or copied from another machine.
"""

import dataclasses
import os

from oslo_concurrency import lockutils
from oslo_log import log as logging
from oslo_serialization import jsonutils

from nova_vmrun import exception
from nova_vmrun.host import files

LOG = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Record:
    """What we know of a server that its .vmx does not tell.

    :ivar uuid: of the instance
    :ivar name: instance.name, which Nova lists and compares
    :ivar compute_id: of the compute node that owns it
    :ivar vnc_port: TCP port of its console, None without one
    :ivar show_gui: False if its image asks for no window on the host
    :ivar image_adapter: ide or buslogic if the image's disk was made for it
    :ivar image_ref: id of the image that its root disk was made of, empty if
        there was none; None if it was not recorded
    :ivar image_properties: of that image, as Nova kept them then
    """

    uuid: str
    name: str
    compute_id: str
    vnc_port: int | None = None
    show_gui: bool = True
    image_adapter: str | None = None
    image_ref: str | None = None
    image_properties: dict[str, str] | None = None


_FIELDS = [field.name for field in dataclasses.fields(Record)]


class Records:
    """The records of this compute node.

    :param layout: a nova_vmrun.server.layout.Layout
    :param compute_id: this node's id, as Nova keeps it
    """

    def __init__(self, layout, compute_id):
        self._layout = layout
        self._compute_id = compute_id

    def create(self, uuid, name, vnc_port=None, **facts):
        """Makes the folder of a new server, with its record in it.

        Parameters are the fields of Record.

        :returns: the Record
        """
        record = Record(uuid, name, self._compute_id, vnc_port, **facts)
        folder = self._layout.folder(uuid)
        os.makedirs(folder, mode=0o700, exist_ok=True)
        # A crash here leaves a folder that no start of ours takes for its own.
        files.remove_parts(folder)
        self._write(record)
        return record

    def change_port(self, uuid, vnc_port):
        """Gives a server of ours another port for its console.

        :param vnc_port: a TCP port
        """
        self.change(uuid, vnc_port=vnc_port)

    def change(self, uuid: str, **facts: object) -> None:
        """Changes what is recorded of a server of ours, if it is there.

        :param facts: fields of Record
        :raises OSError: it cannot be written
        """
        with lockutils.lock('vmrun-record-%s' % uuid):
            record = self.get(uuid)
            if record is not None:
                self._write(dataclasses.replace(record, **facts))

    def _write(self, record):
        files.write_atomically(self._layout.record(record.uuid),
                               jsonutils.dumps(dataclasses.asdict(record)))

    def get(self, uuid):
        """Returns a server's record, or None if it is not ours."""
        return self._read(uuid, self._layout.folder(uuid))

    def kept(self, uuid):
        """Returns the record of a server as it was before its resize.

        :returns: None if no such folder is there, or if it is not ours
        """
        return self._read(uuid, self._layout.kept(uuid))

    def is_foreign(self, uuid, folder):
        """Tells whether a folder of a server belongs to another node.

        :raises RecordUnreadable: nobody can tell
        """
        record = self._load(uuid, folder)
        return record is not None and record.compute_id != self._compute_id

    def _path(self, uuid, folder):
        return os.path.join(
            folder, os.path.basename(self._layout.record(uuid)))

    def _read(self, uuid, folder):
        try:
            record = self._load(uuid, folder)
        except exception.RecordUnreadable as error:
            LOG.debug('%s', error)
            return None
        ours = record is not None and record.compute_id == self._compute_id
        return record if ours else None

    def _load(self, uuid, folder):
        """Returns the Record in a folder, whoever owns it, or None."""
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
            raise _unreadable(uuid, folder, 'It is of server %s.'
                              % record.uuid)
        return record

    def all(self):
        """Returns the records of all servers of this compute node."""
        return list(filter(None, map(self.get, self._layout.uuids())))

    def finish_interrupted(self):
        """Removes files of servers that a crash kept from getting a name."""
        folders = [self._layout.folder(each.uuid) for each in self.all()]
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
                LOG.error('What is left of a file in %s cannot be removed: '
                          '%s', folder, error)

    def taken_ports(self):
        """Returns the console ports of all servers, running or not.

        Those of other compute nodes count: one that shares the folder may be
        on this host. A server that is on another host until its resize is
        confirmed may come back to its port.
        """
        found = [self._port(uuid, self._layout.folder(uuid))
                 for uuid in self._layout.uuids()]
        found += [self._port(uuid, self._layout.kept(uuid))
                  for uuid in self._layout.kept_uuids()]
        return set(found) - {None}

    def _port(self, uuid, folder):
        try:
            record = self._load(uuid, folder)
        except exception.RecordUnreadable as error:
            LOG.debug('%s', error)
            return None
        return record and record.vnc_port


def _unreadable(uuid, folder, details):
    return exception.RecordUnreadable(
        'The file nova.json in %s cannot be read.' % os.path.basename(folder),
        details, 'Make it readable or, if server %s is of this host, remove '
        'the file. Then try again.' % uuid)
