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

"""Writing of files, which can be made to fail.

Every module writes files with these functions. Files are replaced atomically.
A call can be made to find a full disk, or to die in the middle of a write or
between two writes.
"""

from __future__ import annotations

import errno
import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import abc

_disk_full = None
_die_suffix = None
_steps_to_live = None
#: Number of changes that this call has made.
steps_done = 0


def arm(disk_full: abc.Callable[[str], bool] | None = None,
        die_suffix: str | None = None, die_step: int | None = None) -> None:
    """Set the faults of this call.

    :param disk_full: returns whether the file at a path cannot grow.
    :param die_suffix: die in the middle of writing the first file whose name
        ends like this.
    :param die_step: die before this change of a file, counted from 1.
    """
    global _disk_full, _die_suffix, _steps_to_live
    if die_step is not None:
        _steps_to_live = die_step
    if disk_full is not None:
        _disk_full = disk_full
    if die_suffix is not None:
        _die_suffix = die_suffix


def step() -> None:
    """Count a change; call this before making one."""
    global _steps_to_live, steps_done
    steps_done += 1
    if _steps_to_live is not None:
        _steps_to_live -= 1
        if not _steps_to_live:
            os.kill(os.getpid(), signal.SIGKILL)


def check_space(path: str) -> None:
    """Raise OSError ENOSPC if ``path`` cannot grow."""
    step()
    if _disk_full and _disk_full(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)


def _die_if_armed(path: str, data: bytes) -> None:
    if _die_suffix and path.endswith(_die_suffix):
        with open(path, 'wb') as f:
            f.write(data[:len(data) // 2])
        os.kill(os.getpid(), signal.SIGKILL)


def replace(path: str, data: bytes) -> None:
    """Replace the content of ``path`` atomically, keeping its mode."""
    check_space(path)
    _die_if_armed(path, data)
    temporary = '%s.%d.tmp' % (path, os.getpid())
    try:
        with open(temporary, 'wb') as f:
            f.write(data)
            if os.path.exists(path):
                os.fchmod(f.fileno(), os.stat(path).st_mode & 0o7777)
        os.rename(temporary, path)
    except BaseException:
        remove(temporary)
        raise


def append(path: str, data: bytes) -> None:
    check_space(path)
    with open(path, 'ab') as f:
        f.write(data)


def remove(path: str) -> bool:
    """Delete a file if it exists; return whether it did."""
    step()
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    return True
