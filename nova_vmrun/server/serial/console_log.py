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

"""What a guest wrote to a serial port.

For the first port it is in console.log, and what came before that in
console.log.1; the others have serial1.log and so on. VMware has the newer one
open while the server runs, so it cannot be put aside then: its beginning is
given back to the file system instead, which moves nothing and so loses nothing
that the guest writes meanwhile.
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

#: What Nova shows at most.
SHOWN_BYTES = 100 * units.Ki
# A file that is larger is put aside, or loses its beginning.
_LIMIT_BYTES = units.Mi
_BLOCK = 4096


class ConsoleLog:
    """The log of one serial port.

    :param path: of console.log, or of another port's
    """

    def __init__(self, path):
        self._path = path
        self._old = path + '.1'

    @property
    def path(self):
        return self._path

    def tail(self, size=SHOWN_BYTES):
        """Returns the end of what the guest wrote.

        :param size: bytes, the most that is read
        :returns: bytes; empty before the first start
        """
        now = _end_of(self._path, size)
        return _end_of(self._old, size - len(now)) + now

    def append(self, data):
        """Adds what a guest wrote, while nobody else writes.

        :param data: bytes
        :raises OSError: the folder is gone, or the disk is full
        """
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
        # Without a buffer: what a file tells before it is flushed is not its
        # size.
        with open(os.open(self._path, flags, 0o600), 'wb',
                  buffering=0) as file:
            while data:
                data = data[file.write(data):]
            size = os.fstat(file.fileno()).st_size
        if size > _LIMIT_BYTES:
            os.replace(self._path, self._old)

    def rotate(self):
        """Puts a long log aside; only while nobody has it open.

        What is no file is removed, so that VMware writes to no other place.
        """
        with contextlib.suppress(FileNotFoundError):
            found = os.lstat(self._path)
            if not stat.S_ISREG(found.st_mode):
                LOG.warning('%s is no file and is removed.', self._path)
                os.remove(self._path)
            elif found.st_size > _LIMIT_BYTES:
                os.replace(self._path, self._old)

    def trim(self):
        """Gives the beginning of a long log back, also while VMware writes.

        Not every file system can; elsewhere a log grows until its server is
        next started.
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


def _opened(path, flags):
    """Opens a file; a link is no file, and a pipe does not block.

    :raises OSError: it is something else
    """
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)
    file = open(descriptor, 'rb' if flags == os.O_RDONLY else 'r+b')
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        file.close()
        raise OSError(errno.EINVAL, 'It is no file', path)
    return file


def _end_of(path, size):
    if size <= 0:
        return b''
    try:
        with _opened(path, os.O_RDONLY) as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - size))
            return file.read(size)
    except FileNotFoundError:
        return b''
    except OSError as error:
        LOG.warning('The console log %s cannot be read: %s', path, error)
        return b''


def _punch(file: BinaryIO, size: int) -> None:
    try:
        system.here().give_back(file.fileno(), size - size % _BLOCK)
    except OSError as error:
        LOG.debug('The file system keeps the beginning of %s: %s', file.name,
                  error.strerror)
