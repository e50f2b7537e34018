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

import json
import os

import fixtures
from nova import exception as nova_exception

from nova_vmrun import exception
from nova_vmrun.host import files
from tests.unit.ops import hosts
from tests.unit.ops.resize import resizes

UUID, GIB, HERE, THERE = (resizes.UUID, resizes.GIB, resizes.HERE,
                          resizes.THERE)


class FailureTestCase(resizes.TestCase):

    def fail(self, host=HERE, **options):
        return self.assertRaises(nova_exception.InstanceFaultRollback,
                                 self.migrate, host, root_gb=2, **options)

    def test_the_server_runs_again(self):
        self.make(running=True)
        self.tool.grow.side_effect = exception.DiskFull('It is full.')
        self.assertIn('It is full.', str(self.fail().inner_exception))
        self.assertEqual([''], self.folders())
        self.assertTrue(self.is_running())
        self.assertTrue(self.is_written())

    def test_a_stopped_server_stays_stopped(self):
        self.make()
        self.tool.grow.side_effect = OSError(28, 'No space left on device')
        error = self.fail(present={'vm_state': 'stopped'})
        self.assertIn('No space left', str(error.inner_exception))
        self.assertFalse(self.is_running())

    def test_the_transfer_breaks(self):
        self.make(running=True)
        self.other_host.send.side_effect = exception.ToolRefused('Broken.')
        self.other_host.discard.side_effect = exception.ToolRefused('Down.')
        self.fail(THERE)
        self.other_host.discard.assert_called_once_with(THERE, UUID)
        self.assertEqual([''], self.folders())
        self.assertTrue(self.is_running())

    def test_a_disk_that_is_written_to_while_it_is_copied(self):
        """A confirm would remove the good one."""
        self.make()
        plain = self.tool.grow.side_effect

        def grow(disk, *, size_mb):
            plain(disk, size_mb=size_mb)
            with open(self.layout.file(UUID, 'root.vmdk'), 'ab') as file:
                file.write(b'the last words of the guest')

        self.tool.grow.side_effect = grow
        error = self.fail(present={'vm_state': 'stopped'})
        self.assertIn('written to', str(error.inner_exception))
        self.assertEqual([''], self.folders())

    def test_a_vm_that_does_not_end_is_not_copied(self):
        self.make()
        self.useFixture(fixtures.MockPatch(
            'nova_vmrun.server.vm_process.wait_until_released',
            return_value=False))
        error = self.fail(present={'vm_state': 'stopped'})
        self.assertIn('still in use', str(error.inner_exception))
        self.assertFalse(self.qemu_img.convert_chain.called)

    def test_a_server_that_does_not_run_again_is_no_refusal(self):
        """Nova must not treat it as active."""
        self.make(running=True)
        self.tool.grow.side_effect = exception.DiskFull('It is full.')
        self.vmrun.fail('start', hosts.refused(), works=False)
        self.assertRaises(exception.Canceled, self.migrate, root_gb=2)


class LeftoverTestCase(resizes.TestCase):
    """What one resize leaves never replaces what a server wrote since."""

    def stale(self):
        """Leaves the old folder of a resize that nobody confirmed."""
        self.make()
        self.migrate()
        self.finish()
        self.vmrun.running.clear()
        os.remove(self.layout.file(UUID, 'root.vmdk'))
        resizes.vmdks.write(self.layout.file(UUID, 'root.vmdk'),
                            content=resizes.WRITTEN + b' since',
                            sectors=GIB // 512)

    def since(self):
        return b' since' in files.read(self.layout.file(UUID, 'root.vmdk'))

    def test_a_crash_at_the_very_start_of_the_next(self):
        self.stale()
        self.revert(resizes.types.SimpleNamespace(
            uuid='the-next', source_compute='here', dest_compute='here'),
            task_state='resize_migrating')
        self.assertTrue(self.since())

    def test_the_next_removes_it(self):
        self.stale()
        self.migrate()
        self.assertEqual(['_prepared', '_resize'], self.folders())
        self.revert()
        self.assertTrue(self.since())
        # It is not mistaken for a server that a resize has made.
        self.resize.discard(UUID)
        self.assertTrue(self.since())

    def test_a_server_that_no_resize_made_is_not_discarded(self):
        self.make()
        self.resize.discard(UUID)
        self.assertTrue(self.is_written())

    def test_a_hard_reboot_keeps_it(self):
        self.stale()
        self.resize.recover(self.instance())
        self.assertTrue(self.since())

    def test_a_hard_reboot_finds_what_was_not_finished(self):
        self.make()
        self.migrate(root_gb=2)
        self.resize.recover(self.instance())
        self.assertTrue(self.is_written())
        self.assertEqual(GIB, self.size())

    def test_a_hard_reboot_finds_what_was_sent_here(self):
        self.make()
        os.rename(self.layout.folder(UUID), self.layout.prepared(UUID))
        os.remove(os.path.join(self.layout.prepared(UUID), 'nova.json'))
        self.resize.recover(self.instance())
        self.assertTrue(self.is_written())
        self.assertIsNotNone(self.records.get(UUID))

    def test_nothing_is_found(self):
        self.assertRaises(exception.VmNotFound, self.resize.recover,
                          self.instance())

    def test_the_folders_of_another_node_stay(self):
        self.make()
        self.migrate()
        record = os.path.join(self.layout.kept(UUID), 'nova.json')
        facts = dict(json.loads(files.read(record)), compute_id='another')
        files.write_atomically(record, json.dumps(facts))
        self.destroy.remove(UUID)
        self.revert(power_on=False)
        self.assertEqual(['_resize'], self.folders())
