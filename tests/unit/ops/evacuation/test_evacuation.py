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
from unittest import mock


from nova_vmrun import exception
from nova_vmrun.server import use_locks
from nova_vmrun.storage import server_folders
from tests.unit import locks
from tests.unit.ops.evacuation import base

UUID, THEIRS = base.UUID, base.THEIRS


class EvacuationTestCase(base.TestCase):

    def test_the_decision_is_remembered_until_the_start(self):
        self.assertTrue(self.evacuation.examine(None, self.instance))
        self.assertTrue(self.evacuation.keeps_disks(UUID))
        self.adopt()
        self.assertFalse(self.evacuation.keeps_disks(UUID))

    def test_a_refusal_forgets_an_earlier_decision(self):
        self.evacuation.examine(None, self.instance)
        self.examination.keeps_disks.side_effect = exception.FileInUse('No.')
        self.assertRaises(exception.FileInUse, self.evacuation.examine, None,
                          self.instance)
        self.assertFalse(self.evacuation.keeps_disks(UUID))

    def test_a_server_that_could_not_be_reached_stays_where_it_is(self):
        self.reconciler.check_addresses.side_effect = (
            exception.InvalidConfiguration('The address is outside.'))
        self.assertRaises(exception.InvalidConfiguration, self.adopt)
        self.reconciler.check_addresses.assert_called_once_with([])
        self.assertEqual(THEIRS, self.owner())
        self.assertEqual([], self.power.method_calls)

    def test_the_record_changes_hands_and_the_vm_starts(self):
        self.adopt()
        record = self.records.get(UUID)
        self.assertEqual((THEIRS, 5907), (record.adopted_from,
                                          record.vnc_port))
        self.assertIsNone(self.theirs.get(UUID))
        self.power.on.assert_called_once_with(
            UUID, self.reconciler.rebooter.return_value)

    def test_its_folders_in_storage_folders_name_the_new_owner(self):
        folder = server_folders.new_path(self.layout.root, UUID)
        server_folders.create(folder, THEIRS)
        self.examination.disk_folders.return_value = [folder]
        self.adopt()
        self.assertEqual('this-node', server_folders.owner(folder))

    def test_a_rescue_that_nova_does_not_know_ends(self):
        self.adopt()
        self.rescue.end_forgotten.assert_called_once_with(self.instance)

    def test_a_failed_start_gives_it_to_the_host_that_nova_has_it_on(self):
        """A second host had taken it, and failed before Nova knew."""
        self.examination.former.side_effect = lambda *_: 'first-node'
        self.power.on.side_effect = exception.ToolRefused('No.')
        self.assertRaises(exception.ToolRefused, self.adopt)
        self.assertEqual('first-node', self.owner())

    def make_way(self):
        self.evacuation.make_way(None, self.instance, None)

    def test_what_an_interrupted_evacuation_has_built_is_removed(self):
        self.examination.has_remains.return_value = True
        self.make_way()
        self.assertEqual([mock.call.stop(UUID), mock.call.remove(UUID)],
                         self.destroyer.method_calls)

    def test_nothing_is_removed_for_any_other_server(self):
        self.make_way()
        self.destroyer.remove.assert_not_called()

    def test_a_server_that_the_other_host_works_on(self):
        with use_locks.UseLocks(self.layout).shared(UUID):
            self.assertRaises(exception.ServerInUse, self.adopt)
        self.assertEqual(THEIRS, self.owner())

    def test_locks_of_a_fenced_host_are_removed(self):
        member = os.path.join(locks.lock(os.path.join(
            self.layout.folder(UUID), 'root.vmdk')), 'M12345.lck')
        self.examination.locks.return_value = [member]
        self.adopt()
        self.assertFalse(os.path.exists(member))

    def test_locks_beside_volumes_are_removed_before_a_build(self):
        path = os.path.join(self.layout.root, 'volume.vmdk')
        self.examination.locks.return_value = [
            os.path.join(locks.lock(path), 'M12345.lck')]
        self.evacuation.make_way(None, self.instance, None)
        self.assertFalse(os.path.exists(path + '.lck'))
        self.assertEqual(THEIRS, self.owner())

    def test_a_lock_beside_a_volume_that_has_come_since(self):
        path = os.path.join(self.layout.root, 'volume.vmdk')
        self.examination.locks.return_value = [
            os.path.join(locks.lock(path), 'M12345.lck')]
        self.examination.require_fenced.side_effect = exception.FileInUse('x')
        self.assertRaises(exception.FileInUse, self.evacuation.make_way,
                          None, self.instance, None)
        self.assertTrue(os.path.exists(path + '.lck'))

    def test_a_lock_that_has_come_since(self):
        member = os.path.join(locks.lock(os.path.join(
            self.layout.folder(UUID), 'root.vmdk')), 'M12345.lck')
        self.examination.locks.return_value = [member]
        self.examination.require_fenced.side_effect = exception.FileInUse('x')
        self.assertRaises(exception.FileInUse, self.adopt)
        self.assertTrue(os.path.exists(member))
        self.assertEqual(THEIRS, self.owner())

    def test_a_folder_that_is_gone_since(self):
        self.examination.adoptable.side_effect = [None]
        self.assertRaises(exception.VmNotFound, self.adopt)

    def test_a_start_that_fails_gives_the_server_back(self):
        self.power.on.side_effect = exception.ToolRefused('Broken.')
        self.assertRaises(exception.ToolRefused, self.adopt)
        self.assertEqual(THEIRS, self.owner())
        self.assertIsNone(self.records.of_any_node(UUID).adopted_from)
        self.destroyer.stop.assert_called_once_with(UUID)

    def test_a_vm_that_may_run_is_not_given_back(self):
        self.power.on.side_effect = exception.ToolTimeout('Hangs.')
        self.destroyer.stop.side_effect = exception.StateUnknown('Unknown.')
        self.assertRaises(exception.ToolTimeout, self.adopt)
        self.assertIsNotNone(self.records.get(UUID))

    def test_an_adoption_is_repeated(self):
        self.adopt()
        self.consoles.port_for_new_server.reset_mock()
        self.adopt()
        self.assertEqual(THEIRS, self.records.get(UUID).adopted_from)
        self.consoles.port_for_new_server.assert_not_called()
