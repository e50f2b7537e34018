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

"""Runs in Debian's own Python, with cloud-init's own code: see __init__.py.

reader.py vmware|config-drive|merged FOLDER MAC...: prints JSON.
"""

import base64
import copy
import json
import os
import sys
import unittest.mock

from cloudinit import distros
from cloudinit import event as cloudinit_event
from cloudinit.handlers import cloud_config
from cloudinit import helpers
from cloudinit.net import eni
from cloudinit.net import netplan
from cloudinit.net import network_state
from cloudinit import sources
from cloudinit.sources import DataSourceConfigDrive
from cloudinit.sources import DataSourceVMware
from cloudinit.sources.helpers import openstack
from cloudinit import user_data


def _text(content):
    if isinstance(content, str):
        content = content.encode('utf-8')
    return base64.b64encode(content or b'').decode('ascii')


def _network(config):
    """Return the configuration in the forms of two kinds of guests."""
    # A renderer changes the state that it is given.
    return {
        'interfaces': eni.Renderer()._render_interfaces(
            network_state.parse_net_config_data(copy.deepcopy(config))),
        'netplan': netplan.Renderer()._render_content(
            network_state.parse_net_config_data(config))}


def _events(source):
    """Return when a data source configures the network, by default."""
    return sorted(event.value for event in source.default_update_events[
        cloudinit_event.EventScope.NETWORK])


def vmware(folder, macs):
    with unittest.mock.patch.object(
            DataSourceVMware.dmi, 'read_dmi_data', lambda key: 'VMware7,1'):
        source = DataSourceVMware.DataSourceVMware(
            {}, distros.fetch('debian')('debian', {}, helpers.Paths({})),
            helpers.Paths({'run_dir': folder, 'cloud_dir': folder}))
        if not source._get_data():
            raise SystemExit('the VMware data source finds nothing')
    return {
        'metadata': source.metadata, 'userdata': _text(source.userdata_raw),
        'vendordata': _text(source.vendordata_raw),
        'keys': source.get_public_ssh_keys(), 'events': _events(source),
        **_network(source.metadata['network']['config'])}


def config_drive(folder, macs):
    found = DataSourceConfigDrive.read_config_drive(folder)
    keys = found['metadata'].get('public_keys', {})
    return {
        'metadata': {key: value for key, value in found['metadata'].items()
                     if key != 'random_seed'},
        'userdata': _text(found['userdata']),
        'vendordata': _text(sources.convert_vendordata(
            found.get('vendordata'))),
        'keys': list(keys.values()),
        'events': _events(DataSourceConfigDrive.DataSourceConfigDrive),
        'files': {path: _text(content)
                  for path, content in found['files'].items()},
        **_network(openstack.convert_net_json(
            found['networkdata'],
            known_macs={mac: 'eth%d' % number
                        for number, mac in enumerate(macs)}))}


def merged(folder, _macs):
    """Return what the parts of vendor data for cloud-init amount to."""
    paths = helpers.Paths({'run_dir': folder, 'cloud_dir': folder})
    with open(os.path.join(folder, 'vendordata'), encoding='utf-8') as file:
        message = user_data.UserDataProcessor(paths).process(file.read())
    handler = cloud_config.CloudConfigPartHandler(paths)
    for part in message.walk():
        if part.get_content_type() == 'text/cloud-config':
            handler.handle_part(
                None, part.get_content_type(), 'part',
                part.get_payload(decode=True).decode('utf-8'), None,
                dict(part))
    return handler.cloud_buf


READERS = {'vmware': vmware, 'config-drive': config_drive, 'merged': merged}

if __name__ == '__main__':
    kind, where, *addresses = sys.argv[1:]
    json.dump(READERS[kind](where, addresses), sys.stdout)
