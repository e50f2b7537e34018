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

import json
import types

import fixtures

from nova_vmrun import exception
from nova_vmrun.formats import vmnets
from nova_vmrun.host import vlans
from tests.unit import base
from tests.unit.formats import test_vlan_links as texts
from tests.unit import stubs

FILE = '/etc/vmware/networking'
BRIDGED = vmnets.Vmnet('vmnet11', 'bridged', adapter='eth0.101')
MAKE = ('sudo ip link add link eth0 name eth0.101 type vlan id 101 && '
        'sudo ip link set dev eth0.101 up')
BRIDGE = ("sudo vmware-networks --stop && echo 'add_bridge_mapping eth0.101 "
          "11' | sudo tee -a \"/etc/vmware/networking\" && sudo "
          'vmware-networks --start')


class VlansTestCase(base.TestCase):

    def check(self, network=BRIDGED, vlan=101, adapter='eth0',
              adapters=('lo', 'eth0', 'eth0.101'), link=texts.IP,
              platform='linux', output=None):
        self.runner = stubs.ScriptedRunner(
            (0, output if output is not None else json.dumps(link)))
        self.useFixture(fixtures.MockPatch(
            'psutil.net_if_stats', return_value=dict.fromkeys(adapters)))
        vlans.Vlans(
            adapter, types.SimpleNamespace(networking_file=FILE),
            self.runner, platform).check(network, vlan)

    def refused(self, **options):
        return self.assertRaises(exception.InvalidConfiguration, self.check,
                                 **options)

    def test_complete_configuration(self):
        self.check()
        self.assertEqual([('ip', '-json', '-details', 'link', 'show', 'dev',
                           'eth0.101')], self.runner.calls)

    def test_no_adapter_configured(self):
        error = self.refused(adapter=None)
        self.assertIn('vlan_interface in nova.conf to one of: eth0, ',
                      error.resolution)

    def test_adapter_does_not_exist(self):
        error = self.refused(adapter='eth7')
        self.assertIn('eth7', error.brief)
        self.assertIn('eth0', error.details)

    def test_network_is_not_bridged(self):
        error = self.refused(network=vmnets.Vmnet('vmnet11', 'hostonly'))
        self.assertIn('vmnet11 is not bridged', error.brief)
        self.assertEqual('It is hostonly.', error.details)
        self.assertEqual('Run: ' + BRIDGE, error.resolution)

    def test_network_is_bridged_automatically(self):
        error = self.refused(network=vmnets.Vmnet('vmnet11', 'bridged'),
                             adapters=('eth0',))
        self.assertIn('VMware chooses', error.details)
        self.assertEqual('Run: %s && %s' % (MAKE, BRIDGE), error.resolution)

    def test_interface_does_not_exist(self):
        error = self.refused(adapters=('eth0',))
        self.assertIn('vmnet11 is bridged to the interface eth0.101, which',
                      error.brief)
        self.assertEqual('Run: ' + MAKE, error.resolution)

    def test_bridged_to_the_adapter_itself(self):
        error = self.refused(
            network=vmnets.Vmnet('vmnet11', 'bridged', adapter='eth0'),
            link=[{'ifname': 'eth0'}])
        self.assertIn('does not carry VLAN 101', error.brief)
        self.assertEqual('It is not a VLAN interface.', error.details)
        self.assertIn("sed -i.bak '/^add_bridge_mapping .* 11$/d'",
                      error.resolution)

    def test_another_vlan(self):
        error = self.refused(vlan=102)
        self.assertIn('does not carry VLAN 102 of eth0', error.brief)
        self.assertEqual('It carries VLAN 101 of eth0.', error.details)
        self.assertIn('name eth0.102 type vlan id 102', error.resolution)

    def test_vlan_of_another_adapter(self):
        self.refused(adapter='eth1', adapters=('eth0', 'eth0.101', 'eth1'))

    def test_name_too_long_for_linux(self):
        error = self.refused(
            adapter='enx001122334455', adapters=('enx001122334455',),
            network=vmnets.Vmnet('vmnet11', 'bridged'))
        self.assertIn('name vlan101 type vlan id 101', error.resolution)

    def test_fusion(self):
        network = vmnets.Vmnet('vmnet11', 'bridged', adapter='vlan0')
        options = {'adapter': 'en0', 'adapters': ('en0', 'vlan0'),
                   'platform': 'darwin', 'network': network}
        self.check(output=texts.IFCONFIG, **options)
        self.assertEqual([('ifconfig', 'vlan0')], self.runner.calls)
        error = self.refused(output='', **options)
        self.assertIn('sudo ifconfig vlan101 create vlan 101 vlandev en0',
                      error.resolution)
        self.assertIn('vmnet-cli" --stop', error.resolution)

    def test_warn_if_check_is_impossible(self):
        for options in ({'network': None}, {'platform': 'win32'}):
            log = self.useFixture(fixtures.FakeLogger())
            self.check(**options)
            self.assertIn('Cannot check', log.output)
            self.assertEqual([], self.runner.calls)
