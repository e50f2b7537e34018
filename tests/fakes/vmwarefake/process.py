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

"""Processes that outlive the tool that started them.

Pids are reused, so a process is identified by its pid and its start time.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import time

from vmwarefake import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import abc

_POLL = 0.005


class Identity:
    """A process: its pid and its start time, which is opaque."""

    def __init__(self, pid: int | str, started: str) -> None:
        self.pid = int(pid)
        self.started = str(started)

    def __eq__(self, other: object) -> bool:
        return ((self.pid, self.started)
                == (getattr(other, 'pid', None),
                    getattr(other, 'started', None)))

    def __hash__(self) -> int:
        return hash((self.pid, self.started))

    def __repr__(self) -> str:
        return 'Identity(%d, %r)' % (self.pid, self.started)

    def alive(self) -> bool:
        return start_time(self.pid) == self.started

    def as_list(self) -> list[int | str]:
        return [self.pid, self.started]


def _proc_stat(pid: int) -> list[bytes]:
    with open('/proc/%d/stat' % pid, 'rb') as f:
        # The second field, the name, may hold blanks and brackets.
        return f.read().rpartition(b')')[2].split()


def start_time(pid: int) -> str | None:
    """Return the start time of a process, None if it does not run.

    A zombie does not run: it holds no port, file or lock any more.
    """
    if sys.platform.startswith('linux'):
        try:
            fields = _proc_stat(pid)
        except (OSError, ValueError):
            return None
        return None if fields[0] in (b'Z', b'X') else fields[19].decode()
    return _start_time_by_ps(pid)


def _start_time_by_ps(pid: int) -> str | None:
    import subprocess
    ps = subprocess.run(['ps', '-o', 'stat=,lstart=', '-p', str(pid)],
                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    fields = ps.stdout.decode('ascii', 'replace').split()
    if ps.returncode or not fields or fields[0].startswith('Z'):
        return None
    return '-'.join(fields[1:])


def microseconds(identity: Identity) -> int:
    """Return the start time as macOS does: in microseconds since 1970."""
    if not sys.platform.startswith('linux'):
        return 10 ** 6 * int(time.mktime(time.strptime(
            identity.started, '%a-%b-%d-%H:%M:%S-%Y')))
    with open('/proc/stat') as f:
        boot = next(int(line.split()[1]) for line in f
                    if line.startswith('btime '))
    return 10 ** 6 * boot + (10 ** 6 * int(identity.started)
                             // os.sysconf('SC_CLK_TCK'))


def identify(pid: int) -> Identity | None:
    """Return the identity of a running process, or None."""
    started = start_time(pid)
    return Identity(pid, started) if started is not None else None


def spawn(argv: list[str], record: str | None = None,
          output: str | None = None, new_session: bool = True,
          env: abc.Mapping[str, str] | None = None,
          pass_fds: abc.Collection[int] = ()) -> int:
    """Start ``argv`` as a process that outlives this tool.

    It gets a session of its own, so that it survives if the tool or its
    process group is killed; /dev/null as standard input; and none of our
    descriptors. The child writes ``record`` before exec, so it never runs
    without being recorded.

    :param argv: argv[0] is a path.
    :param record: path of the file for ``PID STARTTIME``.
    :param output: path for standard output and error; None for /dev/null.
    :param new_session: False only for the fault in which a tool leaves the
        VM in its own process group.
    :param env: environment; None for ours.
    :param pass_fds: descriptors to keep open.
    :returns: the pid. The caller does not wait for it; see :func:`reap`.
    """
    files.step()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return pid
    try:
        if new_session:
            os.setsid()
        _own_streams(output, pass_fds)
        if record:
            _write_record(record)
        os.execve(argv[0], argv, os.environ if env is None else env)
    finally:
        os._exit(127)


def _own_streams(output: str | None, pass_fds: abc.Collection[int]) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    out = null if output is None else os.open(
        output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(null, 0)
    os.dup2(out, 1)
    os.dup2(out, 2)
    for fd in _open_descriptors():
        if fd > 2 and fd not in pass_fds:
            try:
                os.close(fd)
            except OSError as e:
                if e.errno != errno.EBADF:
                    raise
    for fd in pass_fds:
        os.set_inheritable(fd, True)


def _open_descriptors() -> abc.Iterable[int]:
    for folder in ('/proc/self/fd', '/dev/fd'):
        try:
            return [int(name) for name in os.listdir(folder)]
        except OSError:
            continue
    return range(3, 256)


def _write_record(path: str) -> None:
    text = '%d %s\n' % (os.getpid(), start_time(os.getpid()))
    temporary = '%s.%d.tmp' % (path, os.getpid())
    with open(temporary, 'w') as f:
        f.write(text)
    os.rename(temporary, path)


def short_lived() -> Identity:
    """Return the identity of a process that has already ended."""
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(writer)
        os.read(reader, 1)
        os._exit(0)
    started = start_time(pid)
    os.close(reader)
    os.close(writer)
    os.waitpid(pid, 0)
    return Identity(pid, str(started))


def read_record(path: str) -> Identity | None:
    """Return the identity in a record file, None if there is none."""
    try:
        with open(path) as f:
            pid, started = f.read().split(None, 1)
        return Identity(pid, started.strip())
    except (OSError, ValueError):
        return None


def reap(pid: int) -> int | None:
    """Collect ``pid`` if it is a child of this tool that has ended.

    :returns: its exit status; None if it runs or is not our child.
    """
    try:
        done, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return None
    return status if done else None


def wait_gone(identity: Identity, timeout: float) -> bool:
    """Wait until a process has ended.

    :param timeout: in seconds.
    :returns: whether it has ended.
    """
    end = time.monotonic() + timeout
    while True:
        reap(identity.pid)
        if not identity.alive():
            return True
        if time.monotonic() >= end:
            return False
        time.sleep(_POLL)


def kill_and_wait(identity: Identity, sig: int = signal.SIGKILL,
                  timeout: float = 30) -> bool:
    """Send a signal to a process, if it runs, and wait for its end.

    :returns: whether the process has ended.
    """
    if identity.alive():
        files.step()
        try:
            os.kill(identity.pid, sig)
            # A stopped process handles only SIGKILL until it continues.
            os.kill(identity.pid, signal.SIGCONT)
        except ProcessLookupError:
            return True
    return wait_gone(identity, timeout)
