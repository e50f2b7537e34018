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

"""Move data between links: copy a chain to one disk, merge a child down."""

import os

from vmwarefake import files
from vmwarefake import vmdk
from vmwarefake.vmdk import create
from vmwarefake.vmdk import sparse

GRAIN_BYTES = sparse.GRAIN * vmdk.SECTOR


class _Flat(object):
    """A flat extent, read and written by grains; holes are skipped."""

    def __init__(self, path, offset, sectors, writable):
        self._file = open(path, 'r+b' if writable else 'rb')
        self._start = (offset or 0) * vmdk.SECTOR
        self._size = sectors * vmdk.SECTOR

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self._file.close()

    def grains(self):
        position = self._start
        end = self._start + self._size
        while position < end:
            try:
                position = os.lseek(self._file.fileno(), position,
                                    os.SEEK_DATA)
            except OSError:
                return                          # nothing but a hole
            hole = os.lseek(self._file.fileno(), position, os.SEEK_HOLE)
            first = (position - self._start) // GRAIN_BYTES
            last = (min(hole, end) - self._start - 1) // GRAIN_BYTES
            for grain in range(first, last + 1):
                yield grain, grain
            position = self._start + (last + 1) * GRAIN_BYTES

    def read_grain(self, grain):
        self._file.seek(self._start + grain * GRAIN_BYTES)
        wanted = min(GRAIN_BYTES, self._size - grain * GRAIN_BYTES)
        return self._file.read(wanted).ljust(GRAIN_BYTES, b'\0')

    def write_grain(self, grain, data):
        room = self._size - grain * GRAIN_BYTES
        self._file.seek(self._start + grain * GRAIN_BYTES)
        self._file.write(data[:room])


class _Zero(object):
    """An extent of kind ZERO: no data."""

    def __enter__(self):
        return self

    def __exit__(self, *args):
        return None

    def grains(self):
        return iter(())


def _open_extent(link, extent, writable=False):
    if extent.kind == 'ZERO':
        return _Zero()
    path = link.extent_path(extent)
    if extent.kind == 'SPARSE':
        return sparse.SparseExtent(path, writable)
    return _Flat(path, extent.offset, extent.sectors, writable)


def _starts(link):
    """Return (first grain, extent) for each extent of a link."""
    found = []
    first = 0
    for extent in link.descriptor.extents:
        found.append((first, extent))
        first += extent.sectors // sparse.GRAIN
    return found


def data_of(link):
    """Yield (grain number on the disk, its bytes) of what a link holds."""
    for first, extent in _starts(link):
        with _open_extent(link, extent) as opened:
            for grain, where in opened.grains():
                yield first + grain, opened.read_grain(where)


class Writer(object):
    """Writes grains to a link, opening its extents as they are needed."""

    def __init__(self, link):
        self._link = link
        self._starts = _starts(link)
        self._open = {}

    def __enter__(self):
        return self

    def __exit__(self, *args):
        for opened in self._open.values():
            opened.__exit__()

    def write(self, grain, data):
        first, extent = max((s for s in self._starts if s[0] <= grain),
                            key=lambda s: s[0])
        if first not in self._open:
            self._open[first] = _open_extent(self._link, extent, True)
        self._open[first].write_grain(grain - first, data)


def merge(child, parent):
    """Write what ``child`` holds into ``parent``, which keeps its name.

    What a guest reads through the child is the same before, during and
    after, so this may be cut off and repeated. The parent's content id is
    left to the caller.
    """
    files.step()
    with Writer(parent) as writer:
        for grain, data in data_of(child):
            writer.write(grain, data)


def flatten(chain, path, type_number, adapter, hardware):
    """Copy a chain to a new disk that stands alone.

    :param chain: list of disk.Disk, the leaf first.
    :returns: the new disk.Disk.
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


def _fill(new, chain):
    """Write to ``new`` what a guest would read from the chain."""
    zero = bytes(GRAIN_BYTES)
    done = set()
    with Writer(new) as writer:
        for link in chain:
            for grain, data in data_of(link):
                if grain not in done:
                    done.add(grain)
                    if data != zero:
                        writer.write(grain, data)


def type_of(link):
    """Return the -t number to give to a copy of a disk."""
    kinds = {'twoGbMaxExtentSparse': 1, 'monolithicFlat': 2,
             'twoGbMaxExtentFlat': 3}
    return kinds.get(link.descriptor.create_type, 0)
