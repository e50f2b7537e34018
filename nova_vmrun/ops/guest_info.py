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

"""What a guest is told through its .vmx, by options of the operator.

It is kept in the server's folder beside the config drive, so that the .vmx
can be written anew at any time.
"""

import base64

from nova.api.metadata import base as instance_metadata
from nova.network import model
from nova.objects import instance as nova_instance
from oslo_serialization import jsonutils

from nova_vmrun.host import files
from nova_vmrun.machine import guest_info
from nova_vmrun.machine import guest_network
from nova_vmrun.ops import guest_networks

_LATEST = 'openstack/latest/'


class GuestInfo:
    """Keeps the values of guestinfo.* and machine.id of servers.

    :param conf: the [vmrun] options
    :param layout: a nova_vmrun.server.layout.Layout
    """

    def __init__(self, conf, layout):
        self._conf = conf
        self._layout = layout

    @property
    def needs_metadata(self):
        """Whether Nova's metadata of a server must be given to write."""
        return self._conf.use_guestinfo

    def check(self, instance):
        """Refuses user data that is too long, before anything is made.

        :param instance: nova.objects.Instance
        :raises InvalidInput: it is
        """
        if self._conf.use_guestinfo and instance.user_data:
            guest_info.encode('userdata',
                              base64.b64decode(instance.user_data))

    def write(self, instance, metadata, network_info):
        """Keeps what a server is to be told; its folder exists.

        Parameters and errors are those of collect.
        """
        told = self.collect(instance, metadata, network_info)
        if told is not None:
            files.write_atomically(self._layout.guest_info(instance.uuid),
                                   jsonutils.dumps(told))

    def collect(
            self, instance: nova_instance.Instance,
            metadata: instance_metadata.InstanceMetadata | None,
            network_info: model.NetworkInfo) -> dict | None:
        """Returns what a server is to be told, or None if that is nothing.

        Reading network_info may wait for Neutron: hold no lock.

        :param metadata: of the server; None if it is not needed
        :raises InvalidInput: it is too long
        """
        if not (self._conf.use_guestinfo or self._conf.use_machine_id):
            return None
        variables, machine_id = {}, None
        interfaces = guest_networks.interfaces(network_info)
        if self._conf.use_guestinfo:
            variables = _variables(metadata, interfaces)
        if self._conf.use_machine_id:
            machine_id = guest_network.machine_id(interfaces) or None
            # The format has no room for it.
            variables['hostname'] = instance.hostname
        return {'guestinfo': variables, 'machine_id': machine_id}

    def load(self, uuid):
        """Returns the fields of a nova_vmrun.machine.model.Machine."""
        try:
            return jsonutils.loads(files.read(self._layout.guest_info(uuid)))
        except FileNotFoundError:
            return {}


def _variables(metadata, interfaces):
    # These are the files of a config drive, which is one more way to tell
    # the same.
    told = dict(metadata.metadata_for_config_drive())
    meta = jsonutils.loads(told[_LATEST + 'meta_data.json'])
    facts = {
        'instance-id': meta['uuid'], 'local-hostname': meta['hostname'],
        'network': guest_network.version2(interfaces)}
    if meta.get('public_keys'):
        facts['public-keys-data'] = '\n'.join(
            key.strip() for key in meta['public_keys'].values())
    for name in ('meta', 'devices'):
        if meta.get(name):
            facts[name] = meta[name]
    vendor = jsonutils.loads(told.get(_LATEST + 'vendor_data.json', '{}'))
    for_cloud_init = vendor.get('cloud-init') if isinstance(
        vendor, dict) else vendor
    return guest_info.variables(
        facts, told.get(_LATEST + 'user_data'),
        for_cloud_init.encode('utf-8')
        if isinstance(for_cloud_init, str) else None)
