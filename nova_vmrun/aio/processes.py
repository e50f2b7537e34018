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

"""The processes of a control plane: start them, find them, end them.

A pid file alone proves nothing: after a reboot, the number may belong to
another process. A process counts as ours only if its command line names the
service and the state directory, and if it started at the time in the pid file.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
import contextlib
import logging
import os
import pathlib
import signal
import subprocess
import sys
import time
from typing import TypeVar

import psutil

from nova_vmrun.aio import errors
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.server import process_identity

LOG = logging.getLogger(__name__)
MODULE = 'nova_vmrun.aio.serve'
LAUNCHER = 'nova_vmrun.aio.launch'
_Result = TypeVar('_Result')
READY = 'ready'
FAILED = 'failed: '
# Seconds. Longer than a launcher waits for services that it ends.
_LAUNCHER_GRACE = 15
# Seconds between two looks at processes that are to end.
_INTERVAL = 0.05
# Seconds between two reports about processes that have not ended.
_PATIENCE = 2


def command(layout: aio_layout.Layout, service: str) -> list[str]:
    """Return the command line of a service's process."""
    return _python(MODULE, layout, [service])


def launch(layout: aio_layout.Layout, services: Sequence[str],
           environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Run the launcher, which starts the processes of services.

    It runs in a session of its own. It starts them when it reads a line, and
    ends when its standard input is closed.

    :param environment: all environment variables of the launcher
    :raises AioError: the log cannot be written, or Python cannot be run
    """
    for service in services:
        forget(layout, service)
    try:
        with open(layout.launcher_log, 'wb') as log:
            return subprocess.Popen(
                _python(LAUNCHER, layout, services), stdin=subprocess.PIPE,
                stdout=log, stderr=log, cwd=layout.root, env=environment,
                start_new_session=True)
    except OSError as error:
        raise errors.AioError(
            '%s could not be started.' % ', '.join(services), '%s.' % error,
            'Is there space left in %s?' % layout.root) from error


def start(launcher: subprocess.Popen[bytes]) -> None:
    """Let a launcher start the services."""
    # If it died, the caller finds out when it looks for the services.
    with contextlib.suppress(BrokenPipeError):
        assert launcher.stdin is not None
        launcher.stdin.write(b'start\n')
        launcher.stdin.flush()


def release(launcher: subprocess.Popen[bytes]) -> None:
    """Let a launcher end; kill it if it does not."""
    assert launcher.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        launcher.stdin.close()
    try:
        launcher.wait(_LAUNCHER_GRACE)
    except subprocess.TimeoutExpired:
        launcher.kill()
        launcher.wait()


def _python(module: str, layout: aio_layout.Layout,
            services: Sequence[str]) -> list[str]:
    # -P keeps Python from importing files in the working directory.
    return [sys.executable, '-P', '-m', module, *services,
            '--state-dir', str(layout.root)]


def write_pid(layout: aio_layout.Layout, service: str) -> None:
    """Write this process's number and start time into its pid file."""
    layout.pid(service).write_text(
        '%d\n%s\n' % (os.getpid(), start_time(os.getpid())))


def write_phase(layout: aio_layout.Layout, service: str, phase: str,
                pid: int | None = None) -> None:
    """Write what a process is doing into its phase file.

    :param pid: number of the process; by default this one's
    """
    path = layout.phase(service)
    new = path.with_name(path.name + '.new')
    try:
        new.write_text('%d %s\n' % (pid or os.getpid(), phase))
        new.replace(path)
    except OSError as error:
        # A service must be able to stop even on a full disk.
        LOG.debug('%s cannot say that it is %s: %s', service, phase, error)


def write_failure(layout: aio_layout.Layout, service: str,
                  cause: BaseException | str, pid: int | None = None) -> None:
    """Write why a process ended into its phase file."""
    words = ' '.join(str(cause).split())
    write_phase(layout, service, '%s%s' % (
        FAILED, words or type(cause).__name__), pid)


def forget(layout: aio_layout.Layout, service: str) -> None:
    """Remove the pid and phase files of a service."""
    layout.pid(service).unlink(missing_ok=True)
    layout.phase(service).unlink(missing_ok=True)


def start_time(pid: int) -> str:
    """Return a word that tells a process from earlier ones of its number.

    :raises psutil.NoSuchProcess: there is none
    """
    birth = process_identity.of(pid)
    if birth is None:
        raise psutil.NoSuchProcess(pid)
    # The pid file's fields are separated by white space.
    return '-'.join(str(birth).split())


def find(layout: aio_layout.Layout, service: str) -> int | None:
    """Return a service's process number, or None if it is not running."""
    try:
        number, started = layout.pid(service).read_text().split()
        pid = int(number)
    except (FileNotFoundError, ValueError):
        return None
    try:
        process = psutil.Process(pid)
        if (process.status() != psutil.STATUS_ZOMBIE
                and start_time(pid) == started
                and is_service(layout, service, process.cmdline())):
            return pid
    except psutil.Error:
        pass
    return None


def is_service(layout: aio_layout.Layout, service: str,
               arguments: Sequence[str]) -> bool:
    """Return whether a command line is that of this directory's service.

    Neutron sets its process's title. The command line is then one string, and
    it is unknown which spaces are part of a path.
    """
    wanted = ' '.join(command(layout, service)[2:])
    return ' '.join(arguments).rstrip().endswith(wanted)


def strays(layout: aio_layout.Layout) -> list[psutil.Process]:
    """Return our processes that are in no pid file."""
    known = {find(layout, service) for service in aio_layout.SERVICES}
    found = []
    for process in psutil.process_iter(['cmdline']):
        arguments = process.info['cmdline'] or []
        if process.pid not in known and any(
                is_service(layout, service, arguments)
                for service in aio_layout.SERVICES):
            found.append(process)
    return found


def using(folder: pathlib.Path) -> list[psutil.Process]:
    """Return the processes that use a directory.

    Leave out this process and its parents.
    """
    myself = psutil.Process()
    callers = {myself.pid, *(parent.pid for parent in myself.parents())}
    found = []
    for process in psutil.process_iter(['cmdline', 'cwd']):
        words = (process.info['cmdline'] or []) + [process.info['cwd'] or '']
        if process.pid not in callers and any(
                str(folder) in word for word in words):
            found.append(process)
    return found


def is_stopped(pid: int) -> bool:
    """Return whether a signal or a debugger has stopped a process."""
    try:
        return psutil.Process(pid).status() in (
            psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)
    except psutil.NoSuchProcess:
        return False


def phase(layout: aio_layout.Layout, service: str,
          pid: int | None = None) -> str:
    """Return what a process says it is doing, or ''.

    :param pid: number of the process; by default, the last one that wrote
    """
    try:
        owner, _, text = layout.phase(service).read_text().partition(' ')
    except FileNotFoundError:
        return ''
    return text.strip() if pid is None or owner == str(pid) else ''


def resident(pid: int) -> int:
    """Return the resident memory of a process.

    :returns: bytes; 0 if the process is gone
    """
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0


def children(pid: int) -> list[int]:
    """Return the numbers of a process's children, and of theirs."""
    try:
        return [child.pid
                for child in psutil.Process(pid).children(recursive=True)]
    except psutil.Error:
        return []


def end(pids: Iterable[int], timeout: float,
        waiting: Callable[[list[int]], None] | None = None) -> list[int]:
    """Ask processes to end, and kill those that do not.

    :param pids: process numbers
    :param timeout: seconds to wait before killing
    :param waiting: called every two seconds with those that are left
    :returns: the numbers of those that had to be killed
    """
    alive = []
    for pid in pids:
        try:
            process = psutil.Process(pid)
            process.send_signal(signal.SIGTERM)
            alive.append(process)
        except psutil.NoSuchProcess:
            pass
    deadline = time.monotonic() + timeout
    while alive and time.monotonic() < deadline:
        alive = _wait(alive, min(_PATIENCE, deadline - time.monotonic()))
        if alive and waiting:
            waiting([process.pid for process in alive])
    for process in alive:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            pass
    _wait(alive, 5)
    return [process.pid for process in alive]


def _wait(processes: list[psutil.Process],
          timeout: float) -> list[psutil.Process]:
    """Wait for processes to end; return those that have not.

    A zombie has ended. Its parent, which may be the init of a container, may
    let it lie there for seconds.
    """
    deadline = time.monotonic() + timeout
    alive = processes
    while alive and time.monotonic() < deadline:
        # This also reaps our own children.
        _, left = psutil.wait_procs(alive, timeout=_INTERVAL)
        alive = [process for process in left
                 if process_identity.of(process.pid) is not None]
    return alive


def wait_until(condition: Callable[[], _Result], timeout: float,
               interval: float = 0.1) -> _Result:
    """Call a function until it returns something true.

    :param timeout: seconds
    :returns: what it returned last
    """
    deadline = time.monotonic() + timeout
    while True:
        result = condition()
        if result or time.monotonic() > deadline:
            return result
        time.sleep(interval)


def wait_for(layout: aio_layout.Layout, service: str, timeout: float) -> None:
    """Wait until another service is ready.

    :param timeout: seconds
    :raises RuntimeError: it is not ready by then
    """
    def is_ready() -> bool:
        pid = find(layout, service)
        return pid is not None and phase(layout, service, pid) == READY

    if not wait_until(is_ready, timeout):
        raise RuntimeError('%s did not become ready within %d s; see %s.'
                           % (service, timeout, layout.log(service)))
