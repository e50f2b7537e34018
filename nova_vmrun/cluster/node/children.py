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

"""The processes of a node: its tunnel, its sshd and nova-compute."""

from collections.abc import Mapping, Sequence
import dataclasses
import os
import pathlib
import re
import subprocess
import sys
import time

import psutil

from nova_vmrun.aio import errors
from nova_vmrun.aio.gateway import sshd
from nova_vmrun.aio import isolation
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import log_files
from nova_vmrun.aio import processes
from nova_vmrun.cluster.node import files as node_files
from nova_vmrun.cluster.node import wire

TUNNEL, SSHD, COMPUTE = 'tunnel', 'sshd', 'compute'
#: In the order in which they start.
ALL = (TUNNEL, SSHD, COMPUTE)
# Seconds before the first and the last of several starts in a row, and how
# long a process has to run for the next start to be a first one.
_PAUSE, _LONGEST_PAUSE = 1.0, 30.0
_HEALTHY = 60.0
# Seconds that processes have to end.
_STOP_TIMEOUT = 30
# Characters of a line in a log.
_SHOWN = 400
_EMPTY = re.compile(r' (ERROR|CRITICAL) \S+\s*$')


def commands(files: node_files.Files) -> dict[str, list[str]]:
    """Return the words that run each process.

    :raises AioError: sshd is not installed
    """
    return {
        TUNNEL: wire.command(files.ssh_config, wire.TUNNEL, '-N'),
        SSHD: sshd.command(files.sshd_config),
        COMPUTE: [
            os.path.join(sys.prefix, 'bin', 'nova-compute'), '--config-file',
            str(files.nova_conf), '--config-file',
            str(files.nova_conf.with_name('local.conf'))]}


def environment(layout: aio_layout.Layout, knobs: Mapping[str, str],
                environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the variables of the processes.

    :param knobs: variables of the fake VMware
    """
    variables = isolation.environment(layout, environ)
    return {**variables, **knobs, 'OS_NOVA_DISABLE_EVENTLET_PATCHING': '1'}


@dataclasses.dataclass
class Child:
    """One process, which is started again if it ends.

    :ivar started: time.monotonic() of the last start, or 0
    :ivar not_before: time.monotonic() before which it is not started
    """

    layout: aio_layout.Layout
    name: str
    words: Sequence[str]
    variables: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    not_before: float = 0.0
    _mark: log_files.Mark | None = None
    _pause: float = _PAUSE

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.process is not None and self.process.poll() is None

    @property
    def may_start(self) -> bool:
        """Whether it does not run, and its last end is long enough ago."""
        return not self.alive and time.monotonic() >= self.not_before

    def start(self) -> None:
        """Start it.

        :raises AioError: it cannot be started
        """
        try:
            log = log_files.open_to_append(self.layout, self.name)
            self._mark = log_files.mark(self.layout.log(self.name))
            try:
                self.process = subprocess.Popen(
                    self.words, env=dict(self.variables),
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    cwd=self.layout.root, start_new_session=True)
            finally:
                os.close(log)
        except OSError as error:
            raise errors.AioError(
                '%s could not be started.' % self.words[0], '%s.' % error,
                'Install it, or make space in %s.' % self.layout.root
            ) from error
        self.started = time.monotonic()

    def note_end(self) -> str:
        """Return how it ended, if it has ended, and decide when it restarts.

        :returns: '' if it runs or never ran
        """
        if self.process is None or self.process.poll() is None:
            return ''
        if time.monotonic() - self.started > _HEALTHY:
            self._pause = _PAUSE
        self.delay()
        status, self.process = self.process.returncode, None
        log = self.layout.log(self.name)
        # Not every program says that it complains.
        said = (last_complaint(log, self._mark)
                or ''.join(log_files.tail(log, self._mark)[-1:])[:_SHOWN])
        return '%s ended with status %d%s' % (
            self.name, status, ': ' + said if said else '')

    def delay(self) -> None:
        """Postpone the next start, longer each time."""
        self.not_before = time.monotonic() + self._pause
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)

    def stop(self) -> None:
        """End it, and wait until it has ended."""
        if self.process is not None:
            processes.end([self.process.pid], _STOP_TIMEOUT)
            self.process.wait()
            self.process = None


def last_complaint(log: pathlib.Path, since: log_files.Mark | None) -> str:
    """Return the last line of a log that says what went wrong, or ''.

    :param since: where it ended when what counts began; None: all counts
    """
    # Lines of a traceback may say nothing after the level and the module.
    return next((line[:_SHOWN] for line in reversed(log_files.complaints(
        log, 100, since)) if not _EMPTY.search(line)), '')


def end_leftovers(files: node_files.Files) -> None:
    """End the processes of a supervisor that was killed."""
    wanted = commands(files)
    found = []
    for process in psutil.process_iter(['cmdline']):
        words = process.info['cmdline'] or []
        # sshd changes its title, and nova-compute is run by Python.
        text = ' '.join(words)
        if any(' '.join(each) in text for each in wanted.values()):
            found.append(process.pid)
    processes.end(found, _STOP_TIMEOUT)
