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

"""Volumes in files on an NFS server, as Cinder's NFS driver makes them.

The operator mounts the export. The file of a raw volume then is its content
as it is, and the descriptor lies beside it, so that the locks of VMware keep
out VMs on other hosts. The descriptor is removed when the volume is detached.
"""

from collections import abc
import contextlib
import os

from oslo_log import log as logging

from nova_vmrun import exception
from nova_vmrun.formats import flat
from nova_vmrun.formats import vmdk
from nova_vmrun.formats import volume_files
from nova_vmrun.host import files
from nova_vmrun.host import responsive
from nova_vmrun.server import layout as layout_module
from nova_vmrun.volumes import connection
from nova_vmrun.volumes import connectors
from nova_vmrun.volumes import content
from nova_vmrun.volumes import descriptors

LOG = logging.getLogger(__name__)

# Holds the path of the descriptor that connect has made.
_NOTE = 'nfs'


class NfsConnector:
    """Shows raw volumes of NFS servers.

    :param mounts: folders by the export that is mounted there
    """

    def __init__(self, layout: layout_module.Layout,
                 mounts: abc.Mapping[str, str]) -> None:
        self._layout = layout
        self._mounts = mounts

    def check(self, volume: connection.Volume) -> None:
        path = self._path(volume)
        descriptors.find(volume.id, _descriptor(path), *_disk(volume, path))

    def shared_descriptor(self, volume: connection.Volume) -> str | None:
        return _descriptor(self._path(volume))

    def connect(self, server_uuid: str, volume: connection.Volume,
                adapter: str) -> connectors.Shown:
        path = self._path(volume)
        disk, size = _disk(volume, path, adapter)
        descriptor = _descriptor(path)
        note = self._note(server_uuid, volume.id)
        os.makedirs(os.path.dirname(note), mode=0o700, exist_ok=True)
        # A crash may have left one that was not complete.
        descriptors.remove_parts(note)
        files.write_atomically(note, descriptor)
        return connectors.Shown(descriptor, descriptors.prepare(
            volume.id, descriptor, disk, size))

    def disconnect(self, server_uuid: str, volume_id: str) -> None:
        note = self._note(server_uuid, volume_id)
        descriptors.remove_parts(note)
        with contextlib.suppress(FileNotFoundError):
            descriptor = files.read(note).decode()
            connectors.remove_stale_locks(self._layout.folder(server_uuid),
                                          descriptor)
            self._remove_descriptor(volume_id, descriptor)
            os.remove(note)
        connectors.remove_if_empty(os.path.dirname(note))

    def _remove_descriptor(self, volume_id: str, descriptor: str) -> None:
        """Remove a descriptor unless a VM uses it, perhaps elsewhere.

        :raises HasSnapshots: the newest data of the volume is not in it
        :raises FileSystemFailed: its server does not answer
        """
        connectors.refuse_snapshots(volume_id, descriptor)
        descriptors.remove_parts(descriptor)
        if os.path.isdir(volume_files.lock_of(descriptor)):
            LOG.warning('Keeping the descriptor %s of volume %s, which is '
                        'locked', descriptor, volume_id)
            return
        try:
            found = descriptors.find(
                volume_id, descriptor, flat.FlatDisk(
                    os.path.basename(descriptor).removesuffix('.vmdk'), 0,
                    volume_id), vmdk.LARGEST_DISK)
        except exception.VolumeDamaged as error:
            LOG.warning('Keeping a file that is not the descriptor of a '
                        'volume: %s', error)
            return
        if found is not None:
            os.remove(descriptor)

    def _note(self, server_uuid: str, volume_id: str) -> str:
        return os.path.join(self._layout.volume(server_uuid, volume_id),
                            _NOTE)

    def _path(self, volume: connection.Volume) -> str:
        """Return the path of a volume's content.

        :raises InvalidInput: the volume is not raw, or not on such a mount
        :raises FileSystemFailed: its server does not answer
        """
        export, name = volume.data.get('export'), volume.data.get('name')
        kind = volume.data.get('format')
        if kind != 'raw':
            raise exception.InvalidInput(
                'Volume %s cannot be attached.' % volume.id,
                'Its format is %.40r, and VMware reads only raw volumes.'
                % (kind,), 'Set nfs_qcow2_volumes = False in Cinder. A raw '
                'volume becomes a qcow2 file once it has a snapshot: delete '
                'its snapshots, or attach a copy of it.')
        if not isinstance(name, str) or not volume_files.is_name(name) or (
                name.endswith('.vmdk')):
            raise exception.InvalidInput(
                'Volume %s cannot be attached.' % volume.id,
                'Its file is named %.200r.' % (name,),
                'Use letters, digits, "-", "_" and "." in '
                'volume_name_template.')
        folder = self._mounts.get(export) if isinstance(export, str) else None
        if folder is None:
            raise exception.InvalidInput(
                'Volume %s cannot be attached.' % volume.id,
                'It is on the NFS export %.200r, which [vmrun] nfs_mounts '
                'does not name.' % (export,),
                'Ask the operator to mount the export on this host.')
        path = os.path.join(folder, name)
        responsive.require(path)
        return path


def mounts(texts: abc.Iterable[str]) -> dict[str, str]:
    """Return folders by export, from [vmrun] nfs_mounts.

    :raises InvalidConfiguration: a text is not export=folder
    """
    found = {}
    for text in texts:
        export, _, folder = text.rpartition('=')
        if not export or not os.path.isabs(folder):
            raise exception.InvalidConfiguration(
                '[vmrun] nfs_mounts is %r.' % text,
                'It does not name an export and the absolute path of the '
                'folder where that is mounted.',
                'Write, for example, server:/export=/mnt/volumes.')
        found[export.strip()] = os.path.normpath(folder)
    return found


def _descriptor(path: str) -> str:
    return os.path.join(os.path.dirname(path),
                        volume_files.descriptor(os.path.basename(path)))


def _disk(volume: connection.Volume, path: str,
          adapter: str = 'lsilogic') -> tuple[flat.FlatDisk, int]:
    """Return how a volume is described, and its size in bytes."""
    size = content.check_file(volume.id, path, is_shared=True)
    content.require_size(volume.id, path, size, size)
    return flat.FlatDisk(os.path.basename(path), size // vmdk.SECTOR,
                         volume.id, adapter), size
