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

"""Convert a disk that consists of several files to a single file."""

import os

from oslo_utils import units

from nova_vmrun.cmd.image import disk_files
from nova_vmrun.host import space
from nova_vmrun.storage import flatten
from nova_vmrun.tools import process
from nova_vmrun.tools import qemu_img as qemu_imgs

_RESERVE = 64 * units.Mi
# Enough for a disk of some TiB on a slow drive; the user can press Ctrl-C.
_SECONDS = 48 * 3600


def tool(path: str) -> qemu_imgs.QemuImg:
    """Return the qemu-img program at a path."""
    return qemu_imgs.QemuImg(process.Runner(), path, _SECONDS)


def make_one_file(disk: disk_files.DiskFiles, folder: str,
                  qemu_img: qemu_imgs.QemuImg) -> str:
    """Copy a disk to one streamOptimized VMDK and return its path.

    :param folder: where to create the file
    :raises DiskFull: there may not be enough space
    :raises DiskChanged: somebody wrote to the disk during the copy
    :raises InvalidVmdk: the disk is damaged
    """
    _require_space(disk, folder)
    target = os.path.join(folder, 'disk.vmdk')
    flatten.flatten(
        qemu_img, flatten.Source(
            'disk %s' % disk.chain[0], disk.chain, disk.files, disk.size,
            disk.adapter_by_vmware or 'lsilogic'), target,
        'Shut the guest down, and try again.')
    return target


def _require_space(disk: disk_files.DiskFiles, folder: str) -> None:
    # Compression makes most data smaller; compressed data grows by 1 %.
    needed = min(disk.allocated, disk.size) * 101 // 100
    space.of_folder(
        folder, 'Free some space, or name another folder with --work-dir.',
        _RESERVE).require(
            needed, 'There is not enough space to copy %s to one file.'
            % disk.chain[0])
