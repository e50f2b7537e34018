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

"""The log of what a guest writes to a serial port.

For the first port it is console.log, with older text in console.log.1; the
others have serial1.log and so on. VMware may have the newer file open while
the server runs, so it cannot be rotated. Instead, a hole is punched at its
beginning. This moves no data, so nothing is lost that the guest writes at the
same time.
"""

import contextlib
import errno
import os
import stat
from typing import BinaryIO

from oslo_log import log as logging
from oslo_utils import units

from nova_vmrun import system

LOG = logging.getLogger(__name__)

#: Maximum size that Nova shows.
SHOWN_BYTES = 100 * units.Ki
# A larger file is rotated, or loses its beginning.
_LIMIT_BYTES = units.Mi
_BLOCK = 4096


class ConsoleLog:
    """The log of one serial port.

    :param path: of the newer file
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._old = path + '.1'

    @property
    def path(self) -> str:
        return self._path

    def tail(self, size: int = SHOWN_BYTES) -> bytes:
        """Return the end of the log, empty before the first start.

        :param size: maximum number of bytes to read
        """
        newer = _end_of(self._path, size)
        return _end_of(self._old, size - len(newer)) + newer

    def append(self, data: bytes) -> None:
        """Append what a guest wrote; nothing else may write to the file.

        :raises OSError: the folder is gone, or the disk is full
        """
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
        # Unbuffered, so that fstat returns the true size.
        with open(os.open(self._path, flags, 0o600), 'wb',
                  buffering=0) as file:
            while data:
                data = data[file.write(data):]
            size = os.fstat(file.fileno()).st_size
        if size > _LIMIT_BYTES:
            os.replace(self._path, self._old)

    def rotate(self) -> None:
        """Rotate a long log, which no program may have open.

        Remove links, pipes and other special files, so that VMware cannot
        write to another place.
        """
        with contextlib.suppress(FileNotFoundError):
            found = os.lstat(self._path)
            if not stat.S_ISREG(found.st_mode):
                LOG.warning('Removing %s, which is not a file', self._path)
                os.remove(self._path)
            elif found.st_size > _LIMIT_BYTES:
                os.replace(self._path, self._old)

    def trim(self) -> None:
        """Free the beginning of a long log, even while VMware writes to it.

        Not every file system supports this. On others, a log grows until its
        server starts again.
        """
        try:
            found = os.lstat(self._path)
        except FileNotFoundError:
            return
        if stat.S_ISREG(found.st_mode) and (
                found.st_blocks * 512 > 2 * _LIMIT_BYTES):
            with contextlib.suppress(FileNotFoundError):
                with _opened(self._path, os.O_RDWR) as file:
                    _punch(file, found.st_size - _LIMIT_BYTES)


def _opened(path: str, flags: int) -> BinaryIO:
    """Open a file, without following a link or waiting for a pipe.

    :raises OSError: it is not a file
    """
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)
    file: BinaryIO = open(descriptor,
                          'rb' if flags == os.O_RDONLY else 'r+b')
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        file.close()
        raise OSError(errno.EINVAL, 'It is not a file', path)
    return file


def _end_of(path: str, size: int) -> bytes:
    if size <= 0:
        return b''
    try:
        with _opened(path, os.O_RDONLY) as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - size))
            return file.read(size)
    except FileNotFoundError:
        return b''
    except OSError as error:
        LOG.warning('Cannot read the console log %s: %s', path, error)
        return b''


def _punch(file: BinaryIO, size: int) -> None:
    try:
        system.here().punch_hole(file.fileno(), size - size % _BLOCK)
    except OSError as error:
        LOG.debug('The file system cannot free the beginning of %s: %s',
                  file.name, error.strerror)
