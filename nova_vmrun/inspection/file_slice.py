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

"""Read a part of a file as if it were a file of its own."""

from collections.abc import Iterator
import contextlib
import io
import os
from typing import BinaryIO, NamedTuple, Protocol, TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class Reader(Protocol):
    """A file that is open for reading and can be seeked in."""

    def read(self, size: int = -1, /) -> bytes:
        """Return at most that many bytes."""

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Move to a position and return it."""

    def tell(self) -> int:
        """Return the current position."""


class Span(NamedTuple):
    """A range of bytes in a file.

    :ivar offset: of the first byte
    :ivar length: number of bytes
    """

    offset: int
    length: int


class Slice(io.RawIOBase):
    """A range of bytes of a file, as a file.

    close() does nothing, because format_inspector closes what it has read;
    open_slice() closes the file.

    :param file: open for reading; nothing else may move its position
    """

    def __init__(self, file: BinaryIO, span: Span) -> None:
        self._file = file
        self._span = span
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position,
                 os.SEEK_END: self._span.length}[whence]
        self._position = max(0, start + offset)
        return self._position

    def read(self, size: int = -1, /) -> bytes:
        left = self._span.length - self._position
        if left <= 0:
            # A hostile header can make us seek to any offset.
            return b''
        self._file.seek(self._span.offset + self._position)
        data = self._file.read(left if size < 0 else min(left, size))
        self._position += len(data)
        return data

    def readinto(self, buffer: 'WriteableBuffer', /) -> int:
        view = memoryview(buffer).cast('B')
        data = self.read(len(view))
        view[:len(data)] = data
        return len(data)

    def close(self) -> None:
        """Do nothing."""


@contextlib.contextmanager
def open_slice(path: str, span: Span | None = None) -> Iterator[Slice]:
    """Open a file, or a part of it, for reading.

    :param span: the part; None: the whole file
    """
    with open(path, 'rb') as file:
        yield Slice(file, span or Span(0, size(file)))


def size(file: Reader) -> int:
    """Return the size of a file in bytes."""
    return file.seek(0, os.SEEK_END)
