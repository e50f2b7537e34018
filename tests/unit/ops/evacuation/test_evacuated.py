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

"""What a host does that servers were evacuated from, or not quite to."""

import os
from unittest import mock

from nova import objects
from oslo_utils.fixture import uuidsentinel as uuids

from nova_vmrun import exception
from nova_vmrun.server import activity
from nova_vmrun.server import disks
from tests.unit import locks
from tests.unit.ops.evacuation import base

UUID, THEIRS = base.UUID, base.THEIRS


class EvacuatedTestCase(base.TestCase):

    def be_adopted(self):
        """Let this host be the one that has lost the server."""
        self.records.take_over(self.records.of_any_node(UUID))
        self.theirs.take_over(self.theirs.of_any_node(UUID))

    def test_a_server_that_was_not_given_back_is_taken_back(self):
        self.be_adopted()
        self.evacuation.take_back(None, self.instance)
        self.assertIsNotNone(self.records.get(UUID))

    def test_a_server_that_may_run_there_is_not_taken_back(self):
        self.be_adopted()
        locks.lock(os.path.join(self.layout.folder(UUID), 'root.vmdk'),
                   machine='B' * 16, pid=99999999)
        error = self.assertRaises(exception.FileInUse,
                                  self.evacuation.take_back, None,
                                  self.instance)
        self.assertIn('host there', str(error))
        self.assertIn('nova-vmrun node fenced there', str(error))
        self.assertEqual(THEIRS, self.owner())

    def test_a_server_of_a_fenced_host_is_taken_back(self):
        self.be_adopted()
        self.is_fenced = True
        path = os.path.join(self.layout.folder(UUID), 'root.vmdk')
        lock = locks.lock(path, machine='B' * 16, pid=99999999)
        self.evacuation.take_back(None, self.instance)
        self.assertFalse(os.path.exists(lock))
        self.assertIsNotNone(self.records.get(UUID))

    def test_a_fenced_host_that_still_writes(self):
        self.be_adopted()
        self.is_fenced = True
        locks.lock(os.path.join(self.layout.folder(UUID), 'root.vmdk'),
                   machine='B' * 16, pid=99999999)
        with mock.patch.object(activity, 'changing',
                               return_value=['/x/root.vmdk']):
            error = self.assertRaises(exception.FileInUse,
                                      self.evacuation.take_back, None,
                                      self.instance)
        self.assertIn('root.vmdk', str(error))
        self.assertEqual(THEIRS, self.owner())

    def test_a_server_of_another_host_is_not_taken(self):
        self.evacuation.take_back(None, self.instance)
        self.assertEqual(THEIRS, self.owner())

    def test_a_vm_of_an_adopted_server_is_stopped(self):
        self.vmrun.running.add(self.layout.vmx(UUID))
        self.look()
        self.power.cut.assert_called_once_with(UUID)

    def test_one_disk_that_another_host_has_is_enough(self):
        """The storage folder of the other disk hangs."""
        self.stop_with_a_disk_in_storage(return_value=False)
        self.power.cut.assert_called_once_with(UUID)

    def test_a_vm_of_which_it_is_unknown_goes_on(self):
        self.gone = set()
        self.stop_with_a_disk_in_storage(side_effect=OSError(116, 'stale'))
        self.power.cut.assert_not_called()

    def stop_with_a_disk_in_storage(self, **answer):
        """Look once at a server of this host that runs.

        :param answer: to the question whether this host may write to its disk
        """
        self.records.take_over(self.records.of_any_node(UUID))
        self.vmrun.running.add(self.layout.vmx(UUID))
        places = self.servers.storage.second.places
        with mock.patch.object(places, 'there', return_value=['/nas/one']), \
                mock.patch.object(places, 'may_write', **answer):
            self.look()

    def test_a_vm_of_another_node_on_this_machine_goes_on(self):
        self.moved = set()
        self.vmrun.running.add(self.layout.vmx(UUID))
        self.look()
        self.power.cut.assert_not_called()

    def be_partitioned(self, is_running=True, is_on_volume=True):
        """Let this host have a server, and look after it."""
        self.records.take_over(self.records.of_any_node(UUID))
        if is_on_volume:
            self.disk_lists.attach_volume(UUID, disks.volume(
                uuids.volume, '/volume.vmdk', 1, 'pvscsi', is_boot=True))
        if is_running:
            self.vmrun.running.add(self.layout.vmx(UUID))
        self.look()

    def test_a_vm_whose_volume_is_used_elsewhere_is_stopped(self):
        self.be_partitioned()
        self.power.cut.assert_called_once_with(UUID)
        self.assertEqual(['here', {UUID}], self.questions)
        self.destroyer.remove.assert_not_called()
        self.assertIsNotNone(self.records.get(UUID))

    def test_a_server_on_a_volume_costs_one_question(self):
        self.moved = set()
        self.be_partitioned()
        self.power.cut.assert_not_called()
        self.assertEqual(['here'], self.questions)
        # No program runs, either.
        self.assertEqual([], self.vmrun.tool.method_calls)

    def test_a_vm_that_nova_has_here_goes_on(self):
        self.gone = set()
        self.be_partitioned()
        self.power.cut.assert_not_called()

    def test_servers_that_are_off_cost_no_question(self):
        self.be_partitioned(is_running=False)
        self.assertEqual(['here'], self.questions)
        self.assertEqual(('here', set(), False), self.acknowledged)
        self.power.cut.assert_not_called()

    def test_a_vm_that_runs_on_is_not_acknowledged(self):
        self.power.cut.side_effect = exception.ToolTimeout('Hangs.')
        self.be_partitioned()
        self.assertEqual(('here', {UUID}, False), self.acknowledged)

    def test_a_start_ends_what_was_interrupted_first(self):
        self.be_partitioned(is_running=False)
        self.questions.clear()
        self.look(is_starting=True)
        self.assertEqual(['end here', 'here'], self.questions)
        self.assertEqual(('here', set(), True), self.acknowledged)

    def test_a_vm_on_disks_of_its_own_is_stopped_too(self):
        """It has the address of the server that runs elsewhere."""
        self.be_partitioned(is_on_volume=False)
        self.power.cut.assert_called_once_with(UUID)

    def require_here(self):
        self.evacuation.require_here(None, self.instance, 'here')

    def refuse_here(self, *words):
        error = self.assertRaises(exception.FileInUse, self.require_here)
        for word in words:
            self.assertIn(word, str(error))

    def test_files_of_another_host_do_not_start_here(self):
        self.refuse_here('belong to host there')
        self.assertEqual([], self.questions)

    def test_a_server_without_volumes_starts_without_a_question(self):
        self.records.take_over(self.records.of_any_node(UUID))
        self.require_here()
        self.assertEqual([], self.questions)
        self.examination.require_alone.assert_not_called()

    def test_a_server_whose_volumes_are_used_elsewhere_does_not_start(self):
        """The request was in the queue while this host was cut off."""
        self.be_partitioned(is_running=False)
        self.refuse_here('was evacuated')
        self.gone = set()
        self.require_here()

    def test_a_server_that_may_run_elsewhere_does_not_start(self):
        self.be_partitioned(is_running=False)
        self.gone = set()
        self.examination.require_alone.side_effect = exception.FileInUse(
            'May run on third.')
        self.refuse_here('third')

    def test_a_server_without_a_folder_is_not_refused_here(self):
        self.instance = objects.Instance(uuid=uuids.other, host='here')
        self.require_here()

    def test_a_vm_that_does_not_stop_does_not_end_nova_compute(self):
        self.vmrun.running.add(self.layout.vmx(UUID))
        self.power.cut.side_effect = exception.ToolTimeout('Hangs.')
        self.look()

    def test_a_folder_that_is_away_is_no_sign_that_a_vm_has_ended(self):
        self.be_partitioned()
        self.acknowledged = None
        os.remove(self.layout.node('this-node'))
        self.look()
        self.assertIsNone(self.acknowledged)

    def test_a_vm_whose_folder_is_away(self):
        """Its process still has its files open."""
        self.gone = set()
        self.be_partitioned()
        with mock.patch.object(self.layout, 'uuids', return_value=[]):
            self.look()
        self.assertEqual(('here', {UUID}, False), self.acknowledged)

    def test_nothing_more_is_asked_without_evacuations(self):
        self.moved = set()
        self.be_partitioned()
        self.assertEqual(['here'], self.questions)
        self.scans.assert_not_called()
        self.assertIsNone(self.acknowledged)

    def test_a_record_that_cannot_be_read_stops_nothing(self):
        """The file system may not answer for a moment."""
        self.gone = set()
        self.be_partitioned(is_running=False)
        with open(self.layout.record(UUID), 'w') as file:
            file.write('{')
        self.vmrun.running.add(self.layout.vmx(UUID))
        self.look()
        self.power.cut.assert_not_called()

    def test_a_server_that_is_taken_back_meanwhile_goes_on(self):
        self.vmrun.running.add(self.layout.vmx(UUID))

        def listed(_uuids):
            self.records.take_over(self.records.of_any_node(UUID))
            return {UUID}

        with mock.patch.object(self.servers.states, 'listed', listed):
            self.look()
        self.power.cut.assert_not_called()

    def test_an_evacuated_server_is_stopped_and_removed(self):
        self.records.take_over(self.records.of_any_node(UUID))
        self.vmrun.running.add(self.layout.vmx(UUID))
        self.evacuation.leave(UUID, is_done=True)
        self.power.off.assert_called_once_with(UUID)
        self.destroyer.remove.assert_called_once_with(UUID)

    def test_files_stay_while_another_host_takes_over(self):
        self.records.take_over(self.records.of_any_node(UUID))
        self.evacuation.leave(UUID, is_done=False)
        self.destroyer.remove.assert_not_called()

    def test_files_stay_if_a_storage_folder_is_missing(self):
        self.records.take_over(self.records.of_any_node(UUID))
        self.destroyer.remove.side_effect = exception.StorageFolderMissing(
            'Unplugged.')
        self.evacuation.leave(UUID, is_done=True)

    def test_an_adopted_server_is_left_alone(self):
        self.evacuation.leave(UUID, is_done=True)
        self.destroyer.remove.assert_not_called()
        self.power.off.assert_not_called()
