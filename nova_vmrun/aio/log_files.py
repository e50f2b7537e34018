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

"""Log files: keep them small while programs write to them, and read them.

Services and what they start, such as RabbitMQ and sshd, write for months to
the descriptors that they got when they started, and cannot be asked to open
other files. So a large log is not renamed: it is copied to .log.1 and then cut
to nothing. Whoever writes to it must have opened it for appending.
"""

from collections.abc import Iterable
import dataclasses
import errno
import fcntl
import logging
import os
import pathlib
import re
import shutil
from typing import BinaryIO

from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.host import files
from nova_vmrun.host import strange_files

LOG = logging.getLogger(__name__)
#: Seconds between two looks at the sizes of logs.
INTERVAL = 10
# Bytes. A larger log is set aside. Of one that grew faster than anybody
# looked, only the end is kept. If there is no space for that, one that is
# larger still is dropped, since it may be what has filled the disk.
_LIMIT = 5 * 1024 * 1024
_KEPT = 2 * _LIMIT
_DROPPED = 4 * _LIMIT
_FULL = (errno.ENOSPC, errno.EDQUOT)
#: Bytes that are read of a log.
TAIL = 256 * 1024
# Lines of a log that say what went wrong: errors, and last lines of
# tracebacks. RabbitMQ puts the level into brackets.
_ERROR = re.compile(r'^(\w+\.)*\w*(Error|Exception|Exit|Interrupt)\b.*'
                    r'|^\S+ \S+ (\d+ (ERROR|CRITICAL)|\[(error|critical)\]) ')


@dataclasses.dataclass(frozen=True)
class Mark:
    """The end of a log at some time: what is written later counts.

    :ivar size: of the log in bytes
    :ivar older: what was set aside before, as _identity returns it
    """

    size: int
    older: tuple[int, int]


def open_to_append(layout: aio_layout.Layout, service: str) -> int:
    """Open the log of a service, and start a new one if it is large.

    :returns: a file descriptor
    :raises OSError: it cannot be written
    """
    log = layout.log(service)
    _set_aside(log)
    return os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def keep_small(layout: aio_layout.Layout, services: Iterable[str]) -> None:
    """Set aside those logs of services that have become large.

    So is the list of the calls of the fake VMware.
    """
    for log in [*map(layout.log, services), layout.calls]:
        _set_aside(log)


def _set_aside(log: pathlib.Path) -> None:
    """Move what is in a log to .log.1, if it is large.

    A link is left alone. If this fails, the next look tries again.
    """
    try:
        # Of a link, this is its own size, not that of what it leads to.
        if os.lstat(log).st_size <= _LIMIT:
            return
        with strange_files.opened(str(log), write=True) as stream:
            # Several processes look after the same logs, and some read them.
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(stream.fileno()).st_size > _LIMIT:
                _empty(stream, _older(log))
    except FileNotFoundError:
        return
    except OSError as error:
        LOG.debug('%s cannot be set aside: %s', log, error)


def _older(log: pathlib.Path) -> pathlib.Path:
    return log.with_name(log.name + '.1')


def _empty(log: BinaryIO, older: pathlib.Path) -> None:
    """Copy a log to another file, and cut it to nothing.

    After a power cut, what is in the one may be in the other, too.

    :raises OSError: the log has not been changed
    """
    size = os.fstat(log.fileno()).st_size
    try:
        _copy(log, older)
    except OSError as error:
        if error.errno not in _FULL:
            raise
        older.unlink(missing_ok=True)
        try:
            _copy(log, older)
        except OSError:
            if size <= _DROPPED:
                raise
    os.ftruncate(log.fileno(), 0)


def _copy(log: BinaryIO, older: pathlib.Path) -> None:
    """Replace a file by the end of a log."""
    new = older.with_name(older.name + '.new')
    new.unlink(missing_ok=True)
    try:
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600),
                  'wb') as copy:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(0, size - _KEPT))
            if size > _KEPT:
                # The rest of a line.
                log.readline(TAIL)
            shutil.copyfileobj(log, copy)
            copy.flush()
            files.publish(str(new), str(older))
            # What has been written meanwhile.
            shutil.copyfileobj(log, copy)
    finally:
        new.unlink(missing_ok=True)


def mark(log: pathlib.Path) -> Mark:
    """Return where a log ends now; at 0 if there is none."""
    try:
        with open(log, 'rb') as stream:
            # Nobody sets it aside meanwhile.
            fcntl.flock(stream, fcntl.LOCK_SH)
            return Mark(stream.seek(0, os.SEEK_END), _identity(_older(log)))
    except OSError:
        return Mark(0, _identity(_older(log)))


def marks(layout: aio_layout.Layout,
          services: Iterable[str]) -> dict[str, Mark]:
    """Return where the logs of services end now."""
    return {service: mark(layout.log(service)) for service in services}


def _identity(path: pathlib.Path) -> tuple[int, int]:
    """Return what tells a file from the next one of its name."""
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_ino, found.st_mtime_ns


def tail(log: pathlib.Path, since: Mark | None = None,
         size: int = TAIL) -> list[str]:
    """Return the last lines of a log, and of what was set aside.

    :param since: where the log ended when what counts began; None: all counts
    :param size: how many bytes are read at most
    """
    try:
        with open(log, 'rb') as stream:
            # Nobody sets it aside meanwhile.
            fcntl.flock(stream, fcntl.LOCK_SH)
            older = _older(log)
            if since is not None and since.older == _identity(older):
                text = _rest(stream, since.size, size)
            else:
                text = _rest_of(older, since.size if since else 0, size)
                text += _rest(stream, 0, size)
    except OSError:
        return []
    # Texts of users and guests may contain other ends of lines.
    whole = text[-size:].decode(errors='replace').removesuffix('\n')
    return whole.split('\n') if whole else []


def _rest_of(path: pathlib.Path, start: int, limit: int) -> bytes:
    try:
        with open(path, 'rb') as stream:
            return _rest(stream, start, limit)
    except OSError:
        return b''


def _rest(stream: BinaryIO, start: int, limit: int) -> bytes:
    """Return the end of a file: all of it if it is smaller than it was."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(start if start <= size else 0, size - limit))
    return stream.read()


def complaints(log: pathlib.Path, lines: int,
               since: Mark | None = None) -> list[str]:
    """Return the last lines of a log that report errors.

    :param lines: maximum number of lines
    :param since: see tail
    """
    return [line for line in tail(log, since)
            if _ERROR.search(line)][-lines:]
