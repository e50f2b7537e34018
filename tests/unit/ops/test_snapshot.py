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
import types
from unittest import mock

import fixtures
from nova.compute import task_states
from nova import exception as nova_exception
from oslo_utils import units

from nova_vmrun import exception
from nova_vmrun.formats import vmx
from nova_vmrun.host import files
from nova_vmrun.host import product
from nova_vmrun.ops.nova import glance
from nova_vmrun.ops.power import time_limits
from nova_vmrun.ops import progress
from nova_vmrun.ops import snapshot
from nova_vmrun.server import vmx_file
from nova_vmrun.tools import qemu_img
from tests.unit.ops import glances
from tests.unit.ops import hosts
from tests.unit import stubs
from tests.unit import vmdks

UUID, IMAGE = hosts.UUID, glances.IMAGE
NAME = 'nova-vmrun-' + IMAGE
VMX = hosts.VMX + '''
memsize = "64"
guestOS = "debian12-64"
scsi0.virtualDev = "pvscsi"
scsi0:0.present = "TRUE"
scsi0:0.fileName = "root.vmdk"
'''
_Usage = collections.namedtuple('_Usage', 'total used free')


class Killed(BaseException):
    """The power is cut: nothing after this has any effect."""


class Base(hosts.TestCase):
    """A server with a linked disk, and a vmrun that knows snapshots."""

    def setUp(self):
        super().setUp()
        self.base = os.path.join(self.layout.cache, 'disk.vmdk')
        vmdks.write(self.base, cid='00000001')
        self.make()
        self.steps = []
        self.failing = {}
        self.killed = False
        self.chains = []
        self.vmrun.tool.snapshot.side_effect = self.step(
            'snapshot', self.take)
        self.vmrun.tool.delete_snapshot.side_effect = self.step(
            'delete', self.remove)
        self.qemu_img = mock.create_autospec(qemu_img.QemuImg, instance=True)
        self.qemu_img.convert_chain.side_effect = self.step(
            'convert', self.convert)
        self.upload = self.useFixture(fixtures.MockPatchObject(
            glance, 'upload', side_effect=self.step('upload', self.check))
        ).mock
        remove_tree = files.remove_tree
        self.useFixture(fixtures.MockPatchObject(
            files, 'remove_tree', lambda path: self.step(
                'clean', remove_tree)(path)))
        self.restart()

    def make(self):
        self.add_server(vmx=VMX)
        vmdks.write(self.layout.file(UUID, 'root.vmdk'), cid='00000002',
                    parent_cid='00000001', hint=self.base)

    def restart(self):
        self.killed = False
        self.failing = {}
        self.slept = []
        self.snapshots = snapshot.Snapshots(
            self.vmrun.tool, self.qemu_img, self.product, self.states,
            self.layout, self.records, self.disk_lists,
            time_limits.TimeLimits(stubs.conf(),
                                   vmx_file.VmxFiles(self.layout)),
            sleep=self.slept.append)

    def step(self, name, action=lambda *args: None):
        """Returns a function that fails where a test wants it to.

        An error comes instead of the action; a kill comes behind it, the
        first time that the step is reached.
        """
        def run(*args, **options):
            if self.killed:
                raise Killed()
            self.steps.append(name)
            error = self.failing.get(name)
            if isinstance(error, Exception):
                raise error
            result = action(*args)
            if error is Killed:
                self.killed = True
                raise Killed()
            return result
        return run

    # What VMware does

    def taken(self):
        """Returns the names of all snapshots, the oldest first."""
        try:
            keys = vmx.load(files.read(self.layout.vmsd(UUID)))
        except FileNotFoundError:
            return []
        return [value for key, value in keys.items()
                if key.endswith('.displayName')]

    def save(self, names):
        lines = ['snapshot.numSnapshots = "%d"' % len(names)]
        for number, name in enumerate(names):
            prefix = 'snapshot%d.' % number
            lines += [prefix + 'displayName = "%s"' % name,
                      prefix + 'numDisks = "1"',
                      prefix + 'disk0.node = "scsi0:0"',
                      prefix + 'disk0.fileName = "root.vmdk"']
        files.write_atomically(self.layout.vmsd(UUID), '\n'.join(lines))

    def take(self, path, name):
        self.save(self.taken() + [name])

    def remove(self, path, name):
        names = self.taken()
        if name not in names:
            raise exception.SnapshotNotFound('No such snapshot.')
        names.remove(name)
        self.save(names)

    # What QEMU and Glance do

    def convert(self, chain, adapter, target):
        self.chains.append((chain, adapter, self.taken()))
        self.target = target
        vmdks.write(target, create_type='streamOptimized')

    def check(self, *args):
        self.assertNotIn(NAME, self.taken())
        self.assertTrue(os.path.exists(self.target))

    def snap(self):
        instance = types.SimpleNamespace(
            uuid=UUID, system_metadata={'image_os_distro': 'debian'})

        def update(task_state, expected_state=None):
            self.step(task_state)()

        self.snapshots.take('context', instance, IMAGE, update)

    def assertNoTraces(self, *taken):
        self.assertEqual(list(taken), self.taken())
        self.assertFalse(os.path.exists(self.layout.snapshot_work(UUID)))


class SnapshotTestCase(Base):

    def test_running(self):
        self.start()
        self.snap()
        self.assertEqual(
            ['clean', task_states.IMAGE_PENDING_UPLOAD, 'snapshot', 'convert',
             'delete', task_states.IMAGE_UPLOADING, 'upload', 'clean'],
            self.steps)
        self.assertEqual(
            [([self.layout.file(UUID, 'root.vmdk'), self.base], 'lsilogic',
              [NAME])], self.chains)
        self.assertNoTraces()

    def test_the_log_tells_what_the_server_notices(self):
        self.start()
        logger = self.useFixture(fixtures.FakeLogger())
        self.snap()
        lines = [line for line in logger.output.splitlines()
                 if NAME in line or 'Copying' in line]
        for line, words in zip(lines, ('the server stands still',
                                       ' took ', 'from 2 files'),
                               strict=True):
            self.assertIn(words, line)

    def test_the_log_tells_how_far_it_is(self):
        with mock.patch.object(progress, 'growing',
                               wraps=progress.growing) as growing:
            self.snap()
        self.assertEqual([self.target], [call.args[0] for call in
                                         growing.call_args_list])

    def test_what_the_image_is_said_to_be(self):
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
        self.add_server(vmx=VMX + 'checkpoint.vmState = "a.vmss"\n')
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

    def test_what_an_earlier_one_left_goes_first(self):
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


class RefusalTestCase(Base):

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
        self.check_refused(exception.VmrunError, UUID, 'not known')

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


class PlayerTestCase(Base):

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


class FailureTestCase(Base):

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

    def test_neither_does_one_of_novas(self):
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
                self.take(self.layout.vmx(UUID), NAME)

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
        self.assertEqual([NAME], self.taken())
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


class KillTestCase(Base):
    """nova-compute is killed behind a step, and started again."""

    def test_each_step(self):
        self.start()
        for name in ('clean', task_states.IMAGE_PENDING_UPLOAD, 'snapshot',
                     'convert', 'delete', task_states.IMAGE_UPLOADING,
                     'upload'):
            self.restart()
            self.failing[name] = Killed
            self.assertRaises(Killed, self.snap)
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
