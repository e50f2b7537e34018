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

Such a volume needs no preparation: VMware opens the descriptor that the Cinder
driver has written.
"""

from collections import abc
import os
import re
import stat

from oslo_utils import units

from nova_vmrun import exception
from nova_vmrun.formats import flat
from nova_vmrun.formats import vmdk
from nova_vmrun.formats import volume_files
from nova_vmrun.host import files
from nova_vmrun.volumes import connection
from nova_vmrun.volumes import connectors

_MAX_DESCRIPTOR = 64 * units.Ki
_UNPRINTABLE = re.compile('["\x00-\x1f\x7f\ud800-\udfff]')
_WRITABLE_BY_OTHERS = stat.S_IWOTH


class LocalConnector:
    """Shows volumes in files, as nova_vmrun.cinder makes them.

    :param folders: absolute paths; volumes elsewhere are refused
    """

    def __init__(self, folders: abc.Iterable[str]) -> None:
        self._folders = frozenset(map(os.path.realpath, folders))

    def check(self, volume: connection.Volume) -> None:
        self._find(volume)

    def connect(self, server_uuid: str, volume: connection.Volume,
                adapter: str) -> connectors.Shown:
        return self._find(volume)

    def disconnect(self, server_uuid: str, volume_id: str) -> None:
        """Do nothing: connect makes nothing."""

    def _find(self, volume: connection.Volume) -> connectors.Shown:
        path = self._path(volume)
        size = _size(volume, path)
        descriptor = volume_files.descriptor_of(path)
        _check_descriptor(volume, descriptor, path, size)
        return connectors.Shown(descriptor, size)

    def _path(self, volume: connection.Volume) -> str:
        """Return the path of the raw bytes, without symbolic links.

        :raises InvalidInput: it is not in a folder of the operator
        """
        path = volume.data.get('device_path')
        if not isinstance(path, str) or not os.path.isabs(path) or (
                _UNPRINTABLE.search(path) or
                volume_files.name_of(os.path.basename(path)) is None):
            raise exception.InvalidInput(
                'Volume %s cannot be attached.' % volume.id,
                'Its device_path is %.200r, not the absolute path of the '
                'content of a volume.' % (path,),
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


def _size(volume: connection.Volume, path: str) -> int:
    """Return the size of a volume in bytes, after checks of its file.

    :raises VolumeDamaged: it is not the file that Cinder made
    """
    try:
        status = os.lstat(path)
    except OSError as error:
        raise _damaged(volume, 'Its file %s cannot be read: %s.'
                       % (path, error.strerror)) from error
    if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
        raise _damaged(volume, '%s is not a file with a single name.' % path)
    if status.st_uid != os.geteuid() or (
            status.st_mode & _WRITABLE_BY_OTHERS):
        raise _damaged(volume, '%s does not belong to the user who runs '
                       'nova-compute, or others may write to it.' % path)
    size = (status.st_size if volume.size_gb is None
            else volume.size_gb * units.Gi)
    if not size or size % vmdk.SECTOR or status.st_size < size:
        raise _damaged(volume, '%s has %d bytes instead of %d.'
                       % (path, status.st_size, size or units.Gi))
    return size


def _check_descriptor(volume: connection.Volume, path: str, extent: str,
                      size: int) -> None:
    """Raise an error if a descriptor shows anything but the volume.

    :param extent: path of the raw bytes
    :param size: of the volume in bytes
    :raises VolumeDamaged: it is missing, or somebody has changed it
    """
    try:
        status = os.lstat(path)
        if not stat.S_ISREG(status.st_mode):
            raise _damaged(volume, '%s is not a file.' % path)
        if status.st_size > _MAX_DESCRIPTOR:
            raise _damaged(volume, '%s is too large.' % path)
        flat.check(files.read(path), flat.FlatDisk(
            os.path.basename(extent), size // vmdk.SECTOR, volume.id))
    except (OSError, exception.InvalidVmdk) as error:
        raise _damaged(volume, 'Its descriptor %s does not describe the %d '
                       'bytes in %s: %s' % (path, size, extent, error)
                       ) from error


def _damaged(volume: connection.Volume,
             details: str) -> exception.VolumeDamaged:
    return exception.VolumeDamaged(
        'The files of volume %s are not as Cinder made them.' % volume.id,
        details, 'Restore them, or detach the volume and use a backup of it.')
