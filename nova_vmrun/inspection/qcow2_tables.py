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

"""Whether all of a qcow2's content is in its file; see disk_tables.py."""

import struct

from oslo_utils import units

from nova_vmrun.inspection import blocks

# Cluster bits, size, encryption, entries of the first table, and its offset.
_HEADER = struct.Struct('>IQIIQ')
_HEADER_AT = 20
_CLUSTER_BITS = range(9, 22)
# QEMU's own limit.
_LARGEST_TABLE = 32 * units.Mi
_OFFSET = 0x00fffffffffffe00
# Compressed clusters have another layout, and qemu-img notices their end.
# Those that read as zeros need no place in the file.
_NO_PLACE = 1 << 62 | 1


def is_whole(file, size):
    """Tells whether each cluster ends before the file does.

    :param file: a qcow2, open for reading
    :param size: bytes of the disk that a guest sees
    :raises struct.error: even the header is cut off
    :raises Damaged: of blocks; the tables are
    """
    file.seek(_HEADER_AT)
    bits, _size, _method, entries, offset = _HEADER.unpack(
        file.read(_HEADER.size))
    if bits not in _CLUSTER_BITS or entries * 8 > _LARGEST_TABLE:
        return False
    disk = blocks.Disk(file, size, 1 << bits)
    return disk.holds(_clusters(disk, offset, entries))


def _clusters(disk, offset, entries):
    """Yields the places of clusters; of each table those that lie last.

    A table that is named often is read once: it is never more than the file.
    """
    each = disk.block // 8
    needed = min(entries, -(-disk.count // each))
    seen = {0}
    for number, entry in enumerate(disk.table(offset, needed, 'Q', True)):
        table = entry & _OFFSET
        if table % disk.block:
            raise blocks.Damaged()
        if table in seen and (not table or number < needed - 1):
            continue
        seen.add(table)
        places = disk.piece(table, 0, each, 'Q', True)
        first = number * each
        # The disk may end within the table, and within its last cluster.
        last = min(each, disk.count - first) - 1
        yield first, _furthest(places[:last])
        yield first + last, _furthest(places[last:last + 1])


def _furthest(places):
    return max((place & _OFFSET for place in places
                if not place & _NO_PLACE), default=0)
