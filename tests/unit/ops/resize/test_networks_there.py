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

import dataclasses

from nova.network import model

from nova_vmrun import exception
from nova_vmrun.ops.resize import networks_there
from tests.unit import base
from tests.unit.ops import test_networks
from tests.unit.server import test_network_card


class NetworksThereTestCase(base.TestCase):

    def require(self, vif, **changes):
        card = dataclasses.replace(test_network_card.CARD, **changes)
        networks_there.require(card.dump(), 'web', 'lab-2', [vif])

    def refuse(self, vif, **changes):
        error = self.assertRaises(exception.InvalidConfiguration,
                                  self.require, vif, **changes)
        self.assertIn('Server web cannot move to host lab-2: ', error.brief)
        return str(error)

    def port(self, address, physical='physnet1'):
        vif = test_networks.port(physical)
        vif['network']['subnets'] = [model.Subnet(
            cidr='0.0.0.0/0', ips=[model.FixedIP(address=address)])]
        return vif

    def test_a_host_that_fits(self):
        self.require(self.port('10.8.0.5'))
        # It takes the default.
        self.require(self.port('10.8.0.5', 'another'))
        self.require(test_networks.local_port())

    def test_an_address_outside_the_range(self):
        self.assertIn('10.9.0.5 is outside the range of vmnet8, which is '
                      '10.8.0.0/24', self.refuse(self.port('10.9.0.5')))

    def test_a_virtual_network_that_is_missing(self):
        error = self.refuse(self.port('10.8.0.5'),
                            mappings={'physnet1': 'vmnet3'})
        self.assertIn('no virtual network vmnet3 on host lab-2', error)
        self.assertIn('Host lab-2 has: vmnet0, vmnet8', error)

    def test_a_physical_network_that_is_missing(self):
        self.assertIn('another has no VMware network on host lab-2',
                      self.refuse(self.port('10.8.0.5', 'another'),
                                  default=''))

    def test_fusion_has_no_segments(self):
        self.assertIn('VMware Fusion has no LAN segments',
                      self.refuse(test_networks.local_port(), kind='fusion'))

    def test_a_host_that_does_not_list_its_networks(self):
        self.require(self.port('10.9.0.5'), ranges={})

    def test_an_option_that_names_no_network(self):
        self.refuse(self.port('10.8.0.5'), mappings={'physnet1': 'eth0'})

    def test_a_port_that_is_not_bound(self):
        self.require(test_networks.port(vif_type='binding_failed'))

    def test_an_older_release_says_nothing(self):
        for told in ('', 'half of a li'):
            networks_there.require(told, 'web', 'lab-2',
                                   [self.port('10.9.0.5')])
