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


"""Ask an existing cloud about this host, with the credentials of nova.conf.

nova-compute has credentials for Placement and for Neutron. Those for Placement
are tried on Nova's API, too, which may refuse them.
"""

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
import socket
from typing import Any, TypeVar
import urllib.parse

from keystoneauth1 import adapter
from keystoneauth1 import exceptions
from keystoneauth1 import loading
from oslo_config import cfg

from nova_vmrun.aio import providers
from nova_vmrun.doctor import host_in_cloud

T = TypeVar('T')

_SECONDS = 20
_PLACEMENT, _NEUTRON = 'placement', 'neutron'
_TYPES = {_PLACEMENT: 'placement', _NEUTRON: 'network'}
_NOVA = 'compute'
_NAMES = {_NOVA: 'Nova', 'placement': 'Placement', 'network': 'Neutron'}
# As in Nova.
_INTERFACES = ['internal', 'public']
_VERSIONS = {_NOVA: 'compute 2.53',
             'placement': 'placement ' + providers.VERSION}


class _Refused(Exception):
    """An API does not say what was asked.

    :param reason: a sentence
    :param concerns_nova: see host_in_cloud.Unknown
    """

    def __init__(self, reason: str, concerns_nova: bool = True) -> None:
        super().__init__(reason)
        self.concerns_nova = concerns_nova


class HostGatherer:
    """Asks about this host.

    :param files: configuration files of nova-compute; later ones win
    """

    def __init__(self, files: Sequence[str]) -> None:
        self._conf = cfg.ConfigOpts()
        self._conf.register_opt(cfg.StrOpt('host',
                                           default=socket.gethostname()))
        for section, service in _TYPES.items():
            loading.register_auth_conf_options(self._conf, section)
            loading.register_session_conf_options(self._conf, section)
            loading.register_adapter_conf_options(self._conf, section)
            for name, default in (('service_type', service),
                                  ('valid_interfaces', _INTERFACES),
                                  ('timeout', _SECONDS)):
                self._conf.set_default(name, default, section)
        self._conf(args=[], default_config_files=list(files),
                   default_config_dirs=[])

    def gather(self) -> host_in_cloud.HostInCloud:
        """Return what the cloud says, as far as it says it."""
        return host_in_cloud.HostInCloud(
            self._conf.host, _or_unknown(self._service),
            _or_unknown(self._node), _or_unknown(self._ports))

    def _service(self) -> host_in_cloud.Service | None:
        found = self._ask(_PLACEMENT, _NOVA, '/os-services', {
            'binary': 'nova-compute', 'host': self._conf.host})['services']
        if not found:
            return None
        return host_in_cloud.Service(
            found[0]['state'] == 'up', found[0]['status'] == 'enabled',
            found[0].get('disabled_reason') or '')

    def _node(self) -> providers.Provider | None:
        def get(path: str) -> Any:
            return self._ask(_PLACEMENT, 'placement', path)

        named = get('/resource_providers?' + urllib.parse.urlencode(
            {'name': self._conf.host}))['resource_providers']
        return providers.read_one(get, named[0]['uuid']) if named else None

    def _ports(self) -> tuple[host_in_cloud.Port, ...]:
        found = self._ask(_NEUTRON, 'network', '/v2.0/ports', {
            'binding:host_id': self._conf.host})['ports']
        return tuple(
            host_in_cloud.Port(each['id'], each.get('binding:vif_type') or '')
            for each in found
            if str(each.get('device_owner')).startswith('compute:'))

    def _ask(self, section: str, service: str, path: str,
             query: Mapping[str, str] | None = None) -> Any:
        """Return the JSON of an answer.

        :param section: whose credentials to use
        :raises _Refused: there is none
        """
        # Nobody but this program asks Nova with the credentials for Placement.
        is_own = service == _TYPES[section]
        name = _NAMES[service]
        try:
            answer = self._client(section, service).get(
                path, params=query, raise_exc=False, headers={
                    'OpenStack-API-Version': _VERSIONS[service]}
                if service in _VERSIONS else {})
        except exceptions.ClientException as error:
            raise _Refused('%s cannot be asked: %s.' % (
                name, str(error).rstrip('.')), is_own) from error
        if answer.status_code in (401, 403):
            raise _Refused(
                '%s refuses the credentials in [%s] (HTTP %d).' % (
                    name, section, answer.status_code),
                is_own and answer.status_code == 401)
        if answer.status_code >= 400:
            raise _Refused('%s answers with HTTP %d.' % (
                name, answer.status_code), is_own)
        try:
            return answer.json()
        except ValueError as error:
            raise _Refused('%s answers with something that is not JSON.'
                           % name, is_own) from error

    def _client(self, section: str, service: str) -> adapter.Adapter:
        auth = loading.load_auth_from_conf_options(self._conf, section)
        if auth is None:
            raise _Refused('nova.conf has no credentials in [%s].' % section,
                           False)
        session = loading.load_session_from_conf_options(
            self._conf, section, auth=auth)
        if service == _TYPES[section]:
            return loading.load_adapter_from_conf_options(
                self._conf, section, session=session, auth=auth)
        return adapter.Adapter(
            session, auth=auth, service_type=service, interface=_INTERFACES,
            region_name=self._conf[section].region_name)


def _or_unknown(read: Callable[[], T]) -> T | host_in_cloud.Unknown:
    try:
        return read()
    except _Refused as error:
        return host_in_cloud.Unknown(str(error), error.concerns_nova)
    except (KeyError, TypeError, IndexError, AttributeError):
        return host_in_cloud.Unknown('The answer is not as the API has it.')
