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

import os
import types

from nova_vmrun import exception
from nova_vmrun.formats import vmx
from nova_vmrun.host import files
from nova_vmrun.ops import diagnostics
from nova_vmrun.server import disks
from tests.unit import agents
from tests.unit.ops import hosts

VMX = hosts.VMX + """
ethernet0.present = "TRUE"
ethernet0.address = "fa:16:3e:00:00:01"
ethernet0.connectionType = "custom"
ethernet0.vnet = "vmnet8"
scsi0.present = "TRUE"
scsi0:0.present = "TRUE"
scsi0:0.fileName = "root.vmdk"
"""
VIF = types.SimpleNamespace(
    fixed_ips=lambda: [{'address': '10.0.0.5'}, {'address': 'fd00::5'}])


class DiagnosticsTestCase(hosts.TestCase):

    def setUp(self):
        super().setUp()
        self.add_server(vmx=VMX, running=True)
        self.vmrun.tool.guest_address.return_value = '10.0.0.5'
        self.instance = types.SimpleNamespace(
            uuid=hosts.UUID, get_network_info=lambda: [VIF],
            flavor=types.SimpleNamespace(vcpus=3, memory_mb=512))
        self.diagnostics = diagnostics.Diagnostics(
            self.host(), self.servers, self.guest_agents)

    def free(self):
        return self.diagnostics.untyped(self.instance)

    def test_resources_used_by_the_process(self):
        """This very process stands for that of the VM."""
        found = self.free()
        self.assertEqual('running', found['state'])
        self.assertGreater(found['cpu_time'], 10 ** 6)
        self.assertGreater(found['memory-rss'], 1024)
        self.assertGreaterEqual(found['uptime'], 0)

    def test_attached_devices(self):
        found = self.free()
        self.assertEqual(
            (3, 512 * 1024, 'fa:16:3e:00:00:01', 'vmnet8', 'scsi0:0',
             'root.vmdk', False),
            tuple(found[name] for name in (
                'vcpus', 'memory', 'nic0_mac', 'nic0_network', 'disk0_node',
                'disk0_file', 'config_drive')))

    def test_volumes(self):
        volume = disks.volume('6ca404f3-d844-4169-bb96-bc792f37de98',
                              '/volumes/one.vmdk', 1 << 30, 'pvscsi')
        self.disk_lists.add(hosts.UUID, volume)
        keys = self.servers.vmx_files.load(hosts.UUID)
        keys.update({'scsi3:0.present': 'TRUE',
                     'scsi3:0.fileName': volume.path})
        files.write_atomically(self.layout.vmx(hosts.UUID), vmx.dump(keys))
        found = self.free()
        self.assertEqual((volume.path, volume.volume_id),
                         (found['disk1_file'], found['disk1_volume']))
        self.assertNotIn('disk0_volume', found)
        self.assertEqual(
            2, self.diagnostics.typed(self.instance).num_disks)

    def test_typed(self):
        files.write_atomically(
            self.layout.file(hosts.UUID, 'config-drive.iso'), 'iso')
        found = self.diagnostics.typed(self.instance)
        self.assertEqual(
            ('running', 'VMware Workstation', 3, 1, 1, True, 512),
            (found.state, found.hypervisor, found.num_cpus, found.num_nics,
             found.num_disks, found.config_drive,
             found.memory_details.maximum))
        self.assertEqual('fa:16:3e:00:00:01',
                         found.nic_details[0].mac_address)
        self.assertGreater(found.cpu_details[0].time, 0)
        self.assertGreaterEqual(found.disk_details[0].read_bytes, 0)

    def test_a_process_that_is_gone(self):
        files.remove_tree(self.layout.vmx(hosts.UUID) + '.lck')
        found = self.diagnostics.typed(self.instance)
        self.assertIsNone(found.uptime)
        self.assertIsNone(found.memory_details.used)
        self.assertEqual((3, 1), (found.num_cpus, found.num_disks))

    def test_the_address_of_the_guest(self):
        self.assertEqual('10.0.0.5', self.free()['guest_address'])
        self.assertNotIn('Neutron shows', self.log.output)

    def test_an_address_that_neutron_does_not_know(self):
        self.vmrun.tool.guest_address.return_value = '192.168.1.130'
        self.assertEqual('192.168.1.130', self.free()['guest_address'])
        self.assertIn('192.168.1.130 and Neutron shows 10.0.0.5, fd00::5',
                      self.log.output)

    def test_addresses_are_compared_as_addresses(self):
        self.vmrun.tool.guest_address.return_value = 'fd00::a'
        self.instance.get_network_info = lambda: [types.SimpleNamespace(
            fixed_ips=lambda: [{'address': 'FD00:0::A'}])]
        self.assertEqual('fd00::a', self.free()['guest_address'])
        self.assertNotIn('Neutron shows', self.log.output)

    def test_a_guest_whose_tools_seem_not_to_run_yet(self):
        self.vmrun.tool.cached_guest_address.return_value = '10.0.0.5'
        for told in (None, hosts.hung(), exception.ToolsNotRunning('No')):
            self.vmrun.tool.guest_address.side_effect = [told]
            self.assertEqual('10.0.0.5', self.free()['guest_address'])

    def test_known_address_is_not_looked_up(self):
        self.free()
        self.vmrun.tool.cached_guest_address.assert_not_called()

    def test_a_vm_that_ends_meanwhile_is_asked_once(self):
        """What is noted of it is not true any more."""
        self.vmrun.tool.guest_address.side_effect = exception.NotPoweredOn('')
        self.assertIsNone(self.free()['guest_address'])
        self.vmrun.tool.cached_guest_address.assert_not_called()

    def test_address_without_network_info(self):
        self.instance.get_network_info = lambda: None
        self.assertEqual('10.0.0.5', self.free()['guest_address'])

    def test_a_guest_without_tools(self):
        for error in (hosts.hung(), exception.ToolsNotRunning('No Tools.')):
            self.vmrun.tool.guest_address.side_effect = error
            self.vmrun.tool.cached_guest_address.side_effect = error
            self.assertIsNone(self.free()['guest_address'])

    def test_a_guest_with_an_agent(self):
        self.add_agent(agents.Guest(
            guest_get_osinfo={'pretty-name': 'Debian GNU/Linux 13'},
            guest_network_get_interfaces=[{'ip-addresses': [
                {'ip-address': '172.17.0.1'}, {'ip-address': '10.0.0.5'}]}]))
        found = self.free()
        self.assertEqual('Debian GNU/Linux 13', found['guest_os'])
        self.assertEqual(['172.17.0.1', '10.0.0.5'],
                         found['guest_addresses'])
        # The one that Neutron knows, without asking Tools.
        self.assertEqual('10.0.0.5', found['guest_address'])
        self.vmrun.tool.guest_address.assert_not_called()

    def test_an_agent_without_addresses(self):
        self.add_agent(agents.Guest(guest_get_osinfo=ValueError('unknown')))
        found = self.free()
        self.assertIsNone(found['guest_os'])
        self.assertEqual('10.0.0.5', found['guest_address'])

    def test_an_agent_that_does_not_answer(self):
        self.add_agent(agents.Guest()).close()
        found = self.free()
        self.assertNotIn('guest_os', found)
        self.assertEqual('10.0.0.5', found['guest_address'])

    def test_a_server_that_does_not_run_is_not_asked(self):
        """A suspended one still tells the address that it had."""
        self.vmrun.running.clear()
        self.assertEqual('shutdown', self.free()['state'])
        self.vmrun.tool.guest_address.assert_not_called()
        self.vmrun.tool.cached_guest_address.assert_not_called()

    def test_a_server_without_vm(self):
        os.remove(self.layout.vmx(hosts.UUID))
        self.assertRaises(exception.VmNotFound, self.free)
