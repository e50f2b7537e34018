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

"""Disks of a server that nobody can start it from."""

import functools

from nova import context as nova_context
from nova.objects import instance as nova_instance

from nova_vmrun import exception
from nova_vmrun.ops.nova import evacuations
from nova_vmrun.storage import folders as folders_module
from nova_vmrun.storage import server_folders
from nova_vmrun.storage import server_storage


class LoneDisks:
    """Refuses to build a server whose disks are or may be on this host."""

    def __init__(self, storage: server_storage.ServerStorage) -> None:
        self._folders = storage.folders
        self._places = storage.second.places

    def refuse(self, context: nova_context.RequestContext,
               instance: nova_instance.Instance) -> None:
        """Refuse to build a server whose disks are or may be here, too.

        Without its folder nobody can start it from them. If it was built from
        its image, the host that it was on would then remove them.
        """
        for folder in self._folders.others:
            _require_to_look(instance.uuid, folder)
            for uuid, path in folder.call(functools.partial(
                    server_folders.find, folder.path)):
                if uuid == instance.uuid and self._may_have_disks(
                        context, path, instance.host):
                    raise exception.NotSupported(
                        'Server %s cannot be evacuated: no record is beside '
                        'its disks in the storage folder %s.' % (
                            instance.uuid, folder.name),
                        'The disks are in %s. There is no record while other '
                        'files have newer data.' % path,
                        'Start host %s again. To lose the disks instead, move '
                        'them away.' % (self._host_of(context, path) or
                                        instance.host))

    def _may_have_disks(self, context: nova_context.RequestContext,
                        path: str, host: str) -> bool:
        """Return whether a folder of a server may have disks of other hosts.

        Those of this host do not count, nor does a folder of a build that had
        made nothing yet.

        :param host: that the server was on; it may have lost it to a third
        """
        owner = self._places.owner_of(path)
        if owner == server_folders.UNKNOWN:
            return True
        if owner is not None and self._places.may_write(path):
            return False
        return (self._host_of(context, path) == host or
                not server_folders.is_new(path))

    def _host_of(self, context: nova_context.RequestContext,
                 path: str) -> str | None:
        """Return the name of the host that owns a folder, if it is known."""
        owner = self._places.owner_of(path)
        return owner and evacuations.host_of(context, owner)


def _require_to_look(uuid: str, folder: folders_module.StorageFolder) -> None:
    """Raise an error if nobody knows whether a folder has a server's disks.

    :raises StorageFolderMissing: it is not there
    """
    try:
        folder.require()
    except exception.StorageFolderMissing as error:
        raise exception.StorageFolderMissing(
            'Server %s cannot be evacuated to this host: its disks may be in '
            'the storage folder %s, which is not there.' % (
                uuid, folder.name), error.details,
            'Mount it at %s, or remove it from [vmrun] storage_folders on '
            'this host.' % folder.path) from error
