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

"""All writing of files goes through here, so that it can go wrong on order.

Files are replaced in one step. The faults that concern files (a disk that is
full, a tool killed half-way through a write or between two of them) are armed
for the call.
"""

import errno
import os
import signal

_disk_full = None
_die_suffix = None
_steps_to_live = None
#: How many changes this call has made.
steps_done = 0


def arm(disk_full=None, die_suffix=None, die_step=None):
    """Set the faults of this call.

    :param disk_full: a function of a path, true where nothing can grow.
    :param die_suffix: end of the name of the file in whose writing this
        process is to die.
    :param die_step: before which change of a file to die, counted from 1.
    """
    global _disk_full, _die_suffix, _steps_to_live
    if die_step is not None:
        _steps_to_live = die_step
    if disk_full is not None:
        _disk_full = disk_full
    if die_suffix is not None:
        _die_suffix = die_suffix


def step():
    """Count one change of the world; whoever makes one calls this first."""
    global _steps_to_live, steps_done
    steps_done += 1
    if _steps_to_live is not None:
        _steps_to_live -= 1
        if not _steps_to_live:
            os.kill(os.getpid(), signal.SIGKILL)


def check_space(path):
    """Raise OSError ENOSPC when ``path`` may not grow."""
    step()
    if _disk_full and _disk_full(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)


def _die_if_told(path, data):
    if _die_suffix and path.endswith(_die_suffix):
        with open(path, 'wb') as f:
            f.write(data[:len(data) // 2])
        os.kill(os.getpid(), signal.SIGKILL)


def replace(path, data):
    """Make ``data`` (bytes) the content of ``path``, keeping its mode."""
    check_space(path)
    _die_if_told(path, data)
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


def append(path, data):
    check_space(path)
    with open(path, 'ab') as f:
        f.write(data)


def remove(path):
    """Delete a file; one that is not there is fine."""
    step()
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    return True
