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

"""What users ask for now is refused, what servers were built with is not."""

import types

from nova_vmrun import exception
from nova_vmrun.server import vmx_file
from tests.unit.ops import test_definition

NUMA = {'hw:numa_nodes': '1'}
WATCHDOG = {'image_hw_watchdog_action': 'reset'}


class RefusedTestCase(test_definition.Base):

    def setUp(self):
        super().setUp()
        self.add_folder()
        self.former = test_definition.instance(extra_specs=NUMA, **WATCHDOG)
        self.former.flavor.flavorid = 'former'

    def flavor(self, flavorid, **extra_specs):
        return types.SimpleNamespace(
            vcpus=1, memory_mb=64, flavorid=flavorid,
            extra_specs=extra_specs)

    def test_a_new_server(self):
        error = self.assertRaises(
            exception.InvalidProperty, self.definitions.draft, self.former,
            {})
        self.assertEqual('hw:numa_nodes', error.name)

    def test_one_that_exists_is_written_again(self):
        rewrite = self.definitions.rewriter(self.former, [])
        with vmx_file.VmxFiles(self.layout).opened(
                test_definition.UUID) as file:
            rewrite(file)
        self.assertEqual('2', self.load()['numvcpus'])
        self.definitions.hardware_of(self.former)

    def test_another_flavor(self):
        self.assertRaises(
            exception.InvalidProperty, self.definitions.check, self.former,
            self.flavor('new', **NUMA))
        self.definitions.check(self.former, self.flavor('new'))

    def test_a_migration_keeps_the_flavor(self):
        self.definitions.check(self.former, self.flavor('former', **NUMA))

    def test_log_names_what_the_server_does_not_get(self):
        self.definitions.hardware_of(self.former)
        self.assertIn('hw_watchdog_action, hw:numa_nodes',
                      self.log.output)

    def test_an_older_generation_knows_fewer_guests(self):
        former = test_definition.instance(
            extra_specs={'vmware:hw_version': 'vmx-14'})
        machine = self.definitions.draft(
            former, {'os_distro': 'debian', 'os_version': '12'}).machine
        self.assertEqual((14, 'debian10-64'),
                         (machine.hardware.hw_version, machine.guestos))
        self.assertEqual('flavor vmware:hw_version=vmx-14',
                         machine.hardware.origins['hw_version'])
