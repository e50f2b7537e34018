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

"""A clouds.yaml like that of devstack, for the tests of the clients.

Their tests use the clouds, the image, the network and the flavors of devstack.
"""

from collections.abc import Mapping
import os
import pathlib
import secrets
import subprocess
from typing import Any, TYPE_CHECKING

import yaml

from nova_vmrun.aio import client
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import settings as aio_settings

if TYPE_CHECKING:
    from openstack import connection

IMAGE = 'cirros-fake-disk'
FLAVOR = 'm1.tiny'
_LARGEST = 'm1.xlarge'
# Smaller than the smallest of devstack.
_OTHER_FLAVORS = ('m1.nano',)
_NETWORK = 'private'
_CIDR = '10.1.0.0/26'
# Name of the cloud, name of the project and of the user.
_USERS = {'devstack': 'demo', 'devstack-alt': 'alt_demo'}
# Roles that devstack gives these users.
_ROLES = ('member',)


def write(layout: aio_layout.Layout, home: pathlib.Path) -> None:
    """Write the clouds into a home directory, and create what they need.

    :param layout: of a control plane that is up
    """
    settings = aio_settings.load(layout)
    passwords = aio_settings.passwords(layout)
    admin = client.cloud(layout, settings, passwords)
    cloud = client.connect(settings, passwords)
    _image(cloud, home)
    _network(cloud)
    _flavors(cloud)
    clouds = {'devstack-admin': admin,
              'devstack-system-admin': _system(admin)}
    for name, user in _USERS.items():
        clouds[name] = {**admin, 'auth': {**admin['auth'], **_user(
            cloud, user)}}
    path = home / '.config' / 'openstack' / 'clouds.yaml'
    path.parent.mkdir(parents=True)
    path.write_text(yaml.safe_dump({'clouds': clouds}))


def environment(home: pathlib.Path) -> dict[str, str]:
    """Return the variables with which the clients' tests find the clouds."""
    return {
        'HOME': str(home),
        # Without it, ~/.config.
        'XDG_CONFIG_HOME': '',
        'OPENSTACKSDK_IMAGE': IMAGE,
        'OPENSTACKSDK_FLAVOR': FLAVOR,
        # Seconds. A busy machine needs minutes for what takes seconds on an
        # idle one.
        'OS_TEST_TIMEOUT': '900',
        # Only of tests that fail.
        'OS_LOG_CAPTURE': '1',
        **client.bypass_proxy(os.environ),
    }


def _system(admin: Mapping[str, Any]) -> dict[str, Any]:
    """Return the cloud of an administrator of the system, not a project."""
    auth = {name: value for name, value in admin['auth'].items()
            if not name.startswith('project_')}
    return {**admin, 'auth': {**auth, 'system_scope': 'all'}}


def _image(cloud: 'connection.Connection', folder: pathlib.Path) -> None:
    if cloud.image.find_image(IMAGE):
        return
    path = folder / 'image.qcow2'
    subprocess.run(['qemu-img', 'create', '-q', '-f', 'qcow2', str(path),
                    '16M'], check=True)
    cloud.image.create_image(
        name=IMAGE, filename=str(path), disk_format='qcow2',
        container_format='bare', visibility='public')


def _network(cloud: 'connection.Connection') -> None:
    if cloud.network.find_network(_NETWORK):
        return
    network = cloud.network.create_network(name=_NETWORK)
    cloud.network.create_subnet(
        network_id=network.id, name=_NETWORK, ip_version=4, cidr=_CIDR)


def _flavors(cloud: 'connection.Connection') -> None:
    """Leave those flavors of devstack whose names begin with "m1."."""
    for name in _OTHER_FLAVORS:
        cloud.compute.delete_flavor(
            cloud.compute.find_flavor(name) or name, ignore_missing=True)
    if not cloud.compute.find_flavor(_LARGEST):
        cloud.compute.create_flavor(name=_LARGEST, ram=16384, vcpus=8,
                                    disk=160)


def _user(cloud: 'connection.Connection', name: str) -> dict[str, str]:
    """Create a user with a project of the same name; return its login."""
    password = secrets.token_urlsafe()
    project = (cloud.identity.find_project(name)
               or cloud.identity.create_project(name=name,
                                                domain_id='default'))
    user = cloud.identity.find_user(name)
    if user is None:
        user = cloud.identity.create_user(
            name=name, domain_id='default', default_project_id=project.id)
    cloud.identity.update_user(user, password=password)
    for role in _ROLES:
        cloud.identity.assign_project_role_to_user(
            project, user, cloud.identity.find_role(role))
    return {'username': name, 'project_name': name, 'password': password}
