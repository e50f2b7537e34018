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

from tests.unit.machine.choices import base


class NetworkTestCase(base.ChoiceTestCase):

    def test_models(self):
        for value, expected in (
                ('e1000', 'e1000'), ('VirtualE1000', 'e1000'),
                ('e1000e', 'e1000e'), ('pcnet', 'vlance'),
                ('VirtualPCNet32', 'vlance'), ('vmxnet', 'vmxnet'),
                ('VirtualVmxnet3', 'vmxnet3'), ('vmxnet3', 'vmxnet3')):
            self.check('nic_model', expected,
                       'image property hw_vif_model=' + value,
                       {'hw_vif_model': value})

    def test_models_of_other_hypervisors(self):
        for value in ('virtio', 'rtl8139', 'ne2k_pci', 'igb'):
            self.refused('hw_vif_model', {'hw_vif_model': value})
        self.refused('hw_vif_model', {'hw_vif_model': 'e1000'},
                     guest='arm-ubuntu-64')

    def test_limits(self):
        found = self.choose(extra_specs={
            'quota:vif_inbound_average': '1000',
            'quota:vif_outbound_average': '500'})
        # From kilobytes to kilobits.
        self.assertEqual((8000, 4000), (found.nic_rx_kbps, found.nic_tx_kbps))
        self.assertEqual('flavor quota:vif_inbound_average=1000',
                         found.origins['nic_rx_kbps'])

    def test_limit_as_in_the_vsphere_driver(self):
        found = self.choose(extra_specs={
            'quota:vif_limit': '10', 'quota:vif_outbound_average': '1'})
        self.assertEqual((10000, 8), (found.nic_rx_kbps, found.nic_tx_kbps))

    def test_no_limit(self):
        found = self.choose()
        self.assertEqual((None, None), (found.nic_rx_kbps, found.nic_tx_kbps))

    def test_nonsense(self):
        self.refused('quota:vif_limit', (), {'quota:vif_limit': 'fast'})
