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

"""The list of a server's disks, which its record contains.

A disk is listed before its file is created and until after the file is gone.
So the list names every file of the server, even if nova-compute is killed.
"""

from collections import abc
import contextlib
import os

from oslo_log import log as logging
from oslo_serialization import jsonutils

from nova_vmrun import exception
from nova_vmrun.formats import vmx
from nova_vmrun.host import files
from nova_vmrun.server import disk_upgrade
from nova_vmrun.server import disks as disks_module
from nova_vmrun.server import layout as layout_module
from nova_vmrun.server import records as records_module
from nova_vmrun.server import vmx_file

LOG = logging.getLogger(__name__)

Disks = tuple[disks_module.Disk, ...]


class DiskLists:
    """The disk lists of this compute node's servers."""

    def __init__(self, layout: layout_module.Layout,
                 records: records_module.Records) -> None:
        self._layout = layout
        self._records = records
        self._vmx_files = vmx_file.VmxFiles(layout)

    def get(self, uuid: str) -> Disks:
        """Return the disks of a server, in the order its guest finds them.

        If an older release kept no list, create it now.

        :raises VmNotFound: there is no such server on this compute node
        :raises RecordUnreadable: the list is damaged
        """
        record = self._records.get(uuid)
        if record is None:
            raise exception.VmNotFound(
                'Server %s is not on this host.' % uuid,
                'No nova.json of this compute node names it.')
        if record.disks is None:
            return self._upgrade(uuid)
        return self._parse(record)

    def attached(self, uuid: str) -> Disks:
        """Return the disks of a server without volumes being detached."""
        record = self._records.get(uuid)
        marked = record.detached_volumes if record else []
        return tuple(disk for disk in self.get(uuid)
                     if disk.volume_id is None or disk.volume_id not in marked)

    def volumes(self, uuid: str) -> Disks:
        """Return the listed volumes, also of a half-built server.

        Include volumes that are being detached.

        :returns: nothing if there is no list, or it is damaged
        """
        try:
            record = self._records.get(uuid)
            if record is None or record.disks is None:
                return ()
            return tuple(disk for disk in self._parse(record)
                         if disk.volume_id)
        except exception.RecordUnreadable:
            return ()

    def find(self, uuid: str,
             *origins: disks_module.Origin) -> disks_module.Disk | None:
        """Return the first disk of the given origins, as get does."""
        return disks_module.first(self.get(uuid), *origins)

    def file(self, uuid: str, disk: disks_module.Disk) -> str:
        """Return the absolute path of the file that was created for a disk."""
        return disk.file(self._layout.folder(uuid))

    def add(self, uuid: str, *added: disks_module.Disk) -> None:
        """List disks whose files will be created.

        :raises OSError: the record cannot be written
        """
        names = [disk.name for disk in added]
        self._set(uuid, disks_module.in_order(
            [disk for disk in self.get(uuid) if disk.name not in names] +
            list(added)))

    def remove(self, uuid: str, *removed: disks_module.Disk) -> None:
        """Forget disks whose files are gone.

        :raises OSError: the record cannot be written
        """
        names = [disk.name for disk in removed]
        self._set(uuid, tuple(disk for disk in self.get(uuid)
                              if disk.name not in names))

    def attach_volume(self, uuid: str, volume: disks_module.Disk) -> None:
        """List a volume, even one that was detached before.

        :raises OSError: the record cannot be written
        """
        self._change_volume(uuid, volume, detached=False)

    def mark_detached(self, uuid: str, volume: disks_module.Disk) -> None:
        """Record that no start may attach a volume again.

        Keep it in the list until it is removed completely.

        :raises OSError: the record cannot be written
        """
        self._change_volume(uuid, volume, detached=True)

    def set_volumes(self, uuid: str, volumes: abc.Iterable[disks_module.Disk],
                    detached: abc.Sequence[str]) -> None:
        """Replace the listed volumes.

        :param detached: ids of volumes that no start may attach again
        :raises OSError: the record cannot be written
        """
        listed = self.get(uuid)
        wanted = disks_module.in_order(
            [disk for disk in listed if disk.volume_id is None] +
            list(volumes))
        record = self._records.get(uuid)
        if record is not None and (wanted != listed or
                                   record.detached_volumes != list(detached)):
            self._records.change(uuid, disks=disks_module.dump(wanted),
                                 detached_volumes=list(detached))

    def _change_volume(self, uuid: str, volume: disks_module.Disk,
                       detached: bool) -> None:
        record = self._records.get(uuid)
        if record is None or volume.volume_id is None:
            return
        marked = [each for each in record.detached_volumes
                  if each != volume.volume_id]
        others = [disk for disk in self.get(uuid) if disk.name != volume.name]
        self._records.change(
            uuid, disks=disks_module.dump(
                disks_module.in_order([*others, volume])),
            detached_volumes=marked + [volume.volume_id] * detached)

    def record_places(self, uuid: str, keys: vmx.Vmx) -> None:
        """Record where the disks are attached in a .vmx.

        :raises OSError: the record cannot be written
        """
        folder = self._layout.folder(uuid)
        self._set(uuid, tuple(disk_upgrade.placed(disk, keys, folder)
                              for disk in self.get(uuid)))

    def write_copy(self, uuid: str, folder: str, disks: Disks) -> None:
        """Write a server's record, with other disks, to another folder."""
        record = self._records.get(uuid)
        if record is not None:
            self._records.write_copy(record, folder,
                                     disks=disks_module.dump(disks))

    def write_for_other_host(self, folder: str, disks: Disks) -> None:
        """Write the list for another host, without a record."""
        files.write_atomically(self._layout.disk_list(folder),
                               jsonutils.dumps(disks_module.dump(disks)))

    def from_other_host(self, uuid: str) -> Disks:
        """Return the list that came with a server from another host.

        If the host has an older release and sent none, create it now.

        :raises RecordUnreadable: the list is damaged
        """
        folder = self._layout.folder(uuid)
        path = self._layout.disk_list(folder)
        try:
            return disks_module.parse(jsonutils.loads(files.read(path)))
        except FileNotFoundError:
            return self._found(uuid)
        except ValueError as error:
            raise _unreadable(uuid, path, str(error)) from error

    def remove_sent(self, uuid: str) -> None:
        """Remove the list from another host, which is now in the record."""
        with contextlib.suppress(FileNotFoundError):
            os.remove(self._layout.disk_list(self._layout.folder(uuid)))

    def _upgrade(self, uuid: str) -> Disks:
        found = self._found(uuid)
        LOG.info('The record of server %s lists its disks from now on: %s',
                 uuid, ', '.join(disk.path for disk in found))
        try:
            self._records.change(uuid, disks=disks_module.dump(found))
        except OSError as error:
            # The list is complete even if it cannot be recorded now.
            LOG.warning('The list of the disks of server %s cannot be '
                        'recorded yet: %s', uuid, error)
        return found

    def _found(self, uuid: str) -> Disks:
        try:
            keys = self._vmx_files.load(uuid)
        except (exception.VmNotFound, exception.InvalidVmx) as error:
            LOG.warning('Where its disks were attached is not known: %s',
                        error)
            keys = None
        return disk_upgrade.find(self._layout.folder(uuid), keys)

    def _parse(self, record: records_module.Record) -> Disks:
        try:
            return disks_module.parse(record.disks)
        except ValueError as error:
            raise _unreadable(record.uuid, self._layout.record(record.uuid),
                              str(error)) from error

    def _set(self, uuid: str, disks: Disks) -> None:
        if disks != self.get(uuid):
            self._records.change(uuid, disks=disks_module.dump(disks))


def _unreadable(uuid: str, path: str,
                details: str) -> exception.RecordUnreadable:
    return exception.RecordUnreadable(
        'The list of the disks of server %s cannot be used.' % uuid,
        'In %s: %s' % (path, details),
        'Correct "disks" in %s, or remove it: the list is then made from the '
        'files in %s.' % (os.path.basename(path), os.path.dirname(path)))
