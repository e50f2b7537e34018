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

"""Host networks, port forwardings, network adapters (1.2, 5.3)."""

from tests.contract import base

HEAD = 'INDEX  NAME         TYPE         DHCP         SUBNET           MASK'
FORWARDS = ('INDEX  PROTOCOL     HOST PORT    GUEST IP         '
            'GUEST PORT       DESCRIPTION')


class HostNetworksTest(base.ContractCase):

    def rows(self):
        return self.vmrun('listHostNetworks').out.splitlines()

    def test_host_networks_head(self):
        lines = self.rows()
        self.assertEqual('Total host networks: %d' % (len(lines) - 2),
                         lines[0])
        self.assertEqual(HEAD, lines[1].rstrip())

    def test_host_networks_bridged_row(self):
        self.assertIn('0      vmnet0       bridged      false        '
                      'empty            empty',
                      [line.rstrip() for line in self.rows()])

    def test_host_networks_defaults(self):
        found = {line.split()[1]: line.split()[2] for line in self.rows()[2:]}
        self.assertEqual(
            ('bridged', 'hostOnly', 'nat'),
            (found['vmnet0'], found['vmnet1'], found['vmnet8']))


class ForwardingsTest(base.ContractCase):

    @base.fakes_only
    def test_no_forwardings_is_a_count_only(self):
        self.says('Total port forwardings: 0\n', 'listPortForwardings',
                  'vmnet8')

    @base.fakes_only
    def test_forwarding_set_list_delete(self):
        self.knobs['HOST_ROOT'] = '1'
        self.done('setPortForwarding', 'vmnet8', 'tcp', '2222',
                  '172.16.41.130', '22', 'ssh')
        self.says('Total port forwardings: 1\n%s\n0      tcp          2222  '
                  '       172.16.41.130    22               ssh\n'
                  % FORWARDS, 'listPortForwardings', 'vmnet8')
        self.done('deletePortForwarding', 'vmnet8', 'tcp', '2222')
        self.says('Total port forwardings: 0\n', 'listPortForwardings',
                  'vmnet8')

    def test_forwardings_of_nat_networks_only(self):
        self.assertEqual(255, self.vmrun('listPortForwardings',
                                         'vmnet1').rc)

    @base.fakes_only
    def test_forwarding_needs_root(self):
        self.knobs['HOST_ROOT'] = '0'
        result = self.vmrun('setPortForwarding', 'vmnet8', 'tcp', '2222',
                            '172.16.41.130', '22')
        self.assertEqual(255, result.rc)


class AdaptersTest(base.ContractCase):

    @base.product('fusion')
    def test_adapters_listed(self):
        machine = self.make_vm(disk=False, ethernet0__present='TRUE',
                               ethernet0__connectionType='nat')
        self.says('Total network adapters: 1\nINDEX  TYPE         VMNET\n'
                  '0      nat          vmnet8\n', 'listNetworkAdapters',
                  machine.vmx)

    @base.product('fusion')
    def test_adapters_none(self):
        machine = self.make_vm(disk=False)
        self.says('Total network adapters: 0\n', 'listNetworkAdapters',
                  machine.vmx)

    @base.product('fusion')
    def test_adapters_add_set_delete(self):
        machine = self.make_vm(disk=False)
        self.done('addNetworkAdapter', machine.vmx, 'nat')
        self.assertEqual(('TRUE', 'nat'), (
            machine.get('ethernet0.present'),
            machine.get('ethernet0.connectionType')))
        self.done('setNetworkAdapter', machine.vmx, '0', 'custom', 'vmnet1')
        self.assertEqual('vmnet1', machine.get('ethernet0.vnet'))
        self.done('deleteNetworkAdapter', machine.vmx, '0')
        self.assertNotEqual('TRUE', machine.get('ethernet0.present'))

    @base.product('fusion')
    def test_adapters_change_when_running_refused(self):
        machine = self.running_vm(disk=False)
        self.assertEqual(255, self.vmrun('addNetworkAdapter', machine.vmx,
                                         'nat').rc)

    @base.product('fusion')
    def test_adapters_are_in_fusions_help(self):
        self.assertIn('NETWORKADAPTER COMMANDS',
                      self.run_tool('vmrun').out)

    @base.product('ws')
    def test_adapters_are_only_fusions(self):
        machine = self.make_vm(disk=False)
        result = self.vmrun('listNetworkAdapters', machine.vmx)
        self.assertEqual(255, result.rc)
        self.assertIn('Usage: vmrun', result.out)
