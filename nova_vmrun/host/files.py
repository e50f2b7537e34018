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

"""Operations on files and folders that withstand a crash at any moment."""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
import contextlib
import errno
import hashlib
import os
import re
import secrets
import shutil
import stat
import types
from typing import BinaryIO, NamedTuple

from nova_vmrun import system

_PART = '.part'
# Name that replacing() gives a file until it is complete.
_PART_NAME = re.compile(r'\.(.+)\.[0-9a-f]{8}' + re.escape(_PART), re.DOTALL)
_REMOVE_TRIES = 5
_CHUNK = 1 << 20


def read(path: str) -> bytes:
    """Return the content of a file."""
    with open(path, 'rb') as file:
        return file.read()


def make_writable(folder: str) -> None:
    """Allow the owner of a folder to create files in it again.

    :raises OSError: it belongs to another user
    """
    mode = stat.S_IMODE(os.stat(folder).st_mode)
    if mode & stat.S_IRWXU != stat.S_IRWXU:
        os.chmod(folder, mode | stat.S_IRWXU)


def write_atomically(path: str, content: bytes | str,
                     mode: int = 0o600) -> None:
    """Replace a file so that readers see all of the old or the new content.

    :param path: the file
    :param content: text is written as UTF-8
    :param mode: permission bits; until the end, only its owner can open it
    """
    if isinstance(content, str):
        content = content.encode('utf-8')
    with replacing(path) as part:
        with _create(part) as file:
            file.write(content)
        os.chmod(part, mode)


def create_atomically(path: str, content: str) -> None:
    """Create a file that nobody has created, with all of its content.

    Without hard links, readers may see a beginning of it for a moment, and a
    crash may leave that.

    :param path: the file
    :raises FileExistsError: it exists
    """
    with temporary(path) as part:
        _write_new(part, content)
        os.chmod(part, 0o600)
        try:
            os.link(part, path)
        except FileExistsError:
            raise
        except OSError:
            # There are none on exFAT, and on some servers of CIFS.
            _write_new(path, content)
    sync_folder(os.path.dirname(path))


def _create(path: str) -> BinaryIO:
    """Create a file that nobody else can open, in anybody's folder."""
    return open(os.open(
        path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600),
        'wb')


def _write_new(path: str, content: str) -> None:
    with _create(path) as file:
        file.write(content.encode('utf-8'))
        file.flush()
        system.here().flush(file.fileno())


@contextlib.contextmanager
def replacing(path: str) -> Iterator[str]:
    """Yield a path to write to; rename it to path if the block succeeds.

    The content is flushed to the disk before the rename, so a power cut leaves
    either the old file or the new one. A block that fails leaves nothing.

    :param path: the file to create or replace
    """
    with temporary(path) as part:
        yield part
        publish(part, path)


@contextlib.contextmanager
def temporary(path: str) -> Iterator[str]:
    """Yield a path to write to in the folder of another file; remove it.

    :param path: a file; remove_parts() recognises the new one by its name
    """
    folder, name = os.path.split(path)
    part = os.path.join(folder, '.%s.%s%s' % (
        name, secrets.token_hex(4), _PART))
    try:
        yield part
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.remove(part)


def remove_parts(folder: str,
                 is_ours: Callable[[str], bool] = lambda name: True) -> None:
    """Remove the temporary files that crashes in replacing() have left.

    :param folder: nobody may be writing to it; it may be missing
    :param is_ours: whether a file of that name could be one of the caller's;
        gets the name that the temporary file would have been given
    :raises OSError: a file could not be removed
    """
    with contextlib.suppress(FileNotFoundError):
        for name in os.listdir(folder):
            found = _PART_NAME.fullmatch(name)
            if found and is_ours(found.group(1)):
                os.remove(os.path.join(folder, name))


def is_part(name: str) -> bool:
    """Return whether replacing() could have named a file so."""
    return _PART_NAME.fullmatch(name) is not None


def is_part_of(name: str, final: str) -> bool:
    """Return whether replacing() named a file so until it was complete.

    :param final: name that it was to have in the end
    """
    found = _PART_NAME.fullmatch(name)
    return found is not None and found.group(1) == final


def publish(part: str, path: str) -> None:
    """Rename a finished file in one step that survives power cuts.

    :param part: the file
    :param path: its final path, on the same file system
    """
    with open(part, 'rb') as file:
        system.here().flush(file.fileno())
    os.rename(part, path)
    sync_folder(os.path.dirname(path))


def copy(source: str, target: str) -> None:
    """Copy the content of a file, sharing its blocks if possible.

    On btrfs, XFS, APFS and other file systems with shared blocks no data is
    copied. Elsewhere only the data is, and holes stay holes.

    :param source: the file
    :param target: is created or replaced
    :raises OSError: often with ENOSPC
    """
    try:
        system.here().share_blocks(source, target)
    except OSError as error:
        # The file system cannot share blocks, or there are two of them.
        if error.errno in (errno.ENOSPC, errno.ENOENT):
            raise
        with open(source, 'rb') as reader, open(target, 'wb') as writer:
            for offset, length in system.here().data(reader.fileno()):
                reader.seek(offset)
                writer.seek(offset)
                _copy_bytes(reader, writer, length)
            writer.truncate(os.fstat(reader.fileno()).st_size)


def _copy_bytes(reader: BinaryIO, writer: BinaryIO, length: int) -> None:
    while length > 0:
        chunk = reader.read(min(length, _CHUNK))
        if not chunk:
            # Another process has made the file shorter in the meantime.
            return
        writer.write(chunk)
        length -= len(chunk)


def link_or_copy(source: str, target: str) -> None:
    """Create a hard link to a file that nobody writes to, or copy it.

    Some file systems have no hard links, or only allow a few for each file.

    :param source: the file
    :param target: the path to create
    :raises OSError: often with ENOSPC
    """
    with replacing(target) as part:
        try:
            os.link(source, part)
        except OSError:
            copy(source, part)
            shutil.copymode(source, part)


def move(source: str, target: str) -> None:
    """Rename a file, or copy it if target is on another file system.

    :raises OSError: often with ENOSPC
    """
    try:
        os.rename(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        copy(source, target)
        os.remove(source)


def digest(path: str | os.PathLike[str], algorithm: str) -> str:
    """Return the digest of a file in hexadecimal.

    :param algorithm: a name that hashlib knows
    """
    with open(path, 'rb') as file:
        return hashlib.file_digest(file, lambda: hashlib.new(
            algorithm, usedforsecurity=False)).hexdigest()


def sync_folder(folder: str) -> None:
    """Make renames in a folder survive a power cut.

    :param folder: '' is the current one, as os.path.dirname says
    """
    descriptor = os.open(folder or os.curdir, os.O_RDONLY)
    try:
        system.here().flush(descriptor)
    finally:
        os.close(descriptor)


def remove_tree(folder: str) -> None:
    """Remove a folder, if it exists, and everything in it.

    Another program may be removing or adding files at the same time.

    :raises OSError: something could not be removed
    """
    for tries_left in reversed(range(_REMOVE_TRIES)):
        try:
            shutil.rmtree(folder, onerror=_raise_unless_gone)
        except OSError as error:
            if error.errno != errno.ENOTEMPTY or not tries_left:
                raise
        if not os.path.lexists(folder):
            return
    raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), folder)


def remove_disk(path: str) -> None:
    """Remove a disk that no VM has, with the lock that a power cut left."""
    if os.path.exists(path):
        os.remove(path)
    if os.path.isdir(path + '.lck'):
        remove_tree(path + '.lck')


def remove_socket(path: str) -> None:
    """Delete a Unix socket, if there is one at the path."""
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISSOCK(os.lstat(path).st_mode):
            os.remove(path)


def _raise_unless_gone(
        _function: Callable[..., object], _path: str,
        info: tuple[type[BaseException], BaseException, types.TracebackType]
        ) -> None:
    if not isinstance(info[1], FileNotFoundError):
        raise info[1]


class Fingerprint(NamedTuple):
    """Numbers of a file, at least one of which changes with each write."""

    inode: int
    size: int
    mtime_ns: int


def fingerprints(paths: Iterable[str]) -> list[Fingerprint]:
    """Return the fingerprints of some files.

    :raises OSError: a file does not exist
    """
    found = [os.stat(path) for path in paths]
    return [Fingerprint(each.st_ino, each.st_size, each.st_mtime_ns)
            for each in found]
