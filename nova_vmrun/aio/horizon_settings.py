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

"""Horizon's settings, as files that it imports.

Horizon imports ``local.local_settings``, and reads changes to its panels from
modules in the folders of the package ``openstack_dashboard.local.enabled``.
Both are in the control plane's own directory here.
"""

from collections.abc import Mapping
import ipaddress
import pathlib
import secrets

from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.aio.tls import authority

PROJECT = 'horizon'
#: The user's own settings: read last, and never overwritten.
OVERRIDES = 'overrides.py'
_OVERRIDES_TEXT = """\
# Read after local_settings.py, which "nova-vmrun aio up" writes beside this
# file, so a setting of Horizon made here wins. This file is yours: it is made
# once and then left.
"""
_SETTINGS_TEXT = """\
# Written by "nova-vmrun aio up". Change settings in overrides.py.
# An underscore, since Horizon imports all other names as settings.
from openstack_dashboard.local import enabled as _enabled

_enabled.__path__.append(%r)

%s
from local.overrides import *
"""
# Panels to remove, with their section and group. The rules of security groups
# filter nothing here, so nobody should rely on them. Other panels that cannot
# work disappear by themselves: Horizon asks which services and which
# extensions of Neutron there are.
_REMOVED = {'security_groups': ('project', 'network')}
_REMOVE_TEXT = """\
# Written by "nova-vmrun aio up".
PANEL = %r
PANEL_DASHBOARD = %r
PANEL_GROUP = %r
REMOVE_PANEL = True
"""
# The rules by which Horizon hides what a user may not do. Nova's are our own.
_POLICIES = {'identity': 'keystone_policy.yaml',
             'volume': 'cinder_policy.yaml',
             'image': 'glance_policy.yaml',
             'network': 'neutron_policy.yaml'}
# The formats that the driver accepts; see doc/source/images.rst.
_FORMATS = (('', 'Select format'),
            ('iso', 'ISO - Optical Disk Image'),
            ('ova', 'OVA - Open Virtual Appliance'),
            ('qcow2', 'QCOW2 - QEMU Emulator'),
            ('raw', 'Raw'),
            ('vdi', 'VDI - Virtual Disk Image'),
            ('vhd', 'VHD - Virtual Hard Disk'),
            ('vhdx', 'VHDX - Large Virtual Hard Disk'),
            ('vmdk', 'VMDK - Virtual Machine Disk'))
# Lines like those of the other services.
_LOG_FORMAT = ('%(asctime)s.%(msecs)03d %(process)d %(levelname)s %(name)s '
               '%(message)s')


def static(layout: aio_layout.Layout) -> pathlib.Path:
    """Return the folder of the style sheets, scripts and images."""
    return layout.horizon_state / 'static'


def overrides(layout: aio_layout.Layout) -> pathlib.Path:
    """Return the file with the user's own settings."""
    return layout.config_dir(PROJECT) / 'local' / OVERRIDES


def write(layout: aio_layout.Layout, settings: aio_settings.Settings) -> None:
    """Write Horizon's settings and make its folders."""
    folder = layout.config_dir(PROJECT)
    package = folder / 'local'
    panels = folder / 'panels'
    for path in (folder, package, panels, layout.horizon_state,
                 _uploads(layout)):
        path.mkdir(mode=0o700, exist_ok=True)
    if not overrides(layout).exists():
        aio_settings.write_private(overrides(layout), _OVERRIDES_TEXT)
    aio_settings.write_private(package / '__init__.py', '')
    aio_settings.write_private(
        package / 'local_settings.py',
        _SETTINGS_TEXT % (str(panels), render(values(layout, settings))))
    for panel, (section, group) in _REMOVED.items():
        aio_settings.write_private(
            panels / ('_9000_%s.py' % panel),
            _REMOVE_TEXT % (panel, section, group))


def render(chosen: Mapping[str, object]) -> str:
    """Return settings as Python's text; values are literals."""
    return ''.join('%s = %r\n' % item for item in chosen.items())


def values(layout: aio_layout.Layout,
           settings: aio_settings.Settings) -> dict[str, object]:
    """Return the settings that differ from Horizon's defaults."""
    return {
        'DEBUG': False,
        'SECRET_KEY': _secret_key(layout),
        'ALLOWED_HOSTS': _host_names(settings),
        'OPENSTACK_KEYSTONE_URL': settings.url('keystone', '/v3'),
        # The addresses for users need our certificate authority.
        'OPENSTACK_ENDPOINT_TYPE': 'internalURL',
        # No memcached: users stay logged in while this process restarts.
        'SESSION_ENGINE': 'django.contrib.sessions.backends.signed_cookies',
        # Browsers send a cookie to all ports of a host. Other control planes
        # of this machine use other names.
        'SESSION_COOKIE_NAME': 'nova-vmrun-%d' % settings.ports['horizon'],
        'CACHES': {'default': {
            'BACKEND': 'django.core.cache.backends.locmem.LocMemCache'}},
        'STATIC_ROOT': str(static(layout)),
        'COMPRESS_OFFLINE': True,
        # Each theme takes seconds to compile.
        'AVAILABLE_THEMES': [('default', 'Default', 'themes/default')],
        'SITE_BRANDING': 'nova-vmrun',
        # /tmp may be in memory, and images are large.
        'FILE_UPLOAD_TEMP_DIR': str(_uploads(layout)),
        'POLICY_FILES': dict(
            _POLICIES,
            compute=str(layout.config_dir('nova') / 'policy.yaml')),
        'OPENSTACK_NEUTRON_NETWORK': {
            'enable_router': False,
            # There are no agents.
            'show_agents_column': False},
        'OPENSTACK_CINDER_FEATURES': {'enable_backup': settings.volumes},
        # Booting from a new volume copies the image first.
        'LAUNCH_INSTANCE_DEFAULTS': {
            'create_volume': False,
            'hide_create_volume': not settings.volumes},
        'OPENSTACK_IMAGE_BACKEND': {'image_formats': list(_FORMATS)},
        'LOGGING': _LOGGING,
    }


_LOGGING: dict[str, object] = {
    'version': 1,
    'disable_existing_loggers': False,
    'formatters': {'line': {
        'format': _LOG_FORMAT, 'datefmt': '%Y-%m-%d %H:%M:%S'}},
    'handlers': {'stderr': {
        'class': 'logging.StreamHandler', 'formatter': 'line'}},
    'root': {'handlers': ['stderr'], 'level': 'INFO'},
}


def _uploads(layout: aio_layout.Layout) -> pathlib.Path:
    """Return the folder of images on their way to Glance."""
    return layout.horizon_state / 'uploads'


def _secret_key(layout: aio_layout.Layout) -> str:
    """Return the key that signs cookies; the first call makes one."""
    path = layout.keys / PROJECT
    try:
        key = path.read_text().strip()
    except FileNotFoundError:
        key = ''
    if not key:
        key = secrets.token_urlsafe(48)
        aio_settings.write_private(path, key + '\n')
    return key


def _host_names(settings: aio_settings.Settings) -> list[str]:
    """Return the names under which the dashboard answers.

    Any other name in a request is an attempt to reach it through a name
    server that someone else controls.
    """
    address = settings.dashboard_address
    parsed = ipaddress.ip_address(address)
    if parsed.is_unspecified:
        # The names of this machine are unknown.
        return ['*']
    names = ['127.0.0.1', '[::1]', 'localhost',
             address if parsed.version == 4 else '[%s]' % address]
    if settings.listen:
        names += [settings.listen, *authority.host_names(settings)]
    return names
