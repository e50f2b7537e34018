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

"""Orphans: folders, VMs and files that belong to none of Nova's servers.

This module only finds them. For each of them it says why it belongs to no
server and, if it cannot be removed, why: a VM or another program uses the
folder, it has just changed, or Nova still has the server. Everything that
belongs to another compute node is left out.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
import dataclasses
import os
import re
import time
from typing import Protocol

from oslo_utils import uuidutils

from nova_vmrun import exception
from nova_vmrun.formats import vmsd
from nova_vmrun.formats import words
from nova_vmrun.host import files
from nova_vmrun.host import paths
from nova_vmrun.server import layout as layout_module
from nova_vmrun.server import records as records_module
from nova_vmrun.server import states
from nova_vmrun.server import vm_process

FOLDER = 'folder'
VM = 'VM'
SNAPSHOT = 'snapshot'
BASE = 'base'
LEFTOVER = 'leftover'
VOLUMES = 'volumes'

_PART = re.compile(r'\..+\.[0-9a-f]{8}\.part')
_UNKNOWN = 'Nova has no such server.'
_STILL_THERE = 'Nova still has the server.'


class Cache(Protocol):
    """The image cache, nova_vmrun.storage.image_cache.ImageCache."""

    def leftovers(self) -> list[str]: ...

    def image_ids(self) -> list[str]: ...

    def unlocked_files(self, image_id: str
                       ) -> Sequence[tuple[str, str, float]]: ...


class Users(Protocol):
    """nova_vmrun.storage.base_disk_usage.BaseDiskUsage."""

    def find_all(self) -> Iterable[tuple[str, str]]: ...


class Storage(Protocol):
    """nova_vmrun.storage.server_storage.ServerStorage."""

    def unused_everywhere(self) -> list[tuple[str, str]]: ...


class Builds(Protocol):
    """nova_vmrun.storage.builds.Builds."""

    def interrupted(self) -> list[str]: ...


@dataclasses.dataclass(frozen=True)
class Server:
    """Nova's data about a server.

    :ivar is_here: whether it is on this compute node
    :ivar is_busy: whether it has a task, or a resize that is not confirmed yet
    :ivar image_id: of the image that it was built from, or None
    """

    is_here: bool
    is_busy: bool
    image_id: str | None = None


@dataclasses.dataclass(frozen=True)
class Orphan:
    """Something that belongs to no server.

    :ivar kind: FOLDER, VM, SNAPSHOT, BASE, LEFTOVER or VOLUMES
    :ivar path: of the folder or file; for a VM or a snapshot, of its .vmx
    :ivar owner: id of the server or image that it belonged to; may be empty
        in the cache
    :ivar reason: why it belongs to no server, as a sentence
    :ivar kept: why it cannot be removed, as a sentence; empty if it can be
    """

    kind: str
    path: str
    owner: str
    reason: str
    kept: str = ''


def too_young(min_age: float) -> str:
    """Return why something that may still be in use cannot be removed.

    :param min_age: seconds
    """
    return 'It changed less than %s ago.' % words.counted(
        int(-(-min_age // 60)), 'minute')


class Finder:
    """The search for orphans on this host.

    :param clock: returns the seconds since the epoch
    """

    def __init__(self, layout: layout_module.Layout,
                 records: records_module.Records,
                 power_states: states.PowerStates, cache: Cache,
                 users: Users, builds: Builds, storage: Storage,
                 clock: Callable[[], float] = time.time) -> None:
        self._layout = layout
        self._records = records
        self._states = power_states
        self._cache = cache
        self._users = users
        self._builds = builds
        self._storage = storage
        self._clock = clock

    def server_ids(self) -> set[str]:
        """Return the ids of all servers that have something on this host.

        This may be a folder, a VM, or connected volumes.
        """
        owners = {self._owner(vmx) for vmx in self._states.running()}
        return ({uuid for uuid, _path in self._folders()} |
                set(self._layout.owners_of_volumes()) |
                {uuid for uuid in owners if uuid is not None} |
                {uuid for uuid, _path in self._storage.unused_everywhere()})

    def of_servers(self, servers: Mapping[str, Server],
                   min_age: float) -> list[Orphan]:
        """Return everything outside the image cache that has no server.

        :param servers: Nova's servers by their ids, including all of
            server_ids() that Nova has
        :param min_age: keep what has changed within this many seconds
        :raises VmrunError: vmrun list failed, so it is unknown what is running
        :raises OSError: a folder cannot be read
        """
        listed = self._states.running()
        # vmrun does not list the VMs of other users.
        running = listed.union(map(paths.canonical, vm_process.vmx_paths()))
        return [*self._vms(servers, listed, running),
                *self._server_folders(servers, min_age),
                *self._connected_volumes(servers, running, min_age),
                *self._unused_disks(servers, min_age)]

    def _folders(self) -> list[tuple[str, str]]:
        return [(uuid, path) for uuid, path in self._layout.folders()
                if not self._is_foreign(uuid, path)]

    def _is_foreign(self, uuid: str, path: str) -> bool:
        try:
            return self._records.is_foreign(uuid, path)
        except exception.RecordUnreadable:
            # List it, but never remove it.
            return False

    def _server_folders(self, servers: Mapping[str, Server],
                        min_age: float) -> Iterator[Orphan]:
        for uuid, path in self._folders():
            server = servers.get(uuid)
            if path == self._layout.deleted(uuid):
                yield Orphan(LEFTOVER, path, uuid,
                             'Its removal was interrupted.',
                             self.why_kept(uuid, path, min_age))
            elif server is None:
                yield Orphan(FOLDER, path, uuid, _UNKNOWN,
                             self.why_kept(uuid, path, min_age))
            elif server.is_busy:
                continue
            elif path != self._layout.folder(uuid):
                yield Orphan(FOLDER, path, uuid,
                             'The server is not being resized.',
                             _STILL_THERE)
            elif not server.is_here:
                yield Orphan(FOLDER, path, uuid,
                             'Nova has the server on another host.',
                             _STILL_THERE)
            else:
                yield from self._inside(uuid, path, min_age)

    def why_kept(self, uuid: str, path: str, min_age: float) -> str:
        """Return why the folder of an unknown server cannot be removed.

        :param path: of the folder
        :param min_age: keep it if it has changed within this many seconds
        :returns: a sentence; empty if it can be removed
        :raises VmrunError: vmrun list failed
        """
        try:
            if self._records.is_foreign(uuid, path):
                return 'It belongs to another compute node.'
        except exception.RecordUnreadable as error:
            return str(error)
        inside = paths.canonical(path) + os.sep
        if any(vmx.startswith(inside) for vmx in self._states.running()):
            return 'A VM runs in it.'
        if vm_process.is_locked(path):
            return 'Another program uses its files.'
        if path == self._layout.folder(uuid) and not self._is_ours(uuid):
            return 'Nothing in it shows that this driver created it.'
        return self._too_young(path, min_age)

    def _is_ours(self, uuid: str) -> bool:
        """Return whether this driver created the folder of a server.

        A crash at the very beginning leaves it empty. A server that came from
        another host may have no record yet.
        """
        return (self._records.get(uuid) is not None or
                os.path.exists(self._layout.vmx(uuid)) or
                not os.listdir(self._layout.folder(uuid)))

    def _too_young(self, path: str, min_age: float) -> str:
        age = self._clock() - _last_change(path)
        return too_young(min_age) if age < min_age else ''

    def _connected_volumes(self, servers: Mapping[str, Server],
                           running: frozenset[str],
                           min_age: float) -> Iterator[Orphan]:
        """Yield connectors' files for servers without a folder.

        Those of a server with a folder are removed with the server.

        :param running: .vmx of each running VM
        """
        with_folder = {uuid for uuid, _path in self._layout.folders()}
        with_vm = {self._owner(vmx) for vmx in running}
        for uuid in self._layout.owners_of_volumes():
            if uuid not in with_folder and uuid not in servers:
                path = self._layout.volumes(uuid)
                yield Orphan(
                    VOLUMES, path, uuid, _UNKNOWN,
                    'A VM of the server is running.' if uuid in with_vm
                    else self._too_young(path, min_age))

    def _unused_disks(self, servers: Mapping[str, Server],
                      min_age: float) -> Iterator[Orphan]:
        """Yield folders with disks in storage folders that nobody uses."""
        with_folder = {uuid for uuid, _path in self._layout.folders()}
        for uuid, path in self._storage.unused_everywhere():
            server = servers.get(uuid)
            if server is not None and server.is_busy:
                continue
            if server is not None and server.is_here and (
                    uuid not in with_folder):
                kept = ('Nova has the server on this host. Look for its '
                        'folder, which is missing from %s.'
                        % self._layout.root)
            elif vm_process.is_locked(path):
                kept = 'A VM uses it.'
            else:
                kept = self._too_young(path, min_age)
            yield Orphan(LEFTOVER, path, uuid,
                         'No server on this host uses its disks.', kept)

    # In the folder of a server that Nova has

    def _inside(self, uuid: str, folder: str,
                min_age: float) -> Iterator[Orphan]:
        if self._records.get(uuid) is None:
            return
        work = self._layout.snapshot_work(uuid)
        for entry in os.scandir(folder):
            if entry.path == work or _PART.fullmatch(entry.name):
                yield Orphan(LEFTOVER, entry.path, uuid,
                             'An operation that needed it was interrupted.',
                             self._too_young(entry.path, min_age))
        path = self._layout.vmsd(uuid)
        if self._has_own_snapshot(path):
            yield Orphan(SNAPSHOT, self._layout.vmx(uuid), uuid,
                         'No image of the server is being created.',
                         self._too_young(path, min_age))

    def _has_own_snapshot(self, path: str) -> bool:
        try:
            return any(snapshot.name.startswith(vmsd.OWN_PREFIX)
                       for snapshot in vmsd.parse(files.read(path)))
        except (FileNotFoundError, exception.InvalidVmx):
            # VMware may be writing the file. The next search will find it.
            return False

    # VMs

    def _vms(self, servers: Mapping[str, Server], listed: frozenset[str],
             running: frozenset[str]) -> Iterator[Orphan]:
        """Yield the VMs that belong to no server.

        :param listed: .vmx of each VM that vmrun lists
        :param running: .vmx of each running VM
        """
        for vmx in sorted(running):
            uuid = self._owner(vmx)
            if uuid is None or self._is_foreign(uuid, os.path.dirname(vmx)):
                continue
            server = servers.get(uuid)
            reason = ''
            if server is None:
                reason = _UNKNOWN
            elif not os.path.exists(vmx):
                reason = 'Its files are gone.'
            elif not server.is_busy and (
                    vmx != paths.canonical(self._layout.vmx(uuid))):
                reason = 'Its .vmx is not the one of the server.'
            elif not server.is_busy and not server.is_here:
                reason = 'Nova has the server on another host.'
            if reason:
                yield Orphan(VM, vmx, uuid, reason, _how_to_stop(
                    vmx in listed))

    def _owner(self, vmx: str) -> str | None:
        """Return the id of a VM's server, or None if the VM is not ours."""
        root = paths.canonical(self._layout.root) + os.sep
        name = vmx.removeprefix(root).partition(os.sep)[0]
        uuid = re.split('[._]', name)[0]
        if vmx.startswith(root) and uuidutils.is_uuid_like(uuid):
            return uuid
        return None

    # The image cache

    def of_cache(self, servers: Mapping[str, Server],
                 min_age: float) -> list[Orphan]:
        """Return the files of the image cache that no server uses.

        :param servers: as for of_servers
        :param min_age: keep what was used within this many seconds
        :raises OSError: a server's disk cannot be read, so it is unknown what
            it uses
        """
        used = set(self._users.find_all())
        origins = {server.image_id for server in servers.values()}
        found = [Orphan(LEFTOVER, path, '',
                        'Its creation or removal was interrupted.')
                 for path in self._cache.leftovers()]
        found += [Orphan(LEFTOVER, path, '',
                         'It is a temporary folder of a build that has ended.')
                  for path in self._builds.interrupted()]
        for image_id in set(self._cache.image_ids()) - origins:
            for name, path, last_use in self._cache.unlocked_files(image_id):
                if (image_id, name) not in used and (
                        last_use <= self._clock() - min_age):
                    found.append(Orphan(BASE, path, image_id,
                                        'No server was built from it.'))
        return sorted(found, key=lambda orphan: orphan.path)


def _last_change(path: str) -> float:
    """Return when a folder or one of its entries was last changed."""
    paths = [path]
    if os.path.isdir(path):
        paths += [entry.path for entry in os.scandir(path)]
    return max(os.lstat(each).st_mtime for each in paths)


def _how_to_stop(is_listed: bool) -> str:
    if is_listed:
        return 'It is running. Stop it with vmrun first.'
    return 'It is running as another user. End its process first.'
