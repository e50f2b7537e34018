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

"""The files that a disk consists of: its own and those of its parents.

All of them were written by us or by VMware, and a guest cannot write to the
descriptors. Check nevertheless that they refer to no other files before a
program reads them with the rights of nova-compute.
"""

from collections.abc import Collection
from collections.abc import Iterable
import os

from nova_vmrun import exception
from nova_vmrun.formats import vmdk
from nova_vmrun.host import paths
from nova_vmrun.storage import linked

# VMware's own limit, disk.maxNumLinks.
_MAX_LINKS = 255


def follow(disk: str, folders: Iterable[str]) -> list[str]:
    """Return the absolute paths of a disk's files, the topmost first.

    :param disk: path of its .vmdk
    :param folders: the folders that its files may be in, at any depth
    :raises InvalidVmdk: a file is missing, is not a sparse VMDK, has changed
        since its child was made, or is in another folder
    """
    roots = [paths.canonical(folder) for folder in folders]
    chain = [_inside(disk, disk, roots)]
    while True:
        child = _read(disk, chain[-1])
        if child.parent_cid == vmdk.NO_PARENT and child.parent_hint is None:
            return chain
        parent = _inside(disk, os.path.join(os.path.dirname(chain[-1]),
                                            child.parent_hint or ''), roots)
        if len(chain) >= _MAX_LINKS:
            raise _broken(disk, 'It has more than %d files, or they refer to '
                          'each other in a circle.' % _MAX_LINKS)
        if _read(disk, parent).cid != child.parent_cid:
            raise _broken(disk, '%s was written to after %s was created from '
                          'it.' % (parent, chain[-1]))
        chain.append(parent)


def _inside(disk: str, path: str, roots: Collection[str]) -> str:
    """Return the real path of a file after checking that it is allowed."""
    real = os.path.realpath(path)
    if not any(paths.canonical(real).startswith(root + os.sep)
               for root in roots):
        raise _broken(disk, 'It refers to %s, which is neither in the '
                      "server's folder nor in an image cache." % real)
    return real


def _read(disk: str, path: str) -> vmdk.Descriptor:
    try:
        header = linked.read_header(path)
        descriptor = linked.read_descriptor(path)
    except (OSError, exception.InvalidVmdk) as error:
        raise _broken(disk, 'Cannot read %s: %s' % (path, error))
    # QEMU treats a sparse file without capacity as a mere descriptor.
    if (not header.capacity or len(descriptor.extents) != 1 or
            descriptor.create_type != vmdk.MONOLITHIC_SPARSE):
        raise _broken(disk, '%s is not a sparse VMDK in one file.' % path)
    return descriptor


def _broken(disk: str, details: str) -> exception.InvalidVmdk:
    return exception.InvalidVmdk(
        'The chain of files of the disk %s is broken.' % disk, details,
        'Find out what happened to the files, and restore them from a backup.')
