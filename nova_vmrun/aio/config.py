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

"""Parts that the configuration files of all services have in common."""

from collections.abc import Mapping
import importlib.metadata
import importlib.util
import os
import sys

from nova_vmrun.aio.database import address
from nova_vmrun.aio import errors
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import settings as aio_settings

# The options of each section by name. An option that is None is left out.
Sections = Mapping[str, Mapping[str, object]]
# The user's own options: read last, and never overwritten.
LOCAL_CONF = 'local.conf'
_LOCAL_CONF_TEXT = """\
# Read after the files that "nova-vmrun aio up" writes beside this one, so an
# option set here wins. This file is yours: it is made once and then left.
"""


def render(sections: Sections) -> str:
    """Return the text of an oslo.config file."""
    lines = []
    for section, options in sections.items():
        lines.append('[%s]' % section)
        for name, value in options.items():
            if value is not None:
                # A single $ would start a reference to another option.
                lines.append('%s = %s' % (
                    name, str(value).replace('$', '$$')))
        lines.append('')
    return '\n'.join(lines)


def write(layout: aio_layout.Layout, project: str, name: str,
          sections: Sections) -> None:
    """Write a configuration file, and an empty local.conf beside it."""
    folder = layout.config_dir(project)
    folder.mkdir(mode=0o700, exist_ok=True)
    aio_settings.write_private(folder / name, render(sections))
    local = folder / LOCAL_CONF
    if not local.exists():
        aio_settings.write_private(local, _LOCAL_CONF_TEXT)


def logging_options() -> dict[str, object]:
    """Return options that log to stderr, which is the service's log file."""
    return {'use_stderr': True, 'debug': False}


def database(layout: aio_layout.Layout, settings: aio_settings.Settings,
             name: str) -> dict[str, object]:
    """Return the [database] section for a database.

    :param name: of the database
    """
    if settings.database:
        return {'connection': address.database(settings.database, name)}
    return {
        'connection': 'sqlite:///%s' % layout.database(name),
        # Only one process uses each file, so a retry would not help.
        'max_retries': 1,
    }


def credentials(settings: aio_settings.Settings, password: str,
                user: str) -> dict[str, object]:
    """Return the options for a service's own login to keystone."""
    return {
        'auth_type': 'password',
        'auth_url': settings.url('keystone', '/v3'),
        'username': user,
        'password': password,
        'user_domain_name': 'Default',
        'project_name': 'service',
        'project_domain_name': 'Default',
        'region_name': aio_settings.REGION,
    }


def authtoken(settings: aio_settings.Settings, password: str,
              user: str) -> dict[str, object]:
    """Return the [keystone_authtoken] section."""
    return dict(
        credentials(settings, password, user),
        www_authenticate_uri=settings.url('keystone', '/v3'),
        service_token_roles_required=True,
        service_token_roles='service')


def data_file(distribution: str, relative: str) -> str:
    """Find a file that a project's wheel installs below <prefix>.

    :param distribution: name as on PyPI
    :param relative: path below the prefix
    :raises AioError: the file is not found, or services cannot read it
    """
    candidates = []
    try:
        for path in importlib.metadata.files(distribution) or ():
            if str(path).endswith('/' + relative):
                candidates.append(os.path.realpath(str(path.locate())))
    except importlib.metadata.PackageNotFoundError:
        pass
    candidates.append(os.path.join(sys.prefix, relative))
    package = importlib.util.find_spec(distribution)
    if package and package.origin:
        checkout = os.path.dirname(os.path.dirname(package.origin))
        candidates.append(os.path.join(checkout, relative))
    for candidate in candidates:
        if os.path.isfile(candidate):
            if '%' in candidate:
                raise errors.AioError(
                    '%s cannot be used.' % candidate,
                    'Its path has a percent sign, which means something else '
                    'in files that Paste reads.',
                    'Install nova-vmrun into a folder whose path has none.')
            return candidate
    raise errors.AioError(
        '%s of %s was not found.' % (relative, distribution),
        'Looked at: %s.' % ', '.join(candidates),
        'Reinstall it: pip install --force-reinstall %s.' % distribution)
