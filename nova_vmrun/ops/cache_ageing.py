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

"""Ageing of the image cache, by Nova's options in [image_cache].

An image is in use while a server exists that was built from it or is linked to
it. The image is removed some time after its last use. Of an image in use, base
disks to which no server is linked are removed, except one, from which those
for other root sizes can be made without Glance.

CD and floppy images are in use while a server exists that was built from them.
Servers that only have them in a drive have links or copies of their own.
"""

from collections import abc
import time

from nova.objects import instance as nova_instance
from oslo_concurrency import lockutils
from oslo_config import cfg
from oslo_log import log as logging

from nova_vmrun import exception
from nova_vmrun.ops import parts
from nova_vmrun.storage import cache_entry
from nova_vmrun.storage import node_images
from nova_vmrun.storage import stale_locks

LOG = logging.getLogger(__name__)


class CacheAgeing:
    """Removes images and base disks that have not been used for long enough.

    :param options: nova.conf.CONF.image_cache
    :param clock: returns seconds since the epoch
    :param nodes: the images of other nodes that share a storage folder; None
        for instances_path, whose servers Nova passes
    """

    def __init__(self, options: cfg.ConfigOpts, images: parts.Images,
                 locks: stale_locks.StaleLocks,
                 clock: abc.Callable[[], float] = time.time,
                 nodes: node_images.NodeImages | None = None) -> None:
        self._options = options
        self._cache = images.cache
        self._users = images.users
        self._builds = images.builds
        self._locks = locks
        self._clock = clock
        self._nodes = nodes

    def remove_unused(
            self, instances: abc.Iterable[nova_instance.Instance]) -> None:
        """Remove what is no longer needed, and skip images that are locked.

        :param instances: all servers of the compute nodes that share the
            folder
        """
        self._locks.remove()
        origins = {instance.image_ref for instance in instances}
        try:
            if self._nodes:
                self._nodes.write({each for each in origins if each})
                origins |= self._nodes.of_all()
        except (exception.RecordUnreadable, OSError) as error:
            LOG.warning('No images are removed from a cache: %s', error)
            return
        try:
            linked = self._users.find_all()
        except OSError as error:
            LOG.error('Cannot remove images from the cache, because a disk '
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
                LOG.error('Cannot remove image %s from the cache: %s',
                          image_id, error)

    def _age(self, image_id: str, entry: cache_entry.Entry, used: set[str],
             is_origin: bool) -> None:
        names = entry.disks() + entry.plain_files()
        if not names:
            return
        latest = max(names, key=entry.last_use)
        for name in (used & set(names)) | ({latest} if is_origin else set()):
            entry.touch(name)
        if not self._options.remove_unused_base_images:
            return
        # Look again, in this order: no build can use the image now, and a
        # build that has just ended is known by its disk.
        oldest_build = self._builds.oldest_start()
        used = {name for image, name in self._users.find_all()
                if image == image_id}

        def is_unused_for(name: str, seconds: float) -> bool:
            last_use = entry.last_use(name)
            return (name not in used and
                    last_use <= self._clock() - seconds and
                    (oldest_build is None or last_use < oldest_build))

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
