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

from unittest import mock

import fixtures
from oslo_utils.fixture import uuidsentinel as uuids

from nova_vmrun.ops import left_behind
from nova_vmrun.server import disks
from nova_vmrun.server import records as records_module
from nova_vmrun.server import vm_process
from tests.unit.ops import hosts

UUID, OTHER = hosts.UUID, hosts.OTHER
State = left_behind.State
SAFE = 'only this host can write to its disks'
VOLUMES = 'it uses volumes'
ADOPTED = 'another host has its disks'
UNKNOWN = 'it is unknown who uses its disks'


class LeftBehindTestCase(hosts.TestCase):

    def setUp(self):
        super().setUp()
        self.useFixture(fixtures.MockPatchObject(
            vm_process, 'vmx_paths', side_effect=lambda: set(
                self.vmrun.running)))
        self.left_behind = left_behind.LeftBehind(self.servers,
                                                  self.make_power())

    def stop(self, every=False):
        """Return what has become of each VM, and why it was stopped."""
        return {vm.uuid: (vm.state, vm.reason)
                for vm in self.left_behind.stop(every)}

    def attach_volume(self):
        self.disk_lists.attach_volume(UUID, disks.volume(
            uuids.volume, '/volume.vmdk', 1, 'pvscsi', is_boot=True))

    def test_a_vm_on_a_volume_runs_until_an_operator_decides(self):
        """Nobody can say who uses the volume now."""
        self.add_server(running=True, disks=[])
        self.attach_volume()
        self.assertEqual({UUID: (State.RUNS, VOLUMES)}, self.stop())
        self.assertTrue(self.is_running())
        self.assertEqual({UUID: (State.STOPPED, VOLUMES)},
                         self.stop(every=True))
        self.assertFalse(self.is_running())
        self.assertIsNotNone(self.records.get(UUID))

    def test_a_volume_that_only_a_connector_knows(self):
        self.add_server(running=True)
        with mock.patch.object(self.layout, 'connected_volumes',
                               return_value=['a']):
            self.assertEqual({UUID: (State.RUNS, VOLUMES)}, self.stop())

    def test_a_server_that_another_host_has_adopted_is_stopped(self):
        self.add_server(running=True, disks=[])
        theirs = records_module.Records(self.layout, 'their-node')
        theirs.take_over(theirs.of_any_node(UUID))
        found, = self.left_behind.running()
        self.assertEqual((State.ADOPTED, ADOPTED), (found.state, found.reason))
        self.assertTrue(self.is_running())
        self.assertEqual({UUID: (State.STOPPED, ADOPTED)}, self.stop())
        self.assertFalse(self.is_running())

    def with_a_disk_in_storage(self, **answer):
        self.add_server(running=True, disks=[])
        places = self.servers.storage.second.places
        with mock.patch.object(places, 'every_one',
                               return_value=['/nas/one']), \
                mock.patch.object(places, 'may_write', **answer):
            return self.stop()[UUID]

    def test_a_disk_that_another_host_has(self):
        self.assertEqual((State.STOPPED, ADOPTED),
                         self.with_a_disk_in_storage(return_value=False))

    def test_a_disk_in_a_folder_that_hangs(self):
        self.assertEqual(
            (State.RUNS, UNKNOWN),
            self.with_a_disk_in_storage(side_effect=OSError(116, 'stale')))

    def test_a_disk_that_only_this_host_has(self):
        self.assertEqual((State.RUNS, SAFE),
                         self.with_a_disk_in_storage(return_value=True))

    def test_a_damaged_record(self):
        self.add_server(running=True)
        with open(self.layout.record(UUID), 'w') as file:
            file.write('{')
        self.assertEqual({UUID: (State.RUNS, UNKNOWN)}, self.stop())
        self.assertTrue(self.is_running())
        self.assertEqual({UUID: (State.STOPPED, UNKNOWN)},
                         self.stop(every=True))

    def test_the_disks_of_others_are_safe_from_a_vm_on_own_ones(self):
        """It may have been removed from its cloud by mistake."""
        self.add_server(running=True, disks=[])
        self.assertEqual({UUID: (State.RUNS, SAFE)}, self.stop())
        self.assertTrue(self.is_running())
        self.assertEqual({UUID: (State.STOPPED, SAFE)}, self.stop(every=True))
        self.assertFalse(self.is_running())

    def test_what_is_off_costs_no_program(self):
        self.add_server(disks=[])
        self.attach_volume()
        self.assertEqual({}, self.stop(every=True))
        self.assertEqual([], self.vmrun.tool.method_calls)

    def test_a_server_of_another_node_on_this_machine_goes_on(self):
        """It is named: two hosts may have adopted it since it ran here."""
        self.add_server(running=True)
        for node in ('second', 'third'):
            theirs = records_module.Records(self.layout, node)
            theirs.take_over(theirs.of_any_node(UUID))
        (state, reason), = self.stop(every=True).values()
        self.assertEqual(State.FOREIGN, state)
        self.assertIn('it belongs to another compute node', reason)
        self.assertTrue(self.is_running())

    def test_one_that_does_not_stop_keeps_no_other_running(self):
        self.add_server(running=True)
        self.add_server(OTHER, running=True)
        self.vmrun.fail('stop', hosts.hung(), works=False)
        found = self.left_behind.stop(every=True)
        self.assertEqual([State.FAILED] * 2, [vm.state for vm in found])
        self.assertIn('did not end', found[0].error)

    def test_a_process_that_does_not_end(self):
        self.add_server(running=True)
        self.wait_until_ended.return_value = False
        self.assertEqual({UUID: (State.FAILED, SAFE)}, self.stop(every=True))
