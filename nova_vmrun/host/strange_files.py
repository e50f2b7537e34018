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
followed, awaited or read without a limit. The folders between the one that is
shared and the file may be links, too.
"""

from collections.abc import Iterator
import contextlib
import errno
import os
import stat
from typing import BinaryIO

#: Errors that say what is there: no file, or none that may be read. Others,
#: such as ESTALE or EIO, say nothing about it, and may pass.
NO_FILE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP,
                     errno.ENXIO, errno.EINVAL, errno.EFBIG, errno.EACCES})


@contextlib.contextmanager
def opened(path: str, limit: int | None = None, follow: bool = False,
           depth: int = 0, write: bool = False) -> Iterator[BinaryIO]:
    """Open a file to read it.

    :param limit: bytes that it may have; None: any number
    :param follow: whether it may be a link to a file
    :param depth: how many of the folders that it is in may be no links
    :param write: open it for writing, too, as NFS wants it for a lock
    :raises OSError: it cannot be read, or is no file, or too large
    """
    flags = (os.O_NONBLOCK | os.O_CLOEXEC |
             (os.O_RDWR if write else os.O_RDONLY) |
             (0 if follow else os.O_NOFOLLOW))
    if depth:
        with _folder(os.path.dirname(path), depth) as folder:
            descriptor = os.open(os.path.basename(path), flags, dir_fd=folder)
    else:
        descriptor = os.open(path, flags)
    try:
        _check(path, os.fstat(descriptor), limit)
    except OSError:
        os.close(descriptor)
        raise
    with os.fdopen(descriptor, 'r+b' if write else 'rb') as file:
        yield file


def _check(path: str, status: os.stat_result, limit: int | None) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise _error(errno.EISDIR, path)
    if not stat.S_ISREG(status.st_mode):
        raise _error(errno.EINVAL, path)
    if limit is not None and status.st_size > limit:
        raise _error(errno.EFBIG, path)


@contextlib.contextmanager
def _folder(path: str, depth: int) -> Iterator[int]:
    """Open a folder, and those that it is in, one below the other.

    :param depth: how many of them may be no links
    """
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    if not depth:
        descriptor = os.open(path, flags)
    else:
        with _folder(os.path.dirname(path), depth - 1) as above:
            descriptor = os.open(os.path.basename(path),
                                 flags | os.O_NOFOLLOW, dir_fd=above)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def read(path: str, limit: int, depth: int = 0) -> bytes:
    """Return the content of a file.

    :param limit: bytes that it may have
    :param depth: how many of the folders that it is in may be no links
    :raises OSError: it cannot be read, or is no file, or too large
    """
    with opened(path, limit, depth=depth) as file:
        # It may grow.
        return file.read(limit)


def is_file(path: str) -> bool:
    """Return whether something is a file, and not a link to one."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False


def is_folder(path: str) -> bool:
    """Return whether something is a folder, and not a link to one."""
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def require_folder(path: str) -> None:
    """Raise an error unless something is a folder, and not a link to one.

    :raises OSError: it is not
    """
    if not stat.S_ISDIR(os.lstat(path).st_mode):
        raise _error(errno.ENOTDIR, path)


def _error(number: int, path: str) -> OSError:
    return OSError(number, os.strerror(number), path)
