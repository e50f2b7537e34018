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

"""Images that are in the cache before any server needs them."""

from nova_vmrun.catalog import properties
from nova_vmrun.inspection import inspector
from nova_vmrun.ops.nova import glance
from nova_vmrun.storage import image_cache


class Precache:
    """Fetches images for servers to come.

    :param cache: a nova_vmrun.storage.image_cache.ImageCache
    """

    def __init__(self, cache):
        self._cache = cache

    def __call__(self, context, image_id):
        """Fetches an image unless it is there.

        No flavor is known: a disk is made in the image's own size, and those
        of flavors are copied from it, without Glance.

        :param context: nova.context.RequestContext that may see the image
        :param image_id: its id in Glance
        :returns: whether it had to be fetched
        :raises ImageRefused: it must not be used
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
                lambda path: inspector.inspect_iso(path, image))
        else:
            if self._cache.has_disk(image_id):
                return False
            self._cache.base(image, 0, download)
        return True
