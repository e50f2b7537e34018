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

"""The dashboard as the user sees it: its packages, address and login."""

import shlex

from nova_vmrun.aio import installed
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import settings as aio_settings

# Packages of the dashboard extra that would be missed first.
_PACKAGES = ('openstack_dashboard', 'whitenoise')


def require_installed() -> None:
    """Raise AioError if Horizon cannot be imported."""
    installed.require(
        _PACKAGES, 'Horizon, which --dashboard needs, is not installed.',
        'Install it with: pip install "nova-vmrun[dashboard]", or turn the '
        'dashboard off with --no-dashboard.')


def welcome(layout: aio_layout.Layout,
            settings: aio_settings.Settings) -> str:
    """Return lines that say where the dashboard is, and who can log in."""
    return ('The dashboard is at %s. Log in as demo, or as admin to '
            'administer it, with OS_PASSWORD from\n  %s\n  %s\n' % (
                settings.public_url('horizon', '/'),
                shlex.quote(str(layout.openrc_demo)),
                shlex.quote(str(layout.openrc))))
