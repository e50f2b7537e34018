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

"""Creation of disks of all types, and of children."""

from __future__ import annotations

import os

from vmwarefake import files
from vmwarefake import vmdk
from vmwarefake.vmdk import descriptor as descriptors
from vmwarefake.vmdk import disk
from vmwarefake.vmdk import sparse

#: vmware-vdiskmanager's -t
TYPES = {0: 'monolithicSparse', 1: 'twoGbMaxExtentSparse',
         2: 'monolithicFlat', 3: 'twoGbMaxExtentFlat', 4: 'vmfs',
         5: 'streamOptimized', 6: 'vmfs'}
FLAT_TYPES = (2, 3, 4, 6)
SPLIT_SPARSE = 8323072
SPLIT_FLAT = 4192256

#: Split disks have split deltas; deltas are always sparse.
_CHILD_TYPE = {'twoGbMaxExtentSparse': 1, 'twoGbMaxExtentFlat': 1}


def geometry(sectors: int, adapter: str) -> dict[str, str]:
    """Return the ddb settings for the geometry that a guest sees."""
    heads = 16 if adapter == 'ide' else 255
    cylinders = max(1, sectors // (heads * 63))
    if adapter == 'ide':
        cylinders = min(cylinders, 16383)
    return {'ddb.geometry.cylinders': str(cylinders),
            'ddb.geometry.heads': str(heads),
            'ddb.geometry.sectors': '63'}


def _ddb(sectors: int, adapter: str, hardware: int, cid: str,
         thin: bool) -> dict[str, str]:
    ddb = {'ddb.adapterType': adapter}
    ddb.update(geometry(sectors, adapter))
    ddb['ddb.longContentID'] = os.urandom(12).hex() + cid
    unique = bytes((0x60, 0x00, 0xc2, 0x90)) + os.urandom(12)
    pairs = ['%02x' % byte for byte in unique]
    ddb['ddb.uuid'] = '%s-%s' % (' '.join(pairs[:8]), ' '.join(pairs[8:]))
    if thin:
        ddb['ddb.thinProvisioned'] = '1'
    ddb['ddb.virtualHWVersion'] = str(hardware)
    return ddb


def _split(sectors: int, size: int) -> list[int]:
    """Split a capacity into extents of at most ``size`` sectors."""
    whole, rest = divmod(sectors, size)
    return [size] * whole + ([rest] if rest else [])


def layout(path: str, type_number: int,
           sectors: int) -> list[descriptors.Extent]:
    """Return the extents of a new disk, with names relative to the disk."""
    name = os.path.basename(path)
    base = name[:-5] if name.endswith('.vmdk') else name
    if type_number == 0:
        return [descriptors.Extent('RW', sectors, 'SPARSE', name)]
    if type_number == 1:
        return [descriptors.Extent('RW', size, 'SPARSE',
                                   '%s-s%03d.vmdk' % (base, n + 1))
                for n, size in enumerate(_split(sectors, SPLIT_SPARSE))]
    if type_number == 3:
        return [descriptors.Extent('RW', size, 'FLAT',
                                   '%s-f%03d.vmdk' % (base, n + 1), 0)
                for n, size in enumerate(_split(sectors, SPLIT_FLAT))]
    if type_number == 2:
        return [descriptors.Extent('RW', sectors, 'FLAT',
                                   base + '-flat.vmdk', 0)]
    return [descriptors.Extent('RW', sectors, 'VMFS', base + '-flat.vmdk')]


def describe(
        path: str, type_number: int, sectors: int, adapter: str, hardware: int,
        parent: tuple[disk.Disk, str] | None = None) -> descriptors.Descriptor:
    """Return the descriptor of a new disk.

    :param parent: the parent of a child, and the hint to its path.
    """
    cid = parent[0].descriptor.cid if parent else descriptors.new_cid()
    header = {
        'version': '1', 'encoding': 'UTF-8', 'CID': cid,
        'parentCID': cid if parent else descriptors.NO_PARENT,
        'createType': TYPES[type_number]}
    if parent:
        header['parentFileNameHint'] = parent[1]
    return descriptors.Descriptor(
        header, layout(path, type_number, sectors),
        _ddb(sectors, adapter, hardware, cid, type_number == 6))


def _refuse_existing(paths: list[str]) -> None:
    for path in paths:
        if os.path.lexists(path):
            raise vmdk.DiskError(vmdk.EXISTS, path)


def create(path: str, type_number: int, sectors: int,
           adapter: str = 'lsilogic', hardware: int = 20,
           parent: tuple[disk.Disk, str] | None = None) -> disk.Disk:
    """Make an empty disk.

    :param sectors: capacity in 512-byte sectors.
    :param parent: the parent of a child, and the hint to its path.
    :raises vmdk.DiskError: EXISTS if one of its files exists.
    """
    described = describe(path, type_number, sectors, adapter, hardware,
                         parent)
    new = disk.Disk(os.path.abspath(path), described, type_number == 0)
    _refuse_existing(new.files())
    text = described.text()
    if new.embedded:
        sparse.create(path, sectors, text)
        return new
    for extent in described.extents:
        make_extent(new.extent_path(extent), extent)
    files.replace(path, text.encode('utf-8', 'surrogateescape'))
    return new


def make_extent(path: str, extent: descriptors.Extent) -> None:
    """Make the empty file of an extent."""
    if extent.kind == 'SPARSE':
        sparse.create(path, extent.sectors)
        return
    files.check_space(path)
    with open(path, 'xb') as f:
        f.truncate(extent.sectors * vmdk.SECTOR)


def create_child(path: str, parent: disk.Disk,
                 hint: str | None = None) -> disk.Disk:
    """Make an empty delta on top of a disk.

    :param hint: parentFileNameHint. Default: the parent's name if both are in
        the same folder, else its absolute path.
    """
    path = os.path.abspath(path)
    if hint is None:
        same = os.path.dirname(path) == parent.directory
        hint = os.path.basename(parent.path) if same else parent.path
    return create(path, _CHILD_TYPE.get(parent.descriptor.create_type, 0),
                  parent.capacity,
                  parent.descriptor.ddb.get('ddb.adapterType', 'lsilogic'),
                  int(parent.descriptor.ddb.get('ddb.virtualHWVersion', '20')),
                  (parent, hint))
