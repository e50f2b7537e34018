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

"""Whether the file system of a folder can hold VMs.

FAT cannot: its files end at 4 GiB. File systems of other systems often have
no permissions, without which every user of the host could read the disks.
"""

from collections.abc import Callable
import fcntl
import os
import secrets
import stat

from oslo_utils import units

from nova_vmrun import exception
from nova_vmrun.host import files

# A file of FAT32 is smaller than this.
_LARGE = 4 * units.Gi + 1


def require_for_vms(name: str, folder: str) -> None:
    """Raise an error if VMs cannot be in a folder.

    :param name: of the storage folder
    :param folder: its path
    :raises InvalidConfiguration: it cannot be written to, or its file system
        lacks what disks need
    """
    probe = os.path.join(folder, '.probe-' + secrets.token_hex(8))
    try:
        _write(name, folder, probe)
        for what, step in (
                ('hold files of more than 4 GiB', _extend),
                ('keep files private to a user', _protect),
                ('lock files', _lock), ('replace files', _replace)):
            _require(name, folder, probe, what, step)
    finally:
        for path in (probe, probe + '-2'):
            if os.path.lexists(path):
                os.remove(path)


def _write(name: str, folder: str, probe: str) -> None:
    try:
        with open(probe, 'wb') as file:
            file.write(b'probe')
    except OSError as error:
        raise exception.InvalidConfiguration(
            'Cannot write to the storage folder %s (%s).' % (name, folder),
            'The system says: %s.' % error,
            'Create the folder, and give it to the user who runs '
            'nova-compute.') from error


def _require(name: str, folder: str, probe: str, what: str,
             step: Callable[[str], None]) -> None:
    try:
        step(probe)
    except OSError as error:
        raise exception.InvalidConfiguration(
            'The file system of the storage folder %s (%s) cannot hold VMs.'
            % (name, folder),
            'It cannot %s: %s.' % (what, error.strerror or error),
            'Use a file system such as ext4, XFS, btrfs, APFS or NFS, not '
            'FAT or exFAT.') from error


def _extend(probe: str) -> None:
    os.truncate(probe, _LARGE)


def _protect(probe: str) -> None:
    for mode in (0o400, 0o600):
        os.chmod(probe, mode)
        status = os.stat(probe)
        if (stat.S_IMODE(status.st_mode) != mode or
                status.st_uid != os.geteuid()):
            raise OSError(0, 'permissions stay %o for user %d' % (
                stat.S_IMODE(status.st_mode), status.st_uid))


def _lock(probe: str) -> None:
    with open(probe, 'r+b') as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _replace(probe: str) -> None:
    files.write_atomically(probe + '-2', b'')
    os.replace(probe, probe + '-2')
