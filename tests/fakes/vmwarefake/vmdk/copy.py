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

"""Copying of data: a chain to a single disk, a child into its parent."""

from __future__ import annotations

import os

from vmwarefake import files
from vmwarefake import vmdk
from vmwarefake.vmdk import create
from vmwarefake.vmdk import sparse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import abc
    from vmwarefake.vmdk import descriptor as descriptors
    from vmwarefake.vmdk import disk

GRAIN_BYTES = sparse.GRAIN * vmdk.SECTOR


class _Extent:
    """An open extent, read and written by grains."""

    def __enter__(self) -> _Extent:
        return self

    def __exit__(self, *args: object) -> None:
        """Close it."""

    def grains(self) -> abc.Iterator[tuple[int, int]]:
        """Yield (number of a grain, where to read it) of those with data."""
        return iter(())

    def read_grain(self, grain: int) -> bytes:
        raise NotImplementedError()

    def write_grain(self, grain: int, data: bytes) -> None:
        raise NotImplementedError()


class _Flat(_Extent):
    """A flat extent; its holes have no grains."""

    def __init__(self, path: str, offset: int | None, sectors: int,
                 writable: bool) -> None:
        self._file = open(path, 'r+b' if writable else 'rb')
        self._start = (offset or 0) * vmdk.SECTOR
        self._size = sectors * vmdk.SECTOR

    def __exit__(self, *args: object) -> None:
        self._file.close()

    def grains(self) -> abc.Iterator[tuple[int, int]]:
        position = self._start
        end = self._start + self._size
        while position < end:
            try:
                position = os.lseek(self._file.fileno(), position,
                                    os.SEEK_DATA)
            except OSError:
                return                          # only a hole is left
            hole = os.lseek(self._file.fileno(), position, os.SEEK_HOLE)
            first = (position - self._start) // GRAIN_BYTES
            last = (min(hole, end) - self._start - 1) // GRAIN_BYTES
            for grain in range(first, last + 1):
                yield grain, grain
            position = self._start + (last + 1) * GRAIN_BYTES

    def read_grain(self, grain: int) -> bytes:
        self._file.seek(self._start + grain * GRAIN_BYTES)
        wanted = min(GRAIN_BYTES, self._size - grain * GRAIN_BYTES)
        return self._file.read(wanted).ljust(GRAIN_BYTES, b'\0')

    def write_grain(self, grain: int, data: bytes) -> None:
        room = self._size - grain * GRAIN_BYTES
        self._file.seek(self._start + grain * GRAIN_BYTES)
        self._file.write(data[:room])


class _Sparse(_Extent):
    """A sparse extent."""

    def __init__(self, path: str, writable: bool) -> None:
        self._opened = sparse.SparseExtent(path, writable)

    def __exit__(self, *args: object) -> None:
        self._opened.__exit__(*args)

    def grains(self) -> abc.Iterator[tuple[int, int]]:
        return self._opened.grains()

    def read_grain(self, grain: int) -> bytes:
        return self._opened.read_grain(grain)

    def write_grain(self, grain: int, data: bytes) -> None:
        self._opened.write_grain(grain, data)


def _open_extent(
        link: disk.Disk, extent: descriptors.Extent,
        writable: bool = False) -> _Extent:
    if extent.kind == 'ZERO':
        return _Extent()        # no data
    path = link.extent_path(extent)
    if extent.kind == 'SPARSE':
        return _Sparse(path, writable)
    return _Flat(path, extent.offset, extent.sectors, writable)


def _starts(link: disk.Disk) -> list[tuple[int, descriptors.Extent]]:
    """Return (first grain, extent) of each extent of a link."""
    found = []
    first = 0
    for extent in link.descriptor.extents:
        found.append((first, extent))
        first += extent.sectors // sparse.GRAIN
    return found


def data_of(link: disk.Disk) -> abc.Iterator[tuple[int, bytes]]:
    """Yield (grain number on the disk, data) of each grain of a link."""
    for first, extent in _starts(link):
        with _open_extent(link, extent) as opened:
            for grain, where in opened.grains():
                yield first + grain, opened.read_grain(where)


class Writer:
    """Writes grains to a link and opens its extents when needed."""

    def __init__(self, link: disk.Disk) -> None:
        self._link = link
        self._starts = _starts(link)
        self._open: dict[int, _Extent] = {}

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *args: object) -> None:
        for opened in self._open.values():
            opened.__exit__()

    def write(self, grain: int, data: bytes) -> None:
        first, extent = max((s for s in self._starts if s[0] <= grain),
                            key=lambda s: s[0])
        if first not in self._open:
            self._open[first] = _open_extent(self._link, extent, True)
        self._open[first].write_grain(grain - first, data)


def merge(child: disk.Disk, parent: disk.Disk) -> None:
    """Write the data of ``child`` to ``parent``.

    What a guest reads through the child does not change, so this can be
    interrupted and repeated. The caller sets the parent's content id.
    """
    files.step()
    with Writer(parent) as writer:
        for grain, data in data_of(child):
            writer.write(grain, data)


def flatten(chain: list[disk.Disk], path: str, type_number: int, adapter: str,
            hardware: int) -> disk.Disk:
    """Copy a chain to a new disk without a parent.

    :param chain: the leaf first.
    """
    new = create.create(path, type_number, chain[0].capacity, adapter,
                        hardware)
    try:
        _fill(new, chain)
    except BaseException:
        for name in new.files():
            files.remove(name)
        raise
    return new


def _fill(new: disk.Disk, chain: list[disk.Disk]) -> None:
    """Write to ``new`` what a guest reads from the chain."""
    zero = bytes(GRAIN_BYTES)
    done = set()
    with Writer(new) as writer:
        for link in chain:
            for grain, data in data_of(link):
                if grain not in done:
                    done.add(grain)
                    if data != zero:
                        writer.write(grain, data)


def type_of(link: disk.Disk) -> int:
    """Return the -t number for a copy of a disk."""
    kinds = {'twoGbMaxExtentSparse': 1, 'monolithicFlat': 2,
             'twoGbMaxExtentFlat': 3}
    return kinds.get(link.descriptor.create_type, 0)
