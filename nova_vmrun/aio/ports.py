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

"""Choice and check of TCP ports before anything is started."""

from collections.abc import Collection, Iterable
import errno
import random

import psutil

from nova_vmrun.aio import errors
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.host import ports as host_ports

# The number of ports after a taken one that are tried.
_NEAR = 100
_LAST_PORT = 65535
# Below the ports that systems use for outgoing connections.
_CANDIDATES = range(20000, 30000, 20)


def next_free(settings: aio_settings.Settings,
              given: Collection[str]) -> list[str]:
    """Move a new control plane's services away from ports that are taken.

    :param settings: of the control plane; its ports are changed
    :param given: services whose ports the user chose
    :returns: a line about each port that was changed
    :raises AioError: no port near it is free
    """
    changed = []
    for name in settings.listeners:
        port = settings.ports[name]
        addresses = settings.addresses(name)
        if name in given or _is_free(port, *addresses):
            continue
        others = set(settings.ports.values())
        free = next((candidate for candidate
                     in range(port + 1, min(port + _NEAR, _LAST_PORT) + 1)
                     if candidate not in others
                     and _is_free(candidate, *addresses)),
                    None)
        if free is None:
            raise errors.AioError(
                'Port %d, which %s needs, is taken%s.'
                % (port, name, _holder(port)),
                'So are the %d after it.' % _NEAR,
                'Choose another one with --%s-port.' % name)
        changed.append('port %d is taken%s, so %s gets port %d'
                       % (port, _holder(port), name, free))
        settings.ports[name] = free
    return changed


def check(settings: aio_settings.Settings, services: Iterable[str]) -> None:
    """Raise AioError if another process has the port of a service.

    :param services: names of the services about to start
    :raises AioError: a port is taken or not permitted
    """
    for service in services:
        for name in aio_settings.PORT_OWNERS[service]:
            for address in settings.addresses(name):
                _check_port(name, address, settings.ports[name],
                            '--listen' if address == settings.listen
                            else '--dashboard-address')


def free_base() -> int:
    """Return the first of enough consecutive free ports for all services.

    :raises AioError: none were found
    """
    count = len(aio_settings.DEFAULT_PORTS)
    for base in random.sample(_CANDIDATES, 50):
        if all(_is_free(port, aio_settings.ADDRESS)
               for port in range(base, base + count)):
            return base
    raise errors.AioError(
        'No %d free ports in a row were found.' % count,
        'Programs use too many ports of this machine.',
        'End some, or name the first port with --port-base.')


def _is_free(port: int, *addresses: str) -> bool:
    try:
        for address in addresses:
            _bind(port, address)
    except OSError:
        return False
    return True


def _bind(port: int, address: str) -> None:
    host_ports.require_free(address, port)


def _check_port(name: str, address: str, port: int, option: str) -> None:
    try:
        _bind(port, address)
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL:
            raise errors.AioError(
                '%s cannot listen on %s.' % (name, address),
                'This machine has no such address.',
                'Name one of its addresses with %s.' % option) from error
        if error.errno == errno.EADDRINUSE:
            raise errors.AioError(
                'Port %d, which %s needs, is taken%s.'
                % (port, name, _holder(port)), '',
                'Stop that, or choose other ports with --port-base or '
                '--%s-port.' % name) from error
        raise errors.AioError(
            'Port %d, which %s needs, cannot be used.' % (port, name),
            '%s.' % error.strerror,
            'Choose another one with --%s-port.' % name) from error


def _holder(port: int) -> str:
    """Describe the process that listens on a port, if this user may see it.

    :returns: such as ' by process 12 (python3 server.py)', or ''
    """
    try:
        connections = psutil.net_connections(kind='tcp')
    except psutil.Error:
        return ''
    for connection in connections:
        if (connection.status == psutil.CONN_LISTEN and connection.laddr
                and connection.laddr.port == port and connection.pid):
            try:
                arguments = psutil.Process(connection.pid).cmdline()
            except psutil.Error:
                arguments = []
            return ' by process %d (%s)' % (
                connection.pid, ' '.join(arguments)[:100] or 'unknown')
    return ''
