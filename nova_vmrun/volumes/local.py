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

"""Volumes in files on this host: raw bytes with a descriptor beside them.

VMware opens the descriptor that the Cinder driver has written.
"""

from collections import abc
import dataclasses
import os

from oslo_utils import units

from nova_vmrun import exception
from nova_vmrun.formats import flat
from nova_vmrun.formats import vmdk
from nova_vmrun.formats import volume_files
from nova_vmrun.host import paths
from nova_vmrun.volumes import connection
from nova_vmrun.volumes import connectors
from nova_vmrun.volumes import content
from nova_vmrun.volumes import descriptors


class LocalConnector:
    """Shows volumes in files, as nova_vmrun.cinder makes them.

    :param folders: absolute paths; volumes elsewhere are refused
    """

    def __init__(self, folders: abc.Iterable[str]) -> None:
        self._folders = frozenset(map(os.path.realpath, folders))

    def check(self, volume: connection.Volume) -> None:
        path = self._path(volume)
        disk, size = _disk(volume, path)
        descriptors.find(volume.id, volume_files.descriptor_of(path), disk,
                         size)

    def shared_descriptor(self, volume: connection.Volume) -> str | None:
        return volume_files.descriptor_of(self._path(volume))

    def connect(self, server_uuid: str, volume: connection.Volume,
                adapter: str) -> connectors.Shown:
        path = self._path(volume)
        disk, size = _disk(volume, path)
        descriptor = volume_files.descriptor_of(path)
        return connectors.Shown(descriptor, descriptors.prepare(
            volume.id, descriptor, dataclasses.replace(disk, adapter=adapter),
            size))

    def disconnect(self, server_uuid: str, volume_id: str) -> None:
        """Do nothing: connect makes nothing that is not part of the volume."""

    def _path(self, volume: connection.Volume) -> str:
        """Return the path of the raw bytes, without symbolic links.

        :raises InvalidInput: it is not in a folder of the operator
        """
        path = volume.data.get('device_path')
        if not isinstance(path, str) or not os.path.isabs(path) or (
                not paths.fits_descriptor(path) or
                volume_files.name_of(os.path.basename(path)) is None):
            raise exception.InvalidInput(
                'Volume %s cannot be attached.' % volume.id,
                'Its device_path is %.200r, which is not the absolute path of '
                'the content of a volume.' % (path,),
                'Use a volume that the Cinder driver of nova-vmrun has made.')
        folder, name = os.path.split(path)
        folder = os.path.realpath(folder)
        if folder not in self._folders:
            raise exception.InvalidInput(
                'Volume %s cannot be attached.' % volume.id,
                'It is in %s, which [vmrun] volume_folders does not name.'
                % folder,
                'Ask the operator to add the folder, if Cinder keeps its '
                'volumes there.')
        return os.path.join(folder, name)


def _disk(volume: connection.Volume, path: str) -> tuple[flat.FlatDisk, int]:
    """Return what Cinder says about a volume, and how many bytes there are.

    :raises VolumeDamaged: the content is not the file that Cinder made
    """
    size = content.check_file(volume.id, path)
    wanted = size if volume.size_gb is None else volume.size_gb * units.Gi
    content.require_size(volume.id, path, size, wanted)
    return flat.FlatDisk(os.path.basename(path), wanted // vmdk.SECTOR,
                         volume.id), size
