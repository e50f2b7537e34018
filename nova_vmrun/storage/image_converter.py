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

"""Convert a downloaded image to a VMDK of a certain size."""

from collections.abc import Callable
from collections.abc import Collection
import contextlib
import dataclasses
import os

from oslo_log import log as logging
from oslo_utils import units

from nova_vmrun import exception
from nova_vmrun.formats import vmdk
from nova_vmrun.host import space
from nova_vmrun.inspection import inspector
from nova_vmrun.storage import linked
from nova_vmrun.tools import qemu_img as qemu_img_tool
from nova_vmrun.tools import vdiskmanager as vdiskmanager_tool

LOG = logging.getLogger(__name__)

# Writes an image to a path.
Download = Callable[[str], object]


class ImageConverter:
    """Converter of images to VMDKs.

    :param vdiskmanager: None if it is not installed
    :param create_types: VMDK create types that images may have
    """

    def __init__(self, qemu_img: qemu_img_tool.QemuImg,
                 vdiskmanager: vdiskmanager_tool.VDiskManager | None,
                 create_types: Collection[str]) -> None:
        self._qemu_img = qemu_img
        self._vdiskmanager = vdiskmanager
        self._create_types = create_types

    def convert(self, image: inspector.Image, root_gb: int,
                download: Download, source: str,
                target: str) -> inspector.Content:
        """Download an image, convert it and remove the download.

        :param root_gb: GiB to grow the disk to; 0: keep the image's size
        :param source: the path to download to
        :param target: the .vmdk to create
        :returns: what the image is; its size is that of the disk without
            growing
        :raises ImageRefused: the image must not be used
        :raises DiskTooSmall: the image is larger than root_gb
        :raises DiskFull: there is not enough space
        """
        download(source)
        content = inspector.inspect(source, image, self._create_types)
        if content.unpacked_path:
            os.remove(source)
            source = content.unpacked_path
        size = whole_sectors(content.size)
        check_size(root_gb * units.Gi, size)
        LOG.info('Converting image %s from %s', image.id, content.format)
        file_system = space.of_instances(os.path.dirname(target))
        try:
            self._qemu_img.convert_to_vmdk(source, content.format, target,
                                           size, content.span,
                                           file_system.available)
        except exception.DiskFull as error:
            LOG.warning('Image %s cannot be converted: %s', image.id, error)
            with contextlib.suppress(FileNotFoundError):
                os.remove(target)
            raise file_system.disk_full(
                'Cannot convert the disk of image %s.' % image.id,
                'It may need %d MiB.' % (size // units.Mi)) from error
        except exception.ToolRefused as error:
            LOG.warning('Image %s cannot be converted: %s', image.id, error)
            raise exception.ImageRefused(
                image.id, 'qemu-img cannot read it as %s.' % content.format,
                'Check it with "qemu-img check", and upload it again.')
        os.remove(source)
        # The size that the image states and the result of QEMU may differ.
        size = capacity(target)
        check_size(root_gb * units.Gi, size)
        self.grow(target, root_gb)
        return dataclasses.replace(content, size=size)

    def grow(self, disk: str, root_gb: int) -> None:
        """Enlarge a disk to a number of GiB unless it is that large.

        :raises InvalidConfiguration: vmware-vdiskmanager is not installed
        :raises DiskFull: there is not enough space
        """
        wanted = root_gb * units.Gi
        if wanted <= capacity(disk):
            return
        if self._vdiskmanager is None:
            raise exception.InvalidConfiguration(
                'Cannot enlarge a disk, because vmware-vdiskmanager is not '
                'installed.',
                resolution='Set [vmrun] vdiskmanager_path, or use a flavor '
                           'with disk 0, which keeps the size of the image.')
        space.of_instances(os.path.dirname(disk)).require(
            qemu_img_tool.table_size(wanted),
            'Cannot enlarge a disk to %d GiB.' % root_gb)
        os.chmod(disk, 0o600)
        self._vdiskmanager.grow(disk, size_mb=wanted // units.Mi)


def whole_sectors(size: int) -> int:
    """Round a size in bytes up to whole sectors."""
    return -(-size // vmdk.SECTOR) * vmdk.SECTOR


def check_size(flavor_size: int, image_size: int) -> None:
    """Raise DiskTooSmall if an image does not fit the flavor's root disk.

    :param flavor_size: bytes; 0: whatever the image needs
    :param image_size: bytes
    """
    if flavor_size and flavor_size < image_size:
        raise exception.DiskTooSmall(flavor_size, image_size)


def capacity(disk: str) -> int:
    """Return the size in bytes of a VMDK as the guest sees it."""
    return linked.read_header(disk).capacity
