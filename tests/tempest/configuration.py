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

from nova_vmrun.aio import client
from nova_vmrun.aio import config
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import settings as aio_settings

# Seconds. A busy machine needs minutes for what takes seconds on an idle one.
_BUILD_TIMEOUT = 300
_IMAGE = 'tempest'
_FLAVORS = ('m1.nano', 'm1.tiny')
_IMAGE_SIZE = 1024 ** 2


def write(layout: aio_layout.Layout, folder: pathlib.Path) -> pathlib.Path:
    """Write tempest.conf for a control plane that is up.

    An image is uploaded if it is not there yet.

    :param folder: where to write it; tempest keeps its log and locks there
    :returns: path of the file
    """
    path = folder / 'tempest.conf'
    path.write_text(config.render(_sections(layout, folder)))
    return path


def _sections(layout: aio_layout.Layout, folder: pathlib.Path
              ) -> Mapping[str, Mapping[str, object]]:
    settings = aio_settings.load(layout)
    passwords = aio_settings.passwords(layout)
    cloud = client.connect(settings, passwords)
    image = cloud.image.find_image(_IMAGE) or cloud.image.create_image(
        name=_IMAGE, data=os.urandom(_IMAGE_SIZE), disk_format='raw',
        container_format='bare', visibility='public')
    flavors = [cloud.compute.find_flavor(name).id for name in _FLAVORS]
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
        'network': {'floating_network_name': ''},
        'network-feature-enabled': {
            # Tests of routers and floating IPs skip themselves: none of their
            # extensions is in it.
            'api_extensions': ','.join(sorted(
                extension.alias for extension in cloud.network.extensions())),
            'floating_ips': False,
            'ipv6': True,
            'ipv6_subnet_attributes': True,
        },
        # No guest can be logged in to, and there are no floating addresses.
        'validation': {'run_validation': False, 'connect_method': 'fixed',
                       'network_for_ssh': settings.network},
        'compute': {
            'image_ref': image.id, 'image_ref_alt': image.id,
            'flavor_ref': flavors[0], 'flavor_ref_alt': flavors[1],
            'fixed_network_name': settings.network,
            'min_compute_nodes': 1,
            'build_timeout': _BUILD_TIMEOUT,
            'max_microversion': 'latest',
        },
        'compute-feature-enabled': {
            'resize': True,
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
