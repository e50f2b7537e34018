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

"""Keystone: users, the service catalog and tokens."""

from collections.abc import Callable, Mapping
from typing import Any, TYPE_CHECKING
import uuid

from nova_vmrun.aio import client
from nova_vmrun.aio import config
from nova_vmrun.aio import databases
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import saml_schemas
from nova_vmrun.aio import settings as aio_settings

if TYPE_CHECKING:
    from nova_vmrun.aio import wsgi

PROJECT = 'keystone'
CONFIG = 'keystone.conf'

# Service type, name and path of each API.
CATALOG = {
    'glance': ('image', ''),
    'neutron': ('network', ''),
    'nova': ('compute', '/v2.1'),
    'placement': ('placement', ''),
    'cinder': ('block-storage', '/v3'),
}


def write_config(layout: aio_layout.Layout, settings: aio_settings.Settings,
                 passwords: Mapping[str, str]) -> None:
    """Write keystone.conf."""
    keys = layout.keys
    config.write(layout, PROJECT, CONFIG, {
        'DEFAULT': config.logging_options(),
        'database': config.database(layout, settings, 'keystone'),
        'token': {'provider': 'fernet', 'expiration': 24 * 3600},
        # Keys of receipts would be in /etc/keystone by default.
        'fernet_tokens': {'key_repository': keys / 'fernet'},
        'fernet_receipts': {'key_repository': keys / 'fernet'},
        'credential': {'key_repository': keys / 'credential'},
        # The passwords have 192 random bits. Key stretching would only add a
        # quarter of a second to each login.
        'identity': {'password_hash_rounds': 4, 'max_password_length': 72},
        'oslo_policy': {'enforce_scope': True},
    })


def environment(layout: aio_layout.Layout) -> dict[str, str]:
    """Return the variables that the process needs."""
    return {}


class Service:
    """Keystone in this process."""

    def __init__(self, layout: aio_layout.Layout,
                 settings: aio_settings.Settings) -> None:
        self._layout = layout
        self._settings = settings
        self._passwords = aio_settings.passwords(layout)
        self._server: 'wsgi.Servers | None' = None

    def start(self, tell: Callable[[str], None]) -> None:
        """Create what is missing, then start the API."""
        saml_schemas.install()
        from keystone.cmd import bootstrap
        import keystone.server
        from keystone.server.flask import application
        from keystone.server.flask import core

        from nova_vmrun.aio import wsgi

        folder = self._layout.config_dir(PROJECT)
        keystone.server.configure(config_files=[
            str(folder / CONFIG), str(folder / config.LOCAL_CONF)])
        databases.prepare(self._layout, self._settings, 'keystone',
                          ['keystone'], 'keystone', self._make, tell)
        if not self._settings.database:
            _enforce_foreign_keys()
        tell('bootstrapping')
        # This loads the back ends, too, which can be done only once.
        self._bootstrap(bootstrap.Bootstrapper())
        app = core.setup_app_middleware(
            application.application_factory('public'))
        self._server = wsgi.Servers(
            'keystone', app, self._layout, self._settings)
        self._server.start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()

    def _make(self) -> None:
        from keystone.common.sql import upgrades
        upgrades.offline_sync_database_to_version()
        _make_keys()

    def _bootstrap(self, bootstrapper: Any) -> None:
        url = self._settings.url('keystone', '/v3')
        public = self._settings.public_url('keystone', '/v3')
        bootstrapper.admin_username = 'admin'
        bootstrapper.admin_password = self._passwords['admin']
        bootstrapper.project_name = 'admin'
        bootstrapper.admin_role_name = 'admin'
        bootstrapper.service_name = 'keystone'
        bootstrapper.region_id = aio_settings.REGION
        bootstrapper.public_url = public
        bootstrapper.internal_url = url
        bootstrapper.admin_url = url
        bootstrapper.immutable_roles = True
        bootstrapper.bootstrap()
        self._ensure_services(bootstrapper)
        self._ensure_demo(bootstrapper)

    def _ensure_demo(self, bootstrapper: Any) -> None:
        """Make the ordinary user and its project, if they are missing."""
        domain, name = bootstrapper.default_domain_id, str(client.User.DEMO)
        # This role includes that of a reader.
        _grant(_ensure_user(name, self._passwords[name], domain),
               _ensure_project(name, 'For trying things out', domain),
               bootstrapper.member_role_id)

    def _ensure_services(self, bootstrapper: Any) -> None:
        project = _ensure_project('service', 'The OpenStack services',
                                  bootstrapper.default_domain_id)
        for name, (kind, path) in CATALOG.items():
            if name not in self._settings.listeners:
                _remove_service(kind)
                continue
            user = _ensure_user(name, self._passwords[name],
                                bootstrapper.default_domain_id)
            for role in (bootstrapper.admin_role_id,
                         bootstrapper.service_role_id):
                _grant(user, project, role)
            _ensure_endpoints(
                name, kind, self._settings.public_url(name, path),
                self._settings.url(name, path))


def _enforce_foreign_keys() -> None:
    """Make SQLite delete the rows that depend on a deleted one.

    Keystone relies on that: it would answer 500 when it lists what a deleted
    role implies. The other services turn it on by themselves, or have no such
    rows. The databases must be complete, since migrations drop tables that
    others refer to.
    """
    from keystone.common.sql import core

    # Only a new context manager takes the option.
    core.cleanup()
    core.enable_sqlite_foreign_key()


def _make_keys() -> None:
    from keystone.common import fernet_utils
    import keystone.conf
    from keystone.credential.providers import fernet
    conf = keystone.conf.CONF
    for group, count in (
            ('fernet_tokens', conf.fernet_tokens.max_active_keys),
            ('credential', fernet.MAX_ACTIVE_KEYS)):
        keys = fernet_utils.FernetUtils(
            getattr(conf, group).key_repository, count, group)
        keys.create_key_directory()
        if keys.validate_key_repository(requires_write=True):
            keys.initialize_key_repository()


def _ensure_project(name: str, description: str, domain: str) -> str:
    from keystone.common import provider_api
    from keystone import exception
    api = provider_api.ProviderAPIs.resource_api
    try:
        return str(api.get_project_by_name(name, domain)['id'])
    except exception.ProjectNotFound:
        identifier = uuid.uuid4().hex
        api.create_project(identifier, {
            'id': identifier, 'name': name, 'domain_id': domain,
            'enabled': True, 'description': description})
        return identifier


def _ensure_user(name: str, password: str, domain: str) -> str:
    from keystone.common import provider_api
    from keystone import exception
    api = provider_api.ProviderAPIs.identity_api
    try:
        return str(api.get_user_by_name(name, domain)['id'])
    except exception.UserNotFound:
        return str(api.create_user({
            'name': name, 'password': password, 'domain_id': domain,
            'enabled': True})['id'])


def _grant(user: str, project: str, role: str) -> None:
    from keystone.common import provider_api
    from keystone import exception
    try:
        provider_api.ProviderAPIs.assignment_api.add_role_to_user_and_project(
            user_id=user, project_id=project, role_id=role)
    except exception.Conflict:
        pass


def _find_service(kind: str) -> dict[str, Any] | None:
    from keystone.common import provider_api
    api = provider_api.ProviderAPIs.catalog_api
    return next((entry for entry in api.list_services()
                 if entry['type'] == kind), None)


def _remove_service(kind: str) -> None:
    """Remove an unused service and its endpoints from the catalog."""
    from keystone.common import provider_api
    service = _find_service(kind)
    if service is not None:
        provider_api.ProviderAPIs.catalog_api.delete_service(service['id'])


def _ensure_endpoints(name: str, kind: str, public: str,
                      internal: str) -> None:
    """Register a service, or move its endpoints.

    :param public: URL for users
    :param internal: URL for services on this machine, and on nodes through
        their tunnels
    """
    from keystone.common import provider_api
    api = provider_api.ProviderAPIs.catalog_api
    service = _find_service(kind)
    if service is None:
        service = {'id': uuid.uuid4().hex, 'name': name, 'type': kind,
                   'enabled': True}
        api.create_service(service['id'], service)
    known = {entry['interface']: entry for entry in api.list_endpoints()
             if entry['service_id'] == service['id']}
    for interface, url in (('public', public), ('internal', internal),
                           ('admin', internal)):
        entry = known.get(interface)
        if entry is None:
            identifier = uuid.uuid4().hex
            api.create_endpoint(identifier, {
                'id': identifier, 'interface': interface, 'url': url,
                'service_id': service['id'], 'enabled': True,
                'region_id': aio_settings.REGION})
        elif entry['url'] != url:
            api.update_endpoint(entry['id'], dict(entry, url=url))
