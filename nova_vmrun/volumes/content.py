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

"""Checks of the file that has the raw bytes of a volume."""

import os
import stat

from nova_vmrun import exception
from nova_vmrun.formats import vmdk


def check_file(volume_id: str, path: str, is_shared: bool = False) -> int:
    """Return the size of a file in bytes, if it can be a volume.

    :param is_shared: whether it is on a server for files that gives it any
        owner, and lets Cinder allow others to write to it
    :raises VolumeDamaged: it cannot
    """
    try:
        status = os.lstat(path)
    except OSError as error:
        raise _damaged(volume_id, 'Its file %s cannot be read: %s.'
                       % (path, error.strerror)) from error
    if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
        raise _damaged(volume_id, '%s is not a file with a single name.'
                       % path)
    if not is_shared and (status.st_uid != os.geteuid() or
                          status.st_mode & stat.S_IWOTH):
        raise _damaged(volume_id, '%s does not belong to the user who runs '
                       'nova-compute, or others may write to it.' % path)
    if is_shared and not os.access(path, os.R_OK | os.W_OK):
        raise _damaged(volume_id, 'The user who runs nova-compute may not '
                       'write to %s.' % path)
    return status.st_size


def require_size(volume_id: str, path: str, size: int, wanted: int) -> None:
    """Raise an error if a file is too small for a volume, or no disk.

    :param size: bytes of the file
    :param wanted: bytes that Cinder says
    :raises VolumeDamaged: data is missing
    """
    if (not wanted or wanted % vmdk.SECTOR or size < wanted or
            wanted > vmdk.LARGEST_DISK):
        raise _damaged(volume_id, '%s has %d bytes, and the volume %d.'
                       % (path, size, wanted))


def _damaged(volume_id: str, details: str) -> exception.VolumeDamaged:
    return exception.VolumeDamaged(
        'The file of volume %s is not as Cinder made it.' % volume_id,
        details, 'Restore it, or detach the volume and use a backup of it.')
