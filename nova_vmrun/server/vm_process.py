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

"""The vmware-vmx process of a VM.

Which process that is, its lock files and the system tell: a guest writes to
neither. vmware.log names it too, but only in its first line, and a guest that
makes VMware log a lot has that log put aside and a new one begun.
"""

from collections.abc import Callable, Iterator
import contextlib
import dataclasses
import os
import re
import time
from typing import NamedTuple

from oslo_log import log as logging
import psutil

from nova_vmrun.host import paths
from nova_vmrun.server import process_identity
from nova_vmrun import system

LOG = logging.getLogger(__name__)

# The machine; the process, its birth and its name, which old products omit.
_LOCK_OWNER = re.compile(
    rb'(\S+) ([0-9]{1,9})-([0-9]{0,18})(?:\(([^)]*)\))?')
_VM_PROGRAM = 'vmware-vmx'
# How long we rest between two looks at a VM that ends, in seconds: twice as
# long each time, since most end at once.
_SHORTEST_POLL_SECONDS = 0.005
_LONGEST_POLL_SECONDS = 0.15


# A process's id, and its birth as nova_vmrun.server.process_identity tells it.
Identity = tuple[int, str | float]


def identity(vmx: str) -> Identity | None:
    """Returns what tells a VM's process from all others.

    :param vmx: path, which may be gone
    :returns: None if there is no such process; a zombie is none
    """
    for _name, pid, program in _locks(os.path.dirname(vmx)):
        if pid is not None and _is_vm(program):
            birth = process_identity.of(pid)
            if birth is not None:
                return pid, birth
    # It may have its locks not yet, or not any more.
    for pid, path in _vms():
        if paths.canonical(path) == paths.canonical(vmx):
            birth = process_identity.of(pid)
            if birth is not None:
                return pid, birth
    return None


def is_alive(vmx: str) -> bool:
    """Tells whether a VM has a process; a zombie is none.

    :param vmx: path
    """
    return identity(vmx) is not None


@dataclasses.dataclass(frozen=True)
class Usage:
    """What the process of a VM has used since it was started.

    :ivar uptime: seconds
    :ivar cpu_ns: nanoseconds of all its threads, in user and system mode
    :ivar memory_bytes: that are in the host's memory now
    :ivar read_bytes: from the host's files, and so the other three; None
        where the system does not tell
    """

    uptime: int
    cpu_ns: int
    memory_bytes: int
    read_bytes: int | None = None
    write_bytes: int | None = None
    read_requests: int | None = None
    write_requests: int | None = None


def usage(vmx: str) -> Usage | None:
    """Returns the Usage of a VM's process.

    :param vmx: path
    :returns: None if there is no such process
    """
    found = identity(vmx)
    if found is None:
        return None
    try:
        process = psutil.Process(found[0])
        with process.oneshot():
            times = process.cpu_times()
            return Usage(
                uptime=int(time.time() - process.create_time()),
                cpu_ns=int((times.user + times.system) * 10 ** 9),
                memory_bytes=process.memory_info().rss, **_io(process))
    except psutil.Error:
        return None


def _io(process):
    # macOS does not tell; Linux tells only the owner of the process.
    try:
        counters = process.io_counters()
    except (AttributeError, psutil.AccessDenied):
        return {}
    return {'read_bytes': counters.read_bytes,
            'write_bytes': counters.write_bytes,
            'read_requests': counters.read_count,
            'write_requests': counters.write_count}


def wait_until_released(folder, timeout, sleep=time.sleep,
                        clock=time.monotonic):
    """Waits until VMware has let go of a VM's files.

    ``vmrun list`` forgets a VM before its process has written and unlocked
    everything. Locks of processes that are gone do not count.

    :param folder: of the VM
    :param timeout: seconds
    :returns: whether the files are free
    """
    if _passes(lambda: is_locked(folder), timeout, sleep, clock):
        return True
    LOG.warning('VMware still holds locks in %s', folder)
    return False


def wait_until_ended(process: Identity | None, timeout: float,
                     sleep: Callable[[float], None] = time.sleep,
                     clock: Callable[[], float] = time.monotonic) -> bool:
    """Waits until a process of a VM is gone, which unlocks its files earlier.

    :param process: what identity() returned while the VM was on
    :param timeout: seconds
    :returns: whether it is gone
    """
    if process is None:
        return True
    if _passes(lambda: process_identity.is_same(*process),
               timeout, sleep, clock):
        return True
    LOG.warning('Process %d of a VM does not end', process[0])
    return False


def _passes(is_so, timeout, sleep, clock):
    """Waits while something is so; tells whether it has ended in time."""
    deadline = clock() + timeout
    rest = _SHORTEST_POLL_SECONDS
    while is_so():
        if clock() > deadline:
            return False
        sleep(rest)
        rest = min(2 * rest, _LONGEST_POLL_SECONDS)
    return True


def is_locked(folder):
    """Tells whether a live process uses the files of a VM.

    The lock of the .vmx does not count: a window that shows a VM which is
    off holds it too.

    :param folder: of the VM
    """
    return any(not name.endswith('.vmx.lck')
               for name, _pid, _program in _locks(folder))


def is_in_use(vmx: str) -> bool:
    """Tells whether a VM is on, or its disks are in use; starts no program.

    :param vmx: path
    """
    return is_locked(os.path.dirname(vmx)) or is_alive(vmx)


def is_held_by_vm(folder):
    """Tells whether the process of a VM uses the files in a folder.

    Neither a window nor a program that works on a disk is one. Who holds a
    lock that may not be read is not known, and counts: VMs of other users
    have such locks.

    :param folder: of the VM
    """
    return any(program is None or _is_vm(program)
               for _name, _pid, program in _locks(folder))


def _is_vm(program: str | None) -> bool:
    return program is not None and program.startswith(_VM_PROGRAM)


def vmx_paths() -> set[str]:
    """Returns the .vmx paths of VMs of all users of this host.

    Processes of others may hide what they run.
    """
    return {path for _pid, path in _vms()}


def _vms() -> Iterator[tuple[int, str]]:
    """Yields the pid and the .vmx path of each VM of this host."""
    for pid in psutil.pids():
        words = system.here().command_line(pid) or ['']
        if _is_vm(os.path.basename(words[0])) and words[-1].endswith('.vmx'):
            yield pid, words[-1]


def _locks(folder: str) -> Iterator[tuple[str, int | None, str | None]]:
    """Yields the name, the holder's pid and its program of each lock."""
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return
    for name in names:
        if name.endswith('.lck'):
            for pid, program in _holders(os.path.join(folder, name)):
                yield name, pid, program


def is_open(vmx):
    """Tells whether a live process has a .vmx open, and may overwrite it.

    :param vmx: path
    """
    return any(True for _ in _holders(vmx + '.lck'))


def _holders(lock: str) -> Iterator[tuple[int | None, str | None]]:
    """Yields pids and programs of live processes in a <file>.lck folder."""
    try:
        for member in os.listdir(lock):
            try:
                holder = owner(os.path.join(lock, member))
            except (FileNotFoundError, IsADirectoryError):
                # It is being made, or went away while we looked.
                continue
            if holder and holder.is_alive:
                yield holder.pid, _program(holder.pid, holder.program)
    except PermissionError:
        yield None, None
    except OSError:
        # It went away, or is no lock: VMware removes a file of such a name.
        return


class Owner(NamedTuple):
    """Whom a lock names.

    :ivar machine: VMware's id of a host
    :ivar born: when the process was started, in a unit of its system
    :ivar program: empty in locks of old products
    """

    machine: bytes
    pid: int
    born: bytes
    program: bytes

    @property
    def is_alive(self) -> bool:
        """Whether this host may have the process."""
        return _is_alive(self.pid, self.born)

    @property
    def is_vm_of_ours(self) -> bool:
        """Whether it is certain that this host runs the process, as a VM."""
        return bool(self.born and _is_vm(os.fsdecode(self.program)) and
                    system.here().lock_birth(self.pid) is not None and
                    self.is_alive)


def owner(member: str) -> Owner | None:
    """Reads one file of a <file>.lck folder.

    :returns: None if it names nobody
    :raises OSError: it cannot be read
    """
    with open(member, 'rb') as file:
        found = _LOCK_OWNER.match(file.read(512))
    if found is None:
        return None
    machine, pid, born, program = found.groups()
    return Owner(machine, int(pid), born, program or b'')


def machines(folder: str) -> set[bytes]:
    """Returns VMware's ids of this host, as running VMs of a folder tell.

    :param folder: of a VM
    :raises OSError: the folder cannot be read
    """
    return {found.machine for name in os.listdir(folder)
            if name.endswith('.lck')
            for found in _owners(os.path.join(folder, name))
            if found.is_vm_of_ours}


def _owners(lock: str) -> Iterator[Owner]:
    try:
        members = os.listdir(lock)
    except OSError:
        return
    for member in members:
        with contextlib.suppress(OSError):
            found = owner(os.path.join(lock, member))
            if found:
                yield found


def _is_alive(number: int, born: bytes) -> bool:
    if born:
        return system.here().is_lock_holder(number, int(born))
    if not psutil.pid_exists(number):
        return False
    # Its number may be another's by now; VMware's programs have such names.
    name = _process_name(number)
    return name is None or name.casefold().startswith('vm')


def _program(number, name):
    return os.fsdecode(name) if name else _process_name(number)


def _process_name(number):
    try:
        return psutil.Process(number).name()
    except psutil.Error:
        return None
