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

"""The one place that starts a program.

Three outcomes are possible and the caller must tell them apart:

* it ran: a :class:`Result`, whatever its exit status;
* it could not be started: ToolNotFound, nothing happened;
* it hung and was ended: ToolTimeout, what happened is unknown.

The output of a program goes to files, not to pipes: a VM that ``vmrun start``
leaves behind may inherit the output, and a reader of a pipe would then wait
as long as the VM lives. They lie in memory where the system has such files: a
full disk cuts what a program prints, and many exit with 0 nevertheless.

The program gets a session of its own, so that a terminal's Ctrl-C and the end
of nova-compute's session never reach a VM.
"""

import collections
from collections.abc import Callable
import contextlib
import dataclasses
import os
import signal
import subprocess
import threading
import time
from typing import Any

from oslo_concurrency import processutils
from oslo_log import log as logging
from oslo_utils import timeutils
from oslo_utils import units
import psutil

from nova_vmrun import exception
from nova_vmrun import system
from nova_vmrun.tools import preparation
from nova_vmrun.tools import process_end

LOG = logging.getLogger(__name__)

# processutils logs each command line, and its masking does not know vmrun's
# password flags. A level below DEBUG keeps it silent; we log for ourselves.
_SILENT = 1

# How often a caller is asked whether a program has done its work, in seconds.
_ASK_SECONDS = 2.0
# How often we look at a program's memory where the kernel does not.
_LOOK_SECONDS = 0.2

# How long a program may take to die of SIGKILL, in seconds. One that waits for
# a disk that does not answer dies only when that does.
_KILL_SECONDS = 5

_SECRET_FLAGS = frozenset(['-gp', '-vp', '-p'])


@dataclasses.dataclass(frozen=True)
class Result:
    """What a program that ran to its end left.

    :ivar argv: the command line
    :ivar exit_code: 0 to 255, or minus the signal that ended it
    :ivar stdout: text; bytes that are no UTF-8 are kept as surrogates
    :ivar stderr: likewise
    """

    argv: tuple
    exit_code: int
    stdout: str
    stderr: str

    @property
    def command(self):
        """The command line as one text, without passwords."""
        return mask(self.argv)

    def details(self):
        """Command, exit status and output, for the middle of an error."""
        return ('Command: %s. Exit status: %s. Output: %s'
                % (self.command, self.exit_code,
                   (self.stdout + self.stderr).strip() or 'none'))


def mask(argv):
    """Returns a command line as one text, with passwords struck out."""
    words = []
    secret = False
    for word in argv:
        words.append('***' if secret else str(word))
        secret = word in _SECRET_FLAGS
    return ' '.join(words)


class Runner:
    """Starts programs and waits for them.

    :param env: variables to add to this process's own environment
    """

    def __init__(self, env=None):
        self._env = {**os.environ, **system.here().locale, **(env or {})}
        self._started = collections.Counter()
        self._lock = threading.Lock()

    @property
    def started(self):
        """How many processes were started, by the program's file name."""
        with self._lock:
            return collections.Counter(self._started)

    def run(self, *argv: Any, timeout: float, kill_group: bool = True,
            limits: dict[int, int] | None = None,
            until: Callable[[], bool] | None = None) -> Result:
        """Runs a program to its end.

        :param argv: program and arguments
        :param timeout: seconds until it is ended
        :param kill_group: end its whole process group at the timeout. False
            for a program that leaves a VM behind: only the program itself is
            ended, since the VM may be running well.
        :param limits: resource limits of the program, a mapping of
            resource.RLIMIT_* to a number. What this kernel does not keep is
            left out, except RLIMIT_AS: then we look ourselves how much memory
            the program has.
        :param until: asked every two seconds while the program runs; once it
            is true, the program is left running and has exit status 0
        :returns: a Result
        :raises ToolNotFound: it could not be started
        :raises ToolTimeout: it was ended at its timeout
        :raises ToolRefused: it was ended for having too much memory
        """
        argv = tuple(str(word) for word in argv)
        with contextlib.ExitStack() as stack:
            out = stack.enter_context(system.here().file_in_memory())
            err = stack.enter_context(system.here().file_in_memory())
            exit_code = self._execute(argv, out.fileno(), err.fileno(),
                                      timeout, kill_group, limits, until)
            return Result(argv, exit_code, _text(out), _text(err))

    def _execute(self, argv, out, err, timeout, kill_group, limits, until):
        child = []
        prepare = preparation.Preparation(out, err, limits or {})
        memory = prepare.memory_to_watch

        def on_execute(process):
            child.append(process)
            with self._lock:
                self._started[os.path.basename(argv[0])] += 1
            _watch(process, timeout, until, memory)

        watch = timeutils.StopWatch()
        watch.start()
        LOG.debug('Running %s', mask(argv))
        try:
            processutils.execute(
                *argv, check_exit_code=False, env_variables=self._env,
                preexec_fn=prepare, on_execute=on_execute,
                timeout=timeout, loglevel=_SILENT)
        except OSError as error:
            raise exception.ToolNotFound(
                '%s cannot be started.' % argv[0],
                'The system says: %s.' % error,
                'Install it, or set its path in the [vmrun] section of '
                'nova.conf.') from error
        except subprocess.TimeoutExpired as error:
            _end(child[0], kill_group)
            raise exception.ToolTimeout(
                '%s did not end within %s seconds and was killed.'
                % (os.path.basename(argv[0]), timeout),
                'Command: %s.' % mask(argv),
                'If this host is only slow, raise the timeout in the '
                '[vmrun] section of nova.conf.') from error
        except subprocess.SubprocessError as error:
            raise exception.ToolNotFound(
                '%s cannot be started.' % argv[0],
                'The system refused what it is to run with: %s.'
                % prepare.failure(),
                'Look at the limits of the user who runs nova-compute '
                '(ulimit -a).') from error
        except _TooMuchMemory as error:
            _end(child[0], kill_group)
            raise exception.ToolRefused(
                '%s was ended.' % os.path.basename(argv[0]),
                'It had %d MiB of memory and may have %d. Command: %s.' % (
                    error.found // units.Mi, memory // units.Mi, mask(argv)),
                'If it reads an image, that is damaged or hostile.'
            ) from error
        except _LeftRunning:
            LOG.debug('%s is left running', mask(argv))
            _reap(child[0])
            return 0
        except BaseException:
            # Nobody would wait for it any more.
            if child:
                _end(child[0], kill_group)
            raise
        LOG.debug('%s returned %s in %.3fs', mask(argv),
                  child[0].returncode, watch.elapsed())
        return child[0].returncode


class _LeftRunning(Exception):
    """A program has done what was wanted of it and goes on."""


class _TooMuchMemory(Exception):
    """A program has more memory than it may have.

    :ivar found: bytes
    """

    def __init__(self, found: int) -> None:
        super().__init__(found)
        self.found = found


def _watch(process: subprocess.Popen, timeout: float,
           until: Callable[[], bool] | None, memory: int | None) -> None:
    """Waits until a program ends or has done its work.

    :param until: whether it has; None: it has when it ends
    :param memory: bytes that it may have; None: the kernel looks
    :raises _LeftRunning: it has done it, and still runs
    :raises _TooMuchMemory: it has more
    :raises subprocess.TimeoutExpired: neither in time
    """
    process.stdin.close()
    process.stdin = None
    deadline = time.monotonic() + timeout
    pause = (_LOOK_SECONDS if memory is not None else
             _ASK_SECONDS if until else timeout)
    while not process_end.wait(
            process, min(pause, max(0, deadline - time.monotonic()))):
        if memory is not None:
            _refuse_more(process.pid, memory)
        if until and until():
            raise _LeftRunning()
        if time.monotonic() >= deadline:
            raise subprocess.TimeoutExpired(process.args, timeout)


def _refuse_more(pid: int, memory: int) -> None:
    try:
        found = psutil.Process(pid).memory_info().rss
    except psutil.Error:
        return
    if found > memory:
        raise _TooMuchMemory(found)


def _close_pipes(process: subprocess.Popen) -> None:
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe:
            pipe.close()


def _reap(process: subprocess.Popen) -> None:
    _close_pipes(process)
    threading.Thread(target=process.wait, daemon=True,
                     name='reaper-%d' % process.pid).start()


def _end(process: subprocess.Popen, kill_group: bool) -> None:
    """Kills a program that hangs; its session is its process group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        try:
            if kill_group:
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
        except PermissionError:
            # macOS refuses if any of the group is a zombie or runs as root.
            process.kill()
    _close_pipes(process)
    try:
        process.wait(_KILL_SECONDS)
    except subprocess.TimeoutExpired:
        LOG.warning('Process %d was killed and does not end', process.pid)
        _reap(process)


def _text(file):
    file.seek(0)
    text = os.fsdecode(file.read())
    return text.replace('\r\n', '\n')
