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

"""Base disks with the same content in the caches of two storage folders.

A linked disk that moves from one folder to another is linked to the twin of
its base disk there.
"""

import os

from nova_vmrun import exception
from nova_vmrun.storage import cache_entry
from nova_vmrun.storage import damaged_bases
from nova_vmrun.storage import folders
from nova_vmrun.storage import linked
from nova_vmrun.tools import qemu_img as qemu_img_tool


def exists(folder: folders.StorageFolder, base: str) -> bool:
    """Return whether the cache of a folder has the twin of a base disk.

    :param base: absolute path of the base disk, in another cache
    """
    image, name = os.path.split(base)
    return cache_entry.Entry(os.path.join(
        folder.layout.cache, os.path.basename(image))).find_damage(name) is (
            None)


def make(folder: folders.StorageFolder, qemu_img: qemu_img_tool.QemuImg,
         base: str) -> str:
    """Return the path of the twin of a base disk; copy it if need be.

    :param folder: whose cache is to have it
    :param base: absolute path of the base disk, which a server uses
    :raises BaseDamaged: one of the two was written to
    :raises DiskFull: there is not enough space
    """
    image, name = os.path.split(base)
    origin = cache_entry.Entry(image)
    damage = origin.find_damage(name)
    if damage is not None:
        raise _damaged(base, damage)
    image_id = os.path.basename(image)
    with folder.cache.locked(image_id) as entry:
        if damaged_bases.DamagedBases(folder.users).remove_broken(
                entry, image_id, name):
            entry.start_work()
            linked.make_copy(base, entry.work(name), 'lsilogic')
            entry.save_facts(**origin.facts)
            # Nobody has compared it with a signed image.
            entry.forget_verified(cache_entry.DISKS)
            entry.publish(entry.work(name), name)
        elif not qemu_img.have_same_content(base, entry.path(name)):
            raise _damaged(entry.path(name), 'Its content differs from that '
                           'of %s.' % base)
        entry.touch(name)
        return entry.path(name)


def _damaged(path: str, damage: str) -> exception.BaseDamaged:
    return exception.BaseDamaged(
        'No disk can be linked to the base disk %s.' % path, damage,
        'Restore it with its modification time from a backup.')
