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

"""What is on this host and belongs to no server that Nova has.

This module only looks. It tells of each thing why no server owns it, and
whether something speaks against removing it: a folder that a VM or another
program uses, that changed just now, or of a server that Nova still has. What
belongs to another compute node is passed over.
"""

import dataclasses
import os
import re
import time

from oslo_utils import uuidutils

from nova_vmrun import exception
from nova_vmrun.formats import vmsd
from nova_vmrun.host import files
from nova_vmrun.host import paths
from nova_vmrun.server import vm_process

FOLDER = 'folder'
VM = 'VM'
SNAPSHOT = 'snapshot'
BASE = 'base'
LEFTOVER = 'leftover'

_PART = re.compile(r'\..+\.[0-9a-f]{8}\.part')
_UNKNOWN = 'Nova has no such server.'
_STILL_THERE = 'Nova still has the server.'


@dataclasses.dataclass(frozen=True)
class Server:
    """What Nova says of a server that it has.

    :ivar is_here: whether it is on this compute node
    :ivar is_busy: whether a task of it is under way, or its resize waits for
        being confirmed
    :ivar image_id: of the image that it was made of, or None
    """

    is_here: bool
    is_busy: bool
    image_id: str | None = None


@dataclasses.dataclass(frozen=True)
class Orphan:
    """Something that no server owns.

    :ivar kind: FOLDER, VM, SNAPSHOT, BASE or LEFTOVER
    :ivar path: of the folder or file; of a VM or a snapshot its .vmx
    :ivar owner: id of the server or image that it was of; may be empty in
        the cache
    :ivar reason: a sentence that says why no server owns it
    :ivar kept: a sentence that says why it must stay; empty if it may go
    """

    kind: str
    path: str
    owner: str
    reason: str
    kept: str = ''


def too_young(min_age):
    """Returns the sentence that keeps what may be under way.

    :param min_age: seconds
    """
    return 'It changed within the last %d minutes.' % -(-min_age // 60)


class Finder:
    """Looks through the host.

    :param layout: a nova_vmrun.server.layout.Layout
    :param records: a nova_vmrun.server.records.Records
    :param power_states: a nova_vmrun.server.states.PowerStates
    :param cache: a nova_vmrun.storage.image_cache.ImageCache
    :param users: a nova_vmrun.storage.base_disk_users.BaseDiskUsers
    :param boots: a nova_vmrun.storage.builds.Builds
    :param clock: tells the time in seconds since the epoch
    """

    def __init__(self, layout, records, power_states, cache, users, boots,
                 clock=time.time):
        self._layout = layout
        self._records = records
        self._states = power_states
        self._cache = cache
        self._users = users
        self._boots = boots
        self._clock = clock

    def server_ids(self):
        """Returns the ids of all servers of which a folder or VM is here."""
        return ({uuid for uuid, _path in self._folders()} |
                {self._owner(vmx) for vmx in self._states.running()} -
                {None})

    def of_servers(self, servers, min_age):
        """Returns the folders, VMs, snapshots and leftovers without owner.

        :param servers: all servers that Nova has, a dict of ids to Server;
            of those that are in server_ids() none may be missing
        :param min_age: seconds for which something must not have changed
        :returns: list of Orphan
        :raises VmrunError: vmrun list failed, so nobody knows what runs
        :raises OSError: a folder cannot be read
        """
        return [*self._vms(servers), *self._server_folders(servers, min_age)]

    def _folders(self):
        return [(uuid, path) for uuid, path in self._layout.folders()
                if not self._is_foreign(uuid, path)]

    def _is_foreign(self, uuid, path):
        try:
            return self._records.is_foreign(uuid, path)
        except exception.RecordUnreadable:
            # It is shown, and kept.
            return False

    def _server_folders(self, servers, min_age):
        for uuid, path in self._folders():
            server = servers.get(uuid)
            if path == self._layout.deleted(uuid):
                yield Orphan(LEFTOVER, path, uuid,
                             'It was not removed to the end.',
                             self.why_kept(uuid, path, min_age))
            elif server is None:
                yield Orphan(FOLDER, path, uuid, _UNKNOWN,
                             self.why_kept(uuid, path, min_age))
            elif server.is_busy:
                continue
            elif path != self._layout.folder(uuid):
                yield Orphan(FOLDER, path, uuid,
                             'No resize of the server is under way.',
                             _STILL_THERE)
            elif not server.is_here:
                yield Orphan(FOLDER, path, uuid,
                             'Nova has the server on another host.',
                             _STILL_THERE)
            else:
                yield from self._inside(uuid, path, min_age)

    def why_kept(self, uuid, path, min_age):
        """Tells why a folder of a server that Nova does not have must stay.

        :param uuid: of the server
        :param path: of the folder
        :param min_age: seconds for which it must not have changed
        :returns: a sentence; empty if it may go
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
            return 'Nothing in it tells that this driver has made it.'
        return self._too_young(path, min_age)

    def _is_ours(self, uuid):
        """Tells whether a server's folder is one that we made.

        A crash at the very begin leaves it empty; what came from another
        host has no record yet.
        """
        return (self._records.get(uuid) is not None or
                os.path.exists(self._layout.vmx(uuid)) or
                not os.listdir(self._layout.folder(uuid)))

    def _too_young(self, path, min_age):
        age = self._clock() - _last_change(path)
        return too_young(min_age) if age < min_age else ''

    # In the folder of a server that is well

    def _inside(self, uuid, folder, min_age):
        if self._records.get(uuid) is None:
            return
        work = self._layout.snapshot_work(uuid)
        for entry in os.scandir(folder):
            if entry.path == work or _PART.fullmatch(entry.name):
                yield Orphan(LEFTOVER, entry.path, uuid,
                             'Nothing is made of it any more.',
                             self._too_young(entry.path, min_age))
        path = self._layout.vmsd(uuid)
        if self._has_own_snapshot(path):
            yield Orphan(SNAPSHOT, self._layout.vmx(uuid), uuid,
                         'No image is made of the server.',
                         self._too_young(path, min_age))

    def _has_own_snapshot(self, path):
        try:
            return any(snapshot.name.startswith(vmsd.OWN_PREFIX)
                       for snapshot in vmsd.parse(files.read(path)))
        except (FileNotFoundError, exception.InvalidVmx):
            # VMware may be writing it; there will be another look.
            return False

    # VMs

    def _vms(self, servers):
        listed = self._states.running()
        processes = map(paths.canonical, vm_process.vmx_paths())
        for vmx in sorted(listed.union(processes)):
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
                reason = 'It runs beside the server.'
            elif not server.is_busy and not server.is_here:
                reason = 'Nova has the server on another host.'
            if reason:
                yield Orphan(VM, vmx, uuid, reason, _how_to_stop(
                    vmx in listed))

    def _owner(self, vmx):
        """Returns the id of the server of a VM, None if it is not ours."""
        root = paths.canonical(self._layout.root) + os.sep
        name = vmx.removeprefix(root).partition(os.sep)[0]
        uuid = re.split('[._]', name)[0]
        if vmx.startswith(root) and uuidutils.is_uuid_like(uuid):
            return uuid
        return None

    # The image cache

    def of_cache(self, servers, min_age):
        """Returns what is in the image cache and serves no server.

        :param servers: as of_servers takes them
        :param min_age: seconds for which nobody must have used it
        :returns: list of Orphan
        :raises OSError: a disk cannot be read, so nobody knows
        """
        used = set(self._users.all())
        origins = {server.image_id for server in servers.values()}
        found = [Orphan(LEFTOVER, path, '',
                        'It was not finished, or not removed to the end.')
                 for path in self._cache.leftovers()]
        found += [Orphan(LEFTOVER, path, '', 'The boot that it was for ended.')
                  for path in self._boots.ended()]
        for image_id in set(self._cache.image_ids()) - origins:
            for name, path, last_use in self._cache.unlocked_files(image_id):
                if (image_id, name) not in used and (
                        last_use <= self._clock() - min_age):
                    found.append(Orphan(BASE, path, image_id,
                                        'No server was made of it.'))
        return sorted(found, key=lambda orphan: orphan.path)


def _last_change(path):
    """Returns when a folder or one of its entries changed last."""
    paths = [path]
    if os.path.isdir(path):
        paths += [entry.path for entry in os.scandir(path)]
    return max(os.lstat(each).st_mtime for each in paths)


def _how_to_stop(is_listed):
    if is_listed:
        return 'It runs. Stop it with vmrun first.'
    return 'It runs, and not for this user. End its process first.'
