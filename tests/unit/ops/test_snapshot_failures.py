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

import fixtures
from nova.compute import task_states
from nova import exception as nova_exception

from nova_vmrun import exception
from nova_vmrun.host import files
from tests.unit.ops import hosts
from tests.unit.ops import snapshots
from tests.unit import vmdks

UUID = snapshots.UUID


class FailureTestCase(snapshots.TestCase):

    def setUp(self):
        super().setUp()
        self.start()

    def fail_in_each_step(self, error):
        for name in ('snapshot', 'convert', 'upload',
                     task_states.IMAGE_PENDING_UPLOAD,
                     task_states.IMAGE_UPLOADING):
            self.restart()
            self.failing[name] = error
            self.assertIs(error, self.assertRaises(type(error), self.snap))
            self.assertNoTraces()
            self.assertTrue(self.is_running())

    def test_an_error_in_each_step_leaves_nothing(self):
        self.fail_in_each_step(exception.DiskFull('The disk is full.'))

    def test_error_of_nova_in_each_step(self):
        self.fail_in_each_step(nova_exception.UnexpectedDeletingTaskStateError(
            instance_uuid=UUID, expected='a', actual='b'))

    def test_a_snapshot_that_hung_and_was_taken(self):
        def take_and_hang(*args, timeout):
            self.take(*args)
            raise hosts.hung()

        self.vmrun.tool.snapshot.side_effect = take_and_hang
        self.assertRaises(exception.ToolTimeout, self.snap)
        self.assertNoTraces()

    def test_a_snapshot_that_vmware_ends_late(self):
        """It cannot be removed before, and must not stay."""
        self.vmrun.tool.snapshot.side_effect = hosts.hung()

        def sleep(seconds):
            self.slept.append(seconds)
            if sum(self.slept) == 30:
                self.take(self.layout.vmx(UUID), snapshots.NAME)

        self.snapshots._sleep = sleep
        self.start()
        self.assertRaises(exception.ToolTimeout, self.snap)
        self.assertEqual(30, sum(self.slept))
        self.assertNoTraces()

    def test_a_snapshot_that_never_ends_is_not_waited_for_long(self):
        self.vmrun.tool.snapshot.side_effect = hosts.hung()
        self.start()
        self.assertRaises(exception.ToolTimeout, self.snap)
        self.assertEqual(60, sum(self.slept))
        self.assertIn('not taken in time', self.log.output)

    def test_a_snapshot_of_much_memory_gets_more_time(self):
        self.start()
        self.snap()
        call = self.vmrun.tool.snapshot.call_args
        # One GiB begun, of 100 s.
        self.assertEqual(700, call[1]['timeout'])

    def test_a_snapshot_that_cannot_be_removed_now(self):
        self.failing['delete'] = hosts.hung()
        self.upload.side_effect = self.step('upload')
        self.snap()
        self.assertIn('upload', self.steps)
        self.assertEqual([snapshots.NAME], self.taken())
        self.restart()
        self.snapshots.finish_interrupted()
        self.assertNoTraces()

    def test_a_removal_that_hung_and_worked(self):
        def remove_and_hang(*args):
            self.remove(*args)
            raise hosts.hung()

        self.vmrun.tool.delete_snapshot.side_effect = remove_and_hang
        with fixtures.FakeLogger() as logger:
            self.snap()
        self.assertNoTraces()
        self.assertNotIn('stays', logger.output)

    def test_a_server_that_is_deleted_meanwhile(self):
        def delete(*args, **options):
            files.remove_tree(self.layout.folder(UUID))

        self.qemu_img.convert_chain.side_effect = delete
        self.assertRaises(exception.VmNotFound, self.snap)
        self.make()
        self.vmrun.tool.snapshot.side_effect = delete
        self.qemu_img.convert_chain.side_effect = self.convert
        self.assertRaises(exception.VmNotFound, self.snap)
        self.assertEqual([], self.chains)

    def test_a_disk_that_is_written_to_while_it_is_read(self):
        def convert(*args):
            self.convert(*args)
            os.utime(self.layout.file(UUID, 'root.vmdk'), ns=(1, 1))

        self.qemu_img.convert_chain.side_effect = convert
        error = self.assertRaises(exception.VmrunError, self.snap)
        self.assertIn(UUID, error.brief)
        self.assertFalse(self.upload.called)
        self.assertNoTraces()

    def test_a_result_of_the_wrong_kind_or_size(self):
        for options in ({'create_type': 'monolithicSparse'},
                        {'create_type': 'streamOptimized', 'sectors': 8}):
            self.qemu_img.convert_chain.side_effect = (
                lambda chain, adapter, target: vmdks.write(target, **options))
            self.assertRaises(exception.InvalidVmdk, self.snap)
        self.assertFalse(self.upload.called)


class KillTestCase(snapshots.TestCase):
    """nova-compute is killed behind a step, and started again."""

    def test_each_step(self):
        self.start()
        for name in ('clean', task_states.IMAGE_PENDING_UPLOAD, 'snapshot',
                     'convert', 'delete', task_states.IMAGE_UPLOADING,
                     'upload'):
            self.restart()
            self.failing[name] = snapshots.Killed
            self.assertRaises(snapshots.Killed, self.snap)
            self.restart()
            self.snapshots.finish_interrupted()
            self.assertNoTraces()
            self.assertTrue(self.is_running())

    def test_one_server_that_resists_does_not_keep_the_others(self):
        self.add_server(hosts.OTHER)
        os.mkdir(self.layout.snapshot_work(hosts.OTHER))
        self.save(['nova-vmrun-x'])
        self.failing['delete'] = hosts.hung()
        with fixtures.FakeLogger() as logger:
            self.snapshots.finish_interrupted()
        self.assertFalse(os.path.exists(
            self.layout.snapshot_work(hosts.OTHER)))
        self.assertIn('nova-vmrun-x', logger.output)

    def test_another_nodes_servers_are_left_alone(self):
        self.records._compute_id = 'another-node'
        os.mkdir(self.layout.snapshot_work(UUID))
        self.snapshots.finish_interrupted()
        self.assertTrue(os.path.exists(self.layout.snapshot_work(UUID)))
