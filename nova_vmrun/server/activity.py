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

"""Whether files change that nobody on this host writes to.

A VM of another host writes to its disks, its log and its memory file. Who
looks long enough sees it, whatever an operator says about that host.
"""

from collections.abc import Iterable
import os
import stat
import time
from typing import TypeAlias

from nova_vmrun.host import files

# Seconds after which Linux has sent what an NFS client was asked to write: it
# may be 30 seconds old, and is looked for every 5.
SECONDS = 40.0
_INTERVAL = 1.0

_Sight: TypeAlias = dict[str, files.Fingerprint]


def changing(folders: Iterable[str],
             others: Iterable[str] = ()) -> list[str]:
    """Return the files that change within SECONDS, as soon as any does.

    :param folders: whose files to look at, without those of their folders
    :param others: further files; they may be missing
    :returns: sorted paths; none if all are still
    :raises OSError: a folder cannot be read
    """
    folders, others = list(folders), list(others)
    deadline = time.monotonic() + SECONDS
    before = _look(folders, others)
    while True:
        time.sleep(max(0.0, min(_INTERVAL, deadline - time.monotonic())))
        now = _look(folders, others)
        if now != before:
            return sorted(path for path in before.keys() | now.keys()
                          if before.get(path) != now.get(path))
        if time.monotonic() >= deadline:
            return []


def _look(folders: Iterable[str], others: Iterable[str]) -> _Sight:
    paths = [os.path.join(folder, name) for folder in folders
             for name in os.listdir(folder)]
    found = {}
    for path in (*paths, *others):
        try:
            # An NFS client asks the server anew when a file is opened.
            descriptor = os.open(
                path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            # It has just been removed, or is a link, socket or another user's.
            continue
        try:
            status = os.fstat(descriptor)
        finally:
            os.close(descriptor)
        if stat.S_ISREG(status.st_mode):
            found[path] = files.Fingerprint(
                status.st_ino, status.st_size, status.st_mtime_ns)
    return found
