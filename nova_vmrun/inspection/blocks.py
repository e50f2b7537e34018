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

"""A disk that lies in blocks of its file, and the tables that say where."""

import array
import dataclasses
import sys

from oslo_utils import units

from nova_vmrun.inspection import file_slice

# Entries that are read at once.
_PIECE = 64 * units.Ki
# Bytes; that of a VHDX of 8 TiB in blocks of 1 MiB has half of this.
_LARGEST_TABLE = 128 * units.Mi
_SMALLEST_BLOCK = 512


class Damaged(Exception):
    """The tables are cut off, or not those that a tool would write."""


@dataclasses.dataclass(frozen=True)
class Disk:
    """A disk in blocks of one size.

    :ivar file: open for reading
    :ivar size: bytes that a guest sees
    :ivar block: bytes of each block but the last
    """

    file: object
    size: int
    block: int

    def __post_init__(self):
        if self.block < _SMALLEST_BLOCK:
            raise Damaged()

    @property
    def count(self):
        """How many blocks the disk has."""
        return -(-self.size // self.block)

    def holds(self, places):
        """Tells whether blocks are in the file.

        What is behind the end of the disk need not be there.

        :param places: the number and the offset in bytes of each
        """
        end = file_slice.size(self.file)
        return all(offset + min(self.block, self.size - number * self.block)
                   <= end for number, offset in places)

    def table(self, offset, count, kind, big_endian=False):
        """Reads a table in pieces.

        :param offset: bytes from the start of the file
        :param count: of its entries
        :param kind: of an entry, as array.array has them
        :returns: iterator of the entries
        :raises Damaged: it is larger than any, or not in the file
        """
        if count * array.array(kind).itemsize > _LARGEST_TABLE:
            raise Damaged()
        for start in range(0, count, _PIECE):
            yield from self.piece(offset, start, min(_PIECE, count - start),
                                  kind, big_endian)

    def piece(self, offset, start, count, kind, big_endian=False):
        """Reads a part of a table, as table does; returns an array.array.

        :param start: number of the first entry
        """
        entries = array.array(kind)
        self.file.seek(offset + start * entries.itemsize)
        data = self.file.read(count * entries.itemsize)
        if len(data) < count * entries.itemsize:
            raise Damaged()
        entries.frombytes(data)
        if big_endian != (sys.byteorder == 'big'):
            entries.byteswap()
        return entries
