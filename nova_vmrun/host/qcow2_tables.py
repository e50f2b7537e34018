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

"""Whether all of a qcow2's content is in its file.

qemu-img reads zeros where a file has ended, so that an image that was cut off
would become a disk with holes, and nobody would be told. The tables that say
where each cluster lies are read here, each once.
"""

import array
import struct
import sys

from oslo_utils import units

from nova_vmrun.host import window

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


def is_whole(file):
    """Tells whether each cluster begins before the file ends.

    :param file: a qcow2, open for reading
    :raises struct.error: even the header is cut off
    """
    file.seek(_HEADER_AT)
    bits, _size, _method, entries, offset = _HEADER.unpack(
        file.read(_HEADER.size))
    if bits not in _CLUSTER_BITS or entries * 8 > _LARGEST_TABLE:
        return False
    end = window.size(file)
    first = _table(file, offset, entries * 8)
    if first is None:
        return False
    # A table that is named twice is read once: it is never more than the file.
    for table in {entry & _OFFSET for entry in first} - {0}:
        clusters = None
        if not table % (1 << bits):
            clusters = _table(file, table, 1 << bits)
        if clusters is None or any(
                entry & _OFFSET >= end for entry in clusters
                if not entry & _NO_PLACE):
            return False
    return True


def _table(file, offset, size):
    file.seek(offset)
    data = file.read(size)
    if len(data) < size:
        return None
    entries = array.array('Q', data)
    if sys.byteorder == 'little':
        entries.byteswap()
    return entries
