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

"""Glance: images, kept as files in the state directory."""

from collections.abc import Callable, Mapping
import os
from typing import TYPE_CHECKING

from nova_vmrun.aio import config
from nova_vmrun.aio import databases
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import settings as aio_settings

if TYPE_CHECKING:
    from nova_vmrun.aio import wsgi

PROJECT = 'glance'
CONFIG = 'glance-api.conf'


def write_config(layout: aio_layout.Layout, settings: aio_settings.Settings,
                 passwords: Mapping[str, str]) -> None:
    """Write glance-api.conf and create the folders of its stores."""
    stores = {
        'file': layout.images,
        'os_glance_staging_store': layout.root / 'glance-staging',
        'os_glance_tasks_store': layout.root / 'glance-tasks',
    }
    for folder in stores.values():
        folder.mkdir(mode=0o700, exist_ok=True)
    sections: dict[str, Mapping[str, object]] = {
        'DEFAULT': dict(
            config.logging_options(),
            enabled_backends='file:file',
            bind_host=aio_settings.ADDRESS,
            bind_port=settings.ports['glance'],
            worker_self_reference_url=settings.url('glance'),
            show_multiple_locations=False,
            enabled_import_methods='[glance-direct,web-download]',
            image_cache_dir=layout.root / 'glance-cache'),
        'database': config.database(layout, settings, 'glance'),
        'glance_store': {'default_backend': 'file'},
        'keystone_authtoken': config.authtoken(
            settings, passwords['glance'], 'glance'),
        'paste_deploy': {
            'flavor': 'keystone',
            'config_file': config.data_file(
                'glance', 'etc/glance/glance-api-paste.ini'),
        },
    }
    for name, folder in stores.items():
        sections[name] = {'filesystem_store_datadir': folder}
    config.write(layout, PROJECT, CONFIG, sections)


def environment(layout: aio_layout.Layout) -> dict[str, str]:
    """Return the variables that the process needs."""
    return {'OS_GLANCE_CONFIG_DIR': str(layout.config_dir(PROJECT))}


class Service:
    """Glance in this process."""

    def __init__(self, layout: aio_layout.Layout,
                 settings: aio_settings.Settings) -> None:
        self._layout = layout
        self._settings = settings
        self._server: 'wsgi.Servers | None' = None

    def start(self, tell: Callable[[str], None]) -> None:
        """Create what is missing, then start the API."""
        from glance.common import wsgi_app

        from nova_vmrun.aio import wsgi

        wsgi_app.CONFIG_FILES = [CONFIG, config.LOCAL_CONF]
        databases.prepare(self._layout, self._settings, 'glance', ['glance'],
                          'glance', self._make, tell)
        tell('loading its API')
        app = wsgi_app.init_app()
        databases.prepare(self._layout, self._settings, 'glance-definitions',
                          [], 'glance', _load_definitions, tell)
        self._server = wsgi.Servers(
            'glance', app, self._layout, self._settings)
        self._server.start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()

    def _make(self) -> None:
        from glance.cmd import manage
        folder = self._layout.config_dir(PROJECT)
        manage.CONF([], project='glance', default_config_files=[
            os.path.join(folder, CONFIG)])
        manage.DbCommands().sync()


def _load_definitions() -> None:
    """Load the definitions of metadata that come with Glance.

    Horizon's dialogs ask for them. Without any, Glance does not know the
    resource types in the question, and answers 404.
    """
    from glance.cmd import manage
    readme = config.data_file('glance', 'etc/glance/metadefs/README')
    manage.DbCommands().load_metadefs(os.path.dirname(readme))
