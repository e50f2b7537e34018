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

"""An image cache with tools that write headers alone, for unit tests."""

import errno
import os
from unittest import mock

import fixtures
from oslo_utils import units

from nova_vmrun.inspection import inspector
from nova_vmrun.server import layout
from nova_vmrun.storage import base_disk_usage
from nova_vmrun.storage import image_cache
from nova_vmrun.storage import linked
from nova_vmrun.tools import qemu_img
from nova_vmrun.tools import vdiskmanager
from tests.unit import base
from tests.unit import images
from tests.unit import vmdks

IMAGE = 'aaaaaaaa-1111-2222-3333-444444444444'
OTHER_IMAGE = 'bbbbbbbb-1111-2222-3333-444444444444'


def resize(disk, size):
    """Writes a VMDK of a size in place of whatever is there."""
    vmdks.write(disk, sectors=size // 512)


def damage(disk):
    """Does what a program does that opens a disk for writing."""
    os.chmod(disk, 0o600)
    vmdks.write(disk, cid='12345678',
                sectors=linked.read_header(disk).capacity // 512)


class Tools:
    """qemu-img and vmware-vdiskmanager that write headers alone."""

    def __init__(self):
        self.image_size = units.Mi
        self.qemu_img = mock.create_autospec(qemu_img.QemuImg, instance=True)
        self.qemu_img.convert_to_vmdk.side_effect = self._convert
        self.qemu_img.shrink_vmdk.side_effect = (
            lambda source, size, target: resize(target, size))
        self.qemu_img.create_child.side_effect = self._create_child
        self.vdiskmanager = mock.create_autospec(vdiskmanager.VDiskManager,
                                                 instance=True)
        self.vdiskmanager.grow.side_effect = (
            lambda disk, size_mb: resize(disk, size_mb * units.Mi))

    def _convert(self, source, source_format, target, size, span, available):
        resize(target, self.image_size)

    def _create_child(self, parent, child):
        vmdks.write(child, parent_cid=linked.read_descriptor(parent).cid,
                    hint=parent)

    def runs(self):
        """Returns the names of all calls so far."""
        return [call[0] for tool in (self.qemu_img, self.vdiskmanager)
                for call in tool.method_calls]


class TestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        # No power cut is expected in a test, and disks are slow.
        self.useFixture(fixtures.MockPatch('os.fsync'))
        self.layout = layout.Layout(
            self.useFixture(fixtures.TempDir()).path, '_base')
        self.layout.prepare()
        self.folder = os.path.join(self.layout.cache, IMAGE)
        self.tools = Tools()
        self.users = base_disk_usage.BaseDiskUsage(self.layout)
        self.cache = self.make_cache(self.tools.vdiskmanager)
        self.downloads = []

    def make_cache(self, disks):
        return image_cache.ImageCache(
            self.layout, self.tools.qemu_img, disks,
            ['monolithicSparse', 'streamOptimized'],
            self.users)

    def download(self, path):
        self.downloads.append(path)
        with open(path, 'wb') as file:
            file.write(images.qcow2(self.tools.image_size))

    def base(self, root_gb=1, image_id=IMAGE, disk_format='qcow2',
             download=None, certificates=()):
        return self.cache.base(inspector.Image(image_id, disk_format),
                               root_gb, download or self.download,
                               certificates)

    def forbid(self, path):
        """Makes a file or folder as one that only root may read."""
        def refusing(real):
            def called(name, *args, **kwargs):
                if name == path:
                    raise PermissionError(errno.EACCES, os.strerror(
                        errno.EACCES), path)
                return real(name, *args, **kwargs)
            return called

        for name, real in (('builtins.open', open), ('os.open', os.open),
                           ('os.scandir', os.scandir)):
            self.useFixture(fixtures.MockPatch(name, refusing(real)))

    def capacity(self, disk):
        return linked.read_header(disk).capacity

    def link(self, made, *names):
        """Makes a disk that is linked to a Base."""
        path = os.path.join(self.layout.root, *names)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        linked.make_child(made.delta, made.disk, path, 'sata')
        return path
