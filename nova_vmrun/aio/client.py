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

"""Access to the control plane's APIs, and the files that clients need."""

from collections.abc import Iterator, Mapping
import contextlib
import enum
import os
import shlex
import sys
from typing import Any, TYPE_CHECKING

from nova_vmrun.aio import errors
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.aio import shells
from nova_vmrun.aio import vmware

if TYPE_CHECKING:
    from openstack import connection

CLOUD = 'nova-vmrun'


class User(enum.StrEnum):
    """A user that people log in as; each has a project of the same name."""

    ADMIN = 'admin'
    # Has the role member alone, as the users of a real cloud have.
    DEMO = 'demo'

    @property
    def cloud(self) -> str:
        """The name of the cloud in clouds.yaml for this user."""
        return CLOUD if self is User.ADMIN else '%s-%s' % (CLOUD, self)


def bypass_proxy(environ: Mapping[str, str],
                 listen: str = '') -> dict[str, str]:
    """Keep requests to this machine from going through an HTTP proxy.

    :param environ: environment variables
    :param listen: another of its addresses, or ''
    :returns: the variables to set
    """
    hosts = environ.get('no_proxy') or environ.get('NO_PROXY') or ''
    for address in (aio_settings.ADDRESS, listen):
        if address not in hosts.split(','):
            hosts = ','.join(filter(None, [hosts, address]))
    return {'no_proxy': hosts, 'NO_PROXY': hosts}


def connect(settings: aio_settings.Settings, passwords: Mapping[str, str],
            user: User = User.ADMIN) -> 'connection.Connection':
    """Connect to the cloud on this machine, without TLS."""
    import openstack
    os.environ.update(bypass_proxy(os.environ))
    return openstack.connect(
        load_yaml_config=False, load_envvars=False,
        region_name=aio_settings.REGION, interface='internal',
        auth=_auth(settings.url('keystone', '/v3'), passwords, user),
        app_name='nova-vmrun', compute_api_version='2')


@contextlib.contextmanager
def explained(layout: aio_layout.Layout) -> Iterator[None]:
    """Say what it means if an API does not answer.

    :raises AioError: instead of an error of the SDK
    """
    import keystoneauth1.exceptions
    import openstack.exceptions
    try:
        yield
    except (openstack.exceptions.SDKException,
            keystoneauth1.exceptions.ClientException) as error:
        raise errors.AioError(
            'An API does not answer as it should.', '%s.' % error,
            'Read the logs in %s.' % layout.logs) from error


def _auth(url: str, passwords: Mapping[str, str],
          user: User) -> dict[str, str]:
    return {
        'auth_url': url,
        'username': str(user),
        'password': passwords[user],
        'project_name': str(user),
        'user_domain_name': 'Default',
        'project_domain_name': 'Default',
    }


def environment(layout: aio_layout.Layout, settings: aio_settings.Settings,
                passwords: Mapping[str, str],
                environ: Mapping[str, str] = os.environ,
                user: User = User.ADMIN) -> dict[str, str]:
    """Return the variables that the openstack command and programs need."""
    url = settings.public_url('keystone', '/v3')
    variables = {'OS_%s' % name.upper(): value
                 for name, value in _auth(url, passwords, user).items()}
    if settings.tls:
        variables['OS_CACERT'] = str(layout.ca)
    variables['OS_REGION_NAME'] = aio_settings.REGION
    variables['OS_IDENTITY_API_VERSION'] = '3'
    variables.update(_to_find_programs(layout, settings, environ))
    return variables


def _to_find_programs(layout: aio_layout.Layout,
                      settings: aio_settings.Settings,
                      environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that make programs and services reachable."""
    variables = bypass_proxy(environ, settings.listen)
    if layout.fakes.is_dir():
        variables.update(vmware.environment(layout, settings))
    path = environ.get('PATH', os.defpath).split(os.pathsep)
    missing = [folder for folder in program_folders(layout)
               if folder not in path]
    if missing:
        variables['PATH'] = os.pathsep.join(path + missing)
    return variables


def program_folders(layout: aio_layout.Layout) -> list[str]:
    """Return the folders of the openstack command and of the fakes, if used.

    Append them to the caller's PATH, so that they hide none of its programs.
    """
    folders = [os.path.join(sys.prefix, 'bin')]
    if layout.fakes.is_dir():
        folders.append(str(layout.fakes))
    return folders


def environment_by_file(
        layout: aio_layout.Layout, settings: aio_settings.Settings,
        environ: Mapping[str, str] = os.environ,
        user: User = User.ADMIN) -> dict[str, str]:
    """Return variables that name a clouds.yaml instead of a password."""
    variables = {'OS_CLIENT_CONFIG_FILE': str(layout.clouds),
                 'OS_CLOUD': user.cloud}
    variables.update(_to_find_programs(layout, settings, environ))
    return variables


def cloud(layout: aio_layout.Layout, settings: aio_settings.Settings,
          passwords: Mapping[str, str],
          user: User = User.ADMIN) -> dict[str, Any]:
    """Return the control plane's entry for a clouds.yaml."""
    url = settings.public_url('keystone', '/v3')
    entry: dict[str, Any] = {
        'auth': _auth(url, passwords, user),
        'region_name': aio_settings.REGION,
        'identity_api_version': 3}
    if settings.tls:
        entry['cacert'] = str(layout.ca)
    return entry


def write_files(layout: aio_layout.Layout, settings: aio_settings.Settings,
                passwords: Mapping[str, str]) -> None:
    """Write openrc, openrc-demo and clouds.yaml into the state directory."""
    import yaml
    for path, user in ((layout.openrc, User.ADMIN),
                       (layout.openrc_demo, User.DEMO)):
        variables = environment(layout, settings, passwords, user=user)
        variables.pop('PATH', None)
        aio_settings.write_private(
            path, '# Written by "nova-vmrun aio up".\n'
            '%sexport PATH="$PATH":%s\n' % (
                shells.sh(variables),
                ':'.join(map(shlex.quote, program_folders(layout)))))
    clouds = {'clouds': {user.cloud: cloud(layout, settings, passwords, user)
                         for user in User}}
    aio_settings.write_private(
        layout.clouds, yaml.safe_dump(clouds, sort_keys=False))
