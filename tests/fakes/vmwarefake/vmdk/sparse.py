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

"""Hosted sparse extents: the KDMV header, grain directories and tables.

All offsets in the file are in sectors of 512 bytes (VMDK 1.1 specification).
"""

from __future__ import annotations

import array
import os
import struct
import sys
import zlib

from vmwarefake import files
from vmwarefake import vmdk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import abc
    from typing import IO

MAGIC = b'KDMV'
HEADER = struct.Struct('<4sIIQQQQIQQQB4sH')
LINE_ENDS = b'\n \r\n'
GRAIN = 128                 # sectors
PER_TABLE = 512             # grain table entries
TABLE_SECTORS = PER_TABLE * 4 // vmdk.SECTOR
DESCRIPTOR_SECTORS = 20
COMPRESSED = 0x10000
GD_AT_END = 0xffffffffffffffff


def _round_up(value: int, unit: int) -> int:
    return -(-value // unit) * unit


def _entries(data: bytes) -> array.array[int]:
    words = array.array('I', data)
    if sys.byteorder != 'little':
        words.byteswap()
    return words


def _bytes(words: abc.Iterable[int]) -> bytes:
    words = array.array('I', words)
    if sys.byteorder != 'little':
        words.byteswap()
    return words.tobytes()


class Header:
    """The first sector of a sparse extent."""

    FIELDS = ('magic', 'version', 'flags', 'capacity', 'grain',
              'descriptor_offset', 'descriptor_size', 'per_table',
              'rgd_offset', 'gd_offset', 'overhead', 'unclean',
              'line_ends', 'compression')

    magic: bytes
    version: int
    flags: int
    capacity: int
    grain: int
    descriptor_offset: int
    descriptor_size: int
    per_table: int
    rgd_offset: int
    gd_offset: int
    overhead: int
    unclean: int
    line_ends: bytes
    compression: int

    def __init__(self, *values: bytes | int) -> None:
        for name, value in zip(self.FIELDS, values):
            setattr(self, name, value)

    @classmethod
    def read(cls, f: IO[bytes], path: str) -> Header:
        """Read the header of an open file.

        :raises vmdk.DiskError: if the file is not a sparse extent.
        """
        f.seek(0)
        data = f.read(HEADER.size)
        if len(data) < HEADER.size or not data.startswith(MAGIC):
            raise vmdk.DiskError(vmdk.NOT_A_DISK, path, 'no KDMV header')
        header = cls(*HEADER.unpack(data))
        if header.version > 3:
            raise vmdk.DiskError(16011, path)
        if header.line_ends != LINE_ENDS:
            raise vmdk.DiskError(vmdk.NOT_A_DISK, path, 'text-mode copy')
        return header

    def write(self, f: IO[bytes]) -> None:
        f.seek(0)
        f.write(HEADER.pack(*(getattr(self, n) for n in self.FIELDS)))


def tables_for(capacity: int) -> int:
    """Return the number of grain tables for a capacity in sectors."""
    return -(-capacity // (GRAIN * PER_TABLE))


def _directory_sectors(tables: int) -> int:
    return _round_up(tables * 4, vmdk.SECTOR) // vmdk.SECTOR


def create(path: str, capacity: int, descriptor: str | None = None) -> None:
    """Make an empty sparse extent.

    :param capacity: in sectors.
    :param descriptor: the text to embed; None for an extent of a split disk.
    """
    tables = tables_for(capacity)
    directory = _directory_sectors(tables)
    size = DESCRIPTOR_SECTORS if descriptor is not None else 0
    rgd = 1 + size
    gd = rgd + directory + tables * TABLE_SECTORS
    overhead = _round_up(gd + directory + tables * TABLE_SECTORS, GRAIN)
    header = Header(MAGIC, 1, 3, capacity, GRAIN, 1 if size else 0, size,
                    PER_TABLE, rgd, gd, overhead, 0, LINE_ENDS, 0)
    files.check_space(path)
    with open(path, 'xb') as f:
        header.write(f)
        if descriptor is not None:
            write_embedded(f, header, descriptor, path)
        for start in (rgd, gd):
            first = start + directory
            f.seek(start * vmdk.SECTOR)
            f.write(_bytes(range(first, first + tables * TABLE_SECTORS,
                                 TABLE_SECTORS)))
        f.truncate(overhead * vmdk.SECTOR)


def write_embedded(f: IO[bytes], header: Header, text: str, path: str) -> None:
    """Write a descriptor into the space that the header reserves for it."""
    room = header.descriptor_size * vmdk.SECTOR
    data = text.encode('utf-8', 'surrogateescape')
    if not room or len(data) > room:
        raise vmdk.DiskError(vmdk.BAD_PARAMETER, path,
                             'the descriptor does not fit')
    f.seek(header.descriptor_offset * vmdk.SECTOR)
    f.write(data.ljust(room, b'\0'))


class SparseExtent:
    """An open sparse extent; use as a context manager."""

    def __init__(self, path: str, writable: bool = False) -> None:
        self.path = path
        self._file = open(path, 'r+b' if writable else 'rb')
        self.header = Header.read(self._file, path)
        self._directory: array.array[int] | None = None
        self._tables: dict[int, array.array[int]] = {}

    def __enter__(self) -> SparseExtent:
        return self

    def __exit__(self, *args: object) -> None:
        self._file.close()

    @property
    def compressed(self) -> bool:
        return bool(self.header.flags & COMPRESSED)

    def _read(self, sector: int, size: int) -> bytes:
        self._file.seek(sector * vmdk.SECTOR)
        return self._file.read(size)

    def _gd_offset(self) -> int:
        if self.header.gd_offset != GD_AT_END:
            return self.header.gd_offset
        # streamOptimized: the last sector but one is a second header.
        self._file.seek(-2 * vmdk.SECTOR, os.SEEK_END)
        footer = Header(*HEADER.unpack(self._file.read(HEADER.size)))
        return footer.gd_offset

    def directory(self) -> array.array[int]:
        """The grain directory: the sector of each grain table."""
        if self._directory is None:
            tables = tables_for(self.header.capacity)
            data = self._read(self._gd_offset(), tables * 4)
            if len(data) < tables * 4:
                raise vmdk.DiskError(16062, self.path, 'cut off')
            self._directory = _entries(data)
        return self._directory

    def _table(self, number: int) -> array.array[int]:
        if number not in self._tables:
            sector = self.directory()[number]
            data = self._read(sector, PER_TABLE * 4) if sector else b''
            self._tables[number] = _entries(data.ljust(PER_TABLE * 4, b'\0'))
        return self._tables[number]

    def grains(self) -> abc.Iterator[tuple[int, int]]:
        """Yield (grain number, sector in the file) of each allocated grain."""
        for number in range(len(self.directory())):
            table = self._table(number)
            for index, sector in enumerate(table):
                if sector:
                    yield number * PER_TABLE + index, sector

    def read_grain(self, sector: int) -> bytes:
        """Return the grain of 64 KiB at a sector of the file."""
        size = GRAIN * vmdk.SECTOR
        if sector == 1:                     # a grain of zeros
            return bytes(size)
        if not self.compressed:
            return self._read(sector, size).ljust(size, b'\0')
        length = struct.unpack('<QI', self._read(sector, 12))[1]
        data = self._read(sector, 12 + length)[12:]
        return zlib.decompress(data).ljust(size, b'\0')

    def write_grain(self, grain: int, data: bytes) -> None:
        """Write a grain; append it if it is new."""
        number, index = divmod(grain, PER_TABLE)
        table = self._table(number)
        sector = table[index]
        if sector < 2:
            files.check_space(self.path)
            end = self._file.seek(0, os.SEEK_END)
            sector = _round_up(end, GRAIN * vmdk.SECTOR) // vmdk.SECTOR
            table[index] = sector
            self._set_entry(number, index, sector)
        self._file.seek(sector * vmdk.SECTOR)
        self._file.write(data)

    def _set_entry(self, number: int, index: int, sector: int) -> None:
        entry = struct.pack('<I', sector)
        for directory in (self.directory(), self._redundant()):
            if directory:
                self._file.seek(directory[number] * vmdk.SECTOR + index * 4)
                self._file.write(entry)

    def _redundant(self) -> array.array[int] | None:
        if not self.header.flags & 2 or not self.header.rgd_offset:
            return None
        tables = tables_for(self.header.capacity)
        return _entries(self._read(self.header.rgd_offset, tables * 4))

    def grow(self, capacity: int) -> None:
        """Expand in place: no grain is moved or copied.

        The longer directories and the new tables go to the end of the file;
        the old tables stay where they are.

        :param capacity: in sectors, at least the current one.
        """
        files.check_space(self.path)
        old = len(self.directory())
        tables = tables_for(capacity)
        if tables > old:
            directory = _directory_sectors(tables)
            end = self._file.seek(0, os.SEEK_END)
            start = _round_up(end, GRAIN * vmdk.SECTOR) // vmdk.SECTOR
            redundant = self._redundant()
            if redundant:
                self.header.rgd_offset = start
                start = self._append(start, directory, redundant, tables)
            self.header.gd_offset = start
            start = self._append(start, directory, self.directory(), tables)
            self._file.truncate(
                _round_up(start, GRAIN) * vmdk.SECTOR)
        self.header.capacity = capacity
        self._directory = None
        self._file.flush()
        self.header.write(self._file)

    def _append(self, start: int, directory: int, old: abc.Sequence[int],
                tables: int) -> int:
        first = start + directory
        added = tables - len(old)
        new = list(old) + list(range(first, first + added * TABLE_SECTORS,
                                     TABLE_SECTORS))
        self._file.seek(start * vmdk.SECTOR)
        self._file.write(_bytes(new))
        return first + added * TABLE_SECTORS

    def repair(self) -> bool:
        """Clear the unclean flag and make both sets of tables agree.

        :returns: whether something was wrong.
        """
        wrong = bool(self.header.unclean)
        redundant = self._redundant()
        for number, sector in enumerate(redundant or ()):
            table = _bytes(self._table(number))
            if self._read(sector, PER_TABLE * 4) != table:
                self._file.seek(sector * vmdk.SECTOR)
                self._file.write(table)
                wrong = True
        self.header.unclean = 0
        self.header.write(self._file)
        return wrong

    def rewrite_descriptor(self, text: str) -> None:
        write_embedded(self._file, self.header, text, self.path)

    def descriptor_text(self) -> str:
        data = self._read(self.header.descriptor_offset,
                          self.header.descriptor_size * vmdk.SECTOR)
        return data.split(b'\0', 1)[0].decode('utf-8', 'surrogateescape')
