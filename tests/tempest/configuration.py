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

"""The tempest.conf of an all-in-one control plane with volumes."""

from collections.abc import Mapping
import os
import pathlib
from typing import TYPE_CHECKING

from nova_vmrun.aio import client
from nova_vmrun.aio import config
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import settings as aio_settings
from tests.e2e.cloud import control_plane
from tests.e2e.guest import images

if TYPE_CHECKING:
    from openstack import connection

# Seconds. A busy machine needs minutes for what takes seconds on an idle one.
_BUILD_TIMEOUT = 300
_SSH_TIMEOUT = 300
# Some tests ask the agent in the guest without waiting for it.
_BOOT = 60
_IMAGE = 'tempest'
_FLAVORS = ('m1.nano', 'm1.tiny')
_IMAGE_SIZE = 1024 ** 2
# A guest that boots, and flavors that are large enough for it.
_GUEST = 'tempest-guest'
_GUEST_PROPERTIES = {**control_plane.CLOUD_HARDWARE,
                     'hw_qemu_guest_agent': 'yes', 'os_admin_user': 'root'}
_GUEST_FLAVORS = {'tempest-small': 192, 'tempest-large': 256}


def write(layout: aio_layout.Layout, folder: pathlib.Path,
          logins: bool) -> pathlib.Path:
    """Write tempest.conf for a control plane that is up.

    An image is uploaded if it is not there yet.

    :param folder: where to write it; tempest keeps its log and locks there
    :param logins: whether servers boot a guest, and tempest logs in to them
    :returns: path of the file
    """
    path = folder / 'tempest.conf'
    settings = aio_settings.load(layout)
    passwords = aio_settings.passwords(layout)
    cloud = client.connect(settings, passwords)
    sections = _sections(folder, settings, passwords, cloud,
                         logins)
    path.write_text(config.render(sections))
    return path


def _sections(folder: pathlib.Path, settings: aio_settings.Settings,
              passwords: Mapping[str, str], cloud: 'connection.Connection',
              logins: bool) -> Mapping[str, Mapping[str, object]]:
    image, flavors = (_guest if logins else _placeholder)(cloud)
    public_network = cloud.network.find_network(
        settings.network, ignore_missing=False).id if logins else ''
    return {
        'DEFAULT': {'log_file': folder / 'tempest.log', 'debug': False},
        'oslo_concurrency': {'lock_path': folder / 'locks'},
        'auth': {
            'use_dynamic_credentials': True,
            # Isolated networks need routers.
            'create_isolated_networks': False,
            'admin_username': 'admin',
            'admin_password': passwords['admin'],
            'admin_project_name': 'admin',
            'admin_domain_name': 'Default',
        },
        'identity': {
            'uri_v3': settings.url('keystone', '/v3'),
            'auth_version': 'v3',
            'region': aio_settings.REGION,
            'v3_endpoint_type': 'public',
        },
        'service_available': {
            'nova': True, 'glance': True, 'neutron': True, 'cinder': True,
            'swift': False, 'horizon': False,
        },
        'network': {
            'floating_network_name': '',
            # Tests that log in want to know it, also if they use no floating
            # address.
            'public_network_id': public_network,
        },
        'network-feature-enabled': {
            # Tests of routers and floating IPs skip themselves: none of their
            # extensions is in it.
            'api_extensions': ','.join(sorted(
                extension.alias for extension in cloud.network.extensions())),
            'floating_ips': False,
            'ipv6': True,
            'ipv6_subnet_attributes': True,
        },
        'validation': {
            'run_validation': logins,
            # There are no floating addresses.
            'connect_method': 'fixed',
            'network_for_ssh': settings.network,
            'image_ssh_user': 'root', 'image_alt_ssh_user': 'root',
            # The other, RSA, takes seconds for each key.
            'ssh_key_type': 'ecdsa',
            'ssh_timeout': _SSH_TIMEOUT,
        },
        'compute': {
            'image_ref': image, 'image_ref_alt': image,
            'flavor_ref': flavors[0], 'flavor_ref_alt': flavors[1],
            'fixed_network_name': settings.network,
            'min_compute_nodes': 1,
            'ready_wait': _BOOT if logins else 0,
            'build_timeout': _BUILD_TIMEOUT,
            'max_microversion': 'latest',
        },
        'compute-feature-enabled': {
            'resize': True,
            # It needs an agent in the guest.
            'change_password': logins,
            'cold_migration': False,
            'live_migration': False,
            'metadata_service': False,
            'swap_volume': False,
            'volume_multiattach': False,
            'attach_encrypted_volume': False,
        },
        'volume': {
            'catalog_type': 'block-storage',
            'backend_names': 'files',
            'storage_protocol': 'local',
            'vendor_name': 'nova-vmrun',
            'manage_volume_ref': 'source-name,volume-%s-flat.vmdk',
            'build_timeout': _BUILD_TIMEOUT,
            'max_microversion': 'latest',
        },
        'scenario': _scenario() if logins else {},
        'volume-feature-enabled': {
            'backup': True,
            'snapshot': True,
            'clone': True,
            'multi_backend': False,
            'manage_volume': True,
            'manage_snapshot': False,
            'extend_attached_volume': False,
            'extend_attached_encrypted_volume': False,
        },
    }


def _scenario() -> dict[str, object]:
    """Return options of tests that upload the guest's image themselves."""
    return {
        # The guest keeps all else in memory.
        'target_dir': '/data/files',
        'img_file': images.image('qcow2', 'cloud'),
        'img_disk_format': 'qcow2',
        'img_properties': ','.join(
            '%s:%s' % pair for pair in _GUEST_PROPERTIES.items()),
    }


def _placeholder(cloud: 'connection.Connection') -> tuple[str, list[str]]:
    """Return the ids of an image that boots nothing, and of two flavors."""
    image = cloud.image.find_image(_IMAGE) or cloud.image.create_image(
        name=_IMAGE, data=os.urandom(_IMAGE_SIZE), disk_format='raw',
        container_format='bare', visibility='public')
    return image.id, [cloud.compute.find_flavor(name).id for name in _FLAVORS]


def _guest(cloud: 'connection.Connection') -> tuple[str, list[str]]:
    """Return the ids of the guest's image, and of two flavors."""
    image = cloud.image.find_image(_GUEST) or cloud.image.create_image(
        name=_GUEST, filename=images.image('qcow2', 'cloud'),
        disk_format='qcow2', container_format='bare', visibility='public',
        validate_checksum=False, **_GUEST_PROPERTIES)
    flavors = [cloud.compute.find_flavor(name) or cloud.compute.create_flavor(
        name=name, ram=ram, vcpus=1, disk=1)
        for name, ram in _GUEST_FLAVORS.items()]
    return image.id, [flavor.id for flavor in flavors]
