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

import fixtures
from nova import objects
from oslo_utils.fixture import uuidsentinel as uuids

from nova_vmrun import exception
from nova_vmrun.ops import consoles
from nova_vmrun.ops import destroy
from nova_vmrun.ops.evacuation import evacuation
from nova_vmrun.ops.evacuation import examination
from nova_vmrun.ops.nova import evacuations
from nova_vmrun.ops.nova import mappings
from nova_vmrun.ops.power import power
from nova_vmrun.ops import reconcile
from nova_vmrun.ops import rescue
from nova_vmrun.server import activity
from nova_vmrun.server import disks
from nova_vmrun.server import records as records_module
from nova_vmrun.server import use_locks
from nova_vmrun.server import vm_process
from nova_vmrun.storage import server_folders
from tests.unit import locks
from tests.unit.ops import hosts

UUID = hosts.UUID
THEIRS = 'their-node'


class EvacuationTestCase(hosts.TestCase):

    def setUp(self):
        super().setUp()
        self.theirs = records_module.Records(self.layout, THEIRS)
        self.theirs.create(UUID, 'instance-1', disks=[])
        with open(self.layout.vmx(UUID), 'w') as file:
            file.write(hosts.VMX)
        self.examination = mock.create_autospec(examination.Examination,
                                                instance=True)
        self.examination.keeps_disks.return_value = True
        self.examination.locks.return_value = []
        self.examination.second_of.return_value = None
        self.examination.disk_folders.return_value = []
        self.examination.machine_ids.return_value = set()
        self.examination.has_remains.return_value = False
        self.examination.former.side_effect = (
            lambda _context, _instance, record: record.compute_id)
        self.examination.adoptable.side_effect = lambda *_: (
            self.records.of_any_node(UUID))
        self.reconciler = mock.create_autospec(reconcile.Reconciler,
                                               instance=True)
        self.consoles = mock.create_autospec(consoles.Consoles, instance=True)
        self.consoles.port_for_new_server.return_value.__enter__ = (
            lambda _self: 5907)
        self.power = mock.create_autospec(power.Power, instance=True)
        self.rescue = mock.create_autospec(rescue.Rescue, instance=True)
        self.destroyer = mock.create_autospec(destroy.Destroyer,
                                              instance=True)
        self.evacuation = evacuation.Evacuation(
            self.servers, self.examination, self.reconciler, self.consoles,
            self.power, self.rescue, self.destroyer)
        self.instance = objects.Instance(uuid=UUID, host='there')
        for target, name, function in (
                (mappings, 'volumes', lambda *_: []),
                (evacuations, 'host_of', lambda *_: 'there'),
                (evacuations, 'is_fenced', lambda *_: self.is_fenced),
                (evacuations, 'involving', self.involving),
                (evacuations, 'gone_from', self.gone_from),
                (evacuations, 'end_interrupted', self.end_interrupted),
                (evacuations, 'acknowledge', self.acknowledge)):
            patcher = mock.patch.object(target, name, function)
            patcher.start()
            self.addCleanup(patcher.stop)
        self.scans = self.useFixture(fixtures.MockPatchObject(
            vm_process, 'vmx_paths', side_effect=lambda: set(
                self.vmrun.running))).mock
        self.useFixture(fixtures.MockPatchObject(activity, 'SECONDS', 0))
        self.is_fenced = False
        # Evacuated from or to this host.
        self.moved = {UUID}
        # Those that Nova has elsewhere.
        self.gone = {UUID}
        self.questions = []
        self.acknowledged = None

    def involving(self, _context, host):
        self.questions.append(host)
        return [objects.Migration(instance_uuid=uuid) for uuid in self.moved]

    def end_interrupted(self, _context, host):
        self.questions.append('end ' + host)

    def acknowledge(self, _context, host, moves, alive, is_starting):
        self.acknowledged = (host, alive, is_starting)

    def gone_from(self, _context, host, uuids, is_starting=False):
        self.questions += filter(None, [uuids])
        return self.gone & uuids

    def look(self, is_starting=False):
        self.evacuation.stop_adopted(None, 'here', is_starting)

    def adopt(self):
        self.evacuation.adopt(None, self.instance, [], None)

    def owner(self):
        return self.records.of_any_node(UUID).compute_id

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
