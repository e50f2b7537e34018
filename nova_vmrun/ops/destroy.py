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

"""Deletion of a server: stop it, rename its folder, delete the folder.

``vmrun deleteVM`` is not used: it leaves files behind, and could follow the
chain of disks to the base disk that other servers share.
"""

import contextlib
import os

from oslo_log import log as logging

from nova_vmrun import exception
from nova_vmrun.host import files
from nova_vmrun.ops import parts
from nova_vmrun.ops.power import power as power_module
from nova_vmrun.server import vm_process
from nova_vmrun.volumes import connectors as volume_connectors

LOG = logging.getLogger(__name__)

_UUID_LENGTH = 36


class Destroyer:
    """Deletes servers, including half-built ones."""

    def __init__(self, servers: parts.Servers, power: power_module.Power,
                 connectors: volume_connectors.Connectors) -> None:
        self._connectors = connectors
        self._power = power
        self._states = servers.states
        self._layout = servers.layout
        self._records = servers.records
        self._disk_lists = servers.disk_lists
        self._storage = servers.storage
        self._vmx_files = servers.vmx_files

    def stop(self, uuid: str) -> None:
        """Cut the power of a server, if its VM is on.

        :raises StorageFolderMissing: one of its disks is not there
        :raises VmrunError: the VM may still be running, or it is unknown
            whose it is
        """
        if not self._is_ours(uuid, self._layout.folder(uuid)):
            return
        self._storage.require_all(uuid)
        vmx_is_missing = not os.path.exists(self._layout.vmx(uuid))
        if vmx_is_missing and not (
                vm_process.is_held_by_vm(self._layout.folder(uuid)) or
                os.path.exists(self._layout.vmware_log(uuid))):
            # It was never started, or no longer exists.
            return
        if self._states.is_on(uuid):
            if vmx_is_missing:
                LOG.warning('The .vmx of server %s is missing, but its VM '
                            'is running', uuid)
            with (self._vmx_files.placeholder(uuid) if vmx_is_missing
                  else contextlib.nullcontext()):
                self._power.off(uuid)
        elif self._states.is_unlisted(uuid):
            if vmx_is_missing:
                raise self._states.unlisted(uuid)
            # If vmrun cannot stop it, this fails and the files are kept.
            self._power.off(uuid)

    def remove(self, uuid: str) -> None:
        """Delete a stopped server, and the folder that a resize has kept.

        This can be interrupted and repeated. Its volumes are disconnected, and
        their content is not touched.

        :raises RecordUnreadable: it is unknown whose it is
        :raises StorageFolderMissing: one of its disks is not there; nothing
            is deleted
        :raises OSError: a file could not be deleted
        :raises VmrunError: a volume could not be disconnected
        """
        self._storage.require_all(uuid)
        for folder in self._layout.beside(uuid):
            self.remove_folder(uuid, folder)
        self.remove_folder(uuid, self._layout.folder(uuid))
        if not os.path.exists(self._layout.folder(uuid)):
            self._storage.locks.remove(uuid)

    def remove_folder(self, uuid: str, folder: str) -> None:
        """Delete one of the folders of a server, in which no VM is running.

        If it is the one that the server runs from, its volumes are
        disconnected first: then a crash leaves a server to be deleted.

        :param folder: a path that the layout has returned
        :raises RecordUnreadable: it is unknown whose it is
        :raises StorageFolderMissing: one of its disks is not there
        :raises OSError: a file could not be deleted
        :raises VmrunError: a volume could not be disconnected
        """
        if not self._is_ours(uuid, folder):
            return
        if folder == self._layout.folder(uuid):
            self.disconnect_volumes(uuid)
        self._storage.require_places(uuid, folder)
        renamed = self._layout.deleted(uuid)
        self._remove_renamed(uuid, renamed)
        if os.path.isdir(folder):
            os.rename(folder, renamed)
            files.sync_folder(self._layout.root)
        self._remove_renamed(uuid, renamed)

    def _remove_renamed(self, uuid: str, folder: str) -> None:
        """Delete a folder and the disks that its record names."""
        self._storage.remove(uuid, folder)
        files.remove_tree(folder)

    def disconnect_volumes(self, uuid: str) -> None:
        """Remove what connectors keep for a server in which no VM is running.

        The content of its volumes is not touched.

        :raises VmrunError: a volume could not be disconnected
        """
        for disk in self._disk_lists.volumes(uuid):
            volume_connectors.remove_stale_locks(self._layout.folder(uuid),
                                                 disk.path)
        for volume_id in self._layout.connected_volumes(uuid):
            self._connectors.disconnect(uuid, volume_id)
        try:
            os.rmdir(self._layout.volumes(uuid))
        except FileNotFoundError:
            return
        except OSError as error:
            LOG.warning('The folder of the volumes of server %s stays: %s',
                        uuid, error)

    def _is_ours(self, uuid: str, folder: str) -> bool:
        """Return whether no other compute node owns a folder."""
        if self._records.is_foreign(uuid, folder):
            LOG.warning('Not deleting the folder %s, which belongs to another '
                        'compute node', folder)
            return False
        return True

    def finish_interrupted(self) -> None:
        """Finish the deletions that a crash interrupted."""
        for folder in self._layout.half_deleted():
            LOG.info('Deleting the remaining files of a deleted server: %s',
                     folder)
            uuid = os.path.basename(folder)[:_UUID_LENGTH]
            try:
                self._remove_renamed(uuid, folder)
            except exception.StorageFolderMissing as error:
                LOG.error('The remaining files of deleted server %s stay: %s',
                          uuid, error)
            except OSError as error:
                raise exception.InvalidConfiguration(
                    'Cannot delete the folder %s.' % folder,
                    'The system says: %s.' % error,
                    'Change its owner to the user who runs nova-compute.')
