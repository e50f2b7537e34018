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

"""Check that a qcow2 file contains all of its clusters; see disk_tables.py."""

import array
from collections.abc import Iterator
import struct

from oslo_utils import units

from nova_vmrun.inspection import blocks
from nova_vmrun.inspection import file_slice

# Cluster bits, size, encryption, number of L1 entries, offset of the L1 table.
_HEADER = struct.Struct('>IQIIQ')
_HEADER_OFFSET = 20
_CLUSTER_BITS = range(9, 22)
# QEMU's own limit.
_LARGEST_L1_TABLE = 32 * units.Mi
_OFFSET = 0x00fffffffffffe00
# Compressed clusters have another layout, and qemu-img notices if they are
# truncated. Clusters that read as zeros take no space in the file.
_COMPRESSED_OR_ZERO = 1 << 62 | 1


def is_complete(file: file_slice.Reader, size: int) -> bool:
    """Return whether every cluster ends before the file does.

    :param file: a qcow2, open for reading
    :param size: bytes of the disk as the guest sees it
    :raises struct.error: the header is truncated
    :raises Damaged: the tables are damaged
    """
    file.seek(_HEADER_OFFSET)
    bits, _size, _method, entries, offset = _HEADER.unpack(
        file.read(_HEADER.size))
    if bits not in _CLUSTER_BITS or entries * 8 > _LARGEST_L1_TABLE:
        return False
    disk = blocks.Disk(file, size, 1 << bits)
    return disk.contains(_last_clusters(disk, offset, entries))


def _last_clusters(disk: blocks.Disk, offset: int,
                   entries: int) -> Iterator[blocks.Block]:
    """Yield, for each L2 table, the clusters stored last in the file.

    An L2 table that is referred to many times is read once, so that no more
    is read than the file contains.
    """
    entries_per_table = disk.block_size // 8
    needed = min(entries, -(-disk.block_count // entries_per_table))
    seen = {0}
    for number, entry in enumerate(disk.read_table(offset, needed, 'Q',
                                                   True)):
        table = entry & _OFFSET
        if table % disk.block_size:
            raise blocks.Damaged()
        if table in seen and (not table or number < needed - 1):
            continue
        seen.add(table)
        clusters = disk.read_entries(table, 0, entries_per_table, 'Q', True)
        first = number * entries_per_table
        # The disk may end within the table, and within its last cluster.
        last = min(entries_per_table, disk.block_count - first) - 1
        yield blocks.Block(first, _last_offset(clusters[:last]))
        yield blocks.Block(first + last,
                           _last_offset(clusters[last:last + 1]))


def _last_offset(entries: 'array.array[int]') -> int:
    return max((entry & _OFFSET for entry in entries
                if not entry & _COMPRESSED_OR_ZERO), default=0)
