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

"""VMware's locks, which show which processes have a VM's file open.

Beside the file is a folder whose name ends with .lck. It contains a file for
each process that has the file open, which names the process and its host.
"""

from collections.abc import Iterator
import contextlib
import os
import re
from typing import NamedTuple

import psutil

from nova_vmrun.host import strange_files
from nova_vmrun import system

# The machine; the process, its birth, and its name, which old products omit.
_OWNER = re.compile(
    rb'(\S+) ([0-9]{1,9})-([0-9]{0,18})(?:\(([^)]*)\))?')
# A number follows the process, and then whether the lock is exclusive.
_SHARED = re.compile(rb'\S+ \S+ [0-9]+ S ')
_VM_PROGRAM = 'vmware-vmx'


class Owner(NamedTuple):
    """The process that a file in a lock names.

    :ivar machine: VMware's id of a host
    :ivar born: start time of the process, in a unit of that host's system
    :ivar program: empty in locks of old products
    """

    machine: bytes
    pid: int
    born: bytes
    program: bytes

    @property
    def is_alive(self) -> bool:
        """Return whether the process may be running on this host."""
        return _is_alive(self.pid, self.born)

    @property
    def is_vm_of_ours(self) -> bool:
        """Return whether the process is certainly a VM on this host."""
        return bool(self.born and is_vm(os.fsdecode(self.program)) and
                    system.here().lock_start_time(self.pid) is not None and
                    self.is_alive)


class Holder(NamedTuple):
    """A live process that holds a lock; a field is None if unknown."""

    pid: int | None
    program: str | None


def is_vm(program: str | None) -> bool:
    """Return whether a program is the process of a VM."""
    return program is not None and program.startswith(_VM_PROGRAM)


def holders(lock: str) -> Iterator[Holder]:
    """Yield the live processes that hold a lock.

    If the lock cannot be read, yield one holder with unknown fields.

    :param lock: path of the .lck folder; it may be missing
    """
    try:
        for member in os.listdir(lock):
            try:
                found = owner(os.path.join(lock, member))
            except PermissionError:
                raise
            except OSError:
                # The file is just being created or removed, or is none.
                continue
            if found and found.is_alive:
                yield Holder(found.pid, _program(found.pid, found.program))
    except PermissionError:
        yield Holder(None, None)
    except OSError:
        # It was removed, or is not a folder. VMware removes such a file.
        return


def owner(member: str) -> Owner | None:
    """Return the process that one file of a .lck folder names, or None.

    :raises OSError: the file cannot be read
    """
    with strange_files.opened(member) as file:
        found = _OWNER.match(file.read(512))
    if found is None:
        return None
    machine, pid, born, program = found.groups()
    return Owner(machine, int(pid), born, program or b'')


def is_shared(member: str) -> bool:
    """Return whether one file of a .lck folder is a shared lock.

    :raises OSError: the file cannot be read
    """
    with strange_files.opened(member) as file:
        return _SHARED.match(file.read(512)) is not None


def members(lock: str) -> Iterator[tuple[str, Owner]]:
    """Yield the path of each file of a .lck folder, and whom it names.

    Skip files that name nobody or cannot be read.

    :param lock: path of the .lck folder; it may be missing
    """
    try:
        names = os.listdir(lock)
    except OSError:
        return
    for name in names:
        member = os.path.join(lock, name)
        with contextlib.suppress(OSError):
            found = owner(member)
            if found:
                yield member, found


def remove(member: str) -> None:
    """Remove one file of a .lck folder, and the folder if it is then empty.

    :raises OSError: the file cannot be removed
    """
    os.remove(member)
    # This fails while there is a lock of another VM.
    with contextlib.suppress(OSError):
        os.rmdir(os.path.dirname(member))


def _is_alive(pid: int, born: bytes) -> bool:
    if born:
        return system.here().is_lock_holder(pid, int(born))
    if not psutil.pid_exists(pid):
        return False
    # Another process may have the pid by now; VMware's have such names.
    name = _process_name(pid)
    return name is None or name.casefold().startswith('vm')


def _program(pid: int, name: bytes) -> str | None:
    return os.fsdecode(name) if name else _process_name(pid)


def _process_name(pid: int) -> str | None:
    try:
        return str(psutil.Process(pid).name())
    except psutil.Error:
        return None
