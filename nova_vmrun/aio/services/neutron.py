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

"""Neutron: only its API, since the vmrun mechanism driver needs no agent."""

from collections.abc import Callable, Mapping
from typing import Any, TYPE_CHECKING

from nova_vmrun.aio import config
from nova_vmrun.aio.database import address
from nova_vmrun.aio import databases
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import settings as aio_settings

if TYPE_CHECKING:
    import sqlalchemy

    from nova_vmrun.aio import wsgi

PROJECT = 'neutron'
CONFIG = 'neutron.conf'


def write_config(layout: aio_layout.Layout, settings: aio_settings.Settings,
                 passwords: Mapping[str, str]) -> None:
    """Write neutron.conf, including the options of ML2."""
    others = dict(
        config.credentials(settings, passwords['neutron'], 'neutron'),
        endpoint_type='internal')
    config.write(layout, PROJECT, CONFIG, {
        'DEFAULT': dict(
            config.logging_options(),
            core_plugin='ml2',
            # Without an agent, a router would seem to work but pass nothing.
            service_plugins='',
            transport_url='fake:///',
            state_path=layout.root / 'neutron',
            bind_host=aio_settings.ADDRESS,
            bind_port=settings.ports['neutron'],
            api_paste_config=config.data_file(
                'neutron', 'etc/neutron/api-paste.ini'),
            notify_nova_on_port_status_changes=True,
            notify_nova_on_port_data_changes=True,
            send_events_interval=1),
        'database': config.database(layout, settings, 'neutron'),
        'keystone_authtoken': config.authtoken(
            settings, passwords['neutron'], 'neutron'),
        'nova': others,
        'placement': others,
        'oslo_concurrency': {'lock_path': layout.root / 'neutron' / 'lock'},
        'ml2': {
            'mechanism_drivers': 'vmrun',
            'type_drivers': 'flat,vlan,local',
            # Networks that projects create are LAN segments. Only an
            # administrator can name a physical network, which is a vmnet.
            'project_network_types': 'local',
            'extension_drivers': 'port_security',
        },
        'ml2_type_flat': {'flat_networks': '*'},
        'ml2_type_vlan': {'network_vlan_ranges': settings.physical_network},
        'ml2_vmrun': {'hosts': '*' if settings.bus else settings.host},
    })


def environment(layout: aio_layout.Layout) -> dict[str, str]:
    """Return the variables that the process needs."""
    return {
        'OS_NEUTRON_CONFIG_DIR': str(layout.config_dir(PROJECT)),
        'OS_NEUTRON_CONFIG_FILES': '%s;%s' % (CONFIG, config.LOCAL_CONF),
    }


class Service:
    """Neutron in this process."""

    def __init__(self, layout: aio_layout.Layout,
                 settings: aio_settings.Settings) -> None:
        self._layout = layout
        self._settings = settings
        self._server: 'wsgi.Servers | None' = None

    def start(self, tell: Callable[[str], None]) -> None:
        """Create what is missing, then start the API."""
        from neutron import server
        from neutron.server import api

        from nova_vmrun.aio import no_routers
        from nova_vmrun.aio import unenforced_rules
        from nova_vmrun.aio import wsgi

        def load() -> Any:
            databases.prepare(
                self._layout, self._settings, 'neutron', ['neutron'],
                'neutron', self._make, tell)
            tell('loading its API')
            return api.api_server()

        app = server.boot_server(load, prog='neutron-api')
        self._server = wsgi.Servers(
            'neutron',
            unenforced_rules.warn(
                no_routers.explain(app, self._settings.network)),
            self._layout, self._settings)
        self._server.start()

    def _make(self) -> None:
        url = self._settings.database
        if url and address.is_mysql(address.read(url)):
            migrate()
        else:
            make_tables()

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()


def migrate() -> None:
    """Create or upgrade the tables on MySQL or MariaDB."""
    from alembic import command
    from neutron.db.migration import cli
    from oslo_config import cfg
    from oslo_db import options

    # The migrations look for the URL there, but Neutron's API does not.
    cfg.CONF.register_opts(options.database_opts, 'database')
    alembic = cli.get_neutron_config()
    alembic.neutron_config = cfg.CONF
    command.upgrade(alembic, 'heads')


def make_tables() -> None:
    """Create the tables from the models.

    Neutron's migrations alter constraints, which SQLite cannot do, and have
    statements that only MySQL knows. So the tables are created as the last
    migration would leave them, and stamped with its revision.

    :raises RuntimeError: the tables are those of another release
    """
    from alembic import command
    from neutron.db.migration import cli
    from neutron.db.migration.models import head
    from neutron_lib.db import api
    from oslo_config import cfg
    import sqlalchemy

    alembic = cli.get_neutron_config()
    alembic.neutron_config = cfg.CONF
    engine = api.get_context_manager().writer.get_engine()
    with engine.begin() as connection:
        alembic.attributes['connection'] = connection
        if sqlalchemy.inspect(connection).has_table('alembic_version'):
            _check_tables(connection, alembic)
            return
        metadata = head.get_metadata()
        metadata.create_all(connection)
        _insert_default_rules(connection, metadata)
        command.stamp(alembic, 'heads')


def _check_tables(connection: 'sqlalchemy.Connection', alembic: Any) -> None:
    from alembic import migration
    from alembic import script
    made = set(migration.MigrationContext.configure(
        connection).get_current_heads())
    wanted = set(script.ScriptDirectory.from_config(alembic).get_heads())
    if made != wanted:
        raise RuntimeError(
            'The database was made by another release of Neutron, and can be '
            'migrated only on MySQL and MariaDB. Run "nova-vmrun aio wipe", '
            'then "up".')


def _insert_default_rules(connection: 'sqlalchemy.Connection',
                          metadata: 'sqlalchemy.MetaData') -> None:
    """Insert the default security group rules, as Neutron's migrations do.

    They insert nothing else. Without these rules, every default security group
    would be empty.
    """
    from neutron_lib import constants
    from oslo_utils import uuidutils

    rules = [
        (constants.EGRESS_DIRECTION, constants.IPv4, None),
        (constants.EGRESS_DIRECTION, constants.IPv6, None),
        (constants.INGRESS_DIRECTION, constants.IPv4, 'PARENT'),
        (constants.INGRESS_DIRECTION, constants.IPv6, 'PARENT'),
    ]
    attributes = metadata.tables['standardattributes']
    table = metadata.tables['securitygroupdefaultrules']
    for direction, ethertype, remote_group in rules:
        key: Any = connection.execute(attributes.insert().values(
            resource_type=table.name,
            description='Default rule for %s traffic' % direction)
        ).inserted_primary_key
        connection.execute(table.insert().values(
            id=uuidutils.generate_uuid(),
            standard_attr_id=key[0],
            direction=direction, ethertype=ethertype,
            remote_group_id=remote_group, used_in_default_sg=True,
            used_in_non_default_sg=remote_group is None))
