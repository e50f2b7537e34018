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

"""A part of a file, read as if it were a file."""

import contextlib
import io
import os


class _Window(io.RawIOBase):
    """Reads some bytes of a file.

    :param file: open for reading; nobody else moves in it
    :param offset: of the first byte
    :param length: how many bytes
    """

    def __init__(self, file, offset, length):
        self._file = file
        self._offset = offset
        self._length = length
        self._position = 0

    def readable(self):
        return True

    def seekable(self):
        return True

    def seek(self, offset, whence=os.SEEK_SET):
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position,
                 os.SEEK_END: self._length}[whence]
        self._position = max(0, start + offset)
        return self._position

    def readinto(self, buffer):
        left = self._length - self._position
        if left <= 0:
            # As far behind the end as a header may send us.
            return 0
        self._file.seek(self._offset + self._position)
        data = self._file.read(min(left, len(buffer)))
        buffer[:len(data)] = data
        self._position += len(data)
        return len(data)


@contextlib.contextmanager
def opened(path, span=None):
    """Opens a file, or a part of it, for reading.

    :param path: the file
    :param span: (offset, length) in bytes; None: all of it
    """
    with open(path, 'rb') as file:
        yield _NeverClosed(file, *(span or (0, size(file))))


class _NeverClosed(_Window):
    """format_inspector closes what it has read; the block does that here."""

    def close(self):
        """Does nothing."""


def size(file):
    """Returns how many bytes a seekable file has."""
    return file.seek(0, os.SEEK_END)
