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


"""Precaching: fetching images before any server needs them."""

from nova import context as nova_context

from nova_vmrun.catalog import properties
from nova_vmrun.inspection import drive_images
from nova_vmrun.inspection import inspector
from nova_vmrun.ops.nova import glance
from nova_vmrun.storage import image_cache


class Precache:
    """Fetches images for future servers."""

    def __init__(self, cache: image_cache.ImageCache) -> None:
        self._cache = cache

    def fetch(self, context: nova_context.RequestContext,
              image_id: str) -> bool:
        """Fetch an image unless it is in the cache.

        The flavor is not known yet, so the base disk gets the size of the
        image. Disks for flavors are copied from it, without Glance.

        :param context: of a user who may read the image
        :param image_id: its id in Glance
        :returns: whether it had to be fetched
        :raises ImageRefused: it is unsafe or broken
        :raises DiskFull: on the file system of the instances
        """
        found = glance.show(context, image_id)
        image = inspector.Image(
            image_id, found['disk_format'], found['container_format'],
            properties.disk_type(found['properties']),
            properties.ova_disk(found['properties']))
        download = glance.downloader(context, None, image_id)
        if image.disk_format == 'iso':
            if self._cache.has_file(image_id, image_cache.CD):
                return False
            self._cache.file(
                image_id, image_cache.CD, download,
                lambda path: drive_images.require_iso(path, image))
        else:
            if self._cache.has_disk(image_id):
                return False
            self._cache.base(image, 0, download)
        return True
