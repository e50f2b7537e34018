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

"""Horizon, the dashboard, without Apache and memcached.

The server of the other APIs serves its pages, and WhiteNoise its style sheets,
scripts and images.
"""

from collections.abc import Callable, Mapping
import os
import signal
import sys
from typing import TYPE_CHECKING
import warnings

from nova_vmrun.aio import horizon_files
from nova_vmrun.aio import horizon_settings
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import processes
from nova_vmrun.aio import secure_cookies
from nova_vmrun.aio import settings as aio_settings

if TYPE_CHECKING:
    from nova_vmrun.aio import wsgi

PROJECT = horizon_settings.PROJECT


def write_config(layout: aio_layout.Layout, settings: aio_settings.Settings,
                 passwords: Mapping[str, str]) -> None:
    """Write Horizon's settings. It logs in with its users' passwords alone."""
    horizon_settings.write(layout, settings)


def environment(layout: aio_layout.Layout) -> dict[str, str]:
    """Return the variables that the process needs."""
    return {
        'DJANGO_SETTINGS_MODULE': 'openstack_dashboard.settings',
        # Where Horizon finds its local settings.
        'PYTHONPATH': str(layout.config_dir(PROJECT)),
        # Horizon prints warnings that only its developers can act on.
        'PYTHONWARNINGS': 'ignore',
    }


class Service:
    """Horizon in this process."""

    def __init__(self, layout: aio_layout.Layout,
                 settings: aio_settings.Settings) -> None:
        self._layout = layout
        self._settings = settings
        self._server: 'wsgi.Servers | None' = None

    def start(self, tell: Callable[[str], None]) -> None:
        """Make the static files if need be, then start to serve pages."""
        # The process was forked: Python has read the variable already.
        sys.path.insert(0, str(self._layout.config_dir(PROJECT)))
        import django
        import whitenoise

        from nova_vmrun.aio import wsgi

        # Loading the settings turns warnings on.
        from openstack_dashboard import settings  # noqa: F401
        warnings.simplefilter('ignore')
        django.setup()
        if not horizon_files.are_current(self._layout):
            tell('making its style sheets and scripts, once')
            self._make_files()
        tell('loading its pages')
        from django.core import wsgi as django_wsgi
        from django import urls

        application = django_wsgi.get_wsgi_application()
        # Otherwise the first request would wait for this.
        urls.get_resolver().url_patterns
        self._server = wsgi.Servers(
            PROJECT, secure_cookies.mark(whitenoise.WhiteNoise(
                application, root=horizon_settings.static(self._layout),
                prefix='static/')), self._layout, self._settings)
        self._server.start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()

    def _make_files(self) -> None:
        """Make the static files, and start this process's program again.

        The compiler and its data would otherwise stay in memory. The process
        keeps its number.
        """
        # What is interrupted now is done again at the next start.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        horizon_files.make(self._layout)
        if not horizon_files.are_current(self._layout):
            raise RuntimeError('The dashboard\'s files could not be made.')
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        command = processes.command(self._layout, PROJECT)
        os.execv(command[0], command)
