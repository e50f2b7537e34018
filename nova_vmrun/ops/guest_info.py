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

"""Data for a guest in its .vmx: guestinfo.* and machine.id.

It is kept in the server's folder beside the config drive, so that the .vmx can
be rewritten at any time.
"""

import base64
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from nova.api.metadata import base as instance_metadata
from nova.network import model
from nova.objects import instance as nova_instance
from oslo_config import cfg
from oslo_serialization import jsonutils

from nova_vmrun.host import files
from nova_vmrun.machine import guest_info
from nova_vmrun.machine import guest_network
from nova_vmrun.ops import guest_networks
from nova_vmrun.server import layout as server_layout

_LATEST = 'openstack/latest/'


class GuestInfo:
    """Keeps the values of guestinfo.* and machine.id of servers.

    :param conf: the [vmrun] options
    """

    def __init__(self, conf: cfg.ConfigOpts,
                 layout: server_layout.Layout) -> None:
        self._conf = conf
        self._layout = layout

    @property
    def needs_metadata(self) -> bool:
        """Whether write needs Nova's metadata of a server."""
        return bool(self._conf.use_guestinfo)

    def check(self, instance: nova_instance.Instance) -> None:
        """Raise InvalidInput if the user data is too long."""
        if self._conf.use_guestinfo and instance.user_data:
            guest_info.encode('userdata',
                              base64.b64decode(instance.user_data))

    def write(self, instance: nova_instance.Instance,
              metadata: instance_metadata.InstanceMetadata | None,
              network_info: model.NetworkInfo) -> None:
        """Write a server's data to its folder, which exists.

        Parameters and errors are those of collect.
        """
        data = self.collect(instance, metadata, network_info)
        if data is not None:
            self.save(instance.uuid, data)
        elif metadata is None:
            guest_networks.warn_if_unreachable(instance, network_info)

    def with_devices(self, data: dict[str, Any],
                     devices: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Return a server's data with a description of other tagged devices.

        :param data: what load has returned
        :param devices: as in Nova's meta_data.json
        :raises InvalidInput: the description is too long
        """
        if not data.get('guestinfo'):
            return data
        return dict(data, guestinfo=guest_info.with_devices(
            data['guestinfo'], devices))

    def save(self, uuid: str, data: dict[str, Any]) -> None:
        """Write a server's data to its folder."""
        files.write_atomically(self._layout.guest_info(uuid),
                               jsonutils.dumps(data))

    def collect(
            self, instance: nova_instance.Instance,
            metadata: instance_metadata.InstanceMetadata | None,
            network_info: model.NetworkInfo) -> dict[str, Any] | None:
        """Return the data for a server, or None if both options are off.

        Reading network_info may wait for Neutron: hold no lock.

        :param metadata: of the server; None if it is not needed
        :raises InvalidInput: it is too long
        """
        if not (self._conf.use_guestinfo or self._conf.use_machine_id):
            return None
        variables: dict[str, str] = {}
        machine_id = None
        interfaces = guest_networks.interfaces(network_info)
        if self._conf.use_guestinfo:
            variables = _variables(metadata, interfaces)
        if self._conf.use_machine_id:
            machine_id = guest_network.machine_id(interfaces) or None
            # machine.id itself cannot contain the host name.
            variables['hostname'] = instance.hostname
        return {'guestinfo': variables, 'machine_id': machine_id}

    def load(self, uuid: str) -> dict[str, Any]:
        """Return a server's data, as fields of model.Machine."""
        try:
            data: dict[str, Any] = jsonutils.loads(
                files.read(self._layout.guest_info(uuid)))
            return data
        except FileNotFoundError:
            return {}


def _variables(metadata: instance_metadata.InstanceMetadata,
               interfaces: Sequence[guest_network.Interface]
               ) -> dict[str, str]:
    # The files that a config drive would contain.
    content = dict(metadata.metadata_for_config_drive())
    meta = jsonutils.loads(content[_LATEST + 'meta_data.json'])
    facts = {
        'instance-id': meta['uuid'], 'local-hostname': meta['hostname'],
        'network': guest_network.version2(interfaces)}
    if meta.get('public_keys'):
        facts['public-keys-data'] = '\n'.join(
            key.strip() for key in meta['public_keys'].values())
    for name in ('meta', 'devices'):
        if meta.get(name):
            facts[name] = meta[name]
    vendor = jsonutils.loads(content.get(_LATEST + 'vendor_data.json', '{}'))
    for_cloud_init = vendor.get('cloud-init') if isinstance(
        vendor, dict) else vendor
    return guest_info.variables(
        facts, content.get(_LATEST + 'user_data'),
        for_cloud_init.encode('utf-8')
        if isinstance(for_cloud_init, str) else None)
