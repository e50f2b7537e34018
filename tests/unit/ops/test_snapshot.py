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

import collections
import os
from unittest import mock

import fixtures
from nova.compute import task_states
from oslo_utils import units

from nova_vmrun import exception
from nova_vmrun.host import files
from nova_vmrun.host import product
from nova_vmrun.ops import progress
from nova_vmrun.ops import snapshot
from nova_vmrun.server import disks
from nova_vmrun.server import states
from tests.unit import agents
from tests.unit.ops import hosts
from tests.unit.ops import snapshots
from tests.unit import vmdks

UUID = snapshots.UUID
IMAGE = snapshots.IMAGE
_Usage = collections.namedtuple('_Usage', 'total used free')


class SnapshotTestCase(snapshots.TestCase):

    def test_running(self):
        self.start()
        self.snap()
        self.assertEqual(
            ['clean', task_states.IMAGE_PENDING_UPLOAD, 'snapshot', 'convert',
             'delete', task_states.IMAGE_UPLOADING, 'upload', 'clean'],
            self.steps)
        self.assertEqual(
            [([self.layout.file(UUID, 'root.vmdk'), self.base], 'lsilogic',
              [snapshots.NAME])], self.chains)
        self.assertNoTraces()

    def test_the_guest_is_frozen_until_the_snapshot_is_taken(self):
        self.start()
        self.properties = {'hw_qemu_guest_agent': True}
        guest = agents.Guest(
            guest_fsfreeze_freeze=lambda: self.steps.append('freeze') or 1,
            guest_fsfreeze_thaw=lambda: self.steps.append('thaw') or 1)
        self.add_agent(guest)
        self.snap()
        self.assertEqual(['freeze', 'snapshot', 'thaw', 'convert'],
                         self.steps[2:6])

    def test_it_is_thawed_after_a_snapshot_that_failed(self):
        self.start()
        self.properties = {'hw_qemu_guest_agent': True}
        guest = agents.Guest(guest_fsfreeze_freeze=1)
        self.add_agent(guest)
        self.failing['snapshot'] = hosts.refused()
        self.assertRaises(exception.Canceled, self.snap)
        self.assertEqual('guest-fsfreeze-thaw', guest.commands[-1])

    def test_log_names_the_steps_of_a_live_snapshot(self):
        self.start()
        logger = self.useFixture(fixtures.FakeLogger())
        self.snap()
        lines = [line for line in logger.output.splitlines()
                 if snapshots.NAME in line or 'Copying' in line]
        for line, words in zip(lines, ('the server pauses',
                                       ' took ', 'from 2 files'),
                               strict=True):
            self.assertIn(words, line)

    def test_progress_is_logged(self):
        with mock.patch.object(progress, 'growing',
                               wraps=progress.growing) as growing:
            self.snap()
        self.assertEqual([self.target], [call.args[0] for call in
                                         growing.call_args_list])

    def test_properties_of_the_image(self):
        self.snap()
        context, _instance, image_id, path, properties, obsolete = (
            self.upload.call_args.args)
        self.assertEqual(('context', IMAGE, self.target),
                         (context, image_id, path))
        self.assertEqual(
            {'vmware_disktype': 'streamOptimized', 'hw_firmware_type': 'bios',
             'vmware_adaptertype': 'paraVirtual'}, properties)
        self.assertIn('vix_iso_images', obsolete)

    def check_read_as_it_stands(self, *taken):
        self.snap()
        (chain, _adapter, during), = self.chains
        self.assertEqual((self.layout.file(UUID, 'root.vmdk'), list(taken)),
                         (chain[0], during))
        self.assertFalse(self.vmrun.tool.snapshot.called)
        self.assertNoTraces(*taken)

    def test_off(self):
        self.check_read_as_it_stands()

    def test_a_base_in_the_cache_of_another_prefix(self):
        old = os.path.join(self.layout.root, 'old_base')
        image = os.path.join(old, IMAGE)
        os.makedirs(image)
        os.chmod(old, 0o700)
        for name, content in (('image.json', b'{}'),
                              ('disk-1.vmdk', files.read(self.base))):
            files.write_atomically(os.path.join(image, name), content)
        base = os.path.join(image, 'disk-1.vmdk')
        vmdks.write(self.layout.file(UUID, 'root.vmdk'), cid='00000002',
                    parent_cid='00000001', hint=base)
        self.check_read_as_it_stands()
        self.assertEqual(base, self.chains[0][0][1])
        os.chmod(old, 0o777)
        error = self.assertRaises(exception.InvalidVmdk, self.snap)
        self.assertIn(base, str(error))

    def test_suspended(self):
        self.add_server(vmx=snapshots.VMX + 'checkpoint.vmState = "a.vmss"\n')
        self.check_read_as_it_stands()

    def test_paused(self):
        self.start()
        self.states.mark_paused(UUID)
        self.check_read_as_it_stands()

    def test_paused_by_the_owner_of_the_host(self):
        self.start()
        self.failing['snapshot'] = exception.VmPaused('It is paused.')
        self.snap()
        self.assertEqual(1, len(self.chains))
        self.assertNoTraces()

    def test_snapshots_of_the_owner_of_the_host_stay(self):
        self.save(['mine', 'his nova-vmrun-x'])
        self.start()
        self.snap()
        self.assertNoTraces('mine', 'his nova-vmrun-x')

    def test_remains_of_an_earlier_snapshot_are_removed_first(self):
        self.save(['mine', 'nova-vmrun-x'])
        os.mkdir(self.layout.snapshot_work(UUID))
        self.check_read_as_it_stands('mine')

    def test_a_vmsd_that_vmware_is_just_writing(self):
        self.start()
        read = files.read
        texts = [b'', b'half a li', b'snapshot.numSnapshots = "0"']

        def read_early(path):
            if path == self.layout.vmsd(UUID) and texts and self.taken():
                return texts.pop()
            return read(path)

        with fixtures.MockPatchObject(snapshot, 'files', mock.Mock(
                read=read_early, remove_tree=files.remove_tree)):
            self.snap()
        self.assertEqual(3, len(self.slept))
        self.assertEqual(1, len(self.chains))


class VolumesTestCase(snapshots.TestCase):
    """A running server with a volume."""

    def setUp(self):
        super().setUp()
        volume = disks.volume(hosts.OTHER, '/volumes/1.vmdk', 1, 'pvscsi')
        self.records.change(UUID, disks=disks.dump(
            [disks.root(None, 'pvscsi'), volume]))
        self.start()
        self.vmrun.tool.pause.side_effect = self.step('pause')
        self.vmrun.tool.unpause.side_effect = self.step('unpause')

    def test_it_is_paused_and_gets_no_snapshot(self):
        self.snap()
        self.assertEqual(
            ['clean', task_states.IMAGE_PENDING_UPLOAD, 'pause', 'convert',
             'unpause', task_states.IMAGE_UPLOADING, 'upload', 'clean'],
            self.steps)
        self.assertEqual(states.State.RUNNING, self.states.get(UUID))
        self.assertNoTraces()

    def test_a_copy_that_fails(self):
        self.failing['convert'] = exception.ToolRefused('no')
        self.assertRaises(exception.ToolRefused, self.snap)
        self.assertEqual(states.State.RUNNING, self.states.get(UUID))
        self.assertNoTraces()

    def test_a_pause_that_fails(self):
        self.failing['pause'] = exception.ToolRefused('no')
        self.assertRaises(exception.ToolRefused, self.snap)
        self.assertEqual([], self.chains)
        self.assertNoTraces()

    def test_no_space_is_needed_for_its_memory(self):
        with mock.patch.object(
                self.snapshots, '_require_space',
                wraps=self.snapshots._require_space) as require:
            self.snap()
        self.assertEqual(0, require.call_args.args[2])

    def test_off(self):
        self.vmrun.running.clear()
        self.snap()
        self.assertNotIn('pause', self.steps)


class RefusalTestCase(snapshots.TestCase):

    def check_refused(self, kind, *words):
        error = self.assertRaises(kind, self.snap)
        for word in words:
            self.assertIn(word, str(error))
        self.assertEqual([], self.chains)
        self.assertNoTraces()
        return error

    def check_space(self, free, *words):
        with fixtures.MockPatch('shutil.disk_usage',
                                return_value=_Usage(0, 0, free)):
            self.check_refused(exception.DiskFull, *words)
        self.assertFalse(self.vmrun.tool.snapshot.called)

    def test_no_space_for_the_memory(self):
        self.start()
        self.check_space(570 * units.Mi, UUID, '64 for the memory',
                         '570 MiB', 'stop the server')

    def test_the_same_space_does_without_memory(self):
        with fixtures.MockPatch('shutil.disk_usage', return_value=_Usage(
                0, 0, 570 * units.Mi)):
            self.snap()
        self.assertEqual(1, len(self.chains))

    def test_no_space_for_the_image(self):
        self.check_space(512 * units.Mi, '0 for the memory')

    def test_a_state_that_nobody_knows(self):
        self.vmrun.fail('list', hosts.hung())
        self.check_refused(exception.VmrunError, UUID, 'unknown')

    def test_a_disk_that_is_not_attached(self):
        self.add_server(vmx=hosts.VMX)
        self.check_refused(exception.VmrunError, UUID, '.vmx')

    def test_a_disk_that_leads_elsewhere(self):
        vmdks.write(self.layout.file(UUID, 'root.vmdk'), parent_cid='00000001',
                    hint='/etc/passwd')
        self.check_refused(exception.InvalidVmdk, '/etc/passwd')

    def test_a_server_that_is_not_there(self):
        files.remove_tree(self.layout.folder(UUID))
        self.check_refused(exception.VmNotFound, UUID)


class PlayerTestCase(snapshots.TestCase):

    kind = product.PLAYER

    def test_running(self):
        self.start()
        error = self.assertRaises(exception.NotSupported, self.snap)
        self.assertIn('Stop the server', str(error))
        self.assertEqual([], self.vmrun.verbs())
        self.assertNoTraces()

    def test_off(self):
        self.snap()
        self.assertEqual([], self.vmrun.verbs())
        self.assertEqual(1, len(self.chains))
