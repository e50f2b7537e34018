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

"""One file of a disk that lies in many."""

import os
import shutil

from oslo_utils import units

from nova_vmrun import exception
from nova_vmrun.formats import vmdk
from nova_vmrun.storage import linked
from nova_vmrun.tools import process
from nova_vmrun.tools import qemu_img as qemu_imgs

_RESERVE = 64 * units.Mi
# A disk of some TiB on a slow drive; whoever waits can press Ctrl-C.
_SECONDS = 48 * 3600


def tool(path):
    """Returns the nova_vmrun.tools.qemu_img.QemuImg of a path."""
    return qemu_imgs.QemuImg(process.Runner(), path, _SECONDS)


def make_one_file(disk, folder, qemu_img):
    """Writes the content of a disk into one streamOptimized VMDK.

    :param disk: a disk_files.DiskFiles
    :param folder: where the file is made
    :param qemu_img: a nova_vmrun.tools.qemu_img.QemuImg
    :returns: path of the file
    :raises DiskFull: it may not fit
    :raises DiskChanged: somebody wrote to the disk meanwhile
    :raises InvalidVmdk: the disk is damaged
    """
    _require_space(disk, folder)
    target = os.path.join(folder, 'disk.vmdk')
    before = disk.marks()
    adapter = disk.adapter_by_vmware or 'lsilogic'
    qemu_img.convert_chain(disk.chain, adapter, target)
    if disk.marks() != before:
        raise exception.DiskChanged(
            'The disk %s was written to while it was read.' % disk.chain[0],
            'Its VM was started.', 'Shut the guest down, and try again.')
    made = linked.read_descriptor(target).create_type
    size = linked.read_header(target).capacity
    if (made, size) != (vmdk.STREAM_OPTIMIZED, disk.size):
        raise exception.InvalidVmdk(
            'What was made of %s is not what it must be.' % disk.chain[0],
            'qemu-img made %r of %d bytes; the disk has %d.'
            % (made, size, disk.size), 'See whether the disk is whole.')
    return target


def _require_space(disk, folder):
    # Compression takes most data down; what is compressed grows by 1 %.
    needed = min(disk.allocated, disk.size) * 101 // 100 + _RESERVE
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise exception.DiskFull(
            'There is not enough space to make one file of %s.'
            % disk.chain[0], 'It may need %d MiB; %s has %d MiB.'
            % (needed // units.Mi, folder, free // units.Mi),
            'Free some space, or name another folder with --work-dir.')
