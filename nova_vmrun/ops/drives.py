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

"""Images that a server finds in its CD and floppy drives.

An image in a CD drive is a hard link to the one in the cache: no bytes are
copied, and the cache may forget it while servers still have it. VMware writes
to floppies, so each server gets a copy.
"""

import dataclasses
import os

from oslo_log import log as logging

from nova_vmrun.catalog import properties
from nova_vmrun import exception
from nova_vmrun.host import files
from nova_vmrun.inspection import drive_images
from nova_vmrun.inspection import inspector
from nova_vmrun.ops.nova import glance

LOG = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Prepared:
    """Images for the drives of a server.

    :ivar isos: paths in the cache, in the order of the drives
    :ivar floppy: path in the cache, or None
    """

    isos: tuple
    floppy: str | None


class Drives:
    """Fills the drives of servers.

    :param cache: a nova_vmrun.storage.image_cache.ImageCache
    :param layout: a nova_vmrun.server.layout.Layout
    :param product: a nova_vmrun.host.product.Product
    """

    def __init__(self, cache, layout, product):
        self._cache = cache
        self._layout = layout
        self._product = product

    def prepare(self, context, instance, image, hardware,
                may_lack_some=False):
        """Fetches what the image is, or what its properties ask for.

        :param context: nova.context.RequestContext of the user, who must
            have access to each image, also when the cache has it
        :param instance: nova.objects.Instance
        :param image: a nova_vmrun.inspection.inspector.Image; if it is an ISO
            image it is in the first drive
        :param hardware: a nova_vmrun.machine.model.Hardware
        :param may_lack_some: go on without images that are not there any
            more, since the server had them when it was made
        :returns: a Prepared
        :raises ImageRefused: an image is missing, or not what it must be
        :raises InvalidConfiguration: the product has no such ISO image
        """
        if not may_lack_some:
            for name in hardware.tools_isos:
                self._require_tools_iso(name)
        find = self._found if may_lack_some else self._shown
        images = list(filter(None, (find(context, image_id)
                                    for image_id in hardware.iso_images)))
        if image.disk_format == 'iso':
            images.insert(0, image)
        isos = tuple(
            self._fetch(context, instance, each, 'cd.iso',
                        drive_images.require_iso) for each in images)
        floppy = hardware.floppy_image and find(context,
                                                hardware.floppy_image)
        if floppy:
            floppy = self._fetch(context, instance, floppy, 'floppy.flp',
                                 drive_images.require_floppy)
        return Prepared(isos, floppy)

    def _found(self, context, image_id):
        try:
            return self._shown(context, image_id)
        except exception.ImageRefused as error:
            LOG.warning('A drive stays empty: %s', error)
            return None

    def _shown(self, context, image_id):
        return inspector.Image(
            image_id, glance.show(context, image_id)['disk_format'])

    def _fetch(self, context, instance, image, name, inspect):
        return self._cache.file(
            image.id, name, glance.downloader(context, instance, image.id),
            lambda path: inspect(path, image), glance.certificates(instance))

    def _require_tools_iso(self, name):
        if self._find_tools_iso(name) is None:
            raise exception.InvalidConfiguration(
                '%s on this host has no ISO image %s of VMware Tools.'
                % (self._product.name, name),
                'Looked in: %s.' % ', '.join(self._product.tools_folders()),
                'Download VMware Tools in the product, or remove the property '
                'of the image that asks for it: %s.'
                % ' or '.join(properties.names('tools_iso')))

    def _find_tools_iso(self, name):
        for folder in self._product.tools_folders():
            path = os.path.join(folder, name)
            if os.path.isfile(path):
                return path
        return None

    def place(self, uuid, prepared):
        """Puts images into a server's folder, which exists.

        :param uuid: of the instance
        :param prepared: a Prepared
        """
        for number, source in enumerate(prepared.isos):
            files.link_or_copy(source, self._layout.cd(uuid, number))
        if prepared.floppy:
            _copy(prepared.floppy, self._layout.floppy(uuid))

    def put_cd(self, context, instance, image, path):
        """Fetches an ISO image and gives it a name.

        :param context: nova.context.RequestContext of the user
        :param instance: nova.objects.Instance
        :param image: a nova_vmrun.inspection.inspector.Image
        :param path: the name
        """
        files.link_or_copy(
            self._fetch(context, instance, image, 'cd.iso',
                        drive_images.require_iso), path)

    def put_floppy(self, context, instance, image, path):
        """Fetches a floppy image and copies it; parameters as for put_cd."""
        _copy(self._fetch(context, instance, image, 'floppy.flp',
                          drive_images.require_floppy), path)

    def cds(self, uuid, hardware):
        """Returns what is in a server's CD drives, in their order.

        ISO images of VMware Tools that the product has no more are left out.

        :param hardware: a nova_vmrun.machine.model.Hardware
        :returns: list of paths
        """
        paths = []
        while os.path.exists(self._layout.cd(uuid, len(paths))):
            paths.append(self._layout.cd(uuid, len(paths)))
        for name in hardware.tools_isos:
            path = self._find_tools_iso(name)
            if path:
                paths.append(path)
            else:
                LOG.warning('Server %s goes on without %s: %s has it no more',
                            uuid, name, self._product.name)
        config_drive = self._layout.config_drive(uuid)
        return paths + ([config_drive] if os.path.exists(config_drive) else [])

    def floppy(self, uuid):
        """Returns the path of a server's floppy disk, or None."""
        path = self._layout.floppy(uuid)
        return path if os.path.exists(path) else None


def _copy(source, target):
    with files.replacing(target) as part:
        files.copy(source, part)
        os.chmod(part, 0o600)
