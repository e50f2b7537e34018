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

"""Cinder: API, scheduler, volume and backup in one process.

They communicate over the ``fake`` transport in this process's memory, as
Nova's services do in theirs.
"""

from collections.abc import Callable, Mapping
import sys
import threading
from typing import Any, TYPE_CHECKING

from nova_vmrun.aio import config
from nova_vmrun.aio import databases
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import settings as aio_settings

if TYPE_CHECKING:
    from cinder import service as cinder_service

    from nova_vmrun.aio import wsgi

PROJECT = 'cinder'
CONFIG = 'cinder.conf'
# Name of the back end and of its section. "volume show" prints it after the
# host's name and "@".
BACKEND = 'files'
# Seconds that operations have to finish. Cinder marks those that take longer
# as failed at its next start.
_GRACE = 15


def write_config(layout: aio_layout.Layout, settings: aio_settings.Settings,
                 passwords: Mapping[str, str]) -> None:
    """Write cinder.conf and make the folders of volumes and backups."""
    state = layout.cinder_state
    locks = state / 'locks'
    for folder in (state, locks, layout.volumes, layout.backups):
        folder.mkdir(mode=0o700, exist_ok=True)
    credentials = config.credentials(settings, passwords['cinder'], 'cinder')
    config.write(layout, PROJECT, CONFIG, {
        'DEFAULT': dict(
            config.logging_options(),
            host=settings.host,
            my_ip=aio_settings.ADDRESS,
            state_path=state,
            image_conversion_dir=state / 'conversion',
            transport_url='fake:///',
            auth_strategy='keystone',
            api_paste_config=config.data_file(
                'cinder', 'etc/cinder/api-paste.ini'),
            resource_query_filters_file=config.data_file(
                'cinder', 'etc/cinder/resource_filters.json'),
            osapi_volume_listen=aio_settings.ADDRESS,
            osapi_volume_listen_port=settings.ports['cinder'],
            glance_api_servers=settings.url('glance'),
            enabled_backends=BACKEND,
            # The scheduler starts last, when the other services run already.
            scheduler_driver_init_wait_time=1,
            backup_driver='cinder.backup.drivers.posix.PosixBackupDriver',
            backup_posix_path=layout.backups),
        'database': config.database(layout, settings, 'cinder'),
        'keystone_authtoken': config.authtoken(
            settings, passwords['cinder'], 'cinder'),
        'service_user': dict(credentials, send_service_user_token=True),
        # Cinder sends Nova events about changed volumes.
        'nova': dict(credentials, interface='internal'),
        'oslo_concurrency': {'lock_path': locks},
        # By default, the volume manager's locks would end with the process.
        'coordination': {
            'backend_url': 'file://%s' % (state / 'coordination')},
        BACKEND: {
            'volume_driver': 'nova_vmrun.cinder.FilesDriver',
            'volume_backend_name': BACKEND,
            'vmrun_volume_folder': layout.volumes,
        },
    })


def environment(layout: aio_layout.Layout) -> dict[str, str]:
    """Return the variables that the process needs."""
    return {
        'OS_CINDER_DISABLE_EVENTLET_PATCHING': '1',
        # Makes copies of images plain calls; there is no eventlet hub here.
        'EVENTLET_THREADPOOL_SIZE': '0',
    }


class Service:
    """Cinder in this process."""

    def __init__(self, layout: aio_layout.Layout,
                 settings: aio_settings.Settings) -> None:
        self._layout = layout
        self._settings = settings
        self._services: list['cinder_service.Service'] = []
        self._server: 'wsgi.Servers | None' = None

    def start(self, tell: Callable[[str], None]) -> None:
        """Make what is missing, then start one service after the other."""
        from cinder import monkey_patch
        monkey_patch.patch(backend='threading')
        # Both modules register command line options, which must be done before
        # the command line is parsed.
        import cinder.cmd.backup  # noqa: F401
        import cinder.cmd.volume  # noqa: F401
        from cinder.db import migration
        from cinder import objects
        from cinder import version
        from cinder.wsgi import wsgi as cinder_wsgi
        import os_brick
        from oslo_config import cfg

        from nova_vmrun.aio import cinder_patches
        from nova_vmrun.aio import memory_bus
        from nova_vmrun.aio import wsgi

        objects.register_all()
        folder = self._layout.config_dir(PROJECT)
        sys.argv += ['--config-file', str(folder / CONFIG),
                     '--config-file', str(folder / config.LOCAL_CONF)]
        cfg.CONF(sys.argv[1:], project=PROJECT,
                 version=version.version_string())
        databases.prepare(self._layout, self._settings, PROJECT, [PROJECT],
                          PROJECT, migration.db_sync, tell)
        tell('loading its API')
        application = cinder_wsgi.initialize_application()
        os_brick.setup(cfg.CONF)
        cinder_patches.install()
        memory_bus.install()
        tell('starting volume, backup and scheduler')
        self._start_services()
        self._server = wsgi.Servers(
            PROJECT, application, self._layout, self._settings)
        self._server.start()

    def stop(self) -> None:
        """Stop the API, then let the services finish what they are doing."""
        if self._server is not None:
            self._server.stop()
        threads = [threading.Thread(target=_end, args=(service,), daemon=True)
                   for service in self._services]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(_GRACE)

    def _start_services(self) -> None:
        from cinder.cmd import volume as cmd_volume
        from cinder import service
        from oslo_config import cfg

        conf = cfg.CONF
        conf.register_opt(cmd_volume.host_opt, group=BACKEND)
        volume = self._start_service(
            binary='cinder-volume', coordination=True, service_name=BACKEND,
            host='%s@%s' % (conf[BACKEND].backend_host or conf.host, BACKEND))
        self._start_service(
            binary='cinder-backup', coordination=True,
            # The scheduler looks up the service's reports by this name.
            service_name='backup')
        self._start_service(binary='cinder-scheduler')
        # Cinder records in the database which service does some work. After a
        # crash, that service cleans up. All of this work is on volumes, and
        # the scheduler would not resume a deletion.
        service.Service.service_id = volume.origin_service_id

    def _start_service(self, **details: Any) -> 'cinder_service.Service':
        from cinder import service

        made = service.Service.create(**details)
        made.start()
        # The first heartbeat would come seconds later. Until then, a service
        # that was stopped for a while would count as down.
        made.report_state()
        self._services.append(made)
        return made


def _end(service: 'cinder_service.Service') -> None:
    service.stop()
    service.wait()
