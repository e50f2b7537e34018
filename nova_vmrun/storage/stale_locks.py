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

"""Remove VMware's locks that a power cut has left in the image cache.

VMware locks a base disk with a folder beside it that has a file for each VM
using the disk. After a power cut the files remain. VMware removes those of
this host when it next opens the disk, which may never happen.
"""

from collections.abc import Iterator
import contextlib
import os

from oslo_log import log as logging

from nova_vmrun.host import locks
from nova_vmrun.server import layout as layouts
from nova_vmrun.server import vm_process

LOG = logging.getLogger(__name__)

_LOCK = '.lck'


class StaleLocks:
    """The locks of processes on this host that have ended.

    A lock contains an id that VMware gives to its host. We learn the id of
    this host from the locks of VMs that run here; without one, no lock is
    removed.

    :param layout: of the folder with the cache
    :param servers: where the folders of record are; None: in the same folder
    """

    def __init__(self, layout: layouts.Layout,
                 servers: layouts.Layout | None = None) -> None:
        self._layout = layout
        self._servers = servers or layout
        self._logged: set[str] = set()

    def remove(self) -> None:
        """Remove stale locks, and log each other lock once."""
        found = list(self._members())
        self._logged.intersection_update(found)
        if not found:
            return
        machines = self._machines()
        for member in found:
            try:
                self._remove_if_stale(member, machines)
            except FileNotFoundError:
                LOG.debug('VMware has just removed the lock %s', member)
            except OSError as error:
                self._log_once(member, str(error))

    def _members(self) -> Iterator[str]:
        """Yield the paths of the files in lock folders of the cache."""
        for cache in self._layout.caches():
            for image in _entries(cache):
                for lock in _entries(image.path):
                    if lock.name.endswith(_LOCK):
                        yield from (member.path
                                    for member in _entries(lock.path))

    def _machines(self) -> set[bytes]:
        found: set[bytes] = set()
        for _uuid, folder in self._servers.folders():
            with contextlib.suppress(OSError):
                found |= vm_process.machines(folder)
        return found

    def _remove_if_stale(self, member: str, machines: set[bytes]) -> None:
        owner = locks.owner(member)
        if owner is None:
            self._log_once(member, 'It does not name its owner.')
        elif owner.machine not in machines:
            self._log_once(member, 'Its process %d may run on another host.'
                           % owner.pid)
        elif not owner.is_alive:
            LOG.info('Removing the lock %s of process %d, which has ended',
                     member, owner.pid)
            locks.remove(member)

    def _log_once(self, member: str, reason: str) -> None:
        if member not in self._logged:
            self._logged.add(member)
            LOG.info('Keeping the lock %s in the image cache. %s',
                     member, reason)


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []
