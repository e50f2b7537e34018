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

"""Nova and Placement in one process: API, conductor, scheduler, compute.

One process needs no message broker: the ``fake`` transport passes messages in
memory. But objects are then not sent over a network, and compute can access
the database, so this is for demonstrations and development. With a message
bus, compute is a process of its own: see services/compute.py.
"""

from collections.abc import Callable, Mapping
import threading
from typing import Any, Protocol

from nova_vmrun.aio import config
from nova_vmrun.aio import databases
from nova_vmrun.aio.gateway import files as gateway_files
from nova_vmrun.aio.gateway import setup
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import novnc
from nova_vmrun.aio import processes
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.aio import vmware as aio_vmware

PROJECT = 'nova'
CONFIG = 'nova.conf'
POLICY = 'policy.yaml'
# Where Nova would answer 500 or leave a server in ERROR, answer 403 with the
# name of the rule.
_POLICY_TEXT = """\
# Written by "nova-vmrun aio up": what this cloud does not offer. To change it,
# name a file of your own as [oslo_policy] policy_file in local.conf.

# Only Cinder calls it, for files that this driver does not attach.
"os_compute_api:os-assisted-volume-snapshots:create": "!"
"""
_ONE_HOST_TEXT = """\
# Without "aio up --bus", there is no other host to rebuild a server on.
"os_compute_api:os-evacuate": "!"
"""
_NO_VOLUMES_TEXT = """\
# There is no volume service without "aio up --volumes".
"os_compute_api:os-volumes-attachments:create": "!"
"os_compute_api:os-volumes:list": "!"
"os_compute_api:os-volumes:create": "!"
"os_compute_api:os-volumes:detail": "!"
"os_compute_api:os-volumes:show": "!"
"os_compute_api:os-volumes:delete": "!"
"os_compute_api:os-volumes:snapshots:list": "!"
"os_compute_api:os-volumes:snapshots:create": "!"
"os_compute_api:os-volumes:snapshots:detail": "!"
"os_compute_api:os-volumes:snapshots:show": "!"
"os_compute_api:os-volumes:snapshots:delete": "!"
"""
# Seconds to wait for services that start at the same time.
_TIMEOUT = 120
# Seconds between two searches for compute hosts that joined.
_DISCOVERY_INTERVAL = 5
# Seconds between two looks of an idle thread when Nova stops.
_SECONDS_BETWEEN_LOOKS = 0.05
CELL1_UUID = '6b8ab7a2-3c0e-4d4a-9a7e-2f0c5ad2c0e1'


def write_config(layout: aio_layout.Layout, settings: aio_settings.Settings,
                 passwords: Mapping[str, str],
                 vmware: aio_vmware.Programs | None = None) -> None:
    """Write nova.conf, placement.conf and what the API refuses.

    :param vmware: the programs that [vmrun] names
    """
    config.write(layout, PROJECT, CONFIG,
                 sections(layout, settings, passwords, vmware))
    aio_settings.write_private(
        layout.config_dir(PROJECT) / POLICY,
        _POLICY_TEXT + ('' if settings.bus else _ONE_HOST_TEXT) +
        ('' if settings.volumes else _NO_VOLUMES_TEXT))
    config.write(layout, 'placement', 'placement.conf', {
        'DEFAULT': config.logging_options(),
        'api': {'auth_strategy': 'keystone'},
        'placement_database': dict(
            config.database(layout, settings, 'placement'),
            sync_on_startup=False),
        'keystone_authtoken': config.authtoken(
            settings, passwords['placement'], 'placement'),
    })


def sections(layout: aio_layout.Layout, settings: aio_settings.Settings,
             passwords: Mapping[str, str],
             vmware: aio_vmware.Programs | None) -> config.Sections:
    """Return the options of nova.conf."""
    def section(user: str = 'nova') -> dict[str, object]:
        return config.credentials(settings, passwords[user], user)

    return {
        'DEFAULT': dict(
            config.logging_options(),
            compute_driver='nova_vmrun.VmrunDriver',
            host=settings.host,
            my_ip=aio_settings.ADDRESS,
            state_path=layout.nova_state,
            instances_path=layout.instances,
            # Else a host that joins would be found only after a minute.
            periodic_fuzzy_delay=0 if settings.bus else None,
            transport_url=settings.transport_url(passwords),
            # The user and the control plane need memory on this machine, too.
            reserved_host_memory_mb=2048,
            # Disks grow as guests write, and flavors allow far more.
            initial_disk_allocation_ratio=4.0,
            # One user's guests are rarely all busy at the same time.
            initial_cpu_allocation_ratio=16.0,
            # There may be no other host to resize to. If there is, the
            # scheduler chooses, and the same host need not copy disks.
            allow_resize_to_same_host=True,
            osapi_compute_listen=aio_settings.ADDRESS,
            osapi_compute_listen_port=settings.ports['nova'],
            # Guests run on without nova-compute: there is little to wait for.
            manager_shutdown_timeout=3,
            graceful_shutdown_timeout=15,
            # Seconds. Off by default, but then Nova would never notice a port
            # that was deleted while it was down.
            heal_instance_info_cache_interval=60,
            resume_guests_state_on_host_boot=settings.resume_servers),
        # By default, Nova validates its own answers against their schema,
        # which takes a fifth of the time of a long list.
        'api': {'auth_strategy': 'keystone', 'response_validation': 'ignore'},
        'wsgi': {'api_paste_config': config.data_file(
            'nova', 'etc/nova/api-paste.ini')},
        'api_database': config.database(layout, settings, 'nova_api'),
        'database': config.database(layout, settings, 'nova_cell1'),
        'cache': {'enabled': True, 'backend': 'oslo_cache.dict'},
        'keystone_authtoken': config.authtoken(
            settings, passwords['nova'], 'nova'),
        'service_user': dict(section(), send_service_user_token=True),
        'placement': section('placement'),
        'neutron': section(),
        'glance': section(),
        'cinder': dict(
            section(),
            # The default names a service that only older clouds have.
            catalog_info='block-storage::internal',
            os_region_name=aio_settings.REGION),
        # The default is a directory in /etc.
        'compute': {'provider_config_location':
                    layout.config_dir(PROJECT) / 'provider_config'},
        'conductor': {'workers': 1},
        'oslo_policy': {'policy_file': layout.config_dir(PROJECT) / POLICY},
        'scheduler': _scheduler(settings),
        'oslo_concurrency': {'lock_path': layout.nova_state / 'lock'},
        'vnc': {
            'enabled': True,
            'server_listen': aio_settings.ADDRESS,
            'server_proxyclient_address': aio_settings.ADDRESS,
            'novncproxy_base_url': settings.public_url(
                'novncproxy', '/' + novnc.PAGE),
            'novncproxy_port': settings.ports['novncproxy'],
        },
        'serial_console': {
            'base_url': settings.public_url('serialproxy', '/').replace(
                'http', 'ws', 1),
            'proxyclient_address': aio_settings.ADDRESS,
            'serialproxy_port': settings.ports['serialproxy'],
        },
        'vmrun': {
            'vmrun_path': vmware and vmware.vmrun,
            'vdiskmanager_path': vmware and vmware.vdiskmanager,
            'default_vmnet': settings.vmnet,
            'volume_folders': layout.volumes if settings.volumes else None,
            # How servers move to and from other machines.
            'ssh_config': (gateway_files.Files(layout).ssh_config
                           if settings.bus else None),
            'migration_address': (setup.migration_address(settings.host)
                                  if settings.bus else None),
        },
        **(messaging() if settings.bus else {}),
    }


def _scheduler(settings: aio_settings.Settings) -> dict[str, object]:
    if not settings.bus:
        # With one host, a second attempt would hide why the first failed.
        return {'workers': 1, 'max_attempts': 1}
    return {'workers': 1,
            'discover_hosts_in_cells_interval': _DISCOVERY_INTERVAL}


def messaging() -> config.Sections:
    """Return the options that all that use the bus must agree on."""
    return {'oslo_messaging_rabbit': {
        # Queues of requests, and those in them, outlive the broker.
        'amqp_durable_queues': True}}


def config_files(layout: aio_layout.Layout) -> list[str]:
    """Return the files that Nova's API reads; the first is the paste file."""
    folder = layout.config_dir(PROJECT)
    return [config.data_file('nova', 'etc/nova/api-paste.ini'),
            str(folder / CONFIG), str(folder / config.LOCAL_CONF)]


def environment(layout: aio_layout.Layout) -> dict[str, str]:
    """Return the variables that the process needs."""
    return {
        'OS_NOVA_CONFIG_FILES': ';'.join(config_files(layout)),
        'OS_NOVA_DISABLE_EVENTLET_PATCHING': '1',
        'OS_PLACEMENT_CONFIG_DIR': str(layout.config_dir('placement')),
    }


class _Stoppable(Protocol):
    """Something that runs in this process until it is stopped."""

    def stop(self) -> None:
        ...


class Service:
    """Nova and Placement in this process."""

    def __init__(self, layout: aio_layout.Layout,
                 settings: aio_settings.Settings) -> None:
        self._layout = layout
        self._settings = settings
        self._servers: list[_Stoppable] = []
        # Nova's services. If compute runs here, it is the last one.
        self._services: list[_Stoppable] = []

    def start(self, tell: Callable[[str], None]) -> None:
        """Create what is missing, then start one service after the other."""
        from nova import monkey_patch
        monkey_patch.patch(backend='threading')
        # oslo.messaging must not be imported before this patch.
        from nova_vmrun.aio import memory_bus
        memory_bus.install()

        # Both set up logging, and the last one wins, which should be Nova.
        self._start_placement(tell)
        self._start_api(tell)
        # The scheduler requests traits from Placement when it is created.
        tell('waiting for keystone')
        self._wait_for('keystone')
        if self._settings.bus == aio_settings.OWN_BUS:
            tell('waiting for rabbitmq')
            self._wait_for('rabbitmq')
        tell('starting console proxies')
        self._start_console_proxies()
        from nova_vmrun.aio import no_valid_host
        from nova_vmrun.aio import short_faults

        short_faults.install()
        tell('starting conductor and scheduler')
        self._start_service('nova-conductor', 'conductor')
        no_valid_host.install()
        self._start_service('nova-scheduler', 'scheduler')
        if self._settings.runs_compute:
            tell('starting compute')
            self._start_compute()

    def stop(self) -> None:
        """Stop compute first, since it needs the others to finish its work."""
        let_idle_threads_end_soon()
        *others, compute = self._services
        compute.stop()
        threads = [threading.Thread(target=part.stop)
                   for part in others + self._servers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _start_placement(self, tell: Callable[[str], None]) -> None:
        from placement import wsgi as placement_wsgi

        databases.prepare(
            self._layout, self._settings, 'placement', ['placement'],
            'openstack-placement', self._make_placement, tell)
        self._serve('placement', placement_wsgi.init_application())

    def _make_placement(self) -> None:
        from oslo_config import cfg
        from placement import conf
        from placement.db.sqlalchemy import migration
        from placement import db_api

        options = cfg.ConfigOpts()
        conf.register_opts(options)
        options([], default_config_files=[
            str(self._layout.config_dir('placement') / 'placement.conf')])
        db_api.configure(options)
        migration.upgrade('head')

    def _start_api(self, tell: Callable[[str], None]) -> None:
        from nova.api.openstack import wsgi_app

        # Nova's WSGI module would do this, too, but only if the databases
        # exist. Only the first call has an effect.
        wsgi_app.init_global_data(
            config_files(self._layout), 'osapi_compute', 'nova-api')
        databases.prepare(
            self._layout, self._settings, 'nova',
            ['nova_api', 'nova_cell0', 'nova_cell1'], 'nova',
            lambda: make_databases(self._layout, self._settings), tell)
        map_cells(self._layout, self._settings)
        tell('loading its API')
        if not self._settings.database:
            # Otherwise the server matches them, not this process.
            from nova_vmrun.aio import linear_regex
            linear_regex.install()
        from nova.wsgi import osapi_compute
        self._serve('nova', osapi_compute.application)

    def _serve(self, name: str, application: Any) -> None:
        from nova_vmrun.aio import wsgi

        server = wsgi.Servers(name, application, self._layout,
                              self._settings)
        server.start()
        self._servers.append(server)

    def _start_console_proxies(self) -> None:
        from nova_vmrun.aio import console_proxy

        for proxy in console_proxy.make_all(
                self._layout, self._settings,
                novnc.folder(self._settings)):
            proxy.start()
            self._servers.append(proxy)

    def _start_service(self, binary: str, topic: str) -> None:
        self._services.append(start_service(binary, topic))

    def _start_compute(self) -> None:
        """Start compute as nova.cmd.compute does, but beside the conductor."""
        from nova import context
        from nova.objects import host_mapping

        self._services.append(start_compute())
        host_mapping.discover_hosts(context.get_admin_context())

    def _wait_for(self, service: str) -> None:
        processes.wait_for(self._layout, service, _TIMEOUT)


def start_service(binary: str, topic: str,
                  topic_alt: str | None = None) -> Any:
    """Start a service of Nova in this process; return it."""
    from nova import service as nova_service

    service = nova_service.Service.create(
        binary=binary, topic=topic, topic_alt=topic_alt)
    service.start()
    # The first report would come seconds later. Until then, Nova would
    # consider a service that was stopped as down.
    service.service_ref.report_count += 1
    service.service_ref.save()
    return service


def start_compute() -> Any:
    """Start nova-compute in this process; return it."""
    from nova.compute import rpcapi
    import os_brick
    import os_vif
    from oslo_config import cfg

    from nova_vmrun.aio import console_text

    console_text.install()
    os_brick.setup(cfg.CONF)
    # Loads the os-vif plug-in that registers our driver.
    os_vif.initialize()
    return start_service('nova-compute', rpcapi.RPC_TOPIC,
                         rpcapi.RPC_TOPIC_ALT)


def make_databases(layout: aio_layout.Layout,
                   settings: aio_settings.Settings) -> None:
    """Create or upgrade the databases of the API and of both cells."""
    from nova import context
    from nova.db import migration

    migration.db_sync(database='api')
    admin = context.get_admin_context()
    may_copy = not (settings.database
                    or layout.database('nova_cell1').exists())
    for cell in map_cells(layout, settings):
        if may_copy and cell.name == 'cell1':
            databases.copy(layout, 'nova_cell0', 'nova_cell1')
            continue
        with context.target_cell(admin, cell) as targeted:
            migration.db_sync(database='main', context=targeted)


def map_cells(layout: aio_layout.Layout,
              settings: aio_settings.Settings) -> list[Any]:
    """Register cell0 and cell1 with Nova, or update how to reach them.

    :returns: their CellMapping objects
    """
    from nova import context
    from nova import objects

    admin = context.get_admin_context()
    known = {cell.name: cell
             for cell in objects.CellMappingList.get_all(admin)}
    cells = []
    for name, uuid, transport in (
            ('cell0', objects.CellMapping.CELL0_UUID, 'none:///'),
            ('cell1', CELL1_UUID, settings.transport_url(
                aio_settings.passwords(layout)))):
        database = config.database(
            layout, settings, 'nova_' + name)['connection']
        cell = known.get(name)
        if cell is None:
            cell = objects.CellMapping(
                admin, uuid=uuid, name=name, transport_url=transport,
                database_connection=database)
            cell.create()
        elif (cell.database_connection, cell.transport_url) != (
                database, transport):
            cell.database_connection = database
            cell.transport_url = transport
            cell.save()
        cells.append(cell)
    return cells


def let_idle_threads_end_soon() -> None:
    """Let idle threads of Nova's pools look often whether they should end.

    They look once a second, and Nova ends one pool after the other.
    """
    from futurist import _thread
    # Its type is that of whole seconds.
    setattr(_thread.ThreadWorker, 'MAX_IDLE_FOR', _SECONDS_BETWEEN_LOOKS)
