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

"""Run programs and wait for them.

Other processes are started only by aio and by cluster/node/children.py.

There are three outcomes, which callers must handle separately:

* the program ran: a :class:`Result`, whatever the exit status;
* the program could not be started: ToolNotFound, nothing happened;
* the program hung and was killed: ToolTimeout, the outcome is unknown.

Output goes to files instead of pipes: a VM process that ``vmrun start`` leaves
behind may inherit the output, and reading a pipe would then block for as long
as the VM runs. The files are in memory if the system supports that, because a
full disk would truncate the output of a program that still exits with 0.

Each program runs in a session of its own, so that neither Ctrl-C in a terminal
nor the end of nova-compute's session reaches a VM.
"""

import collections
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
import contextlib
import dataclasses
import os
import signal
import subprocess
import threading
import time
from typing import BinaryIO
from typing import cast

from oslo_concurrency import processutils
from oslo_log import log as logging
from oslo_utils import timeutils
from oslo_utils import units
import psutil

from nova_vmrun import exception
from nova_vmrun import system
from nova_vmrun.tools import feeding
from nova_vmrun.tools import preparation
from nova_vmrun.tools import process_end

LOG = logging.getLogger(__name__)

# processutils logs each command line, and its masking does not cover vmrun's
# password flags. A level below DEBUG silences it; we do our own logging.
_SILENT = 1

# Seconds between two calls of the "until" function.
_UNTIL_INTERVAL = 2.0
# Seconds between two checks of a program's memory.
_MEMORY_INTERVAL = 0.2

# Seconds to wait for a program to die after SIGKILL. A program that is blocked
# by a disk that does not respond dies only when the disk responds.
_KILL_SECONDS = 5

_SECRET_FLAGS = frozenset(['-gp', '-vp', '-p'])


@dataclasses.dataclass(frozen=True)
class Result:
    """The result of a program that has ended.

    :ivar argv: the command line
    :ivar exit_code: 0 to 255, or the negative number of the signal that
        ended it
    :ivar stdout: text; bytes that are not UTF-8 are kept as surrogates
    :ivar stderr: text, in the same way
    """

    argv: tuple[str, ...]
    exit_code: int
    stdout: str
    stderr: str

    @property
    def command(self) -> str:
        """The command line as one string, with passwords masked."""
        return mask(self.argv)

    def details(self) -> str:
        """Return command, exit status and output, for an error message."""
        return ('Command: %s. Exit status: %s. Output: %s'
                % (self.command, self.exit_code,
                   (self.stdout + self.stderr).strip() or 'none'))


def mask(argv: Iterable[object]) -> str:
    """Return a command line as one string, with passwords masked."""
    words = []
    secret = False
    for word in argv:
        words.append('***' if secret else str(word))
        secret = word in _SECRET_FLAGS
    return ' '.join(words)


class Runner:
    """Runner of programs, which waits for them to end.

    :param env: variables to add to the environment of this process
    """

    def __init__(self, env: Mapping[str, str] | None = None) -> None:
        self._env = {**os.environ, **system.here().locale, **(env or {})}
        self._started: collections.Counter[str] = collections.Counter()
        self._failed: collections.Counter[str] = collections.Counter()
        self._lock = threading.Lock()

    @property
    def started(self) -> collections.Counter[str]:
        """How many processes were started, by program name."""
        with self._lock:
            return collections.Counter(self._started)

    @property
    def failed(self) -> collections.Counter[str]:
        """How many runs failed, by program name.

        They could not be started, were killed, or did not return 0.
        """
        with self._lock:
            return collections.Counter(self._failed)

    def run(self, *argv: object, timeout: float, kill_group: bool = True,
            limits: Mapping[int, int] | None = None,
            until: Callable[[], bool] | None = None,
            feed: Callable[[BinaryIO], None] | None = None) -> Result:
        """Run a program and wait for it to end.

        :param argv: program and arguments
        :param timeout: seconds after which the program is killed
        :param kill_group: kill the whole process group at the timeout. Use
            False for a program that leaves a VM behind: only the program
            itself is killed, because the VM may well be running.
        :param limits: resource limits, by resource.RLIMIT_*. Limits that this
            kernel does not enforce are ignored, except RLIMIT_AS: then we
            check the memory of the program ourselves.
        :param until: called every two seconds while the program runs; once it
            returns true, leave the program running and return exit status 0
        :param feed: writes the standard input, which is then closed; it runs
            in a thread. Without it, the standard input is empty.
        :raises ToolNotFound: the program could not be started
        :raises ToolTimeout: the program was killed at its timeout
        :raises ToolRefused: the program was killed because it used too much
            memory
        :raises OSError: feed has raised it; the program has ended
        """
        words = tuple(str(word) for word in argv)
        exit_code = None
        try:
            with contextlib.ExitStack() as stack:
                out = stack.enter_context(system.here().temporary_file())
                err = stack.enter_context(system.here().temporary_file())
                exit_code = self._execute(words, out.fileno(), err.fileno(),
                                          timeout, kill_group, limits, until,
                                          feeding.Feeding(feed))
                return Result(words, exit_code, _text(out), _text(err))
        finally:
            if exit_code != 0:
                self._count(self._failed, words)

    def _count(self, counter: collections.Counter[str],
               argv: tuple[str, ...]) -> None:
        with self._lock:
            counter[os.path.basename(argv[0])] += 1

    def _execute(self, argv: tuple[str, ...], out: int, err: int,
                 timeout: float, kill_group: bool,
                 limits: Mapping[int, int] | None,
                 until: Callable[[], bool] | None,
                 feed: feeding.Feeding) -> int:
        child: list[subprocess.Popen[bytes]] = []
        prepare = preparation.Preparation(out, err, limits or {})
        memory = prepare.memory_to_watch

        def on_execute(process: subprocess.Popen[bytes]) -> None:
            child.append(process)
            self._count(self._started, argv)
            if process.stdin:
                stdin, process.stdin = process.stdin, None
                feed.begin(cast(BinaryIO, stdin))
            _watch(process, timeout, until, memory)

        watch = timeutils.StopWatch()
        watch.start()
        LOG.debug('Running %s', mask(argv))
        try:
            processutils.execute(  # type: ignore[call-overload]  # stub: int
                *argv, check_exit_code=False, env_variables=self._env,
                preexec_fn=prepare.apply, on_execute=on_execute,
                timeout=timeout, loglevel=_SILENT)
        except OSError as error:
            raise exception.ToolNotFound(
                'Cannot start %s.' % argv[0],
                'The system says: %s.' % error,
                'Install it, or set its path in the [vmrun] section of '
                'nova.conf.') from error
        except subprocess.TimeoutExpired as error:
            _end(child[0], kill_group)
            raise exception.ToolTimeout(
                '%s did not end within %s seconds and was killed.'
                % (os.path.basename(argv[0]), timeout),
                'Command: %s.' % mask(argv),
                'If this host is just slow, raise the timeout in the '
                '[vmrun] section of nova.conf.') from error
        except subprocess.SubprocessError as error:
            raise exception.ToolNotFound(
                'Cannot start %s.' % argv[0],
                'Setting up its process failed: %s.' % prepare.failure(),
                'Check the limits of the user who runs nova-compute '
                '(ulimit -a).') from error
        except _TooMuchMemory as error:
            _end(child[0], kill_group)
            raise exception.ToolRefused(
                '%s was killed because it used too much memory.'
                % os.path.basename(argv[0]),
                'It used %d MiB; the limit is %d MiB. Command: %s.' % (
                    error.used // units.Mi, error.limit // units.Mi,
                    mask(argv)),
                'If it was reading an image, the image is damaged or hostile.'
            ) from error
        except _LeftRunning:
            LOG.debug('Leaving %s running', mask(argv))
            _reap(child[0])
            return 0
        except BaseException:
            # Nobody else will wait for the process.
            if child:
                _end(child[0], kill_group)
            raise
        exit_code: int = child[0].returncode
        LOG.debug('%s returned %s in %.3fs', mask(argv), exit_code,
                  watch.elapsed())
        feed.end()
        return exit_code


class _LeftRunning(Exception):
    """A program has done its work and keeps running."""


class _TooMuchMemory(Exception):
    """A program uses more memory than its limit.

    :ivar used: bytes
    :ivar limit: bytes
    """

    def __init__(self, used: int, limit: int) -> None:
        super().__init__(used, limit)
        self.used = used
        self.limit = limit


def _watch(process: subprocess.Popen[bytes], timeout: float,
           until: Callable[[], bool] | None, memory: int | None) -> None:
    """Wait until a program has ended or has done its work.

    :param until: whether the work is done; None: done when the program ends
    :param memory: limit in bytes; None: do not check
    :raises _LeftRunning: the work is done and the program still runs
    :raises _TooMuchMemory: the program exceeds the memory limit
    :raises subprocess.TimeoutExpired: neither happened in time
    """
    deadline = time.monotonic() + timeout
    pause = (_MEMORY_INTERVAL if memory is not None else
             _UNTIL_INTERVAL if until else timeout)
    while not process_end.wait(
            process, min(pause, max(0, deadline - time.monotonic()))):
        if memory is not None:
            _check_memory(process.pid, memory)
        if until and until():
            raise _LeftRunning()
        if time.monotonic() >= deadline:
            raise subprocess.TimeoutExpired(process.args, timeout)


def _check_memory(pid: int, limit: int) -> None:
    try:
        used = psutil.Process(pid).memory_info().rss
    except psutil.Error:
        return
    if used > limit:
        raise _TooMuchMemory(used, limit)


def _close_pipes(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe:
            pipe.close()


def _reap(process: subprocess.Popen[bytes]) -> None:
    _close_pipes(process)
    threading.Thread(target=process.wait, daemon=True,
                     name='reaper-%d' % process.pid).start()


def _end(process: subprocess.Popen[bytes], kill_group: bool) -> None:
    """Kill a program, and its process group, which is its session."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        try:
            if kill_group:
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
        except PermissionError:
            # macOS refuses if any process of the group is a zombie or runs as
            # root.
            process.kill()
    _close_pipes(process)
    try:
        process.wait(_KILL_SECONDS)
    except subprocess.TimeoutExpired:
        LOG.warning('Process %d was killed but has not ended yet',
                    process.pid)
        _reap(process)


def _text(file: BinaryIO) -> str:
    file.seek(0)
    text = os.fsdecode(file.read())
    return text.replace('\r\n', '\n')
