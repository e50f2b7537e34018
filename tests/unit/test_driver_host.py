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


from nova.compute import provider_tree
from oslo_serialization import jsonutils

from nova_vmrun import driver
from nova_vmrun import exception
from nova_vmrun.host import product
from nova_vmrun import host_calls
from nova_vmrun.ops.nova import errors
from tests.unit import test_driver

INSTANCE = test_driver.INSTANCE
NODE = test_driver.NODE


class HostTestCase(test_driver.Base):
    """What Nova reads about a host."""

    def test_start(self):
        self.made.assert_called_once_with(host_calls.CONF, 'node-uuid', 'host')

    def test_a_host_that_cannot_be_used_ends_the_start(self):
        self.made.side_effect = exception.InvalidConfiguration('No vmrun.')
        error = self.assertRaises(errors.OperationFailed,
                                  self.driver.init_host, 'host')
        self.assertIn('No vmrun.', str(error))

    def test_capabilities_of_the_product(self):
        for can in (True, False):
            self.parts.has_secure_boot = can
            self.driver.init_host('host')
            self.assertEqual(can,
                             self.driver.capabilities['supports_secure_boot'])
        self.assertFalse(
            driver.VmrunDriver.capabilities['supports_secure_boot'])

    def test_description_of_the_host(self):
        found = self.driver.get_available_resource(NODE)
        self.parts.tell_of_networks.assert_called_once_with()
        self.assertEqual(
            (NODE, 'node-uuid', 'VMware Workstation', 17006004, 60),
            tuple(found[key] for key in (
                'hypervisor_hostname', 'uuid', 'hypervisor_type',
                'hypervisor_version', 'disk_available_least')))
        self.assertEqual([('x86_64', 'vmware', 'hvm')],
                         found['supported_instances'])
        self.assertEqual({'arch': 'x86_64'},
                         jsonutils.loads(found['cpu_info']))

    def inventory(self, **options):
        for name, value in options.items():
            host_calls.CONF.set_override(name, value)
            self.addCleanup(host_calls.CONF.clear_override, name)
        tree = provider_tree.ProviderTree()
        tree.new_root(NODE, 'node-uuid', generation=0)
        self.driver.update_provider_tree(tree, NODE)
        return tree.data(NODE).inventory

    def test_inventory(self):
        inventory = self.inventory(
            reserved_host_cpus=1, reserved_host_memory_mb=512,
            reserved_host_disk_mb=2048, cpu_allocation_ratio=3.0)
        self.assertEqual(
            [(8, 1, 8), (16384, 512, 16384), (100, 32, 100)],
            [(inventory[kind]['total'], inventory[kind]['reserved'],
              inventory[kind]['max_unit'])
             for kind in ('VCPU', 'MEMORY_MB', 'DISK_GB')])
        self.assertEqual(3.0, inventory['VCPU']['allocation_ratio'])

    def test_traits_of_the_processor(self):
        tree = provider_tree.ProviderTree()
        tree.new_root(NODE, 'node-uuid', generation=0)
        tree.add_traits(NODE, 'CUSTOM_FAST', 'HW_CPU_X86_AVX')
        for found in ({'HW_CPU_X86_AESNI'}, {'HW_CPU_X86_SHA'}):
            self.parts.resources.cpu_traits = found
            self.driver.update_provider_tree(tree, NODE)
            self.assertEqual({'CUSTOM_FAST'} | found, tree.data(NODE).traits)
        self.patch(product, 'is_fake', lambda _: True)
        self.driver.update_provider_tree(tree, NODE)
        self.assertIn('CUSTOM_VMRUN_FAKE', tree.data(NODE).traits)
        self.patch(product, 'is_fake', lambda _: False)
        self.driver.update_provider_tree(tree, NODE)
        self.assertNotIn('CUSTOM_VMRUN_FAKE', tree.data(NODE).traits)

    def test_one_server_gets_no_more_than_vmware_allows(self):
        self.parts.resources.vcpus = 64
        self.assertEqual(16, self.inventory()['VCPU']['max_unit'])
