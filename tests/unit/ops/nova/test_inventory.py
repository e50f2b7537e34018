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

"""Unit tests for the description of a host for Nova and Placement."""

import types

import fixtures
from oslo_serialization import jsonutils

from nova_vmrun.host import cpu_traits
from nova_vmrun.host import product
from nova_vmrun.ops.nova import inventory
from tests.unit import base

RESOURCES = types.SimpleNamespace(
    vcpus=8, memory_mb=16384, memory_mb_used=4096, disk_gb=100,
    disk_gb_used=40, largest_disk_gb=100, largest_disk_gb_free=60,
    disk_gb_used_by_others=30,
    architecture='x86_64', cpu_info={'arch': 'x86_64'},
    uptime=lambda: 'up 3 days',
    cpu_traits=frozenset(['HW_CPU_X86_AESNI', 'HW_CPU_X86_SHA']))
RATIOS = {'VCPU': 4.0, 'MEMORY_MB': 1.5, 'DISK_GB': 1.0}


class Base(base.TestCase):

    def product(self, kind=product.WORKSTATION, version=(17, 6, 4),
                is_fake=False):
        self.useFixture(fixtures.MockPatch(
            'nova_vmrun.host.product.is_fake', lambda path: is_fake))
        return product.Product(kind, version, '/usr/bin/vmrun', None)


class DescribedTestCase(Base):

    def described(self, **options):
        return inventory.described('node', 'node-uuid',
                                   self.product(**options), RESOURCES)

    def test_host(self):
        found = self.described()
        self.assertEqual({'arch': 'x86_64'},
                         jsonutils.loads(found.pop('cpu_info')))
        self.assertEqual({
            'uuid': 'node-uuid', 'hypervisor_hostname': 'node',
            'hypervisor_type': 'VMware Workstation',
            'hypervisor_version': 17006004, 'vcpus': 8, 'vcpus_used': 0,
            'memory_mb': 16384, 'memory_mb_used': 4096, 'local_gb': 100,
            'local_gb_used': 40, 'disk_available_least': 60,
            'supported_instances': [('x86_64', 'vmware', 'hvm')],
            'numa_topology': None, 'stats': {'uptime': 'up 3 days'}}, found)

    def test_unknown_version(self):
        found = self.described(kind=product.PLAYER, version=None)
        self.assertEqual((0, 'VMware Player'), (
            found['hypervisor_version'], found['hypervisor_type']))

    def test_fakes_are_named_as_such(self):
        self.assertEqual('VMware Workstation (fake)',
                         self.described(is_fake=True)['hypervisor_type'])


class TraitsTestCase(Base):

    def test_traits_of_the_processor(self):
        present, absent = inventory.traits(RESOURCES, self.product())
        self.assertEqual(RESOURCES.cpu_traits, present)
        self.assertEqual(
            (cpu_traits.ALL | {'CUSTOM_VMRUN_FAKE'}) - present, absent)

    def test_fakes_are_marked(self):
        present, absent = inventory.traits(RESOURCES,
                                           self.product(is_fake=True))
        self.assertIn('CUSTOM_VMRUN_FAKE', present)
        self.assertNotIn('CUSTOM_VMRUN_FAKE', absent)


class InventoryTestCase(Base):

    def inventory(self, max_vcpus=16, reserved_gb=2, cpus=1, memory_mb=512):
        conf = types.SimpleNamespace(reserved_host_cpus=cpus,
                                     reserved_host_memory_mb=memory_mb)
        return inventory.of_host(conf, RESOURCES, max_vcpus, reserved_gb,
                                 RATIOS)

    def test_inventory(self):
        self.assertEqual({
            'VCPU': {'total': 8, 'min_unit': 1, 'max_unit': 8, 'step_size': 1,
                     'reserved': 1, 'allocation_ratio': 4.0},
            'MEMORY_MB': {'total': 16384, 'min_unit': 1, 'max_unit': 16384,
                          'step_size': 1, 'reserved': 512,
                          'allocation_ratio': 1.5},
            'DISK_GB': {'total': 100, 'min_unit': 1, 'max_unit': 100,
                        'step_size': 1, 'reserved': 32,
                        'allocation_ratio': 1.0}}, self.inventory())

    def test_one_server_gets_no_more_than_vmware_allows(self):
        self.assertEqual(4, self.inventory(max_vcpus=4)['VCPU']['max_unit'])

    def test_no_more_is_reserved_than_there_is(self):
        found = self.inventory(reserved_gb=71, cpus=9, memory_mb=99999)
        self.assertEqual([8, 16384, 100],
                         [each['reserved'] for each in found.values()])
