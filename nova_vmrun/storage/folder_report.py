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

"""What an operator wants to know of each storage folder.

Nothing is written: a folder that nova-compute has not used yet stays new.
"""

from collections.abc import Collection
from collections.abc import Mapping
import dataclasses
import enum
import os

from nova_vmrun import exception
from nova_vmrun.host import space
from nova_vmrun.storage import folders as folders_module


class State(enum.Enum):
    """Whether disks can go to a storage folder."""

    READY = 'ready'
    # [vmrun] storage_folder_regex leaves it out.
    NO_NEW_DISKS = 'no new disks'
    # nova-compute has not been started since it was added.
    NEW = 'new'
    MISSING = 'not there'


@dataclasses.dataclass(frozen=True)
class Report:
    """A storage folder.

    :ivar tags: sorted, without its name
    :ivar total: bytes of its file system; None if it is not there
    :ivar free: bytes
    :ivar cached: bytes that its image cache takes
    :ivar servers: ids of the servers with disks in it
    """

    name: str
    path: str
    tags: list[str]
    state: State
    total: int | None
    free: int | None
    cached: int | None
    servers: list[str]


def make(folders: folders_module.StorageFolders,
         servers: Mapping[str | None, Collection[str]]) -> list[Report]:
    """Return a report on each folder.

    :param servers: ids of servers by the ids of the folders that their disks
        are in; None: [DEFAULT] instances_path
    """
    found = []
    for folder in folders.all:
        state = _state(folder, folder in folders.selected)
        measured, cached = _measure(folder, state)
        found.append(Report(
            folder.name, folder.path, sorted(folder.tags - {folder.name}),
            state if measured else State.MISSING,
            measured.total if measured else None,
            measured.free if measured else None, cached,
            sorted(servers.get(folder.identity, ())
                   if folder.identity or folder.is_default else ())))
    return found


def _state(folder: folders_module.StorageFolder, is_selected: bool) -> State:
    if folder.identity is None and not folder.is_default:
        return State.NEW
    if not folder.is_there():
        return State.MISSING
    return State.READY if is_selected else State.NO_NEW_DISKS


def _measure(folder: folders_module.StorageFolder, state: State
             ) -> tuple[folders_module.Space | None, int | None]:
    """Return the space of a folder, and the bytes that its cache takes.

    :returns: None for what cannot be found out
    """
    if state is State.MISSING:
        return None, None
    try:
        return folder.space(), folder.call(
            lambda: _allocated(folder.layout.cache))
    except (exception.FileSystemFailed, OSError):
        return None, None


def _allocated(top: str) -> int:
    """Return how many bytes the files of an image cache take."""
    total = 0
    for parent, _folders, names in os.walk(top):
        for name in names:
            try:
                total += space.allocated(os.path.join(parent, name))
            except FileNotFoundError:
                # It has just been removed.
                continue
    return total
