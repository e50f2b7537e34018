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

from collections.abc import Mapping
import importlib
import os
import signal
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
    passwords = aio_settings.passwords(layout)
    programs = vmware.choose(layout, settings)
    report.line(programs.describe())
    if novnc.find(settings) is None:
        report.line(novnc.HINT)
    running = {service: processes.find(layout, service)
               for service in settings.services}
    missing = [service for service in settings.services
               if not running[service]]
    for service in settings.services:
        if (pid := running[service]):
            report.line('%s runs already (process %d)' % (service, pid))
    ports.check(settings, missing)
    _write_configs(layout, settings, passwords, programs)
    plan = subnets.choose(layout, settings)
    client.write_files(layout, settings, passwords)
    ssh_config.write(layout, settings, plan.cidr)
    if missing:
        report.line('starting %s; logs are in %s'
                    % (', '.join(missing), layout.logs))
    started = {}
    try:
        for service in missing:
            environment = dict(
                isolation.environment(layout, service, os.environ),
                **_module(service).environment(layout),
                **vmware.environment(layout, settings))
            started[service] = processes.start(layout, service, environment)
        _wait_until_ready(layout, started, running, report)
    except BaseException:
        # Half a control plane is useless. Stop only what was started here.
        processes.end([process.pid for process in started.values()], 5)
        raise
    _seed(layout, settings, passwords, plan, report)


def _module(service: str) -> types.ModuleType:
    return importlib.import_module('nova_vmrun.aio.services.%s' % service)


def _check_space(layout: aio_layout.Layout) -> None:
    space.of_folder(
        str(layout.root), 'Free some space, or choose another --state-dir.'
    ).require(_SPACE, 'There is not enough space for the control plane.',
              'It needs %d MiB.' % (_SPACE // units.Mi))


def _write_configs(layout: aio_layout.Layout, settings: aio_settings.Settings,
                   passwords: Mapping[str, str],
                   programs: vmware.Programs) -> None:
    for service in settings.services:
        extra = {'vmware': programs} if service == 'nova' else {}
        _module(service).write_config(layout, settings, passwords, **extra)


def _wait_until_ready(layout: aio_layout.Layout, started: Mapping[str, _Popen],
                      running: Mapping[str, int | None],
                      report: aio_report.Report) -> None:
    """Wait for all services, and report what each is doing.

    :param started: the new processes by service
    :param running: the process number of each service, None if it was started
    :raises AioError: a service died or hangs
    """
    pids: dict[str, int] = {}
    for service, pid in running.items():
        if service in started:
            pids[service] = started[service].pid
        elif pid is not None:
            pids[service] = pid
    phases = {service: '' if service in started else
              processes.phase(layout, service, number)
              for service, number in pids.items()}

    def look() -> bool:
        waiting = []
        for service, pid in pids.items():
            _check_alive(layout, service, started, pid)
            phase = processes.phase(layout, service, pid)
            if phase != phases[service]:
                if phase == processes.READY:
                    report.line('%s is ready (process %d, %d MiB)' % (
                        service, pid, processes.resident(pid) // 1024 ** 2))
                elif phase and not phase.startswith(processes.FAILED):
                    report.line('%s: %s' % (service, phase))
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


def _check_alive(layout: aio_layout.Layout, service: str,
                 started: Mapping[str, _Popen], pid: int) -> None:
    if service in started:
        status = started[service].poll()
        if status is None:
            return
    elif processes.find(layout, service) == pid:
        return
    else:
        status = None
    # On a full disk, the log could not be written.
    _check_space(layout)
    raise errors.AioError(
        '%s died.' % service, _cause(layout, service, pid, status),
        'Read %s.' % layout.log(service))


def _cause(layout: aio_layout.Layout, service: str, pid: int,
           status: int | None) -> str:
    """Return why a service died: its last words, a signal, or its log."""
    phase = processes.phase(layout, service, pid)
    if phase.startswith(processes.FAILED):
        return phase[len(processes.FAILED):]
    if status is not None and status < 0:
        return 'It was ended by %s.' % signal.Signals(-status).name
    said = processes.complaints(layout.log(service), 1)
    return said[0] if said else ''


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
