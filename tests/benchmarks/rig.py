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

"""Our own classes, put together without Nova's API."""

import os
import random
import shutil
import sys

from oslo_utils import units

from nova_vmrun.inspection import inspector
from nova_vmrun.server import layout
from nova_vmrun.storage import base_disk_usage
from nova_vmrun.storage import image_cache
from nova_vmrun.storage import linked
from nova_vmrun.tools import process
from nova_vmrun.tools import qemu_img
from nova_vmrun.tools import vdiskmanager

IMAGE = 'aaaaaaaa-1111-2222-3333-444444444444'
_FAKES = os.path.join(os.path.dirname(os.path.dirname(__file__)), 'fakes')
_TIMEOUT = 600
CREATE_TYPES = ('monolithicSparse', 'streamOptimized')


class Rig:
    """An image cache in a folder, and the tools that it runs.

    :param folder: for the instances; it exists
    :ivar runner: its counts of processes, among others
    """

    def __init__(self, folder):
        self.runner = process.Runner({
            'FAKE_VMRUN_STATE': os.path.join(folder, 'fake-vmware')})
        self.layout = layout.Layout(os.path.join(folder, 'instances'),
                                    '_base')
        self.layout.prepare()
        self.qemu_img = qemu_img.QemuImg(self.runner, 'qemu-img', _TIMEOUT)
        self.cache = image_cache.ImageCache(
            self.layout, self.qemu_img, vdiskmanager.VDiskManager(
                self.runner, os.path.join(_FAKES, 'fake_vdiskmanager'),
                _TIMEOUT),
            CREATE_TYPES,
            base_disk_usage.BaseDiskUsage(self.layout))

    def base(self, download, image_format='qcow2', root_gb=0):
        """Return the base disk of the image that download writes."""
        return self.cache.base(inspector.Image(IMAGE, image_format), root_gb,
                               download)

    def boot(self, uuid, download, link=True):
        """Make the root disk of a server, as spawn does.

        :returns: its path
        """
        base = self.base(download)
        os.makedirs(self.layout.folder(uuid), exist_ok=True)
        disk = self.layout.file(uuid, 'root.vmdk')
        if link:
            linked.make_child(base.delta, base.disk, disk, 'lsilogic')
        else:
            linked.make_copy(base.disk, disk, 'lsilogic')
        return disk

    def forget(self):
        """Remove all servers and images."""
        shutil.rmtree(self.layout.root)
        self.layout.prepare()

    def run(self, *words):
        """Run a program that must succeed."""
        result = self.runner.run(*words, timeout=_TIMEOUT)
        if result.exit_code:
            sys.exit(result.details())


def make_qcow2(rig, path, size, content):
    """Make a qcow2 image like that of a system which was installed.

    Half of its content is random, half can be compressed, in pieces of 1 MiB
    all over the disk.

    :param rig: a Rig
    :param path: the file to make
    :param size: bytes of the disk
    :param content: bytes that are not zero
    """
    source, pieces = random.Random(6), size // units.Mi
    raw = path + '.raw'
    with open(raw, 'wb') as file:
        file.truncate(size)
        for piece in source.sample(range(pieces), content // units.Mi):
            file.seek(piece * units.Mi)
            file.write(source.randbytes(16 * units.Ki) * 64 if piece % 2 else
                       source.randbytes(units.Mi))
    rig.run('qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', raw, path)
    os.remove(raw)


def file_download(path):
    """Return a download that moves no bytes: a second name for a file."""
    def download(target):
        os.link(path, target)

    return download


def stream_download(path):
    """Return a download that writes a file in chunks, as Glance's does."""
    def download(target):
        with open(path, 'rb') as source, open(target, 'wb') as file:
            shutil.copyfileobj(source, file, 64 * units.Ki)

    return download
