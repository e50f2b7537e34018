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

"""The cloud that a command uses if its user names none: that of aio."""

from collections.abc import Mapping
import os
from typing import TYPE_CHECKING

from nova_vmrun.aio import client
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import settings as aio_settings

if TYPE_CHECKING:
    from openstack.config import cloud_region

# Environment variables that name another cloud.
VARIABLES = ('OS_CLOUD', 'OS_AUTH_URL', 'OS_CLIENT_CONFIG_FILE')


def is_meant(name: str | None,
             environ: Mapping[str, str] | None = None) -> bool:
    """Return whether a command is to use the control plane of aio.

    :param name: what --os-cloud says
    :param environ: the process's own if None
    """
    return not (name or any(map((os.environ if environ is None
                                 else environ).get, VARIABLES)))


def log_in(layout: aio_layout.Layout) -> 'cloud_region.CloudRegion':
    """Return the cloud in a state directory after trying its credentials.

    :raises AioError: there is no control plane in it
    :raises InvalidConfiguration: the credentials are refused
    """
    from nova_vmrun.cmd.image import cloud

    settings = aio_settings.load(layout)
    os.environ.update(client.bypass_proxy(os.environ, settings.listen))
    return cloud.log_in(client.CLOUD, str(layout.clouds))
