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

"""VMware's locks that another host has left beside disks.

VMware itself ignores locks of its own host whose process has ended. It takes
one of another host for a running VM, as it may well be one.
"""

from collections.abc import Collection
import os

from nova_vmrun import exception
from nova_vmrun.formats import volume_files
from nova_vmrun.host import locks
from nova_vmrun.host import strange_files

_LOCK = '.lck'


def in_folder(folder: str, own: Collection[bytes]) -> list[str]:
    """Return the locks of other hosts in a folder of disks.

    :param own: VMware's ids of this host, as far as they are known
    :returns: paths of the files in the .lck folders
    :raises FileInUse: a process on this host has locked a file, or a link is
        in the place of a lock
    :raises OSError: the folder cannot be read
    """
    return [member for name in sorted(os.listdir(folder))
            if name.endswith(_LOCK)
            for member in _of_others(os.path.join(folder, name), own)]


def beside(descriptor: str, own: Collection[bytes]) -> list[str]:
    """Return the locks of other hosts beside one disk.

    The other parameters and errors are those of in_folder.

    :param descriptor: path of the disk
    """
    return _of_others(volume_files.lock_of(descriptor), own)


def _of_others(lock: str, own: Collection[bytes]) -> list[str]:
    if os.path.islink(lock):
        # The files that it leads to would be removed.
        raise exception.FileInUse(
            'The lock %s is a link.' % lock, 'VMware makes none.',
            'Remove it.')
    try:
        names = sorted(os.listdir(lock))
    except (FileNotFoundError, NotADirectoryError):
        return []
    found = []
    for name in names:
        member = os.path.join(lock, name)
        owner = locks.owner(member) if strange_files.is_file(member) else None
        if owner is not None and (not own or owner.machine in own):
            if owner.is_alive:
                raise exception.FileInUse(
                    'A VM on this host uses %s.' % lock.removesuffix(_LOCK),
                    'Its process is %d.' % owner.pid, 'Stop it.')
            if own:
                # VMware removes it when it opens the disk.
                continue
        found.append(member)
    return found


def remove(members: Collection[str]) -> None:
    """Remove locks, and the .lck folders that are empty then.

    :raises OSError: one cannot be removed
    """
    for member in members:
        locks.remove(member)
