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

"""Copy a disk and its parents to one streamOptimized VMDK, for Glance."""

from collections.abc import Sequence
import dataclasses

from nova_vmrun import exception
from nova_vmrun.formats import vmdk
from nova_vmrun.host import files
from nova_vmrun.storage import linked
from nova_vmrun.tools import qemu_img as qemu_img_tool


@dataclasses.dataclass(frozen=True)
class Source:
    """A disk to copy.

    :ivar name: for messages, such as "disk of server X"
    :ivar chain: the .vmdk files: the disk, its parent, and so on to the base
    :ivar files: all files of the disk; none may change during the copy
    :ivar size: bytes as the guest sees them
    :ivar adapter: ide, buslogic or lsilogic
    """

    name: str
    chain: Sequence[str]
    files: Sequence[str]
    size: int
    adapter: str


def flatten(qemu_img: qemu_img_tool.QemuImg, source: Source, target: str,
            advice: str) -> None:
    """Copy a disk to one file and check the result.

    :param target: the .vmdk to create
    :param advice: what to do if the VM of the disk was started
    :raises DiskChanged: the disk was written to during the copy
    :raises InvalidVmdk: the copy is of another type or size
    """
    before = files.fingerprints(source.files)
    qemu_img.convert_chain(source.chain, source.adapter, target)
    if files.fingerprints(source.files) != before:
        raise exception.DiskChanged(
            'The %s was written to while it was read.' % source.name,
            'Its VM was started.', advice)
    create_type = linked.read_descriptor(target).create_type
    size = linked.read_header(target).capacity
    if (create_type, size) != (vmdk.STREAM_OPTIMIZED, source.size):
        raise exception.InvalidVmdk(
            'The copy of the %s is not what it should be.' % source.name,
            'qemu-img made %r of %d bytes; the disk has %d.'
            % (create_type, size, source.size),
            'Check the disk, and use a version of qemu-img that is still '
            'maintained.')
