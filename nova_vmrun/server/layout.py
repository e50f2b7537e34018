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

"""The files and folders below [DEFAULT] instances_path.

::

    <instances_path>/
      <instance uuid>/         a server; only the owner may read it
        <uuid>.vmx             what VMware reads, and rewrites
        <uuid>.vmx.rendered    the .vmx as we last wrote it, for debugging
        nova.json              its record, with the list of its disks: see
                               records.py and disks.py
        root.vmdk, cd0.iso...  its disks; only the record says which they are
        guest-info.json        what its .vmx passes to the guest, if an option
                               asks for it
        console.log            what the guest wrote to its serial port, and
        console.log.1          what it wrote before that
        serial1.log            what it wrote to its second port for consoles,
                               and so on
        serial0                the serial port itself: see serial/bridge.py
        agent                  the serial port of the QEMU guest agent
        frozen.json            while its file systems are frozen for a copy of
                               its disks: see freeze_marks.py
        *.unrescued            while it is in rescue: see rescued.py
        paused.json            while it is paused: see states.py
        snapshot/              while an image of its disk is created
        migration.json         if a resize made the folder: which migration
        disks.json             while it moves to another host: its disk list,
                               which becomes part of its record there
        moving.json            while its disks move to another storage
                               folder: see storage/disk_moves.py
        allocations.json       after a rebuild was refused, until Placement
                               has the server's allocations again
      <instance uuid>_resize/     a server before its resize, until that is
                                  confirmed or reverted
      <instance uuid>_prepared/   a server as it will be after its resize
      <instance uuid>_preparing/  the same, while it is being created
      _base/<image id>/        see storage/image_cache.py
      _volumes/<instance uuid>/<volume id>/
                               a connector's files while a volume is
                               connected: see volumes/connectors.py
      _volumes/initiator       the name of this host for iSCSI targets
      storage.json             the ids of [vmrun] storage_folders: see
                               storage/folder_identity.py
      locks/                   lock files, shared by processes of this host
        node-<compute node id> empty; names the compute node of this folder
        server-<instance uuid> empty; locked while a process works on the
                               server: see use_locks.py

A storage folder is laid out in the same way, with an image cache, locks, and
instead of folders of record those with disks: see storage/server_folders.py.

Paths contain UUIDs from Nova, but never text from a tenant.
"""

import os
import stat

from oslo_utils import uuidutils

from nova_vmrun import exception
from nova_vmrun.host import paths

# Describes an image in the cache.
IMAGE = 'image.json'
RECORD = 'nova.json'
_UUID_LENGTH = 36
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_DELETED = '.deleted'
# Nova's other drivers use this name too.
_KEPT = '_resize'
_PREPARED = '_prepared'
_PREPARING = '_preparing'
_VOLUMES = '_volumes'


class Layout:
    """The paths of one instances_path.

    :param instances_path: absolute path
    :param cache_name: name of the image cache's folder
    """

    def __init__(self, instances_path: str, cache_name: str) -> None:
        self.root = os.path.abspath(instances_path)
        self.cache = os.path.join(self.root, cache_name)
        self.locks = os.path.join(self.root, 'locks')
        self.all_volumes = os.path.join(self.root, _VOLUMES)

    def prepare(self, name: str = '[DEFAULT] instances_path') -> None:
        """Create the folders and check that they can be written to.

        :param name: what messages call the folder
        :raises InvalidConfiguration: a folder cannot be created or written to
        """
        if not paths.fits_descriptor(self.root):
            raise exception.InvalidConfiguration(
                '%s %r cannot be used.' % (name, self.root),
                'The descriptor of a VMDK cannot hold quotes, control '
                'characters, or bytes that are not UTF-8.',
                'Choose another path.')
        try:
            for folder in (self.root, self.cache, self.locks):
                os.makedirs(folder, mode=0o700, exist_ok=True)
            probe = os.path.join(self.locks, 'writable')
            with open(probe, 'w'):
                os.remove(probe)
        except OSError as error:
            raise exception.InvalidConfiguration(
                'Cannot write to %s %s.' % (name, self.root),
                'The system says: %s.' % error,
                'Give the folder to the user who runs nova-compute.')

    def folder(self, uuid: str) -> str:
        if not uuidutils.is_uuid_like(uuid):
            raise exception.InvalidInput('%r is not a server id.' % uuid)
        return os.path.join(self.root, uuid)

    def vmx(self, uuid: str) -> str:
        return os.path.join(self.folder(uuid), uuid + '.vmx')

    def vmsd(self, uuid: str) -> str:
        return os.path.join(self.folder(uuid), uuid + '.vmsd')

    def snapshot_work(self, uuid: str) -> str:
        return os.path.join(self.folder(uuid), 'snapshot')

    def rendered(self, uuid: str) -> str:
        return self.vmx(uuid) + '.rendered'

    def record(self, uuid: str) -> str:
        return os.path.join(self.folder(uuid), RECORD)

    def file(self, uuid: str, path: str) -> str:
        """Return the path of a file of a server.

        :param path: a name in its folder; an absolute path stays as it is
        """
        return os.path.join(self.folder(uuid), path)

    def guest_info(self, uuid: str) -> str:
        return os.path.join(self.folder(uuid), 'guest-info.json')

    def console_log(self, uuid: str) -> str:
        return os.path.join(self.folder(uuid), 'console.log')

    def serial_log(self, uuid: str, number: int) -> str:
        return os.path.join(self.folder(uuid), 'serial%d.log' % number)

    def serial_socket(self, uuid: str) -> str:
        return os.path.join(self.folder(uuid), 'serial0')

    def agent_socket(self, uuid: str) -> str:
        return os.path.join(self.folder(uuid), 'agent')

    def frozen(self, uuid: str) -> str:
        return os.path.join(self.folder(uuid), 'frozen.json')

    def vmware_log(self, uuid: str) -> str:
        return os.path.join(self.folder(uuid), 'vmware.log')

    def paused(self, uuid: str) -> str:
        return os.path.join(self.folder(uuid), 'paused.json')

    def known_storage(self) -> str:
        """Return the path of the file that knows the storage folders."""
        return os.path.join(self.root, 'storage.json')

    def use_lock(self, uuid: str) -> str:
        """Return the path of the file that is locked to use a server."""
        return os.path.join(
            self.locks, 'server-' + os.path.basename(self.folder(uuid)))

    def moving(self, uuid: str) -> str:
        """Return the path of the file about a move of a server's disks."""
        return os.path.join(self.folder(uuid), 'moving.json')

    def node(self, compute_id: str) -> str:
        """Return the path of the file that names a compute node.

        It contains what network_card.py says.
        """
        return os.path.join(self.locks, 'node-' + compute_id)

    def allocations(self, uuid: str) -> str:
        """Return the path of the file with a server's allocations."""
        return os.path.join(self.folder(uuid), 'allocations.json')

    def migration(self, folder: str) -> str:
        """Return the path of the file that names the migration."""
        return os.path.join(folder, 'migration.json')

    def disk_list(self, folder: str) -> str:
        """Return the path of the disk list that comes from another host."""
        return os.path.join(folder, 'disks.json')

    def kept(self, uuid: str) -> str:
        """Return the folder of a server as it was before its resize."""
        return self.folder(uuid) + _KEPT

    def prepared(self, uuid: str) -> str:
        """Return the folder of a server as it will be after its resize."""
        return self.folder(uuid) + _PREPARED

    def preparing(self, uuid: str) -> str:
        """Return the path of that folder while it is being created."""
        return self.folder(uuid) + _PREPARING

    def beside(self, uuid: str) -> list[str]:
        """Return all folders that a resize creates beside a server's."""
        return [self.preparing(uuid), self.prepared(uuid), self.kept(uuid)]

    def deleted(self, uuid: str) -> str:
        """Return the path of a server's folder while it is being removed."""
        return self.folder(uuid) + _DELETED

    def volumes(self, uuid: str) -> str:
        """Return the folder of connectors' files for a server."""
        return os.path.join(self.all_volumes,
                            os.path.basename(self.folder(uuid)))

    def volume(self, uuid: str, volume_id: str) -> str:
        """Return the folder of a connector's files for a volume."""
        if not uuidutils.is_uuid_like(volume_id):
            raise exception.InvalidInput('%r is not a volume id.' % volume_id)
        return os.path.join(self.volumes(uuid), volume_id)

    def initiator(self) -> str:
        """Return the path of the file with this host's iSCSI name."""
        return os.path.join(self.all_volumes, 'initiator')

    def connected_volumes(self, uuid: str) -> list[str]:
        """Return the ids of the volumes for which a connector keeps files."""
        try:
            return sorted(filter(uuidutils.is_uuid_like,
                                 os.listdir(self.volumes(uuid))))
        except FileNotFoundError:
            return []

    def owners_of_volumes(self) -> list[str]:
        """Return the ids of the servers for which a connector keeps files."""
        try:
            return sorted(filter(uuidutils.is_uuid_like,
                                 os.listdir(self.all_volumes)))
        except FileNotFoundError:
            return []

    def uuids(self) -> list[str]:
        """Return the ids of all folders that look like a server's."""
        return [entry.name for entry in os.scandir(self.root)
                if uuidutils.is_uuid_like(entry.name) and entry.is_dir()]

    def kept_uuids(self) -> list[str]:
        """Return the ids of all servers whose old folder a resize keeps."""
        return self._uuids_with(_KEPT)

    def prepared_uuids(self) -> list[str]:
        """Return the ids of all servers whose resize can be finished."""
        return self._uuids_with(_PREPARED)

    def _uuids_with(self, suffix: str) -> list[str]:
        return [entry.name.removesuffix(suffix)
                for entry in os.scandir(self.root)
                if entry.name.endswith(suffix) and uuidutils.is_uuid_like(
                    entry.name.removesuffix(suffix)) and entry.is_dir()]

    def folders(self) -> list[tuple[str, str]]:
        """Return all folders of servers, complete or not, as (uuid, path)."""
        ends = ('', _KEPT, _PREPARED, _PREPARING, _DELETED)
        return sorted(
            (entry.name.removesuffix(end), entry.path)
            for entry in os.scandir(self.root) for end in ends
            if entry.name.endswith(end) and uuidutils.is_uuid_like(
                entry.name.removesuffix(end)) and
            entry.is_dir(follow_symlinks=False))

    def is_of_server(self, entry: os.DirEntry[str]) -> bool:
        """Return whether a folder belongs to a server, or once did."""
        return bool(uuidutils.is_uuid_like(entry.name[:_UUID_LENGTH]))

    def caches(self) -> list[str]:
        """Return the folders that may hold base disks, today's cache first.

        A disk stays linked to the cache of its base disk, even if [vmrun]
        cache_prefix has changed since. A folder counts as a cache if it looks
        like one and nobody else can write to it.
        """
        return [self.cache, *sorted(
            entry.path for entry in os.scandir(self.root)
            if entry.path not in (self.cache, self.locks) and
            not uuidutils.is_uuid_like(entry.name[:_UUID_LENGTH]) and
            _is_ours(entry) and _has_images(entry.path))]

    def half_deleted(self) -> list[str]:
        """Return the folders whose removal a crash has interrupted."""
        return [entry.path for entry in os.scandir(self.root)
                if entry.name.endswith(_DELETED) and
                uuidutils.is_uuid_like(entry.name[:-len(_DELETED)])]


def _is_ours(entry: os.DirEntry[str]) -> bool:
    status = entry.stat(follow_symlinks=False)
    return (stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and
            not status.st_mode & _WRITABLE_BY_OTHERS)


def _has_images(folder: str) -> bool:
    return any(uuidutils.is_uuid_like(entry.name) and
               os.path.isfile(os.path.join(entry.path, IMAGE))
               for entry in os.scandir(folder))
