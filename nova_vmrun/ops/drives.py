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

"""Images in the CD and floppy drives of a server.

An image in a CD drive is a hard link to the one in the cache: no bytes are
copied, and the cache may drop it while servers still have it. VMware writes
to floppies, so each server gets a copy.
"""

from collections import abc
import dataclasses
import os

from nova import context as nova_context
from nova.objects import instance as nova_instance
from oslo_log import log as logging

from nova_vmrun.catalog import properties
from nova_vmrun import exception
from nova_vmrun.host import files
from nova_vmrun.inspection import drive_images
from nova_vmrun.inspection import inspector
from nova_vmrun.machine import model
from nova_vmrun.ops.nova import glance
from nova_vmrun.ops import parts
from nova_vmrun.server import disks
from nova_vmrun.storage import image_cache

LOG = logging.getLogger(__name__)

# Raises an error if a file is not the image that it is said to be.
_Inspect = abc.Callable[[str, inspector.Image], object]


@dataclasses.dataclass(frozen=True)
class Prepared:
    """Images for the drives of a server.

    :ivar isos: paths in the cache, in the order of the drives
    :ivar floppy: path in the cache, or None
    """

    isos: tuple[str, ...]
    floppy: str | None


class Drives:
    """Fills the drives of servers."""

    def __init__(self, host: parts.Host, servers: parts.Servers,
                 images: parts.Images) -> None:
        self._cache = images.cache
        self._layout = servers.layout
        self._product = host.product

    def prepare(self, context: nova_context.RequestContext,
                instance: nova_instance.Instance,
                image: inspector.Image | None,
                hardware: model.Hardware,
                may_lack_some: bool = False) -> Prepared:
        """Fetch the image itself or the images that its properties name.

        :param context: of the user, who must have access to each image, even
            if the cache has it
        :param image: goes into the first drive if it is an ISO image; None if
            the server boots from a volume
        :param may_lack_some: go on without images that no longer exist, since
            the server had them when it was made
        :raises ImageRefused: an image is missing, or not what it must be
        :raises InvalidConfiguration: the product lacks an ISO image
        """
        if not may_lack_some:
            for name in hardware.tools_isos:
                self._require_tools_iso(name)
        show = self._show_or_warn if may_lack_some else _show
        images = [image] if image and image.disk_format == 'iso' else []
        images += filter(None, (show(context, image_id)
                                for image_id in hardware.iso_images))
        isos = tuple(
            self._fetch(context, instance, each, image_cache.CD,
                        drive_images.require_iso) for each in images)
        floppy = (show(context, hardware.floppy_image)
                  if hardware.floppy_image else None)
        if floppy is None:
            return Prepared(isos, None)
        return Prepared(isos, self._fetch(
            context, instance, floppy, image_cache.FLOPPY,
            drive_images.require_floppy))

    def _show_or_warn(self, context: nova_context.RequestContext,
                      image_id: str) -> inspector.Image | None:
        try:
            return _show(context, image_id)
        except exception.ImageRefused as error:
            LOG.warning('A drive stays empty: %s', error)
            return None

    def _fetch(self, context: nova_context.RequestContext,
               instance: nova_instance.Instance, image: inspector.Image,
               name: str, inspect: _Inspect) -> str:
        path: str = self._cache.file(
            image.id, name, glance.downloader(context, instance, image.id),
            lambda path: inspect(path, image), glance.certificates(instance))
        return path

    def _require_tools_iso(self, name: str) -> None:
        if self._find_tools_iso(name) is None:
            raise exception.InvalidConfiguration(
                '%s on this host has no ISO image %s of VMware Tools.'
                % (self._product.name, name),
                'Looked in: %s.' % ', '.join(self._product.tools_folders()),
                'Download VMware Tools in the product, or remove the property '
                'of the image that asks for it: %s.'
                % ' or '.join(properties.names('tools_iso')))

    def _find_tools_iso(self, name: str) -> str | None:
        for folder in self._product.tools_folders():
            path = os.path.join(folder, name)
            if os.path.isfile(path):
                return path
        return None

    def tools_isos(self, uuid: str,
                   hardware: model.Hardware) -> list[str]:
        """Return the paths of the product's own ISO images for a server.

        Images that the product no longer has are left out.
        """
        found = []
        for name in hardware.tools_isos:
            path = self._find_tools_iso(name)
            if path:
                found.append(path)
            else:
                LOG.warning('Server %s goes on without %s: %s no longer has '
                            'it', uuid, name, self._product.name)
        return found

    def place(self, uuid: str, prepared: Prepared) -> None:
        """Put images into the folder of a server whose record lists them."""
        for number, source in enumerate(prepared.isos):
            files.link_or_copy(source, self._layout.file(
                uuid, disks.cd_image(number, None).path))
        if prepared.floppy:
            _copy(prepared.floppy,
                  self._layout.file(uuid, disks.floppy_image().path))

    def put_cd(self, context: nova_context.RequestContext,
               instance: nova_instance.Instance, image: inspector.Image,
               path: str) -> None:
        """Fetch an ISO image and give it a second name.

        :param context: of the user
        :param path: the name
        """
        files.link_or_copy(
            self._fetch(context, instance, image, image_cache.CD,
                        drive_images.require_iso), path)

    def put_floppy(self, context: nova_context.RequestContext,
                   instance: nova_instance.Instance, image: inspector.Image,
                   path: str) -> None:
        """Fetch a floppy image and copy it; parameters as for put_cd."""
        _copy(self._fetch(context, instance, image, image_cache.FLOPPY,
                          drive_images.require_floppy), path)


def plan(prepared: Prepared, bus: str) -> list[disks.Disk]:
    """Return the CDs and the floppy that a new server is to have.

    :param bus: of its CD drives
    """
    planned = [disks.cd_image(number, bus)
               for number in range(len(prepared.isos))]
    return planned + ([disks.floppy_image()] if prepared.floppy else [])


def _show(context: nova_context.RequestContext,
          image_id: str) -> inspector.Image:
    return inspector.Image(
        image_id, glance.show(context, image_id)['disk_format'])


def _copy(source: str, target: str) -> None:
    with files.replacing(target) as part:
        files.copy(source, part)
        os.chmod(part, 0o600)
