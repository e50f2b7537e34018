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

"""Files and folders that survive a crash at any moment."""

import contextlib
import errno
import os
import secrets
import shutil
import stat

from nova_vmrun import system

_PART = '.part'
_REMOVE_TRIES = 5


def read(path):
    """Returns the content of a file, as bytes."""
    with open(path, 'rb') as file:
        return file.read()


def make_writable(folder: str) -> None:
    """Lets the owner of a folder make files in it again.

    :raises OSError: it is another user's
    """
    mode = stat.S_IMODE(os.stat(folder).st_mode)
    if mode & stat.S_IRWXU != stat.S_IRWXU:
        os.chmod(folder, mode | stat.S_IRWXU)


def write_atomically(path, content, mode=0o600):
    """Replaces a file so that a reader sees the old or the new one, whole.

    :param path: the file
    :param content: bytes or text; text is written as UTF-8
    :param mode: permission bits
    """
    if isinstance(content, str):
        content = content.encode('utf-8')
    with replacing(path) as part:
        with open(part, 'wb') as file:
            file.write(content)
        os.chmod(part, mode)


@contextlib.contextmanager
def replacing(path):
    """Gives a name to write to; it becomes path if the block succeeds.

    What was written is flushed to the disk before the rename, so a power cut
    leaves the old file or the new one. A failed block leaves nothing.

    :param path: the file to make or replace
    """
    folder = os.path.dirname(path)
    part = os.path.join(folder, '.%s.%s%s' % (
        os.path.basename(path), secrets.token_hex(4), _PART))
    try:
        yield part
        publish(part, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.remove(part)


def remove_parts(folder):
    """Removes what a crash in replacing has left in a folder.

    :param folder: one that nobody writes to now; it may be missing
    :raises OSError: a file could not be removed
    """
    with contextlib.suppress(FileNotFoundError):
        for name in os.listdir(folder):
            if name.startswith('.') and name.endswith(_PART):
                os.remove(os.path.join(folder, name))


def publish(part, path):
    """Gives a finished file its name, in one step that survives power cuts.

    :param part: the file, on the same file system
    :param path: its name
    """
    with open(part, 'rb') as file:
        system.here().flush(file.fileno())
    os.rename(part, path)
    sync_folder(os.path.dirname(path))


def copy(source: str, target: str) -> None:
    """Copies the content of a file, sharing its blocks where that can be.

    btrfs, XFS, APFS and other file systems that know shared blocks copy
    nothing.

    :param source: the file
    :param target: made, or replaced
    :raises OSError: ENOSPC among others
    """
    try:
        system.here().share_blocks(source, target)
    except OSError as error:
        # Not on every file system, not across them.
        if error.errno in (errno.ENOSPC, errno.ENOENT):
            raise
        with open(source, 'rb') as reader, open(target, 'wb') as writer:
            shutil.copyfileobj(reader, writer, 1 << 20)


def link_or_copy(source, target):
    """Gives a file that nobody writes to a second name; copies it at worst.

    Some file systems know no hard links, or count no more than a few.

    :param source: the file
    :param target: the name to make
    :raises OSError: ENOSPC among others
    """
    with replacing(target) as part:
        try:
            os.link(source, part)
        except OSError:
            copy(source, part)
            shutil.copymode(source, part)


def move(source, target):
    """Renames a file; copies it to another file system at worst.

    :raises OSError: ENOSPC among others
    """
    try:
        os.rename(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        copy(source, target)
        os.remove(source)


def sync_folder(folder):
    """Makes renames in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        system.here().flush(descriptor)
    finally:
        os.close(descriptor)


def remove_tree(folder):
    """Removes a folder and all that is in it; it may be missing.

    Another program may remove things meanwhile, or add some for a while.

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


def _raise_unless_gone(_function, _path, info):
    if not isinstance(info[1], FileNotFoundError):
        raise info[1]


def marks(paths):
    """Returns what changes with every write to some files.

    :param paths: of files that are there
    :raises OSError: one is not there
    """
    found = [os.stat(path) for path in paths]
    return [(each.st_ino, each.st_size, each.st_mtime_ns) for each in found]
