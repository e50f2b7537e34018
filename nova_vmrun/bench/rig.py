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

"""The driver's image cache and linked disks, without Nova."""

from collections.abc import Callable
import os
import shutil

from nova_vmrun.inspection import inspector
from nova_vmrun.server import layout
from nova_vmrun.storage import base_disk_usage
from nova_vmrun.storage import image_cache
from nova_vmrun.storage import linked
from nova_vmrun.tools import messages
from nova_vmrun.tools import process
from nova_vmrun.tools import qemu_img
from nova_vmrun.tools import vdiskmanager

IMAGE = 'aaaaaaaa-1111-2222-3333-444444444444'
CREATE_TYPES = ('monolithicSparse', 'streamOptimized')
# Seconds for one program.
_TIMEOUT = 600


class Rig:
    """An image cache in a folder, and the tools that it runs.

    :param folder: for the instances; it exists
    :param vdiskmanager_path: None if it is not installed
    :ivar runner: its counts of processes, among others
    """

    def __init__(self, folder: str, runner: process.Runner,
                 vdiskmanager_path: str | None,
                 qemu_img_path: str = 'qemu-img') -> None:
        self.runner = runner
        self.qemu_img_path = qemu_img_path
        self.layout = layout.Layout(os.path.join(folder, 'instances'),
                                    '_base')
        self.layout.prepare()
        self.qemu_img = qemu_img.QemuImg(runner, qemu_img_path, _TIMEOUT)
        self.cache = image_cache.ImageCache(
            self.layout, self.qemu_img,
            vdiskmanager_path and vdiskmanager.VDiskManager(
                runner, vdiskmanager_path, _TIMEOUT) or None,
            CREATE_TYPES, base_disk_usage.BaseDiskUsage(self.layout))

    def base(self, download: Callable[[str], object],
             image_format: str = 'qcow2',
             root_gb: int = 0) -> image_cache.CachedBase:
        """Return the base disk of the image that download writes."""
        return self.cache.base(inspector.Image(IMAGE, image_format), root_gb,
                               download)

    def boot(self, uuid: str, download: Callable[[str], object],
             link: bool = True) -> str:
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

    def forget(self) -> None:
        """Remove all servers and images."""
        shutil.rmtree(self.layout.root)
        self.layout.prepare()

    def run(self, *words: str) -> None:
        """Run a program that must succeed.

        :raises VmrunError: it failed
        """
        result = self.runner.run(*words, timeout=_TIMEOUT)
        if result.exit_code:
            raise messages.refusal(result, '%s failed.' % words[0])
