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

"""nova-compute in a process of its own, behind a message bus.

It is the same compute host as the one inside Nova's process without a bus: it
has the same name, state and servers.
"""

from collections.abc import Callable, Mapping
from typing import Any

from nova_vmrun.aio import config
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import processes
from nova_vmrun.aio.services import nova as nova_service
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.aio import vmware as aio_vmware

PROJECT = nova_service.PROJECT
CONFIG = 'nova-compute.conf'
BINARY = 'nova-compute'
# Sections that a compute service must not have.
_DATABASES = ('database', 'api_database')
# Seconds to wait for Nova, which starts at the same time.
_TIMEOUT = 180


def write_config(layout: aio_layout.Layout, settings: aio_settings.Settings,
                 passwords: Mapping[str, str],
                 vmware: aio_vmware.Programs | None = None) -> None:
    """Write nova-compute.conf: nova.conf without databases.

    :param vmware: the programs that [vmrun] names
    """
    config.write(layout, PROJECT, CONFIG, {
        name: options for name, options in nova_service.sections(
            layout, settings, passwords, vmware).items()
        if name not in _DATABASES})


def environment(layout: aio_layout.Layout) -> dict[str, str]:
    """Return the variables that the process needs."""
    return {'OS_NOVA_DISABLE_EVENTLET_PATCHING': '1'}


class Service:
    """nova-compute in this process."""

    def __init__(self, layout: aio_layout.Layout,
                 settings: aio_settings.Settings) -> None:
        self._layout = layout
        self._settings = settings
        self._service: Any = None

    def start(self, tell: Callable[[str], None]) -> None:
        """Start as nova.cmd.compute does, but in this process's main thread.

        :raises RuntimeError: Nova's process does not become ready
        """
        from nova import monkey_patch
        monkey_patch.patch(backend='threading')
        # oslo.messaging must not be imported before this patch.
        import nova.conf
        from nova import config as nova_config
        from oslo_log import log as logging

        folder = self._layout.config_dir(PROJECT)
        nova_config.parse_args([
            BINARY, '--config-file', str(folder / CONFIG),
            '--config-file', str(folder / config.LOCAL_CONF)])
        logging.setup(nova.conf.CONF, PROJECT)
        tell('waiting for nova')
        processes.wait_for(self._layout, 'nova', _TIMEOUT)
        tell('starting compute')
        self._start()

    def _start(self) -> None:
        from nova.conductor import rpcapi as conductor_rpcapi
        import nova.db.main.api
        from nova import objects
        from nova.objects import base as objects_base

        from nova_vmrun.aio import short_faults

        short_faults.install()
        objects.register_all()
        nova.db.main.api.DISABLE_DB_ACCESS = True
        objects_base.NovaObject.indirection_api = (
            conductor_rpcapi.ConductorAPI())
        objects.Service.enable_min_version_cache()
        self._service = nova_service.start_compute()

    def stop(self) -> None:
        if self._service is not None:
            nova_service.let_idle_threads_end_soon()
            self._service.stop()
