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

"""Forgets images that no server needs any more.

By Nova's options of the [image_cache] section: an image is used as long as a
server was made of it or is linked to it. When the last use was long enough
ago, it is removed; of an image that is used, so are the sizes that no server
is linked to. One is kept, since each other size can be made of it without
Glance.

CD and floppy images count by the servers that were made of them: others that
have them in a drive have links or copies of their own.
"""

import time

from oslo_concurrency import lockutils
from oslo_log import log as logging

from nova_vmrun import exception

LOG = logging.getLogger(__name__)


class CacheAgeing:
    """Looks through the cache, as often as Nova asks for it.

    :param options: nova.conf.CONF.image_cache
    :param cache: a nova_vmrun.storage.image_cache.ImageCache
    :param users: a nova_vmrun.storage.base_disk_usage.BaseDiskUsage
    :param boots: a nova_vmrun.storage.builds.Builds
    :param locks: a nova_vmrun.storage.stale_locks.StaleLocks
    :param clock: tells the time in seconds since the epoch
    """

    def __init__(self, options, cache, users, boots, locks,
                 clock=time.time):
        self._options = options
        self._cache = cache
        self._users = users
        self._boots = boots
        self._locks = locks
        self._clock = clock

    def remove_unused(self, instances):
        """Removes what was unused for long enough.

        An image that somebody is busy with is left for the next time.

        :param instances: nova.objects.InstanceList of all servers of the
            compute nodes that share the folder
        """
        self._locks.remove()
        origins = {instance.image_ref for instance in instances}
        try:
            linked = self._users.find_all()
        except OSError as error:
            LOG.error('No image is removed from the cache, since a disk '
                      'cannot be read: %s', error)
            return
        for image_id in self._cache.image_ids():
            used = {name for image, name in linked if image == image_id}
            try:
                with self._cache.locked(image_id, blocking=False) as entry:
                    self._age(image_id, entry, used, image_id in origins)
            except lockutils.AcquireLockFailedException:
                LOG.debug('Image %s is in use', image_id)
            except (exception.VmrunError, OSError) as error:
                LOG.error('Image %s stays in the cache: %s', image_id, error)

    def _age(self, image_id, entry, used, is_origin):
        names = entry.disks() + entry.plain_files()
        if not names:
            return
        latest = max(names, key=entry.last_use)
        for name in (used & set(names)) | ({latest} if is_origin else set()):
            entry.touch(name)
        if not self._options.remove_unused_base_images:
            return
        # Asked for once more, in this order: no boot can get at the image
        # now, and one that has just ended is known by its disk.
        oldest_boot = self._boots.oldest_start()
        used = {name for image, name in self._users.find_all()
                if image == image_id}

        def is_unused_for(name, seconds):
            last_use = entry.last_use(name)
            return (name not in used and
                    last_use <= self._clock() - seconds and
                    (oldest_boot is None or last_use < oldest_boot))

        if not is_origin and all(
                is_unused_for(name, self._options.
                              remove_unused_original_minimum_age_seconds)
                for name in names):
            LOG.info('Removing image %s from the cache', image_id)
            self._cache.remove(image_id)
            return
        kept = used & set(names) or {latest}
        for name in set(entry.disks()) - kept:
            if is_unused_for(name, self._options.
                             remove_unused_resized_minimum_age_seconds):
                LOG.info('Removing %s of image %s from the cache', name,
                         image_id)
                entry.remove(name)
