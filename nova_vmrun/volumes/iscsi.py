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

"""iSCSI volumes without root: QEMU logs in, and FUSE shows the LUN as a file.

The daemon that does it runs in a session of its own and survives nova-compute,
as VMs do. It runs from before the first start of the VM until the volume is
disconnected. If it is not there at a start, for example after a restart of the
host, it is started anew.
"""

import contextlib
import os

from oslo_log import log as logging
from oslo_utils import uuidutils

from nova_vmrun import exception
from nova_vmrun.formats import flat
from nova_vmrun.formats import vmdk
from nova_vmrun.host import files
from nova_vmrun.host import fuse
from nova_vmrun.server import layout as layouts
from nova_vmrun.volumes import connection
from nova_vmrun.volumes import connectors
from nova_vmrun.volumes import initiator
from nova_vmrun.volumes import iscsi_export
from nova_vmrun.volumes import iscsi_record
from nova_vmrun.volumes import iscsi_target

LOG = logging.getLogger(__name__)


class IscsiConnector:
    """Shows iSCSI LUNs through qemu-storage-daemon."""

    def __init__(self, layout: layouts.Layout,
                 tools: iscsi_export.Tools) -> None:
        self._layout = layout
        self._tools = tools

    def check(self, volume: connection.Volume) -> None:
        iscsi_target.parse(volume)
        fuse.check()
        self._tools.daemon.check()

    def shared_descriptor(self, volume: connection.Volume) -> str | None:
        """See Connector: each host has a descriptor of its own."""
        return None

    def connect(self, server_uuid: str, volume: connection.Volume,
                adapter: str) -> connectors.Shown:
        """See Connector.connect.

        An earlier daemon is replaced, because it would not notice that the LUN
        has grown or that the password has changed.

        :raises FileInUse: somebody has the volume open, by an earlier daemon
            or on another server
        """
        self.check(volume)
        target = iscsi_target.parse(volume)
        with connectors.lock(volume.id):
            self._release_from_others(server_uuid, volume.id)
            is_new = not self._is_ours(server_uuid, volume.id)
            export = self._export(server_uuid, volume.id)
            try:
                export.close()
            except exception.FileInUse:
                if not export.is_serving(target):
                    raise
                LOG.warning('Volume %s is in use and stays connected as it is',
                            volume.id)
            else:
                self._open(export, target, is_new)
            shown = connectors.Shown(export.descriptor, export.size())
            _describe(shown, volume.id, export.mount_point, adapter)
            return shown

    def _open(self, export: iscsi_export.Export, target: iscsi_target.Target,
              is_new: bool) -> None:
        """Start a daemon; if that fails, remove what is new.

        :param is_new: whether the volume was not connected before
        """
        try:
            export.open(target, initiator.name(self._layout))
        except BaseException:
            if is_new:
                with contextlib.suppress(OSError, exception.VolumeDamaged):
                    export.forget()
            raise

    def disconnect(self, server_uuid: str, volume_id: str) -> None:
        """See Connector.disconnect.

        :raises FileInUse: a VM has locked the volume
        :raises HasSnapshots: its newest data is in a snapshot
        """
        if not self._is_ours(server_uuid, volume_id):
            _remove_if_empty(self._layout.volume(server_uuid, volume_id))
            return
        with connectors.lock(volume_id):
            self._disconnect(server_uuid, volume_id)

    def _disconnect(self, server_uuid: str, volume_id: str,
                    is_forced: bool = True) -> None:
        export = self._export(server_uuid, volume_id)
        connectors.refuse_snapshots(volume_id, export.descriptor)
        folder = self._layout.volume(server_uuid, volume_id)
        connectors.refuse_locked(server_uuid, volume_id, export.descriptor)
        export.close(is_forced)
        try:
            export.forget()
        except OSError as error:
            raise exception.FileSystemFailed(
                'What was needed to connect volume %s cannot be removed.'
                % volume_id, 'The system says: %s.' % error,
                'Look at the files in %s, and move away what is not needed.'
                % folder) from error

    def _is_ours(self, server_uuid: str, volume_id: str) -> bool:
        return os.path.exists(iscsi_record.path(
            self._layout.volume(server_uuid, volume_id)))

    def _release_from_others(self, server_uuid: str, volume_id: str) -> None:
        """Disconnect a volume from servers that no longer have it.

        :raises FileInUse: one of them uses it
        """
        parent = os.path.dirname(self._layout.volumes(server_uuid))
        with contextlib.suppress(FileNotFoundError):
            for other in filter(uuidutils.is_uuid_like, os.listdir(parent)):
                if other == server_uuid or not self._is_ours(other, volume_id):
                    continue
                LOG.warning('Volume %s is still connected for server %s',
                            volume_id, other)
                self._disconnect(other, volume_id, is_forced=False)

    def _export(self, server_uuid: str, volume_id: str) -> iscsi_export.Export:
        return iscsi_export.Export(
            self._tools, self._layout.volume(server_uuid, volume_id),
            volume_id)


def _remove_if_empty(folder: str) -> None:
    """Remove a folder in which a crash left nothing, or part of a record."""
    files.remove_parts(folder)
    connectors.remove_if_empty(folder)


def _describe(shown: connectors.Shown, volume_id: str, mount_point: str,
              adapter: str) -> None:
    """Write the descriptor of a volume unless it is right already.

    VMware changes it when a VM first writes to the disk.
    """
    disk = flat.FlatDisk(
        os.path.basename(mount_point), shown.size // vmdk.SECTOR, volume_id,
        adapter)
    try:
        flat.check(files.read(shown.descriptor), disk)
    except (OSError, exception.InvalidVmdk):
        files.write_atomically(shown.descriptor, flat.descriptor(disk))
