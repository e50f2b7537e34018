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

"""From an image in Glance to the root disk of a server."""

from nova_vmrun.host import linked
from nova_vmrun.ops import glance


class RootDisks:
    """Makes root disks.

    :param conf: nova.conf.CONF
    :param cache: a nova_vmrun.host.image_cache.ImageCache
    :param layout: a nova_vmrun.host.layout.Layout
    """

    def __init__(self, conf, cache, layout):
        self._cache = cache
        self._layout = layout
        self._linked = conf.use_cow_images and conf.vmrun.use_linked_clone

    def prepare(self, context, instance, image_meta):
        """Returns the base disk that a server's root disk is made of.

        The first server of an image fetches it, as the user who asked for
        the server; the others wait.

        :param context: nova.context.RequestContext of the user
        :param instance: nova.objects.Instance
        :param image_meta: nova.objects.ImageMeta
        :returns: a nova_vmrun.host.image_cache.Base
        """
        return self._cache.base(
            image_meta.id, image_meta.disk_format, instance.flavor.root_gb,
            glance.downloader(context, instance, image_meta.id))

    def make(self, base, uuid, bus, linked_clone=None):
        """Makes a server's root disk.

        :param base: a nova_vmrun.host.image_cache.Base
        :param uuid: of the instance; its folder exists
        :param bus: the controller that the disk will be on
        :param linked_clone: what the image insists on; None leaves it to
            the options
        :returns: path of the .vmdk
        """
        disk = self._layout.disk(uuid, 'root')
        if self._linked if linked_clone is None else linked_clone:
            linked.make_child(base.delta, base.disk, disk, bus)
        else:
            linked.make_copy(base.disk, disk, bus)
        return disk
