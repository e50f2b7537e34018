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

import dataclasses
import json
import os
import shutil
import stat

import fixtures
from nova import exception as nova_exception
import testscenarios

from nova_vmrun import exception
from nova_vmrun.formats import vmx
from nova_vmrun.host import files
from nova_vmrun.ops.resize import moves
from nova_vmrun.server import disks
from nova_vmrun.storage import linked
from tests.unit.ops import hosts
from tests.unit.ops.resize import resizes
from tests.unit.ops import test_networks as networks

UUID, GIB, HERE, THERE = (resizes.UUID, resizes.GIB, resizes.HERE,
                          resizes.THERE)
VMSD = '''.encoding = "UTF-8"
snapshot.numSnapshots = "1"
snapshot0.displayName = "before the upgrade"
snapshot0.numDisks = "0"
'''


class SameHostTestCase(resizes.TestCase):

    def test_disk_that_does_not_grow_is_not_copied(self):
        self.make(running=True)
        root = self.layout.file(UUID, 'root.vmdk')
        disk = os.stat(root).st_ino
        self.migrate()
        self.assertFalse(self.is_running())
        self.assertEqual(['_prepared', '_resize'], self.folders())
        self.finish()
        self.assertEqual(['', '_resize'], self.folders())
        self.assertTrue(self.is_running())
        self.assertEqual(disk, os.stat(root).st_ino)
        self.assertEqual([], self.qemu_img.method_calls)
        self.assertEqual([], self.tool.method_calls)

    def test_files_that_vmware_rewrites_are_copied(self):
        self.make()
        self.migrate()
        self.finish()
        names = os.listdir(self.layout.folder(UUID))
        self.assertNotIn('vmware-0.log', names)
        for name, links in (('nova.json', 1), (UUID + '.nvram', 1),
                            (UUID + '.vmx', 1), ('config-drive.iso', 2)):
            path = os.path.join(self.layout.folder(UUID), name)
            self.assertEqual(links, os.stat(path).st_nlink, name)
        self.assertEqual('64', vmx.load(files.read(os.path.join(
            self.layout.kept(UUID), UUID + '.vmx')))['memsize'])

    def test_a_disk_that_grows_is_a_file_of_its_own(self):
        self.make(['root', 'ephemeral0'])
        self.migrate(present={'ephemeral_gb': 1}, root_gb=3, ephemeral_gb=2)
        self.finish()
        self.assertTrue(self.is_written())
        self.assertEqual([3 * GIB, 2 * GIB],
                         [self.size(), self.size('ephemeral0')])
        root = self.layout.file(UUID, 'root.vmdk')
        self.assertEqual('ffffffff', linked.read_descriptor(root).parent_cid)
        self.assertEqual(0o600, stat.S_IMODE(os.stat(root).st_mode))
        # One had a base, the other had none.
        self.assertEqual(1, self.qemu_img.convert_chain.call_count)
        self.assertEqual(GIB, linked.read_header(os.path.join(
            self.layout.kept(UUID), 'root.vmdk')).capacity)

    def test_new_disks(self):
        self.make(['root', 'swap'])
        self.migrate(present={'swap': 1024}, ephemeral_gb=2, swap=256)
        self.finish()
        self.assertEqual([2 * GIB, 256 << 20],
                         [self.size('ephemeral0'), self.size('swap')])
        self.assertTrue(self.is_written(self.layout.kept(UUID)))

    def test_the_new_folder_has_a_list_of_its_own(self):
        self.make(['root', 'swap'])
        self.migrate(present={'swap': 1024}, root_gb=3, ephemeral_gb=2)
        self.finish()
        self.assertEqual(
            [('root', 3 * GIB), ('ephemeral0', 2 * GIB),
             ('config-drive', None)],
            [(disk.name, disk.size) for disk in self.disk_lists.get(UUID)])
        kept = disks.parse(self.records.kept(UUID).disks)
        self.assertEqual(
            [('root', GIB), ('swap', GIB), ('config-drive', None)],
            [(disk.name, disk.size) for disk in kept])

    def test_the_list_comes_before_the_files(self):
        self.make()
        prepared = []

        def grow(disk, *, size_mb):
            with open(os.path.join(self.layout.preparing(UUID),
                                   'nova.json')) as file:
                prepared.extend(disks.parse(json.load(file)['disks']))
            raise exception.ToolRefused('The power is cut.')

        self.tool.grow.side_effect = grow
        self.assertRaises(nova_exception.InstanceFaultRollback, self.migrate,
                          present={'vm_state': 'stopped'}, root_gb=3)
        self.assertEqual([('root', 3 * GIB), ('config-drive', None)],
                         [(disk.name, disk.size) for disk in prepared])

    def test_a_disk_of_somebody_else_stays_where_it_is(self):
        self.make()
        path = os.path.join(self.layout.root, 'volume.vmdk')
        volume = disks.Disk('volume', path, disks.Origin.DRIVE_IMAGE,
                            deleted_with_server=False)
        self.disk_lists.add(UUID, volume)
        self.migrate(root_gb=3)
        self.finish()
        self.assertIn(volume, self.disk_lists.get(UUID))
        self.assertRaises(nova_exception.InstanceFaultRollback, self.migrate,
                          THERE, present={'root_gb': 3}, root_gb=3)

    def test_a_flavor_without_swap(self):
        self.make(['root', 'swap'])
        self.migrate(present={'swap': 1024})
        self.finish()
        self.assertFalse(os.path.exists(self.layout.file(UUID, 'swap.vmdk')))

    def test_sizes_that_a_user_chose_stay(self):
        self.make(['root', 'ephemeral0', 'ephemeral1'])
        self.migrate(present={'ephemeral_gb': 2}, ephemeral_gb=5)
        self.finish()
        self.assertEqual([GIB, GIB],
                         [self.size('ephemeral0'), self.size('ephemeral1')])

    def test_vmwares_snapshots_go_along_where_no_disk_changes(self):
        self.make()
        self.write('root-000001.vmdk', 'a disk')
        self.write(UUID + '.vmsd', VMSD)
        self.migrate()
        self.finish()
        self.assertLessEqual({'root-000001.vmdk', UUID + '.vmsd'},
                             set(os.listdir(self.layout.folder(UUID))))

    def test_a_disk_that_a_removed_snapshot_has_renamed(self):
        self.make()
        path = self.layout.vmx(UUID)
        files.write_atomically(path, files.read(path).replace(
            b'root.vmdk', b'root-000002.vmdk'))
        os.rename(self.layout.file(UUID, 'root.vmdk'),
                  self.layout.file(UUID, 'root-000002.vmdk'))
        self.migrate(root_gb=2)
        self.finish()
        self.assertTrue(self.is_written())
        self.assertEqual(2 * GIB, self.size())
        self.assertNotIn('root-000002.vmdk',
                         os.listdir(self.layout.folder(UUID)))

    def test_confirmed(self):
        self.make()
        self.migrate()
        self.finish()
        self.resize.confirm(UUID)
        self.assertEqual([''], self.folders())
        self.assertNotIn('migration.json',
                         os.listdir(self.layout.folder(UUID)))
        self.resize.confirm(UUID)

    def test_reverted(self):
        self.make(running=True)
        self.migrate(root_gb=2)
        self.finish()
        self.resize.discard(UUID)
        self.resize.discard(UUID)
        self.assertEqual(['_prepared', '_resize'], self.folders())
        self.assertFalse(self.is_running())
        self.revert()
        self.assertEqual([''], self.folders())
        self.assertTrue(self.is_running())
        self.assertEqual(GIB, self.size())

    def test_a_stopped_server_stays_stopped(self):
        self.make()
        self.migrate()
        self.finish(power_on=False)
        self.resize.discard(UUID)
        self.revert(power_on=False)
        self.assertNotIn('start', self.vmrun.verbs())

    def test_the_memory_of_a_suspended_server_is_dropped(self):
        """After a revert it would be that of another disk."""
        self.make()
        path = self.layout.vmx(UUID)
        files.write_atomically(path, files.read(path) +
                               b'checkpoint.vmState = "memory.vmss"\n')
        self.write('memory.vmss', 'the memory')
        self.migrate()
        self.assertNotIn('memory.vmss', os.listdir(self.layout.kept(UUID)))

    def test_deleted_at_any_moment(self):
        self.make()
        for operation in (self.migrate, self.finish):
            operation()
        self.destroy.remove(UUID)
        self.assertEqual([], self.folders())

    def test_the_old_folder_is_no_server(self):
        self.make()
        self.migrate()
        self.assertEqual([], self.records.all())
        self.assertEqual({5901}, self.records.taken_ports())


class OtherHostTestCase(resizes.TestCase):

    def sent(self):
        """Sends the server; returns the names of the files that went."""
        self.other_host.send.side_effect = lambda *args: names.extend(
            os.listdir(self.layout.prepared(UUID)))
        names = []
        self.migrate(THERE)
        return names

    def test_sent_files_have_no_base_and_no_record(self):
        self.make(['root', 'ephemeral0'], running=True)
        self.assertEqual(
            sorted(['root.vmdk', 'ephemeral0.vmdk', 'config-drive.iso',
                    'disks.json', UUID + '.vmx', UUID + '.nvram']),
            sorted(self.sent()))
        self.assertEqual(1, self.qemu_img.convert_chain.call_count)
        self.assertEqual(['_resize'], self.folders())

    def test_the_disk_list_goes_along_and_becomes_part_of_the_record(self):
        self.make(['root', 'ephemeral0'])
        listed = self.disk_lists.get(UUID)
        sent = self.layout.prepared(UUID) + '_there'
        self.other_host.send.side_effect = (
            lambda *args: shutil.copytree(self.layout.prepared(UUID), sent))
        self.migrate(THERE)
        shutil.rmtree(self.layout.kept(UUID))
        os.rename(sent, self.layout.prepared(UUID))
        self.finish(resizes.MOVE)
        self.assertEqual(
            [dataclasses.replace(disk, node=None) for disk in listed],
            [dataclasses.replace(disk, node=None)
             for disk in self.disk_lists.get(UUID)])
        self.assertNotIn('disks.json', os.listdir(self.layout.folder(UUID)))

    def test_it_is_asked_before_the_server_is_stopped(self):
        self.make(running=True)
        self.network_info = [networks.port()]
        self.other_host.examine.side_effect = exception.DiskFull('Full.')
        self.assertRaises(nova_exception.InstanceFaultRollback,
                          self.migrate, THERE)
        self.assertEqual([], self.vmrun.verbs())
        self.assertEqual([''], self.folders())
        self.assertEqual(self.network_info,
                         self.other_host.examine.call_args.args[3])

    def test_others_on_its_network_stay(self):
        self.make(running=True)
        self.network_info = [networks.local_port()]
        self.ports.on_networks.side_effect = exception.NotSupported(
            'They stay.', 'details, and more: ' + 'x' * 180, 'Shelve them.')
        error = self.assertRaises(nova_exception.InstanceFaultRollback,
                                  self.migrate, THERE)
        # Nova shows 255 bytes.
        self.assertIn('They stay. Shelve them. details',
                      str(error.inner_exception))
        self.assertEqual([], self.vmrun.verbs())
        self.assertEqual([''], self.folders())
        self.other_host.examine.assert_not_called()
        # A resize on this host needs no port elsewhere.
        self.migrate()

    def test_a_server_that_came(self):
        self.make(running=True)
        self.sent()
        os.rename(self.layout.kept(UUID), self.layout.prepared(UUID))
        os.remove(os.path.join(self.layout.prepared(UUID), 'nova.json'))
        self.finish(resizes.MOVE)
        self.assertEqual([''], self.folders())
        self.assertEqual(5907, self.records.get(UUID).vnc_port)
        self.assertTrue(self.is_running())
        self.resize.discard(UUID)
        self.assertEqual(['_prepared'], self.folders())
        self.resize.recover(self.instance())
        self.assertEqual([''], self.folders())

    def test_nothing_came(self):
        error = self.assertRaises(exception.VmrunError, self.finish,
                                  resizes.MOVE)
        self.assertIn(UUID + '_resize', error.resolution)

    def test_it_comes_back(self):
        self.make(running=True)
        self.sent()
        self.revert(resizes.MOVE)
        self.assertEqual([''], self.folders())
        self.assertTrue(self.is_running())
        self.other_host.discard.assert_called_once_with(THERE, UUID)

    def test_a_crash_leaves_nothing_over_there(self):
        self.make(running=True)
        self.revert(resizes.MOVE, task_state='resize_migrating')
        self.other_host.discard.assert_called_once_with(THERE, UUID)
        self.assertTrue(self.is_running())


class RefusalTestCase(testscenarios.TestWithScenarios, resizes.TestCase):
    """The server goes on as if nothing had been asked."""

    scenarios = [
        ('root shrinks', {'present': {'root_gb': 2}, 'words': 'shrink'}),
        ('root shrinks below what an image had',
         {'present': {'root_gb': 0}, 'sectors': 3 * GIB // 512,
          'words': 'root disk cannot shrink'}),
        ('ephemeral shrinks',
         {'present': {'ephemeral_gb': 2}, 'words': 'shrink'}),
        ('VMware has snapshots',
         {'wanted': {'root_gb': 2}, 'vmsd': VMSD,
          'words': 'before the upgrade'}),
        ('VMware has snapshots, and there is another host',
         {'target': THERE, 'vmsd': VMSD, 'words': 'before the upgrade'}),
        ('a disk of the owner of the host',
         {'target': THERE, 'vmx': resizes.DISK % {'number': 4, 'name': 'mine'},
          'words': 'mine.vmdk'}),
        ('no vdiskmanager',
         {'wanted': {'root_gb': 2}, 'can_make_disks': False,
          'words': 'vdiskmanager_path'}),
        ('no space', {'wanted': {'root_gb': 2}, 'free': 1 << 20,
                      'words': 'has 1 MiB'}),
    ]
    present, wanted, target, vmsd, vmx = {}, {}, HERE, None, ''
    can_make_disks, free, sectors = True, None, None

    def test_refused(self):
        self.make(running=True)
        if self.vmsd:
            self.write(UUID + '.vmsd', self.vmsd)
        if self.sectors:
            resizes.vmdks.write(self.layout.file(UUID, 'root.vmdk'),
                                sectors=self.sectors)
        path = self.layout.vmx(UUID)
        files.write_atomically(path, files.read(path) + self.vmx.encode())
        if self.free:
            self.useFixture(fixtures.MockPatch(
                'shutil.disk_usage')).mock.return_value.free = self.free
        self.resize = self.make_resize(self.power, self.can_make_disks)
        before = sorted(os.listdir(self.layout.folder(UUID)))
        error = self.assertRaises(
            nova_exception.InstanceFaultRollback, self.migrate, self.target,
            self.present, **self.wanted)
        self.assertIsInstance(error.inner_exception,
                              nova_exception.ResizeError)
        self.assertIn(self.words, str(error.inner_exception))
        self.assertEqual([], self.vmrun.verbs())
        self.assertEqual([''], self.folders())
        self.assertEqual(before, sorted(os.listdir(self.layout.folder(UUID))))

    def test_memory_needs_no_space(self):
        self.make()
        self.useFixture(fixtures.MockPatch(
            'shutil.disk_usage')).mock.return_value.free = 0
        self.migrate()


class VolumesTestCase(resizes.TestCase):
    """A running server with a volume, of which its record may not know."""

    INFO = {'block_device_mapping': [{
        'boot_index': None, 'connection_info': {
            'serial': hosts.OTHER, 'driver_volume_type': 'local',
            'data': {'device_path': '/volumes/1'}}}]}

    def setUp(self):
        super().setUp()
        self.make(running=True)

    def migrate(self, destination=None):
        self.resize.migrate(None, self.instance(), destination,
                            resizes.flavor(), 0, self.INFO)

    def test_they_are_attached_anew(self):
        self.volume_updates.disconnect.side_effect = (
            lambda uuid: self.assertFalse(self.is_running()))
        self.migrate()
        self.volume_updates.disconnect.assert_called_once_with(UUID)
        self.resize.finish(None, self.instance(), [], resizes.MIGRATION, True,
                           self.INFO)
        self.resize.revert(None, self.instance(), [], resizes.MIGRATION, True,
                           self.INFO)
        self.assertEqual(
            [self.INFO] * 2, [call.args[3] for call in
                              self.reconciler.rebooter.call_args_list])

    def test_a_failure_starts_the_server_with_them(self):
        self.volume_updates.disconnect.side_effect = OSError(5, 'Broken')
        self.assertRaises(nova_exception.InstanceFaultRollback, self.migrate)
        self.assertTrue(self.is_running())
        self.assertEqual([self.INFO], [
            call.args[3] for call in self.reconciler.starter.call_args_list])

    def test_it_does_not_move(self):
        error = self.assertRaises(
            nova_exception.InstanceFaultRollback, self.migrate,
            moves.Destination('there', THERE))
        self.assertIn(hosts.OTHER, str(error.inner_exception))
        self.assertTrue(self.is_running())
