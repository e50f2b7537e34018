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

from collections.abc import Iterable, Mapping, Sequence
import importlib
import types
from typing import TYPE_CHECKING

from nova_vmrun.aio.bus import address
from nova_vmrun.aio.bus import broker
from nova_vmrun.aio import client
from nova_vmrun.aio import databases
from nova_vmrun.aio import errors
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import novnc
from nova_vmrun.aio import ports
from nova_vmrun.aio import processes
from nova_vmrun.aio import report as aio_report
from nova_vmrun.aio import seed
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.aio import ssh_config
from nova_vmrun.aio import starting
from nova_vmrun.aio import subnets
from nova_vmrun.aio.tls import authority
from nova_vmrun.aio import vmware

if TYPE_CHECKING:
    from openstack import connection

# Pages that need no login, by service. The others have theirs at /.
_PAGES = {'novncproxy': '/' + novnc.PAGE,
          'horizon': aio_settings.LOGIN_PAGE}
# Services that do not speak HTTP.
_OTHER_PROTOCOLS = (aio_settings.OWN_BUS, 'gateway')
# Seconds in which the scheduler finds a new compute host.
_DISCOVERY_TIMEOUT = 60


def up(layout: aio_layout.Layout, settings: aio_settings.Settings,
       report: aio_report.Report) -> None:
    """Start what is not running, and create what is missing.

    :param layout: of a state directory that exists
    :raises AioError: something does not work; the message says what
    :raises DiskFull: there is not enough space for the state directory
    """
    starting.check_space(layout)
    running = {service: processes.find(layout, service)
               for service in settings.services}
    for service, pid in running.items():
        if pid:
            report.line('%s runs already (process %d)' % (service, pid))
    missing = [service for service, pid in running.items() if not pid]
    passwords = aio_settings.passwords(layout)
    with starting.launcher(layout, settings, missing) as launcher:
        # Meanwhile, the launcher loads what the services have in common.
        plan = _prepare(layout, settings, passwords, missing, report)
        if launcher is not None:
            report.line('starting %s; logs are in %s'
                        % (', '.join(missing), layout.logs))
            processes.start(launcher)
        watch = starting.Watch(layout, launcher, running, report)
        watch.wait_for(('keystone', 'neutron'))
        cloud = client.connect(settings, passwords)
        # Nova starts meanwhile, and takes longest.
        with client.explained(layout):
            _seed_network(cloud, layout, settings, plan, report)
        watch.wait_for(settings.services)
    with client.explained(layout):
        _seed_nova(cloud, layout, settings, report)


def _prepare(layout: aio_layout.Layout, settings: aio_settings.Settings,
             passwords: Mapping[str, str], missing: Sequence[str],
             report: aio_report.Report) -> subnets.Plan:
    """Check what the services need, and write their files."""
    programs = vmware.choose(layout, settings)
    report.line(programs.describe())
    if novnc.find(settings) is None:
        report.line(novnc.HINT)
    if aio_settings.OWN_BUS in missing:
        broker.end_leftovers(layout)
    ports.check(settings, missing)
    if settings.bus not in (aio_settings.NO_BUS, aio_settings.OWN_BUS):
        address.require(settings.bus)
    databases.claim(layout, settings)
    if settings.tls:
        for line in authority.ensure(layout, settings):
            report.line(line)
    for service in settings.services:
        extra = ({'vmware': programs} if service in ('nova', 'compute')
                 else {})
        _module(service).write_config(layout, settings, passwords, **extra)
    plan = subnets.choose(layout, settings)
    client.write_files(layout, settings, passwords)
    ssh_config.write(layout, settings, plan.cidr)
    # Not when it is needed: while the services start, there is time for it.
    importlib.import_module('openstack.connection')
    return plan


def _module(service: str) -> types.ModuleType:
    return importlib.import_module('nova_vmrun.aio.services.%s' % service)


def _seed_network(cloud: 'connection.Connection', layout: aio_layout.Layout,
                  settings: aio_settings.Settings, plan: subnets.Plan,
                  report: aio_report.Report) -> None:
    """Create the network that servers are connected to."""
    _check_answers(cloud, settings, layout, ('keystone', 'neutron'))
    for line in seed.network(cloud, settings, plan):
        report.line(line)


def _seed_nova(cloud: 'connection.Connection', layout: aio_layout.Layout,
               settings: aio_settings.Settings,
               report: aio_report.Report) -> None:
    """Check that all services answer, and create flavors."""
    _check_answers(cloud, settings, layout, settings.services)
    if settings.compute:
        _check_compute(layout, settings, cloud, report)
    for made in seed.flavors(cloud):
        report.line('made flavor %s' % made)


def _check_compute(layout: aio_layout.Layout, settings: aio_settings.Settings,
                   cloud: 'connection.Connection',
                   report: aio_report.Report) -> None:
    details = ''

    def is_up() -> bool:
        nonlocal details
        details = ''
        try:
            with client.explained(layout):
                return any(
                    host.state == 'up' and host.name == settings.host
                    for host in cloud.compute.hypervisors(details=False))
        except errors.AioError as error:
            details = '%s %s' % (error.brief, error.details)
            return False

    # Behind a bus, the scheduler looks for new hosts from time to time.
    timeout = 0 if settings.runs_compute else _DISCOVERY_TIMEOUT
    if not processes.wait_until(is_up, timeout, interval=0.5):
        raise errors.AioError(
            'nova-compute has not registered its host.', details, 'Read %s.'
            % layout.log('nova' if settings.runs_compute else 'compute'))
    report.line('compute host %s is up' % settings.host)


def _check_answers(cloud: 'connection.Connection',
                   settings: aio_settings.Settings,
                   layout: aio_layout.Layout,
                   services: Iterable[str]) -> None:
    from keystoneauth1 import exceptions
    for service in services:
        for name in aio_settings.PORT_OWNERS[service]:
            # That proxy shows nothing without a token, and the others have
            # been asked in their own ways before they were ready.
            if name == 'serialproxy' or service in _OTHER_PROTOCOLS:
                continue
            url = settings.url(name, _PAGES.get(name, '/'))
            try:
                cloud.session.get(url, timeout=30, authenticated=False)
            except exceptions.ClientException as error:
                raise errors.AioError(
                    '%s runs but does not answer.' % name, '%s.' % error,
                    'Read %s.' % layout.log(service)) from error
