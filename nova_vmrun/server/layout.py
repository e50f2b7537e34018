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

"""Where things lie below [DEFAULT] instances_path.

::

    <instances_path>/
      <instance uuid>/         a server; the owner may read it, nobody else
        <uuid>.vmx             what VMware reads, and rewrites
        <uuid>.vmx.rendered    the same as we wrote it, for the person who
                               debugs
        nova.json              its record, with the list of its disks: see
                               records.py and disks.py
        root.vmdk, cd0.iso...  its disks; only the record says which they are
        guest-info.json        what the guest finds in its .vmx, if an option
                               asks for it
        console.log            what the guest wrote to its serial port, and
        console.log.1          what came before that
        serial1.log            the same of its second port, and so on
        serial0                its serial port itself: see serial/bridge.py
        *.unrescued            there while it is in rescue: see rescued.py
        paused.json            there while we keep it paused: see states.py
        snapshot/              there while an image is made of its disk
        migration.json         there since a resize made the folder
        disks.json             the list of its disks, on its way to another
                               host, where its record is made of it
        allocations.json       there after a rebuild was refused, until
                               Placement has the server's allocations again
      <instance uuid>_resize/     a server as it was, until its resize is
                                  confirmed or reverted
      <instance uuid>_prepared/   a server as it will be after its resize
      <instance uuid>_preparing/  the same, while it is made
      _base/<image id>/        see storage/image_cache.py
      locks/                   lock files, shared by processes of this host
        node-<compute node id> empty; the compute node that works here

Only a UUID that Nova made becomes a part of a path, never a text of a tenant.
"""

import os
import re
import stat

from oslo_utils import uuidutils

from nova_vmrun import exception

# What tells of an image in the cache.
IMAGE = 'image.json'
_UUID = 36
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_DELETED = '.deleted'
# Nova's own name for it, which its other drivers use.
_KEPT = '_resize'
_PREPARED = '_prepared'
_PREPARING = '_preparing'


class Layout:
    """The paths of one instances_path.

    :param instances_path: absolute path
    :param cache_name: name of the image cache's folder
    """

    def __init__(self, instances_path, cache_name):
        self.root = os.path.abspath(instances_path)
        self.cache = os.path.join(self.root, cache_name)
        self.locks = os.path.join(self.root, 'locks')

    def prepare(self):
        """Makes the folders and checks that they can be used.

        :raises InvalidConfiguration: they cannot
        """
        # Surrogates stand for bytes that are no UTF-8.
        if re.search('["\x00-\x1f\x7f\ud800-\udfff]', self.root):
            raise exception.InvalidConfiguration(
                '[DEFAULT] instances_path %r cannot be used.' % self.root,
                'The descriptor of a VMDK cannot hold quotes, control '
                'characters, or bytes that are no UTF-8.',
                'Choose another path.')
        try:
            for folder in (self.root, self.cache, self.locks):
                os.makedirs(folder, mode=0o700, exist_ok=True)
            probe = os.path.join(self.locks, 'writable')
            with open(probe, 'w'):
                os.remove(probe)
        except OSError as error:
            raise exception.InvalidConfiguration(
                '[DEFAULT] instances_path %s cannot be written to.'
                % self.root, 'The system says: %s.' % error,
                'Make it a folder of the user who runs nova-compute.')

    def folder(self, uuid):
        if not uuidutils.is_uuid_like(uuid):
            raise exception.InvalidInput('%r is no server id.' % uuid)
        return os.path.join(self.root, uuid)

    def vmx(self, uuid):
        return os.path.join(self.folder(uuid), uuid + '.vmx')

    def vmsd(self, uuid):
        return os.path.join(self.folder(uuid), uuid + '.vmsd')

    def snapshot_work(self, uuid):
        return os.path.join(self.folder(uuid), 'snapshot')

    def rendered(self, uuid):
        return self.vmx(uuid) + '.rendered'

    def record(self, uuid):
        return os.path.join(self.folder(uuid), 'nova.json')

    def file(self, uuid: str, path: str) -> str:
        """Return the path of a file of a server.

        :param path: a name in its folder; an absolute path stays as it is
        """
        return os.path.join(self.folder(uuid), path)

    def guest_info(self, uuid):
        return os.path.join(self.folder(uuid), 'guest-info.json')

    def console_log(self, uuid):
        return os.path.join(self.folder(uuid), 'console.log')

    def serial_log(self, uuid, number):
        return os.path.join(self.folder(uuid), 'serial%d.log' % number)

    def serial_socket(self, uuid):
        return os.path.join(self.folder(uuid), 'serial0')

    def vmware_log(self, uuid):
        return os.path.join(self.folder(uuid), 'vmware.log')

    def paused(self, uuid):
        return os.path.join(self.folder(uuid), 'paused.json')

    def node(self, compute_id: str) -> str:
        """Names the file that says that a compute node works here."""
        return os.path.join(self.locks, 'node-' + compute_id)

    def allocations(self, uuid: str) -> str:
        """Names the file with what a server takes of this host."""
        return os.path.join(self.folder(uuid), 'allocations.json')

    def migration(self, folder):
        """Names the file that tells which migration made a folder."""
        return os.path.join(folder, 'migration.json')

    def disk_list(self, folder: str) -> str:
        """Return the path of the disk list that comes from another host."""
        return os.path.join(folder, 'disks.json')

    def kept(self, uuid):
        """The folder of a server as it was before its resize."""
        return self.folder(uuid) + _KEPT

    def prepared(self, uuid):
        """The folder of a server as it will be after its resize."""
        return self.folder(uuid) + _PREPARED

    def preparing(self, uuid):
        """The name of that folder while it is made."""
        return self.folder(uuid) + _PREPARING

    def beside(self, uuid):
        """Returns all folders that a resize makes beside a server's."""
        return [self.preparing(uuid), self.prepared(uuid), self.kept(uuid)]

    def deleted(self, uuid):
        """The name that a server's folder has while it is removed."""
        return self.folder(uuid) + _DELETED

    def uuids(self):
        """Returns the ids of all folders that look like a server's."""
        return [entry.name for entry in os.scandir(self.root)
                if uuidutils.is_uuid_like(entry.name) and entry.is_dir()]

    def kept_uuids(self):
        """Returns the ids of all servers whose old folder a resize keeps."""
        return self._uuids_with(_KEPT)

    def prepared_uuids(self):
        """Returns the ids of all servers whose resize is to be finished."""
        return self._uuids_with(_PREPARED)

    def _uuids_with(self, suffix):
        return [entry.name.removesuffix(suffix)
                for entry in os.scandir(self.root)
                if entry.name.endswith(suffix) and uuidutils.is_uuid_like(
                    entry.name.removesuffix(suffix)) and entry.is_dir()]

    def folders(self):
        """Returns all folders of servers, in whatever state they are.

        :returns: list of (uuid, path)
        """
        ends = ('', _KEPT, _PREPARED, _PREPARING, _DELETED)
        return sorted(
            (entry.name.removesuffix(end), entry.path)
            for entry in os.scandir(self.root) for end in ends
            if entry.name.endswith(end) and uuidutils.is_uuid_like(
                entry.name.removesuffix(end)) and
            entry.is_dir(follow_symlinks=False))

    def is_of_server(self, entry):
        """Tells whether a folder belongs to a server, or once did.

        :param entry: os.DirEntry of the folder
        """
        return uuidutils.is_uuid_like(entry.name[:_UUID])

    def caches(self):
        """Returns the folders that base disks may lie in.

        Disks go on to use the cache that they were linked to, whatever
        [vmrun] cache_prefix is today, or for another compute node. A folder
        counts as one if it is ours alone to write to and looks like one.

        :returns: list of paths, that of today's cache first
        """
        return [self.cache, *sorted(
            entry.path for entry in os.scandir(self.root)
            if entry.path not in (self.cache, self.locks) and
            not uuidutils.is_uuid_like(entry.name[:_UUID]) and
            _is_ours(entry) and _has_images(entry.path))]

    def half_deleted(self):
        """Returns the folders that a crash kept from being removed."""
        return [entry.path for entry in os.scandir(self.root)
                if entry.name.endswith(_DELETED) and
                uuidutils.is_uuid_like(entry.name[:-len(_DELETED)])]


def _is_ours(entry):
    status = entry.stat(follow_symlinks=False)
    return (stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and
            not status.st_mode & _OTHERS_WRITE)


def _has_images(folder):
    return any(uuidutils.is_uuid_like(entry.name) and
               os.path.isfile(os.path.join(entry.path, IMAGE))
               for entry in os.scandir(folder))
