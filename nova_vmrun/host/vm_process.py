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

"""The vmware-vmx process of a VM, as far as its folder tells of it."""

import dataclasses
import os
import re
import sys
import time

from oslo_log import log as logging
import psutil

from nova_vmrun.host import births

LOG = logging.getLogger(__name__)

_PID = re.compile(rb' pid=([0-9]+) ')
# The machine; the process, its birth and its name, which old products omit.
_LOCK_OWNER = re.compile(
    rb'\S+ ([0-9]{1,9})-([0-9]{0,18})(?:\(([^)]*)\))?')
_VM_PROGRAM = 'vmware-vmx'
_POLL_SECONDS = 0.15
# By how much the start time of a process may be wrong.
_CLOCK_SECONDS = 5
_ERROR_LINES = 4
_LAST_LINES = 12
# Time, level and thread; then the id of a message.
_LINE_HEAD = re.compile(
    r'\S+( \w+\(\d+\)\+? \S+ |\| *[^|]*\| *\w+: )(\[msg\.\S*\] )?')


def pid(vmware_log):
    """Returns the pid of a VM's process, which may be gone.

    It stands in the first line of vmware.log, which VMware starts anew at each
    power-on.

    :param vmware_log: path
    :returns: None if there is no such log
    """
    try:
        with open(vmware_log, 'rb') as file:
            match = _PID.search(file.readline(4096))
    except OSError:
        return None
    return int(match.group(1)) if match else None


def identity(vmware_log):
    """Returns what tells a VM's process from all others: (pid, birth).

    :param vmware_log: path
    :returns: None if there is no such process; see births for the birth
    """
    number = pid(vmware_log)
    birth = None if number is None else births.of(number)
    return None if birth is None else (number, birth)


def is_alive(vmware_log):
    """Tells whether the process that writes a vmware.log is alive.

    After a restart of the host its pid may be another process's, which began
    later than the log ends. A zombie is not alive.

    :param vmware_log: path
    """
    number = pid(vmware_log)
    if number is None:
        return False
    try:
        process = psutil.Process(number)
        ends = os.stat(vmware_log).st_mtime
        return (process.create_time() <= ends + _CLOCK_SECONDS and
                process.status() != psutil.STATUS_ZOMBIE)
    except (OSError, psutil.Error):
        return False


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


def usage(vmware_log):
    """Returns the Usage of a VM's process.

    :param vmware_log: path
    :returns: None if there is no such process
    """
    number = pid(vmware_log)
    if number is None:
        return None
    try:
        process = psutil.Process(number)
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


def wait_until_ended(vmware_log, timeout, sleep=time.sleep,
                     clock=time.monotonic):
    """Waits until the process of a VM is gone, which takes a moment longer.

    :param vmware_log: path
    :param timeout: seconds
    :returns: whether it is gone
    """
    if _passes(lambda: is_alive(vmware_log), timeout, sleep, clock):
        return True
    LOG.warning('The process that writes %s does not end', vmware_log)
    return False


def _passes(is_so, timeout, sleep, clock):
    """Waits while something is so; tells whether it has ended in time."""
    deadline = clock() + timeout
    while is_so():
        if clock() > deadline:
            return False
        sleep(_POLL_SECONDS)
    return True


def is_locked(folder):
    """Tells whether a live process uses the files of a VM.

    The lock of the .vmx does not count: a window that shows a VM which is
    off holds it too.

    :param folder: of the VM
    """
    return any(not name.endswith('.vmx.lck')
               for name, _program in _locks(folder))


def is_held_by_vm(folder):
    """Tells whether the process of a VM uses the files in a folder.

    Neither a window nor a program that works on a disk is one. Who holds a
    lock that may not be read is not known, and counts: VMs of other users
    have such locks.

    :param folder: of the VM
    """
    return any(program is None or program.startswith(_VM_PROGRAM)
               for _name, program in _locks(folder))


def vmx_paths():
    """Returns the .vmx paths of VMs of all users of this host, as a set.

    Processes of others may hide what they run.
    """
    found = set()
    for process in psutil.process_iter(['cmdline']):
        words = process.info['cmdline'] or ['']
        if os.path.basename(words[0]).startswith(_VM_PROGRAM) and (
                words[-1].endswith('.vmx')):
            found.add(words[-1])
    return found


def _locks(folder):
    """Yields the name and the holder's program of each lock that is held."""
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return
    for name in names:
        if name.endswith('.lck'):
            for program in _holders(os.path.join(folder, name)):
                yield name, program


def is_open(vmx):
    """Tells whether a live process has a .vmx open, and may overwrite it.

    :param vmx: path
    """
    return any(True for _ in _holders(vmx + '.lck'))


def _holders(lock):
    """Yields the programs of the live processes in a <file>.lck folder."""
    try:
        for member in os.listdir(lock):
            try:
                with open(os.path.join(lock, member), 'rb') as file:
                    owner = _LOCK_OWNER.match(file.read(512))
            except (FileNotFoundError, IsADirectoryError):
                # It is being made, or went away while we looked.
                continue
            if owner and _is_alive(int(owner.group(1)), owner.group(2)):
                yield _program(int(owner.group(1)), owner.group(3))
    except PermissionError:
        yield None
    except OSError:
        # It went away, or is no lock: VMware removes a file of such a name.
        return


def _is_alive(number, born):
    if sys.platform == 'linux' and born:
        ticks = births.since_boot(number)
        return _is_hidden(number) if ticks is None else ticks == int(born)
    if not psutil.pid_exists(number):
        return False
    # Its number may be another's by now; VMware's programs have such names.
    name = _process_name(number)
    return name is None or name.casefold().startswith('vm')


def _is_hidden(number):
    """Tells whether Linux shows a process to its owner alone (hidepid)."""
    try:
        os.kill(number, 0)
    except PermissionError:
        return not os.path.exists('/proc/%d' % number)
    except OSError:
        return False
    return False


def _program(number, name):
    return os.fsdecode(name) if name else _process_name(number)


def _process_name(number):
    try:
        return psutil.Process(number).name()
    except psutil.Error:
        return None


def log_mark(vmware_log):
    """Returns what changes when vmware.log is begun anew or written to.

    :param vmware_log: path
    :returns: None without a log
    """
    try:
        found = os.stat(vmware_log)
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def last_words(vmware_log):
    """Returns the last lines of vmware.log.

    :param vmware_log: path
    :returns: one text, empty without a log
    """
    return '\n'.join(_lines(vmware_log)[-_LAST_LINES:])


def cause(vmware_log):
    """Returns the messages that VMware posted: why a VM did not start.

    :param vmware_log: path
    :returns: one line, empty if there is none
    """
    posted = []
    inside = False
    for line in _lines(vmware_log):
        if 'Msg_Post: Error' in line:
            inside = True
        elif inside and '----------' in line:
            inside = False
        elif inside:
            posted.append(_LINE_HEAD.sub('', line))
    return ' '.join(posted[-_ERROR_LINES:])


def _lines(vmware_log):
    try:
        with open(vmware_log, encoding='utf-8', errors='replace') as file:
            return [line.rstrip() for line in file]
    except OSError:
        return []
