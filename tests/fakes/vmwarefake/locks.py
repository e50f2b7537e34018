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

"""VMware's lock directories.

A file F that is in use has a directory ``F.lck`` with a member file for each
holder: 512 bytes, one line padded with NULs (open-vm-tools,
lib/file/fileLockPrimitive.c)::

    <machineID> <pid>-<procStartTime>(<procName>) <lamport> <X|S> \
<procStartTime> lc=<hash of the path>

The start time is in clock ticks since boot on Linux, and in microseconds since
1970 on macOS.

A member is stale if its machine is ours and its process has ended: whoever
opens the file next discards it. Any other member locks the file.
"""

from __future__ import annotations

import base64
import os
import re

from vmwarefake import digest
from vmwarefake import files
from vmwarefake import knobs
from vmwarefake import process

SIZE = 512
_OWNER = re.compile(r'(\d+)-([^(]*)(?:\((.*)\))?\Z')


class Busy(Exception):
    """Another process holds the lock; ``path`` is the locked file."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


def machine_id() -> str:
    """Return this host's id: 16 characters of base64, with - for /."""
    host = os.uname()
    given = knobs.Knobs(os.environ)['HOST_NAME']
    name = '%s %s' % (given or host.nodename, host.sysname)
    raw = digest.digest(name.encode('utf-8', 'surrogateescape'), 12)
    return base64.b64encode(raw).decode('ascii').replace('/', '-')


def path_hash(path: str) -> int:
    """Hash a path as the products do (DJB2, 32 bits, unsigned)."""
    value = 5381
    for byte in os.fsencode(path):
        value = (value * 33 + byte) & 0xffffffff
    return value


def _members(path: str) -> list[str]:
    try:
        names = sorted(os.listdir(path + '.lck'))
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [os.path.join(path + '.lck', n) for n in names
            if n.startswith('M') and n.endswith('.lck')]


def _read_member(member: str) -> tuple[str, process.Identity, str] | None:
    """Return (machine id, process, 'X' or 'S'); None for garbage."""
    try:
        with open(member, 'rb') as f:
            words = f.read(SIZE).rstrip(b'\0').decode('utf-8').split(' ')
        owner = _OWNER.match(words[1])
        if not owner:
            return None
        return words[0], _identity(*owner.group(1, 2)), words[3]
    except (OSError, UnicodeDecodeError, IndexError):
        return None


def _identity(pid: str, started: str) -> process.Identity:
    living = process.identify(int(pid))
    if living and started == str(process.microseconds(living)):
        return living
    return process.Identity(pid, started)


def _is_stale(machine: str, owner: process.Identity) -> bool:
    return machine == machine_id() and not owner.alive()


def holders(path: str) -> list[tuple[process.Identity, str]]:
    """Return (process, 'X' or 'S') of each holder of ``path``.

    Remove stale members, garbage, and a plain file in place of the directory,
    as any product that opens the file does.
    """
    if os.path.isfile(path + '.lck'):
        os.unlink(path + '.lck')
    found = []
    for member in _members(path):
        content = _read_member(member)
        if content is None or _is_stale(*content[:2]):
            _discard(member)
        else:
            found.append(content[1:])
    return found


def check(path: str, shared: bool = False,
          owner: process.Identity | None = None) -> None:
    """Raise :class:`Busy` if the lock cannot be taken.

    :param owner: ignore the locks of this process.
    """
    for holder, kind in holders(path):
        if holder != owner and not (shared and kind == 'S'):
            raise Busy(path)


def acquire(path: str, owner: process.Identity, shared: bool = False,
            in_microseconds: bool = False) -> None:
    """Lock ``path`` for the process ``owner``.

    :param in_microseconds: whether to write the start time as macOS does.
    :raises Busy: if another process holds it.
    """
    check(path, shared, owner)
    if any(holder == owner for holder, _ in holders(path)):
        return
    files.step()
    folder = path + '.lck'
    number = int.from_bytes(os.urandom(2), 'big')
    entry = os.path.join(folder, 'D%05d.lck' % number)
    os.makedirs(entry)
    started = (process.microseconds(owner) if in_microseconds
               else owner.started)
    line = '%s %d-%s(vmware-vmx) 1 %s %s lc=%d' % (
        machine_id(), owner.pid, started, 'S' if shared else 'X', started,
        path_hash(path))
    draft = os.path.join(folder, 'E%05d.lck' % number)
    with open(draft, 'wb') as f:
        f.write(line.encode('utf-8').ljust(SIZE, b'\0'))
    os.rename(draft, os.path.join(folder, 'M%05d.lck' % number))
    os.rmdir(entry)


def release(path: str, owner: process.Identity) -> None:
    """Release the lock of ``owner`` on ``path``."""
    for member in _members(path):
        content = _read_member(member)
        if content and content[1] == owner:
            _discard(member)


def _discard(member: str) -> None:
    for step, target in ((os.unlink, member),
                         (os.rmdir, os.path.dirname(member))):
        try:
            step(target)
        except OSError:
            return          # another holder needs the directory
