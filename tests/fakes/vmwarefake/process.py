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

"""Processes: start one that outlives the tool, and know it again.

A pid alone is not enough, since pids are used again: pid and start time
together name a process.
"""

import errno
import os
import signal
import sys
import time

from vmwarefake import files

_POLL = 0.005


class Identity(object):
    """One process: its pid and when it was started (an opaque text)."""

    def __init__(self, pid, started):
        self.pid = int(pid)
        self.started = str(started)

    def __eq__(self, other):
        return ((self.pid, self.started)
                == (getattr(other, 'pid', None),
                    getattr(other, 'started', None)))

    def __hash__(self):
        return hash((self.pid, self.started))

    def __repr__(self):
        return 'Identity(%d, %r)' % (self.pid, self.started)

    def alive(self):
        return start_time(self.pid) == self.started

    def as_list(self):
        return [self.pid, self.started]


def _proc_stat(pid):
    with open('/proc/%d/stat' % pid, 'rb') as f:
        # The second field, the name, may hold blanks and brackets.
        return f.read().rpartition(b')')[2].split()


def start_time(pid):
    """When ``pid`` was started, as text, or None if no such process runs.

    A zombie counts as gone: it holds no port, file or lock any more.
    """
    if sys.platform.startswith('linux'):
        try:
            fields = _proc_stat(pid)
        except (OSError, ValueError):
            return None
        return None if fields[0] in (b'Z', b'X') else fields[19].decode()
    return _start_time_by_ps(pid)


def _start_time_by_ps(pid):
    import subprocess
    ps = subprocess.run(['ps', '-o', 'stat=,lstart=', '-p', str(pid)],
                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    fields = ps.stdout.decode('ascii', 'replace').split()
    if ps.returncode or not fields or fields[0].startswith('Z'):
        return None
    return '-'.join(fields[1:])


def microseconds(identity):
    """When a process was started, as macOS counts: in µs since 1970."""
    if not sys.platform.startswith('linux'):
        return 10 ** 6 * int(time.mktime(time.strptime(
            identity.started, '%a-%b-%d-%H:%M:%S-%Y')))
    with open('/proc/stat') as f:
        boot = next(int(line.split()[1]) for line in f
                    if line.startswith('btime '))
    return 10 ** 6 * boot + (10 ** 6 * int(identity.started)
                             // os.sysconf('SC_CLK_TCK'))


def identify(pid):
    """Return the :class:`Identity` of a living process, or None."""
    started = start_time(pid)
    return Identity(pid, started) if started is not None else None


def spawn(argv, record=None, output=None, new_session=True, env=None,
          pass_fds=()):
    """Start ``argv`` as a process that outlives this tool.

    It gets its own session (a killed tool, or its group, does not take it
    along), /dev/null as standard input, ``output`` as the other two, and no
    other descriptor of ours. It is the child, before exec, that writes
    ``record``, so no moment exists in which the process is there and unknown.

    :param argv: list of str; argv[0] is a path.
    :param record: path of a file to which ``PID STARTTIME`` is written.
    :param output: path for standard output and error; None for /dev/null.
    :param new_session: False only for the fault in which a tool leaves the
        VM in its own process group.
    :param env: dict, or None for ours.
    :param pass_fds: descriptors to keep open.
    :returns: the pid. The caller never waits for it; see :func:`reap`.
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


def _own_streams(output, pass_fds):
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


def _open_descriptors():
    for folder in ('/proc/self/fd', '/dev/fd'):
        try:
            return [int(name) for name in os.listdir(folder)]
        except OSError:
            continue
    return range(3, 256)


def _write_record(path):
    text = '%d %s\n' % (os.getpid(), start_time(os.getpid()))
    temporary = '%s.%d.tmp' % (path, os.getpid())
    with open(temporary, 'w') as f:
        f.write(text)
    os.rename(temporary, path)


def short_lived():
    """Return the :class:`Identity` of a process that has ended already."""
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(writer)
        os.read(reader, 1)
        os._exit(0)
    identity = identify(pid)
    os.close(reader)
    os.close(writer)
    os.waitpid(pid, 0)
    return identity


def read_record(path):
    """Return the :class:`Identity` in a record file, or None."""
    try:
        with open(path) as f:
            pid, started = f.read().split(None, 1)
        return Identity(pid, started.strip())
    except (OSError, ValueError):
        return None


def reap(pid):
    """Collect ``pid`` if it is a dead child of this tool.

    :returns: its exit status, or None when it lives or is no child of ours.
    """
    try:
        done, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return None
    return status if done else None


def wait_gone(identity, timeout):
    """Wait until a process is gone.

    :param timeout: in seconds.
    :returns: True when it is, False when it still lives.
    """
    end = time.monotonic() + timeout
    while True:
        reap(identity.pid)
        if not identity.alive():
            return True
        if time.monotonic() >= end:
            return False
        time.sleep(_POLL)


def kill_and_wait(identity, sig=signal.SIGKILL, timeout=30):
    """Send a signal and wait for the end; a process long gone is fine.

    :returns: True when the process is gone.
    """
    if identity.alive():
        files.step()
        try:
            os.kill(identity.pid, sig)
            # A stopped process takes no signal but KILL before it goes on.
            os.kill(identity.pid, signal.SIGCONT)
        except ProcessLookupError:
            return True
    return wait_gone(identity, timeout)
