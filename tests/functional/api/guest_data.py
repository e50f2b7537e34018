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


"""Base of the tests of what guests find in their config drive."""

import os

from nova.tests.unit import fake_crypto
from oslo_utils import uuidutils
import pycdlib

from tests.functional.api import base

KEY = fake_crypto.get_ssh_public_key().strip()


class TestCase(base.TestCase):
    """Has a key pair with the name "mine".

    :ivar macs: of the adapters that a guest is to have
    """

    def setUp(self):
        super().setUp()
        self.macs = [self.neutron.port_1['mac_address']]
        self.admin_api.post_keypair({'keypair': {
            'name': 'mine', 'public_key': KEY, 'type': 'ssh'}})

    def folder_of(self, name):
        path = os.path.join(self.folder, name)
        os.makedirs(path)
        return path

    def unpack_config_drive(self, server):
        """Return a folder with the files of a server's config drive."""
        folder = self.folder_of('drive')
        drive = pycdlib.PyCdlib()
        drive.open(self.path(server, 'config-drive.iso'))
        try:
            for above, _folders, names in drive.walk(joliet_path='/'):
                os.makedirs(folder + above, exist_ok=True)
                for name in names:
                    path = os.path.join(above, name)
                    drive.get_file_from_iso(folder + path, joliet_path=path)
        finally:
            drive.close()
        return folder

    def add_second_port(self):
        """Add a port on a LAN segment, and addresses to the first one."""
        first = self.neutron._ports[self.neutron.port_1['id']]
        subnets = self.neutron._subnets
        route = {'destination': '10.7.0.0/16', 'nexthop': '10.9.0.7'}
        for cidr, gateway, routes in (('10.8.0.0/24', '10.8.0.1', []),
                                      ('10.9.0.0/24', '10.9.0.1', [route])):
            subnets[cidr] = dict(
                self.neutron.subnet_1, id=cidr, cidr=cidr, gateway_ip=gateway,
                dns_nameservers=['10.9.0.53'], host_routes=routes)
        second = dict(
            first, id=uuidutils.generate_uuid(),
            mac_address='fa:16:3e:00:00:02',
            fixed_ips=[{'ip_address': '10.9.0.5', 'subnet_id': '10.9.0.0/24'}],
            **{'binding:vif_details': {'network_type': 'local'}})
        # Of both subnets of IPv4 only one can have the default route.
        first = dict(first, fixed_ips=first['fixed_ips'] + [
            {'ip_address': '10.8.0.5', 'subnet_id': '10.8.0.0/24'},
            {'ip_address': 'fd37:44e8:ad06::5',
             'subnet_id': self.neutron.subnet_ipv6_1['id']}])
        for port in (first, second):
            self.neutron._ports[port['id']] = port
        self.macs.append(second['mac_address'])
        return [{'port': port['id']} for port in (first, second)]
