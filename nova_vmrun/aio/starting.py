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

"""Services that start: the launcher that runs them, and what they say."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
import contextlib
import os
import subprocess

from oslo_utils import units

from nova_vmrun.aio import errors
from nova_vmrun.aio import isolation
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import log_files
from nova_vmrun.aio import processes
from nova_vmrun.aio import report as aio_report
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.aio import vmware
from nova_vmrun.host import space

# Seconds. Long enough for a first start on a slow disk.
START_TIMEOUT = 300
_SILENCE = 2
# Bytes that databases, logs and a small image take.
_SPACE = 200 * units.Mi

_Popen = subprocess.Popen[bytes]


def check_space(layout: aio_layout.Layout) -> None:
    """Raise an error if there is too little space for a control plane.

    :raises DiskFull:
    """
    space.of_folder(
        str(layout.root), 'Free some space, or choose another --state-dir.'
    ).require(_SPACE, 'There is not enough space for the control plane.',
              'It needs %d MiB.' % (_SPACE // units.Mi))


@contextlib.contextmanager
def launcher(layout: aio_layout.Layout, settings: aio_settings.Settings,
             services: Sequence[str]) -> Iterator[_Popen | None]:
    """Run the launcher for some services, and end them if the caller fails."""
    if not services:
        yield None
        return
    process = processes.launch(layout, services, dict(
        isolation.environment(layout, os.environ),
        **vmware.environment(layout, settings)))
    try:
        yield process
    except BaseException:
        # Half a control plane is useless. The launcher stops what it started.
        process.terminate()
        raise
    finally:
        processes.release(process)


class Watch:
    """The services of a control plane, until all are ready.

    :param launcher: starts those that are missing
    :param running: the process number of each service, None if it is missing
    """

    def __init__(self, layout: aio_layout.Layout, launcher: _Popen | None,
                 running: Mapping[str, int | None],
                 report: aio_report.Report) -> None:
        self._layout = layout
        self._launcher = launcher
        self._running = running
        self._report = report
        self._phases = {
            service: processes.phase(layout, service, pid) if pid else ''
            for service, pid in running.items()}
        # Logs go on from earlier starts.
        self._marks = log_files.marks(layout, running)

    def wait_for(self, services: Iterable[str]) -> None:
        """Wait until services are ready, and report what all are doing.

        :raises AioError: a service died, or one of these hangs
        """
        wanted = set(services)
        if processes.wait_until(lambda: self._look(wanted), START_TIMEOUT):
            return
        late = next(service for service, phase in self._phases.items()
                    if service in wanted and phase != processes.READY)
        raise errors.AioError(
            '%s did not become ready within %d s.' % (late, START_TIMEOUT),
            'It says: %s.' % (self._phases[late] or 'nothing'),
            'Read %s.' % self._layout.log(late))

    def _look(self, wanted: set[str]) -> bool:
        waiting = []
        for service, pid in self._running.items():
            phase = processes.phase(self._layout, service, pid)
            self._check_alive(service, phase, pid)
            if phase != self._phases[service]:
                self._report.line(self._progress(service, phase))
            self._phases[service] = phase
            if phase != processes.READY:
                waiting.append(service)
        if waiting and self._report.silence > _SILENCE:
            self._report.line('waiting for %s' % ', '.join(waiting))
        return wanted.isdisjoint(waiting)

    def _progress(self, service: str, phase: str) -> str:
        pid = processes.find(self._layout, service)
        if phase == processes.READY and pid is not None:
            return '%s is ready (process %d, %d MiB)' % (
                service, pid, processes.resident(pid) // 1024 ** 2)
        return '%s: %s' % (service, phase)

    def _check_alive(self, service: str, phase: str, pid: int | None) -> None:
        """Raise an error if a service died.

        :param pid: its process, if it ran before
        """
        failed = phase.startswith(processes.FAILED)
        found = processes.find(self._layout, service)
        launcher_died = (self._launcher is not None
                         and self._launcher.poll() is not None)
        if pid is not None:
            dead = found != pid
        else:
            dead = failed or (found is None and launcher_died)
        if not dead:
            return
        # On a full disk, the log could not be written.
        check_space(self._layout)
        log = self._layout.log(service)
        if failed:
            cause = phase[len(processes.FAILED):]
        else:
            since: log_files.Mark | None = self._marks[service]
            if launcher_died:
                log, since = self._layout.launcher_log, None
            cause = ' '.join(log_files.complaints(log, 1, since))
        raise errors.AioError('%s died.' % service, cause, 'Read %s.' % log)
