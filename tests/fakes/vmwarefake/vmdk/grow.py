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

"""Changes of a disk in place: its capacity, its name, its grains."""

from __future__ import annotations

import os
import shutil

from vmwarefake import files
from vmwarefake import vmdk
from vmwarefake.vmdk import copy
from vmwarefake.vmdk import create
from vmwarefake.vmdk import sparse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vmwarefake.vmdk import disk


def grow(link: disk.Disk, sectors: int) -> None:
    """Expand a disk of type 0 to 3 without copying data.

    :param sectors: the new capacity.
    :raises vmdk.DiskError: for types that cannot grow.
    """
    grown = {'monolithicSparse': _grow_sparse, 'monolithicFlat': _grow_flat,
             'twoGbMaxExtentSparse': _grow_split,
             'twoGbMaxExtentFlat': _grow_split}
    if link.descriptor.create_type not in grown:
        raise vmdk.DiskError(vmdk.WRONG_DEVICE, link.path)
    grown[link.descriptor.create_type](link, sectors)
    adapter = link.descriptor.ddb.get('ddb.adapterType', 'lsilogic')
    link.descriptor.ddb.update(create.geometry(sectors, adapter))
    link.renew_cid()


def _grow_sparse(link: disk.Disk, sectors: int) -> None:
    with sparse.SparseExtent(link.path, writable=True) as extent:
        extent.grow(sectors)
    link.descriptor.extents[0].sectors = sectors


def _grow_flat(link: disk.Disk, sectors: int) -> None:
    extent = link.descriptor.extents[-1]
    added = sectors - link.capacity
    path = link.extent_path(extent)
    files.check_space(path)
    os.truncate(path, ((extent.offset or 0) + extent.sectors + added)
                * vmdk.SECTOR)
    extent.sectors += added


def _grow_split(link: disk.Disk, sectors: int) -> None:
    """Fill the last extent, then add extents."""
    extents = link.descriptor.extents
    is_sparse = link.descriptor.create_type == 'twoGbMaxExtentSparse'
    limit = create.SPLIT_SPARSE if is_sparse else create.SPLIT_FLAT
    last = extents[-1]
    room = min(sectors - link.capacity, max(0, limit - last.sectors))
    if room and is_sparse:
        with sparse.SparseExtent(link.extent_path(last),
                                 writable=True) as opened:
            opened.grow(last.sectors + room)
        last.sectors += room
    elif room:
        _grow_flat(link, link.capacity + room)
    wanted = create.layout(link.path, 1 if is_sparse else 3,
                           sectors - link.capacity)
    base = os.path.splitext(os.path.basename(link.path))[0]
    for extent in wanted:
        extent.filename = '%s-%s%03d.vmdk' % (
            base, 's' if is_sparse else 'f', len(extents) + 1)
        create.make_extent(link.extent_path(extent), extent)
        extents.append(extent)


def compact(link: disk.Disk) -> None:
    """Rewrite a sparse disk in order, without grains of zeros.

    The content id stays the same, like the content.
    """
    number = copy.type_of(link)
    folder = link.path + '.compact'
    os.mkdir(folder)
    try:
        name = os.path.join(folder, os.path.basename(link.path))
        adapter = link.descriptor.ddb.get('ddb.adapterType', 'lsilogic')
        new = copy.flatten([link], name, number, adapter, 20)
        new.descriptor.header = dict(link.descriptor.header)
        new.descriptor.ddb = dict(link.descriptor.ddb)
        new.save()
        for path in reversed(new.files()):
            os.replace(path, os.path.join(link.directory,
                                          os.path.basename(path)))
    finally:
        shutil.rmtree(folder)


def rename(link: disk.Disk, path: str) -> None:
    """Rename a disk and its extents.

    :param path: the new absolute path.
    """
    if os.path.lexists(path):
        raise vmdk.DiskError(vmdk.EXISTS, path)
    old = os.path.splitext(os.path.basename(link.path))[0]
    new = os.path.splitext(os.path.basename(path))[0]
    if link.embedded:
        os.rename(link.path, path)
        link.path = path
        link.descriptor.extents[0].filename = os.path.basename(path)
        link.save()
        return
    moves = []
    for extent in link.descriptor.extents:
        if extent.filename and extent.filename.startswith(old + '-'):
            source = link.extent_path(extent)
            extent.filename = new + extent.filename[len(old):]
            moves.append((source, os.path.join(os.path.dirname(path),
                                               extent.filename)))
    for _, target in moves:
        if os.path.lexists(target):
            raise vmdk.DiskError(vmdk.EXISTS, target)
    for source, target in moves:
        os.rename(source, target)
    os.rename(link.path, path)
    link.path = path
    link.save()


def repair(link: disk.Disk) -> bool:
    """Repair the sparse extents of a link.

    :returns: whether something was wrong.
    """
    repaired = False
    for extent in link.descriptor.extents:
        if extent.kind != 'SPARSE':
            continue
        with sparse.SparseExtent(link.extent_path(extent),
                                 writable=True) as opened:
            repaired = opened.repair() or repaired
    return repaired
