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

"""Where the disks of servers are in storage folders, and whose they are.

Other hosts may use the same storage folders. owner.json beside the disks says
which of them may use them.
"""

from collections.abc import Iterable
import functools
import os

from nova_vmrun.host import responsive
from nova_vmrun.server import disks as disks_module
from nova_vmrun.server import records as records_module
from nova_vmrun.storage import folders as folders_module
from nova_vmrun.storage import server_folders


class ServerPlaces:
    """The folders of servers in the storage folders of a host.

    :param compute_id: this node's id in Nova
    """

    def __init__(self, folders: folders_module.StorageFolders,
                 compute_id: str) -> None:
        self._folders = folders
        self._compute_id = compute_id

    # Where they are

    def there(self, record: records_module.Record) -> list[str]:
        """Return the folders that a record names, the first one last.

        Leave out storage folders that are not there.
        """
        return _in_order(
            os.path.join(folder.path, name)
            for identity, name in _names(record)
            if (folder := self._folders.find(identity)) is not None and
            folder.is_there())

    def every_one(self, record: records_module.Record) -> list[str]:
        """Return the folders that a record names, the first one last.

        :raises StorageFolderMissing: a storage folder is not there
        """
        return _in_order(
            os.path.join(self._folders.require(identity).path, name)
            for identity, name in _names(record))

    def by_server(self) -> dict[str, list[str]]:
        """Return all folders in storage folders that are there, by server.

        :raises FileSystemFailed: a storage folder hangs
        :raises OSError: one cannot be read
        """
        found: dict[str, list[str]] = {}
        for folder in self._folders.others:
            if folder.is_there():
                for uuid, path in folder.call(functools.partial(
                        server_folders.find, folder.path)):
                    found.setdefault(uuid, []).append(path)
        return found

    def of_server(self, uuid: str) -> list[str]:
        """Return what by_server does, for one server."""
        return self.by_server().get(uuid, [])

    # Whose they are

    def is_foreign(self, record: records_module.Record) -> bool:
        """Return whether another host has the disks of a server now.

        :raises StorageFolderMissing: it is not known
        :raises FileSystemFailed: for the same reason
        :raises OSError: for the same reason
        """
        return bool(self._folders.others) and not all(
            map(self.may_write, self.every_one(record)))

    def owner(self, record: records_module.Record) -> str:
        """Return the id of the node whose the disks of a server are.

        Leave out storage folders that are not there.
        """
        others = [found for found in map(self.owner_of, self.there(record))
                  if found not in (None, self._compute_id)]
        return str(others[0]) if others else record.compute_id

    def owner_of(self, path: str) -> str | None:
        """Do what server_folders.owner does.

        :raises FileSystemFailed: the storage folder hangs
        """
        return responsive.call(os.path.dirname(path), functools.partial(
            server_folders.owner, path))

    def may_write(self, path: str) -> bool:
        """Return whether a folder is no other host's."""
        return self.owner_of(path) in (None, self._compute_id)


def disks(record: records_module.Record) -> tuple[disks_module.Disk, ...]:
    """Return the disks of a record.

    :raises ValueError: the list is damaged
    """
    return disks_module.parse(record.disks or [])


def _names(record: records_module.Record) -> list[tuple[str, str]]:
    """Return where the disks of a server are, the first disk last.

    :returns: ids of storage folders, and names of the server's folders
    """
    return [(disk.storage, os.path.basename(os.path.dirname(disk.path)))
            for disk in reversed(disks(record)) if disk.storage is not None]


def _in_order(paths: Iterable[str]) -> list[str]:
    """Return each path once, where it is the last time."""
    found: list[str] = []
    for path in paths:
        found = [each for each in found if each != path] + [path]
    return found
