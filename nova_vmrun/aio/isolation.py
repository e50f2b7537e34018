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

"""Isolation of the services from another OpenStack's configuration.

An OpenStack service reads far more than the files it is given: directories in
the home folder and in /etc, and variables such as OS_DATABASE__CONNECTION,
which override any option. Here it reads its own state directory and nothing
else.
"""

from collections.abc import Mapping
import os

from oslo_config import cfg

from nova_vmrun.aio import client
from nova_vmrun.aio import layout as aio_layout

# Variables about the user, the display and the time zone, which programs need.
# Moving a server to another host uses ssh-agent.
_KEPT = ('PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'TMPDIR', 'TZ',
         'LD_LIBRARY_PATH', 'DYLD_LIBRARY_PATH', 'SSH_AUTH_SOCK',
         'DISPLAY', 'WAYLAND_DISPLAY', 'XAUTHORITY', 'XDG_RUNTIME_DIR',
         'XDG_SESSION_TYPE', 'DBUS_SESSION_BUS_ADDRESS')
# Glance needs a proxy for "image import --method web-download".
_PROXIES = ('http_proxy', 'https_proxy', 'HTTP_PROXY', 'HTTPS_PROXY',
            'all_proxy', 'ALL_PROXY', 'no_proxy', 'NO_PROXY')
_WITH_PROXIES = ('glance',)


def environment(layout: aio_layout.Layout,
                environ: Mapping[str, str]) -> dict[str, str]:
    """Return the caller's variables that a service may see.

    Messages are in English and files in UTF-8, whatever the caller's locale:
    the API answers other people, too.

    :param environ: the caller's variables
    """
    kept = {name: environ[name] for name in _KEPT + _PROXIES
            if name in environ}
    kept.update(client.bypass_proxy(environ))
    kept.update(
        LANG='C.UTF-8', PYTHONUTF8='1',
        # glibc would keep freed memory for each of a service's threads.
        MALLOC_ARENA_MAX='2',
        # Folder in which stevedore caches entry points.
        XDG_CACHE_HOME=str(layout.cache))
    return kept


def restrict(service: str) -> None:
    """Remove variables that this process, a service's, may not see."""
    if service not in _WITH_PROXIES:
        for name in _PROXIES:
            os.environ.pop(name, None)


def read_own_files_only() -> None:
    """Stop oslo.config from looking anywhere but beside the files it is given.

    It has no option for this. The function behind all its searches is
    private; tests/unit/aio/test_isolation.py fails if it disappears.
    """
    cfg._get_config_dirs = lambda project=None: []
