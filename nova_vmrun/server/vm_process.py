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

It is found through the VM's lock files and the process table, neither of which
a guest can write to. vmware.log names it, too, but only in its first line, and
VMware rotates the log if a guest makes it log a lot.
"""

from collections.abc import Callable, Iterable, Iterator
import dataclasses
import os
import time

from oslo_log import log as logging
import psutil

from nova_vmrun.host import locks
from nova_vmrun.host import paths
from nova_vmrun.server import process_identity
from nova_vmrun import system

LOG = logging.getLogger(__name__)

# Seconds between two checks of a VM that is ending. They double each time,
# since most VMs end at once.
_SHORTEST_POLL_SECONDS = 0.005
_LONGEST_POLL_SECONDS = 0.15


# The pid of a process, and its birth as returned by process_identity.of.
Identity = tuple[int, str | float]


def identity(vmx: str) -> Identity | None:
    """Return the identity of a VM's process.

    :param vmx: path; the file may be gone
    :returns: None if there is no such process, or only a zombie
    """
    found = _by_locks(vmx)
    if found is not None:
        return found
    # A VM that is starting or ending may have no locks.
    for pid, path in _vms():
        if paths.canonical(path) == paths.canonical(vmx):
            birth = process_identity.of(pid)
            if birth is not None:
                return pid, birth
    return None


def _by_locks(vmx: str) -> Identity | None:
    for _name, pid, program in _locks(os.path.dirname(vmx)):
        if pid is not None and locks.is_vm(program):
            birth = process_identity.of(pid)
            if birth is not None:
                return pid, birth
    return None


def alive(vmx_files: Iterable[str]) -> set[str]:
    """Return those VMs that have processes other than zombies.

    The processes of the host are looked through once, for all of them.

    :param vmx_files: paths
    """
    wanted = set(vmx_files)
    found = {vmx for vmx in wanted if _by_locks(vmx) is not None}
    rest = {paths.canonical(vmx): vmx for vmx in wanted - found}
    running = map(paths.canonical, vmx_paths() if rest else ())
    return found | {rest[path] for path in running if path in rest}


def is_alive(vmx: str) -> bool:
    """Return whether a VM has a process other than a zombie."""
    return identity(vmx) is not None


@dataclasses.dataclass(frozen=True)
class Usage:
    """What the process of a VM has used since it was started.

    :ivar uptime: seconds
    :ivar cpu_ns: nanoseconds of all its threads, in user and system mode
    :ivar memory_bytes: bytes that are in the host's memory now
    :ivar read_bytes: bytes read from the host's files; None, like the other
        three, if the system does not say
    """

    uptime: int
    cpu_ns: int
    memory_bytes: int
    read_bytes: int | None = None
    write_bytes: int | None = None
    read_requests: int | None = None
    write_requests: int | None = None


def usage(vmx: str) -> Usage | None:
    """Return what a VM's process has used; None if there is no process."""
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


def _io(process: psutil.Process) -> dict[str, int]:
    # macOS does not report this, and Linux only to the owner of the process.
    try:
        counters = process.io_counters()
    except (AttributeError, psutil.AccessDenied):
        return {}
    return {'read_bytes': counters.read_bytes,
            'write_bytes': counters.write_bytes,
            'read_requests': counters.read_count,
            'write_requests': counters.write_count}


def wait_until_released(folder: str, timeout: float,
                        sleep: Callable[[float], None] = time.sleep,
                        clock: Callable[[], float] = time.monotonic) -> bool:
    """Wait until VMware has unlocked a VM's files.

    ``vmrun list`` drops a VM before its process has written and unlocked
    everything. Locks of processes that are gone do not count.

    :param folder: of the VM
    :param timeout: seconds
    :returns: whether the files are unlocked
    """
    if _ends_in_time(lambda: is_locked(folder), timeout, sleep, clock):
        return True
    LOG.warning('VMware still has locks in %s', folder)
    return False


def wait_until_ended(process: Identity | None, timeout: float,
                     sleep: Callable[[float], None] = time.sleep,
                     clock: Callable[[], float] = time.monotonic) -> bool:
    """Wait until a VM's process is gone; it unlocks its files earlier.

    :param process: what identity() returned while the VM was on
    :param timeout: seconds
    :returns: whether it is gone
    """
    if process is None:
        return True
    if _ends_in_time(lambda: process_identity.is_same(*process),
                     timeout, sleep, clock):
        return True
    LOG.warning('Process %d of a VM does not end', process[0])
    return False


def _ends_in_time(condition: Callable[[], bool], timeout: float,
                  sleep: Callable[[float], None],
                  clock: Callable[[], float]) -> bool:
    """Wait while a condition is true; return whether it ended in time."""
    deadline = clock() + timeout
    interval = _SHORTEST_POLL_SECONDS
    while condition():
        if clock() > deadline:
            return False
        sleep(interval)
        interval = min(2 * interval, _LONGEST_POLL_SECONDS)
    return True


def is_locked(folder: str) -> bool:
    """Return whether a live process uses the files of a VM.

    Ignore the lock of the .vmx: VMware's window also locks the .vmx of a VM
    that is off.

    :param folder: of the VM
    """
    return any(not name.endswith('.vmx.lck')
               for name, _pid, _program in _locks(folder))


def is_in_use(vmx: str) -> bool:
    """Return whether a VM is on or its disks are in use; run no program."""
    return is_locked(os.path.dirname(vmx)) or is_alive(vmx)


def is_held_by_vm(folder: str) -> bool:
    """Return whether the process of a VM uses the files in a folder.

    Ignore VMware's window and programs that work on a disk. Count a lock that
    cannot be read, since those of other users' VMs cannot.

    :param folder: of the VM
    """
    return any(program is None or locks.is_vm(program)
               for _name, _pid, program in _locks(folder))


def vmx_paths() -> set[str]:
    """Return the .vmx paths of the VMs of all users of this host.

    The system may hide what other users run.
    """
    return {path for _pid, path in _vms()}


def _vms() -> Iterator[tuple[int, str]]:
    """Yield the pid and the .vmx path of each VM of this host."""
    for pid in psutil.pids():
        words = system.here().command_line(pid) or ['']
        if (locks.is_vm(os.path.basename(words[0])) and
                words[-1].endswith('.vmx')):
            yield pid, words[-1]


def _locks(folder: str) -> Iterator[tuple[str, int | None, str | None]]:
    """Yield the name of each lock, and the pid and program of its holder."""
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return
    for name in names:
        if name.endswith('.lck'):
            for holder in locks.holders(os.path.join(folder, name)):
                yield name, holder.pid, holder.program


def is_open(vmx: str) -> bool:
    """Return whether a live process has a .vmx open, and may overwrite it."""
    return any(True for _ in locks.holders(vmx + '.lck'))


def lock_owners(folder: str) -> set[locks.Owner]:
    """Return the processes that the locks in a VM's folder name.

    They may have ended, and left their locks.

    :param folder: of the VM; it may be missing
    :raises OSError: the folder cannot be read
    """
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return set()
    return {found for name in names if name.endswith('.lck')
            for _member, found in locks.members(os.path.join(folder, name))}


def machines(folder: str) -> set[bytes]:
    """Return VMware's ids of this host, from the locks of a running VM.

    :param folder: of the VM
    :raises OSError: the folder cannot be read
    """
    return {found.machine for found in lock_owners(folder)
            if found.is_vm_of_ours}
