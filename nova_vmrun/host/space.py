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

"""What is free on the file system of the instances.

All VMs of a host grow on it: if it is full they stand still, so that what we
make never takes the last of it.
"""

import os
import shutil

from oslo_utils import units

from nova_vmrun import exception

# Bytes that the VMs of this host may write meanwhile.
RESERVE = 512 * units.Mi
_BLOCK = 512


def room(folder):
    """Returns how many bytes may be written below a folder."""
    return max(0, shutil.disk_usage(folder).free - RESERVE)


def content(path):
    """Returns how many bytes a file takes, without its holes."""
    return os.stat(path).st_blocks * _BLOCK


def own_content(path: str) -> int:
    """Returns how many bytes are free again when a file is removed.

    A file that is not there takes none, nor does one with another name.
    """
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return 0
    return status.st_blocks * _BLOCK if status.st_nlink == 1 else 0


def require(needed, folder, brief):
    """Refuses what would fill the file system under all servers.

    :param needed: bytes that may be written
    :param folder: where
    :param brief: what fails without them
    :raises DiskFull: there is no room for them
    """
    if needed > room(folder):
        raise full(folder, brief, 'It may need %d MiB.' % (needed // units.Mi))


def full(folder, brief, why):
    """Returns the error for what has no room.

    :param folder: where it would have been written
    :param brief: what failed
    :param why: how much it needs
    :returns: a DiskFull
    """
    return exception.DiskFull(
        brief, '%s The file system of the instances has %d MiB free, of which '
        '%d stay in reserve.' % (
            why, shutil.disk_usage(folder).free // units.Mi,
            RESERVE // units.Mi),
        'Free some space on the file system of the instances.')
