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

"""Guests on networks that projects create."""

import base64

from tests.e2e.cloud import base
from tests.e2e.guest import console

# Of both networks, and of the shared network vmnet8 as well.
_RANGE = '172.16.41.0/24'
_SERVER = '172.16.41.11'
_GUEST = '172.16.41.12'


class ProjectNetworksTest(base.CloudCase):

    def network_of_project(self, name):
        """Create a network without provider attributes, as a project does."""
        network = self.cloud.network.create_network(name=name)
        self.addCleanup(self.cloud.network.delete_network, network)
        # Its gateway would be .1, where nobody is.
        self.cloud.network.create_subnet(
            network_id=network.id, ip_version=4, cidr=_RANGE,
            host_routes=[{'destination': '10.9.0.0/16', 'nexthop': _SERVER}],
            dns_nameservers=['10.9.0.53'])
        self.cloud.network.create_subnet(
            network_id=network.id, ip_version=6, cidr='fd00:9::/64',
            ipv6_address_mode='slaac', ipv6_ra_mode='slaac')
        return network

    def boot_on(self, network, address, name, **details):
        return self.boot(
            name=name, networks=[{'uuid': network.id, 'fixed_ip': address}],
            **details)

    def test_guests_hear_only_those_on_their_network(self):
        one, two = map(self.network_of_project, ('one', 'two'))
        _, facts = self.boot_on(one, _SERVER, 'neighbour')
        self.assertEqual([_SERVER], console.addresses(
            facts, facts['nics'][0]['mac']))
        fetch = base64.b64encode(
            ('fetch neighbour http://%s/\n' % _SERVER).encode()).decode()
        heard = {}
        for network, name in ((one, 'friend'), (two, 'stranger')):
            server, facts = self.boot_on(network, _GUEST, name,
                                         user_data=fetch)
            self.check_addresses(server, facts)
            heard[name] = console.files(facts).get('neighbour')
        self.assertEqual({'friend': 'neighbour.novalocal', 'stranger': None},
                         heard)

    def check_addresses(self, server, facts):
        nic, = facts['nics']
        port, = self.cloud.network.ports(device_id=server.id)
        self.assertEqual('vmrun', port.binding_vif_type)
        fixed = [each['ip_address'] for each in port.fixed_ips]
        self.assertEqual(2, len(fixed))
        found = [address.partition('/')[0] for address in nic['addresses']]
        self.assertEqual(set(), set(fixed) - set(found))
        self.assertEqual(1500, nic['mtu'])
        self.assertEqual(
            ['10.9.0.0/16 via %s dev %s' % (_SERVER, nic['name'])],
            [route for route in facts['routes'] if ' via ' in route])
        self.assertEqual(['10.9.0.53'], facts['dns'])
