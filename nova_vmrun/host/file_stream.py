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

"""The files of a folder as one stream of bytes.

A line names the format. Each file follows as a line of JSON with its name and
size, and its bytes. The last line says how many files there were, so a stream
that was cut off is never mistaken for a complete one.

The reader trusts nothing: names and sizes may be hostile, and the stream may
stop, or never end. Tar files would need more care: their extended headers can
be of any size, and contain links, devices and paths.
"""

from collections.abc import Callable
from collections.abc import Collection
import io
import json
import os
import select
from typing import BinaryIO
from typing import Protocol

from nova_vmrun import exception
from nova_vmrun import system

_FORMAT = b'nova-vmrun files 1\n'
_LONGEST_LINE = 4096
_LONGEST_NAME = 255
_MOST_FILES = 1000
_LARGEST_FILE = 1 << 62
_CHUNK = 1 << 20


class _Buffer(Protocol):
    """What readinto() fills."""

    def __len__(self) -> int: ...

    def __setitem__(self, key: slice, value: bytes) -> None: ...


class PatientInput(io.RawIOBase):
    """A file descriptor whose reads fail if nothing arrives for some time.

    :param descriptor: of a pipe or socket; it stays open
    :param timeout: seconds that one read may wait
    """

    def __init__(self, descriptor: int, timeout: float) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._timeout = timeout

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: _Buffer  # type: ignore[override] # no Buffer
                 ) -> int:
        ready, _, _ = select.select([self._descriptor], [], [], self._timeout)
        if not ready:
            raise TimeoutError('Nothing has arrived for %d seconds.'
                               % self._timeout)
        found = os.read(self._descriptor, len(buffer))
        buffer[:len(found)] = found
        return len(found)


def write(folder: str, stream: BinaryIO) -> None:
    """Write all files of a folder, which has no subfolders, to a stream.

    :raises OSError: a file cannot be read, or became shorter meanwhile
    """
    stream.write(_FORMAT)
    names = sorted(os.listdir(folder))
    for name in names:
        descriptor = os.open(os.path.join(folder, name),
                             os.O_RDONLY | os.O_NOFOLLOW)
        with open(descriptor, 'rb') as file:
            size = os.fstat(descriptor).st_size
            stream.write(_line({'name': name, 'size': size}))
            _copy(file, stream, size)
    stream.write(_line({'files': len(names)}))
    stream.flush()


def read(stream: BinaryIO, folder: str, available: Callable[[], int],
         forbidden: Collection[str]) -> int:
    """Create the files of a stream in an empty folder, and flush them.

    :param available: returns how many bytes may still be written there
    :param forbidden: names that no file may have
    :returns: how many files there are
    :raises InvalidInput: the stream is malformed, or not complete
    :raises DiskFull: a file does not fit
    :raises OSError: a file cannot be written, or nothing arrives any longer
    """
    if stream.readline(len(_FORMAT)) != _FORMAT:
        raise _refused('It does not begin as the files of a server do.')
    count = 0
    while True:
        header = _header(stream)
        if set(header) == {'files'}:
            if header['files'] != count or isinstance(header['files'], bool):
                raise _refused('It does not have as many files as it says.')
            return count
        name, size = _name(header, forbidden), _size(header)
        if count == _MOST_FILES:
            raise _refused('It has more than %d files.' % _MOST_FILES)
        if size > available():
            raise exception.DiskFull(
                'The file %s does not fit.' % name, 'It has %d bytes.' % size,
                'Free some space on that host.')
        _read_file(stream, os.path.join(folder, name), size)
        count += 1


def _read_file(stream: BinaryIO, path: str, size: int) -> None:
    try:
        descriptor = os.open(
            path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        raise _refused('It has a file twice: %s.'
                       % os.path.basename(path)) from None
    with open(descriptor, 'wb') as file:
        try:
            _copy(stream, file, size)
        except EOFError:
            raise _refused('It ends within a file.') from None
        file.flush()
        system.here().flush(descriptor)


def _copy(source: BinaryIO, target: BinaryIO, size: int) -> None:
    """Copy bytes.

    :raises EOFError: there are not so many
    """
    left = size
    while left:
        chunk = source.read(min(left, _CHUNK))
        if not chunk:
            raise EOFError('%d bytes are missing' % left)
        target.write(chunk)
        left -= len(chunk)


def _line(header: dict[str, object]) -> bytes:
    return json.dumps(header).encode() + b'\n'


def _header(stream: BinaryIO) -> dict[str, object]:
    line = stream.readline(_LONGEST_LINE)
    if not line.endswith(b'\n'):
        raise _refused('It ends too early, or a line of it is too long.')
    try:
        header = json.loads(line)
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict):
        raise _refused('A line of it cannot be understood.')
    return header


def _name(header: dict[str, object], forbidden: Collection[str]) -> str:
    name = header.get('name')
    if set(header) != {'name', 'size'} or not isinstance(name, str):
        raise _refused('A line of it cannot be understood.')
    # A file system may not tell capital letters from small ones.
    if not _is_plain(name) or name.casefold() in forbidden:
        raise _refused('A file of it is named %.100r.' % name)
    return name


def _is_plain(name: str) -> bool:
    """Return whether a name is that of a visible file in its own folder."""
    try:
        length = len(name.encode())
    except UnicodeEncodeError:
        return False
    return (0 < length <= _LONGEST_NAME and not name.startswith('.') and
            name.isprintable() and '/' not in name and '\\' not in name)


def _size(header: dict[str, object]) -> int:
    size = header.get('size')
    if isinstance(size, bool) or not isinstance(size, int) or not (
            0 <= size <= _LARGEST_FILE):
        raise _refused('A file of it has the size %.40r.' % (size,))
    return size


def _refused(details: str) -> exception.InvalidInput:
    return exception.InvalidInput(
        'The stream of files was refused.', details,
        'Try again. If it fails again, install the same release of '
        'nova-vmrun on both hosts.')
