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

"""Start of the control plane, from whatever state it is in."""

from collections.abc import Iterator, Mapping, Sequence
import contextlib
import importlib
import os
import subprocess
import types
from typing import TYPE_CHECKING

from oslo_utils import units

from nova_vmrun.aio import client
from nova_vmrun.aio import errors
from nova_vmrun.aio import isolation
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import novnc
from nova_vmrun.aio import ports
from nova_vmrun.aio import processes
from nova_vmrun.aio import report as aio_report
from nova_vmrun.aio import seed
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.aio import ssh_config
from nova_vmrun.aio import subnets
from nova_vmrun.aio import vmware
from nova_vmrun.host import space

# Seconds. Long enough for a first start on a slow disk.
START_TIMEOUT = 300
_SILENCE = 2
# Bytes that databases, logs and a small image take.
_SPACE = 200 * units.Mi
if TYPE_CHECKING:
    from openstack import connection

_Popen = subprocess.Popen[bytes]
# Pages that need no login, by service. The others have theirs at /.
_PAGES = {'novncproxy': '/' + novnc.PAGE,
          'horizon': aio_settings.LOGIN_PAGE}


def up(layout: aio_layout.Layout, settings: aio_settings.Settings,
       report: aio_report.Report) -> None:
    """Start what is not running, and create what is missing.

    :param layout: of a state directory that exists
    :raises AioError: something does not work; the message says what
    :raises DiskFull: there is not enough space for the state directory
    """
    _check_space(layout)
    running = {service: processes.find(layout, service)
               for service in settings.services}
    for service, pid in running.items():
        if pid:
            report.line('%s runs already (process %d)' % (service, pid))
    missing = [service for service, pid in running.items() if not pid]
    passwords = aio_settings.passwords(layout)
    with _launcher(layout, settings, missing) as launcher:
        # Meanwhile, the launcher loads what the services have in common.
        plan = _prepare(layout, settings, passwords, missing, report)
        if launcher is not None:
            report.line('starting %s; logs are in %s'
                        % (', '.join(missing), layout.logs))
            processes.start(launcher)
        _wait_until_ready(layout, launcher, running, report)
    _seed(layout, settings, passwords, plan, report)


def _prepare(layout: aio_layout.Layout, settings: aio_settings.Settings,
             passwords: Mapping[str, str], missing: Sequence[str],
             report: aio_report.Report) -> subnets.Plan:
    """Check what the services need, and write their files."""
    programs = vmware.choose(layout, settings)
    report.line(programs.describe())
    if novnc.find(settings) is None:
        report.line(novnc.HINT)
    ports.check(settings, missing)
    for service in settings.services:
        extra = {'vmware': programs} if service == 'nova' else {}
        _module(service).write_config(layout, settings, passwords, **extra)
    plan = subnets.choose(layout, settings)
    client.write_files(layout, settings, passwords)
    ssh_config.write(layout, settings, plan.cidr)
    # Not when it is needed: while the services start, there is time for it.
    importlib.import_module('openstack.connection')
    return plan


@contextlib.contextmanager
def _launcher(layout: aio_layout.Layout, settings: aio_settings.Settings,
              services: Sequence[str]) -> Iterator[_Popen | None]:
    """Run the launcher for some services, and end them if the caller fails."""
    if not services:
        yield None
        return
    launcher = processes.launch(layout, services, dict(
        isolation.environment(layout, os.environ),
        **vmware.environment(layout, settings)))
    try:
        yield launcher
    except BaseException:
        # Half a control plane is useless. The launcher stops what it started.
        launcher.terminate()
        raise
    finally:
        processes.release(launcher)


def _module(service: str) -> types.ModuleType:
    return importlib.import_module('nova_vmrun.aio.services.%s' % service)


def _check_space(layout: aio_layout.Layout) -> None:
    space.of_folder(
        str(layout.root), 'Free some space, or choose another --state-dir.'
    ).require(_SPACE, 'There is not enough space for the control plane.',
              'It needs %d MiB.' % (_SPACE // units.Mi))


def _wait_until_ready(layout: aio_layout.Layout, launcher: _Popen | None,
                      running: Mapping[str, int | None],
                      report: aio_report.Report) -> None:
    """Wait for all services, and report what each is doing.

    :param launcher: starts those that are missing
    :param running: the process number of each service, None if it is missing
    :raises AioError: a service died or hangs
    """
    phases = {service: processes.phase(layout, service, pid) if pid else ''
              for service, pid in running.items()}

    def look() -> bool:
        waiting = []
        for service, pid in running.items():
            phase = processes.phase(layout, service, pid)
            _check_alive(layout, service, phase, pid, launcher)
            if phase != phases[service]:
                report.line(_progress(layout, service, phase))
            phases[service] = phase
            if phase != processes.READY:
                waiting.append(service)
        if waiting and report.silence > _SILENCE:
            report.line('waiting for %s' % ', '.join(waiting))
        return not waiting

    if not processes.wait_until(look, START_TIMEOUT):
        late = next(service for service, phase in phases.items()
                    if phase != processes.READY)
        raise errors.AioError(
            '%s did not become ready within %d s.' % (late, START_TIMEOUT),
            'It says: %s.' % (phases[late] or 'nothing'),
            'Read %s.' % layout.log(late))


def _progress(layout: aio_layout.Layout, service: str, phase: str) -> str:
    pid = processes.find(layout, service)
    if phase == processes.READY and pid is not None:
        return '%s is ready (process %d, %d MiB)' % (
            service, pid, processes.resident(pid) // 1024 ** 2)
    return '%s: %s' % (service, phase)


def _check_alive(layout: aio_layout.Layout, service: str, phase: str,
                 pid: int | None, launcher: _Popen | None) -> None:
    """Raise an error if a service died.

    :param pid: its process, if it ran before
    :param launcher: starts it if it did not
    """
    failed = phase.startswith(processes.FAILED)
    found = processes.find(layout, service)
    if pid is not None:
        dead = found != pid
    else:
        dead = failed or (
            found is None and launcher is not None
            and launcher.poll() is not None)
    if not dead:
        return
    # On a full disk, the log could not be written.
    _check_space(layout)
    log = layout.log(service)
    if failed:
        cause = phase[len(processes.FAILED):]
    else:
        if launcher is not None and launcher.poll() is not None:
            log = layout.launcher_log
        cause = ' '.join(processes.complaints(log, 1))
    raise errors.AioError('%s died.' % service, cause, 'Read %s.' % log)


def _seed(layout: aio_layout.Layout, settings: aio_settings.Settings,
          passwords: Mapping[str, str], plan: subnets.Plan,
          report: aio_report.Report) -> None:
    """Check that all services answer, and create what a server needs."""
    import openstack.exceptions
    cloud = client.connect(settings, passwords)
    try:
        _check_answers(cloud, settings, layout)
        if settings.runs_compute:
            _check_compute(layout, cloud, report)
        for made in seed.flavors(cloud):
            report.line('made flavor %s' % made)
        for line in seed.network(cloud, settings, plan):
            report.line(line)
    except openstack.exceptions.SDKException as error:
        raise errors.AioError(
            'An API does not answer as it should.', '%s.' % error,
            'Read the logs in %s.' % layout.logs) from error


def _check_compute(layout: aio_layout.Layout, cloud: 'connection.Connection',
                   report: aio_report.Report) -> None:
    hosts = [host for host in cloud.compute.hypervisors(details=False)
             if host.state == 'up']
    if not hosts:
        raise errors.AioError(
            'nova-compute has not registered its host.', '',
            'Read %s.' % layout.log('nova'))
    report.line('compute host %s is up' % hosts[0].name)


def _check_answers(cloud: 'connection.Connection',
                   settings: aio_settings.Settings,
                   layout: aio_layout.Layout) -> None:
    from keystoneauth1 import exceptions
    for service in settings.services:
        for name in aio_settings.PORT_OWNERS[service]:
            if name == 'serialproxy':
                # The proxy shows nothing without a token.
                continue
            url = settings.url(name, _PAGES.get(name, '/'))
            try:
                cloud.session.get(url, timeout=30, authenticated=False)
            except exceptions.ClientException as error:
                raise errors.AioError(
                    '%s runs but does not answer.' % name, '%s.' % error,
                    'Read %s.' % layout.log(service)) from error
