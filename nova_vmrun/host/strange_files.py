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

"""Files in folders that other hosts can write to.

A link, a device, a pipe or an endless file may be there instead. So nothing is
followed, awaited or read without a limit.
"""

from collections.abc import Iterator
import contextlib
import errno
import os
import stat
from typing import BinaryIO


@contextlib.contextmanager
def opened(path: str, limit: int | None = None,
           follow: bool = False) -> Iterator[BinaryIO]:
    """Open a file to read it.

    :param limit: bytes that it may have; None: any number
    :param follow: whether it may be a link to a file
    :raises OSError: it cannot be read, or is no file, or too large
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (
        0 if follow else os.O_NOFOLLOW))
    with os.fdopen(descriptor, 'rb') as file:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise _error(errno.EISDIR, path)
        if not stat.S_ISREG(status.st_mode):
            raise _error(errno.EINVAL, path)
        if limit is not None and status.st_size > limit:
            raise _error(errno.EFBIG, path)
        yield file


def read(path: str, limit: int) -> bytes:
    """Return the content of a file.

    :param limit: bytes that it may have
    :raises OSError: it cannot be read, or is no file, or too large
    """
    with opened(path, limit) as file:
        # It may grow.
        return file.read(limit)


def is_file(path: str) -> bool:
    """Return whether something is a file, and not a link to one."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False


def _error(number: int, path: str) -> OSError:
    return OSError(number, os.strerror(number), path)
