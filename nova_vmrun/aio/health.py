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

"""Health checks: one request to each service that needs its database.

A process that exists proves little: it may be stopped, hang, or answer every
request with an error.
"""

from collections.abc import Callable, Mapping
from concurrent import futures
import dataclasses
import socket
from typing import Any

import requests

from nova_vmrun.aio.bus import address
from nova_vmrun.aio import errors
from nova_vmrun.aio.gateway import probe
from nova_vmrun.aio import providers
from nova_vmrun.aio import settings as aio_settings

# Seconds for one request. Listing Nova's services takes a few milliseconds.
TIMEOUT = 10
# These run in Nova's process. So does nova-compute without a message bus; with
# one, each compute host has its own.
_PARTS = ('nova-conductor', 'nova-scheduler')
_COMPUTE = 'nova-compute'


class _Unhealthy(Exception):
    """A service is unhealthy; the message says why in a few words."""


@dataclasses.dataclass(frozen=True)
class _Cloud:
    """One control plane, as its administrator sees it."""

    settings: aio_settings.Settings
    session: requests.Session
    passwords: Mapping[str, str]

    def request(self, method: str, port: str, path: str,
                **options: Any) -> requests.Response:
        try:
            answer = self.session.request(
                method, self.settings.url(port, path), timeout=TIMEOUT,
                **options)
        except requests.Timeout:
            raise _Unhealthy('%s does not answer within %d s'
                             % (port, TIMEOUT)) from None
        except requests.RequestException:
            raise _Unhealthy('%s refuses connections' % port) from None
        if not answer.ok:
            raise _Unhealthy('%s answers HTTP %d' % (port,
                                                     answer.status_code))
        return answer

    def log_in(self) -> None:
        user = {'name': 'admin', 'domain': {'name': 'Default'},
                'password': self.passwords['admin']}
        answer = self.request('POST', 'keystone', '/v3/auth/tokens', json={
            'auth': {
                'identity': {'methods': ['password'],
                             'password': {'user': user}},
                'scope': {'project': {'name': 'admin',
                                      'domain': {'name': 'Default'}}}}})
        self.session.headers['X-Auth-Token'] = answer.headers[
            'X-Subject-Token']


def _glance(cloud: _Cloud) -> None:
    cloud.request('GET', 'glance', '/v2/images?limit=1')


def _neutron(cloud: _Cloud) -> None:
    cloud.request('GET', 'neutron', '/v2.0/networks?limit=1&fields=id')


def _nova(cloud: _Cloud) -> None:
    cloud.request('GET', 'placement', '/resource_providers')
    answer = cloud.request('GET', 'nova', '/v2.1/os-services')
    down = [part['binary'] for part in answer.json()['services']
            if part['state'] != 'up' and _is_own(part, cloud.settings)]
    if down:
        raise _Unhealthy('%s is down' % ', '.join(sorted(down)))
    for proxy in ('novncproxy', 'serialproxy'):
        # A proxy shows nothing without a token, so a connection must do.
        address = (aio_settings.ADDRESS, cloud.settings.ports[proxy])
        try:
            socket.create_connection(address, TIMEOUT).close()
        except OSError:
            raise _Unhealthy('%s refuses connections' % proxy) from None


def _compute(cloud: _Cloud) -> None:
    answer = cloud.request('GET', 'nova', '/v2.1/os-services', params={
        'binary': _COMPUTE, 'host': cloud.settings.host})
    if not any(part['state'] == 'up' for part in answer.json()['services']):
        raise _Unhealthy('%s is down' % _COMPUTE)


def _rabbitmq(cloud: _Cloud) -> None:
    bus = address.read(cloud.settings.transport_url(cloud.passwords))
    try:
        address.log_in(bus, bus.hosts[0])
    except address.Refused as error:
        raise _Unhealthy(str(error)) from error


def _is_own(part: Mapping[str, Any],
            settings: aio_settings.Settings) -> bool:
    if part['binary'] == _COMPUTE:
        return settings.runs_compute and part['host'] == settings.host
    return part['binary'] in _PARTS


def _cinder(cloud: _Cloud) -> None:
    answer = cloud.request('GET', 'cinder', '/v3/os-services', headers={
        # The first version whose addresses need no project.
        'OpenStack-API-Version': 'volume 3.67'})
    down = [part['binary'] for part in answer.json()['services']
            if part['state'] != 'up'
            and part['host'].partition('@')[0] == cloud.settings.host]
    if down:
        raise _Unhealthy('%s is down' % ', '.join(sorted(down)))


def _horizon(cloud: _Cloud) -> None:
    cloud.request('GET', 'horizon', aio_settings.LOGIN_PAGE)


def _gateway(cloud: _Cloud) -> None:
    complaint = probe.complaint(cloud.settings.gateway_contact,
                                cloud.settings.ports['gateway'], TIMEOUT)
    if complaint is not None:
        raise _Unhealthy('gateway: %s' % complaint)


_PROBES: Mapping[str, Callable[[_Cloud], None]] = {
    'glance': _glance, 'neutron': _neutron, 'nova': _nova, 'cinder': _cinder,
    'horizon': _horizon, 'compute': _compute, 'rabbitmq': _rabbitmq,
    'gateway': _gateway}


def ask(settings: aio_settings.Settings,
        passwords: Mapping[str, str]) -> dict[str, str | None]:
    """Check all services: keystone first, then the others in parallel.

    :param passwords: by user name
    :returns: what is wrong with each service, by name; None if it is healthy
    """
    with requests.Session() as session:
        # Ignore the caller's proxies and .netrc.
        session.trust_env = False
        cloud = _Cloud(settings, session, passwords)
        probes = {name: probe for name, probe in _PROBES.items()
                  if name in settings.services}
        found = {'keystone': _complaint(_Cloud.log_in, cloud)}
        if found['keystone']:
            if settings.database:
                found['keystone'] = (_database(settings)
                                     or found['keystone'])
            # The others cannot check a token without keystone.
            unknown = 'needs keystone'
            return dict(dict.fromkeys(probes, unknown), **found)
        with futures.ThreadPoolExecutor(len(probes)) as pool:
            asked = {name: pool.submit(_complaint, probe, cloud)
                     for name, probe in probes.items()}
            found.update((name, future.result())
                         for name, future in asked.items())
    return found


def _database(settings: aio_settings.Settings) -> str | None:
    """Return what is wrong with the database server, or None."""
    from nova_vmrun.aio.database import server

    try:
        server.Server(settings.database, '').require()
    except errors.AioError as error:
        return 'database: %s' % error.details.rstrip('.')
    return None


def read_providers(settings: aio_settings.Settings,
                   passwords: Mapping[str, str]
                   ) -> list[providers.Provider] | None:
    """Return what Placement knows about the compute hosts.

    :param passwords: by user name
    :returns: None if Placement does not answer properly
    """
    with requests.Session() as session:
        session.trust_env = False
        cloud = _Cloud(settings, session, passwords)

        def get(path: str) -> Any:
            return cloud.request('GET', 'placement', path, headers={
                'OpenStack-API-Version': 'placement ' + providers.VERSION
            }).json()

        try:
            cloud.log_in()
            return providers.read(get)
        except (_Unhealthy, KeyError, ValueError):
            return None


def _complaint(probe: Callable[[_Cloud], None], cloud: _Cloud) -> str | None:
    try:
        probe(cloud)
    except _Unhealthy as error:
        return str(error)
    return None
