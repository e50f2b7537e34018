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

"""A disk stored in blocks of a file, and the tables that locate them."""

import array
from collections.abc import Iterable
from collections.abc import Iterator
import dataclasses
import sys
from typing import NamedTuple

from oslo_utils import units

from nova_vmrun.inspection import file_slice

# Number of table entries to read at once.
_ENTRIES_PER_READ = 64 * units.Ki
# Bytes; the table of an 8 TiB VHDX with blocks of 1 MiB has half of this.
_LARGEST_TABLE = 128 * units.Mi
_SMALLEST_BLOCK = 512


class Damaged(Exception):
    """The tables are truncated or not as any tool would write them."""


class Block(NamedTuple):
    """Where a block of a disk is stored.

    :ivar number: of the block, counted from the start of the disk
    :ivar offset: in bytes, from the start of the file
    """

    number: int
    offset: int


@dataclasses.dataclass(frozen=True)
class Disk:
    """A disk that consists of blocks of one size.

    :ivar file: open for reading
    :ivar size: bytes as the guest sees them
    :ivar block_size: bytes of each block except the last
    """

    file: file_slice.Reader
    size: int
    block_size: int

    def __post_init__(self) -> None:
        if self.block_size < _SMALLEST_BLOCK:
            raise Damaged()

    @property
    def block_count(self) -> int:
        return -(-self.size // self.block_size)

    def contains(self, blocks: Iterable[Block]) -> bool:
        """Return whether the file contains all of these blocks.

        Only bytes before the end of the disk have to be there.
        """
        end = file_slice.size(self.file)
        return all(
            block.offset + min(self.block_size,
                               self.size - block.number * self.block_size)
            <= end for block in blocks)

    def read_table(self, offset: int, count: int, typecode: str,
                   big_endian: bool = False) -> Iterator[int]:
        """Yield the entries of a table, which is read piece by piece.

        :param offset: bytes from the start of the file
        :param count: number of entries
        :param typecode: type of an entry, as in array.array
        :raises Damaged: the table is too large or not all of it is there
        """
        if count * array.array(typecode).itemsize > _LARGEST_TABLE:
            raise Damaged()
        for start in range(0, count, _ENTRIES_PER_READ):
            yield from self.read_entries(
                offset, start, min(_ENTRIES_PER_READ, count - start),
                typecode, big_endian)

    def read_entries(self, offset: int, start: int, count: int, typecode: str,
                     big_endian: bool = False) -> 'array.array[int]':
        """Read some entries of a table.

        :param start: number of the first entry to read
        :param count: how many entries to read; the others are those of
            read_table()
        :raises Damaged: not all of them are there
        """
        entries: array.array[int] = array.array(typecode)
        self.file.seek(offset + start * entries.itemsize)
        data = self.file.read(count * entries.itemsize)
        if len(data) < count * entries.itemsize:
            raise Damaged()
        entries.frombytes(data)
        if big_endian != (sys.byteorder == 'big'):
            entries.byteswap()
        return entries
