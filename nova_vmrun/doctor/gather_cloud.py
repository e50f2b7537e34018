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

"""Read the facts about the control plane of "nova-vmrun aio"."""

import importlib.metadata
import json
import os
import re
import shlex
import sys

from nova_vmrun.aio import client
from nova_vmrun.aio import health
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.aio import status
from nova_vmrun.aio import vmware
from nova_vmrun.doctor import cloud
from nova_vmrun import exception
from nova_vmrun.tools import process

# Seconds: loading Nova alone takes some.
_ORPHANS_TIMEOUT = 90
_MOST_TEXT = 300
# Packages of services that are called otherwise.
_PACKAGES = {'compute': 'nova'}
_TAIL = 1024 * 1024
# The lines of a traceback have no request in brackets.
_ERROR = re.compile(
    rb'^(?P<time>\S+ \S+) (?P<pid>\d+) (?:ERROR|CRITICAL) \S+ '
    rb'\[(?!instance:)[^]]*\] (?:\[instance: \S+\] +)?(?P<text>.*)$',
    re.MULTILINE)


class CloudGatherer:
    """Reads facts about a control plane.

    :param layout: of a control plane that exists
    """

    def __init__(self, layout: aio_layout.Layout) -> None:
        self._layout = layout
        self._settings = aio_settings.load(layout)

    def gather(self) -> cloud.Cloud:
        """Return what can be found out; services may hang or be down."""
        found = status.services(self._layout, self._settings)
        services = tuple(
            cloud.Service(each.name, each.state, _version(each.name),
                          last_error(each.log, each.pid), each.log)
            for each in found)
        if not all(each.ready for each in found):
            return cloud.Cloud(services)
        known = health.read_providers(
            self._settings, aio_settings.passwords(self._layout))
        return cloud.Cloud(services,
                           None if known is None else tuple(known),
                           self._leftovers())

    def _leftovers(self) -> cloud.Leftovers:
        path = str(self._layout.config_dir('nova') / 'nova.conf')
        command = 'source %s; nova-vmrun orphans --config-file %s' % (
            shlex.quote(str(self._layout.openrc)), shlex.quote(path))
        runner = process.Runner({
            **client.bypass_proxy(os.environ, self._settings.listen),
            **(vmware.environment(self._layout, self._settings)
               if self._layout.fakes.is_dir() else {}),
            'OS_CLIENT_CONFIG_FILE': str(self._layout.clouds)})
        try:
            result = runner.run(
                sys.executable, '-m', 'nova_vmrun.cmd.main', 'orphans',
                '--config-file', path, '--os-cloud', client.CLOUD,
                '-f', 'json', timeout=_ORPHANS_TIMEOUT)
            return cloud.Leftovers(len(json.loads(result.stdout)), '',
                                   command)
        except exception.VmrunError as error:
            return cloud.Leftovers(None, error.brief, command)
        except ValueError:
            return cloud.Leftovers(
                None, result.stderr.strip()[:_MOST_TEXT], command)


def _version(service: str) -> str:
    """Return the version of a service's package of Python.

    RabbitMQ is none, so it has no version here.
    """
    if service == aio_settings.OWN_BUS:
        return ''
    try:
        return importlib.metadata.version(_PACKAGES.get(service, service))
    except importlib.metadata.PackageNotFoundError:
        return 'not installed'


def last_error(path: str, pid: int | None) -> str:
    """Return the last error that a process has logged, with its time.

    :param path: of the log; only its end is read
    :param pid: None: the service is down, so that the last error counts
        whoever logged it
    :returns: empty if there is none
    """
    try:
        with open(path, 'rb') as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - _TAIL))
            found = list(_ERROR.finditer(log.read()))
    except OSError:
        return ''
    for error in reversed(found):
        if pid is None or int(error['pid']) == pid:
            time, text = (error[name].decode('utf-8', 'replace')
                          for name in ('time', 'text'))
            return '%s %s' % (time, text[:_MOST_TEXT])
    return ''
