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

"""Base disks in the image cache that have changed since they were made."""

import os

from oslo_log import log as logging

from nova_vmrun import exception
from nova_vmrun.storage import base_disk_usage
from nova_vmrun.storage import cache_entry

LOG = logging.getLogger(__name__)


class DamagedBases:
    """Removes damaged base disks, unless servers need them.

    :param usage: finds the servers' disks that use a base disk
    """

    def __init__(self, usage: base_disk_usage.BaseDiskUsage) -> None:
        self._usage = usage

    def remove_broken(self, entry: cache_entry.Entry, image_id: str,
                      name: str) -> bool:
        """Return whether a file has to be created; remove a damaged one.

        :raises BaseDamaged: it is damaged and in use
        """
        damage = entry.find_damage(name)
        if damage is None:
            return False
        self.refuse_if_used(entry, image_id, name, damage)
        if os.path.exists(entry.path(name)):
            LOG.warning('Recreating %s: %s', entry.path(name), damage)
            entry.remove(name)
        return True

    def refuse_if_used(self, entry: cache_entry.Entry, image_id: str,
                       name: str, damage: str) -> None:
        """Raise an error if servers need a damaged file.

        :param damage: a sentence
        :raises BaseDamaged: they do
        """
        path = entry.path(name)
        if os.path.exists(path):
            disks = self._find_disks(image_id, name, path, damage)
        else:
            disks = self._usage.find_readable(image_id, name)
        if disks:
            LOG.error('Base disk %s: %s Disks that refer to it: %s', path,
                      damage, ', '.join(disks))
            raise exception.BaseDamaged(
                'The base disk %s has changed, and disks of servers need it '
                '(%d).' % (path, len(disks)), damage,
                'Restore it with its modification time from a backup. Or '
                'delete the servers that the log of nova-compute names; then '
                'it is created again.')

    def _find_disks(self, image_id: str, name: str, path: str,
                    damage: str) -> list[str]:
        try:
            return self._usage.find(image_id, name)
        except OSError as error:
            raise exception.BaseDamaged(
                'The base disk %s has changed, and servers may need it.'
                % path, '%s The system says: %s.' % (damage, error),
                'Allow the user who runs nova-compute to read all files in '
                'the folders of servers.') from error
