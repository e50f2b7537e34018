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

"""Unit tests for the folder of a server as it is after its resize."""

import os
import stat

import fixtures

from nova_vmrun import exception
from nova_vmrun.formats import vmx
from nova_vmrun.host import files
from nova_vmrun.ops.resize import migration_files
from nova_vmrun.ops.resize import resize_plan
from nova_vmrun.server import disks
from nova_vmrun.storage import linked
from tests.unit.ops.resize import resizes

UUID, GIB, MIB = resizes.UUID, resizes.GIB, 1 << 20


class Base(resizes.TestCase):

    def setUp(self):
        super().setUp()
        self.files = self.make_files(self.tool)

    def make_files(self, disk_manager):
        return migration_files.MigrationFiles(
            self.layout, self.disk_lists, self.servers.storage, self.qemu_img,
            disk_manager)

    def plan(self, present=None, to_other_host=False, **wanted):
        return resize_plan.make(
            self.layout, self.disk_lists, self.servers.storage,
            self.instance(**(present or {})),
            resizes.flavor(**wanted), to_other_host, True)

    def prepare(self, present=None, to_other_host=False, **wanted):
        self.files.prepare(self.plan(present, to_other_host, **wanted),
                           to_other_host)

    def path(self, name):
        return os.path.join(self.layout.prepared(UUID), name)

    def names(self):
        return set(os.listdir(self.layout.prepared(UUID)))

    def is_same_file(self, name):
        return os.path.samefile(self.layout.file(UUID, name),
                                self.path(name))


class PrepareTestCase(Base):

    def test_folder_is_private_and_complete_when_it_has_its_name(self):
        self.make(['root', 'swap'])
        self.prepare({'swap': 1024}, swap=1024)
        status = os.stat(self.layout.prepared(UUID))
        self.assertEqual(0o700, stat.S_IMODE(status.st_mode))
        self.assertEqual(['', '_prepared'], self.folders())
        self.assertEqual(
            {'nova.json', UUID + '.vmx', UUID + '.nvram', 'root.vmdk',
             'swap.vmdk', 'config-drive.iso'}, self.names())

    def test_disks_and_cds_are_linked_and_the_rest_is_copied(self):
        self.make(['root', 'swap'])
        for name in ('root-Snapshot1.vmsn', 'memory.vmem', 'vmware.LOG.txt'):
            self.write(name, 'content')
        self.prepare({'swap': 1024}, swap=1024)
        for name, is_linked in (
                ('root.vmdk', True), ('swap.vmdk', True),
                ('config-drive.iso', True), ('root-Snapshot1.vmsn', True),
                ('memory.vmem', True), (UUID + '.vmx', False),
                (UUID + '.nvram', False), ('nova.json', False)):
            self.assertEqual(is_linked, self.is_same_file(name), name)

    def test_mode_of_a_copy(self):
        self.make()
        os.chmod(self.layout.file(UUID, UUID + '.nvram'), 0o640)
        self.prepare()
        self.assertEqual(0o640, stat.S_IMODE(os.stat(
            self.path(UUID + '.nvram')).st_mode))

    def test_files_of_a_running_vm_stay_behind(self):
        self.make()
        for name in ('vmware-1.log', '.hidden', 'paused.json',
                     'allocations.json', 'migration.json', 'disks.json'):
            self.write(name, 'content')
        os.mkdir(self.layout.file(UUID, 'folder'))
        os.symlink('/etc/passwd', self.layout.file(UUID, 'link'))
        left_behind = {os.path.basename(path) for path in (
            self.layout.paused(UUID), self.layout.allocations(UUID),
            self.layout.migration(self.layout.folder(UUID)),
            self.layout.disk_list(self.layout.folder(UUID)))}
        for name in left_behind:
            self.write(name, 'content')
        self.prepare()
        self.assertEqual(set(), self.names() & (left_behind | {
            'vmware-1.log', '.hidden', 'folder', 'link'}))

    def test_unlisted_disks_go_along_on_this_host(self):
        self.make()
        for name in ('root-000001.VMDK', 'mine.vmdk'):
            self.write(name, 'a disk')
        self.prepare()
        self.assertTrue(self.is_same_file('root-000001.VMDK'))
        self.assertTrue(self.is_same_file('mine.vmdk'))

    def test_disk_with_a_base_is_flattened(self):
        self.make()
        self.prepare(root_gb=3)
        self.qemu_img.convert_chain.assert_called_once_with(
            (self.layout.file(UUID, 'root.vmdk'),
             os.path.join(self.layout.cache, 'disk.vmdk')), 'lsilogic',
            os.path.join(self.layout.preparing(UUID), 'root.vmdk'),
            subformat='monolithicSparse')
        root = self.path('root.vmdk')
        self.assertEqual(3 * GIB, linked.read_header(root).capacity)
        self.assertEqual(0o600, stat.S_IMODE(os.stat(root).st_mode))
        self.assertTrue(self.is_written(self.layout.prepared(UUID)))
        self.assertEqual(GIB, self.size())

    def test_disk_of_one_file_is_copied(self):
        self.make(['root', 'ephemeral0'])
        self.prepare({'ephemeral_gb': 1}, ephemeral_gb=2)
        self.assertFalse(self.qemu_img.convert_chain.called)
        path = self.path('ephemeral0.vmdk')
        self.assertEqual(2 * GIB, linked.read_header(path).capacity)
        self.assertIn(b'ephemeral0', files.read(path))
        self.assertTrue(self.is_same_file('root.vmdk'))

    def test_new_disks(self):
        self.make(['root', 'swap'])
        self.prepare({'swap': 1024}, ephemeral_gb=2, swap=256)
        self.assertEqual(
            [(os.path.join(self.layout.preparing(UUID), name + '.vmdk'),
              size_mb, 'lsilogic')
             for name, size_mb in (('ephemeral0', 2048), ('swap', 256))],
            [(call.args[0], call.kwargs['size_mb'], call.kwargs['adapter'])
             for call in self.tool.create.call_args_list])
        self.assertFalse(self.is_same_file('swap.vmdk'))

    def test_vmx_names_the_copies(self):
        self.make()
        self.disk_lists.get(UUID)
        path = self.layout.vmx(UUID)
        files.write_atomically(path, files.read(path).replace(
            b'root.vmdk', b'root-000002.vmdk'))
        os.rename(self.layout.file(UUID, 'root.vmdk'),
                  self.layout.file(UUID, 'root-000002.vmdk'))
        self.prepare(root_gb=2)
        keys = vmx.load(files.read(self.path(UUID + '.vmx')))
        self.assertEqual('root.vmdk', keys['scsi0:0.fileName'])
        self.assertNotIn('root-000002.vmdk', self.names())
        self.assertIn(b'root-000002.vmdk', files.read(path))

    def test_disk_list_comes_before_the_disks(self):
        self.make()
        listed = []

        def grow(disk, *, size_mb):
            listed.append(files.read(os.path.join(
                self.layout.preparing(UUID), 'nova.json')))
            self.grow(disk, size_mb=size_mb)

        self.tool.grow.side_effect = grow
        self.prepare(root_gb=3)
        self.assertIn(str(3 * GIB).encode(), listed[0])

    def test_earlier_attempt_is_removed(self):
        self.make()
        for folder in (self.layout.preparing(UUID),
                       self.layout.prepared(UUID)):
            os.mkdir(folder)
            files.write_atomically(os.path.join(folder, 'old'), b'')
        self.prepare()
        self.assertNotIn('old', self.names())

    def test_content_is_on_the_disk_before_the_name(self):
        self.make()
        order = []
        self.useFixture(fixtures.MockPatch(
            'os.fsync', lambda number: order.append(
                os.readlink('/proc/self/fd/%d' % number))))
        rename = os.rename

        def renamed(old, new):
            if new == self.layout.prepared(UUID):
                order.append(new)
            rename(old, new)

        self.useFixture(fixtures.MockPatch('os.rename', renamed))
        # Nothing else flushes what a tool has written.
        self.prepare(root_gb=2)
        place = order.index(self.layout.prepared(UUID))
        part = self.layout.preparing(UUID)
        self.assertLessEqual(
            {part, *(os.path.join(part, name) for name in self.names())},
            set(order[:place]))
        self.assertEqual([self.layout.root], order[place + 1:])

    def test_host_without_the_tool(self):
        self.make()
        self.make_files(None).prepare(self.plan(), False)
        self.assertTrue(self.is_same_file('root.vmdk'))


class OtherHostTestCase(Base):

    def test_list_goes_along_and_the_record_stays(self):
        self.make(['root', 'ephemeral0'])
        self.write('mine-flat.VMDK', 'an extent')
        self.prepare({'ephemeral_gb': 1}, to_other_host=True, ephemeral_gb=1)
        self.assertEqual(
            {'disks.json', UUID + '.vmx', UUID + '.nvram', 'root.vmdk',
             'ephemeral0.vmdk', 'config-drive.iso'}, self.names())
        self.assertTrue(self.is_same_file('ephemeral0.vmdk'))
        self.assertFalse(self.is_same_file('root.vmdk'))
        self.assertFalse(self.tool.grow.called)

    def test_bytes_that_it_needs_there(self):
        self.make(['root', 'ephemeral0'])
        plan = self.plan({'ephemeral_gb': 1}, to_other_host=True,
                         ephemeral_gb=1)
        others = sum(os.path.getsize(self.layout.file(UUID, name))
                     for name in ('config-drive.iso', UUID + '.nvram',
                                  UUID + '.vmx'))
        self.assertEqual(plan.copied_bytes + plan.kept[0].content + others,
                         self.files.needed_elsewhere(plan))


class SpaceTestCase(Base):

    def setUp(self):
        super().setUp()
        self.make()
        self.usage = self.useFixture(fixtures.MockPatch(
            'shutil.disk_usage')).mock

    def test_copies_need_space(self):
        plan = self.plan(root_gb=2)
        self.usage.return_value.free = 512 * MIB + plan.copied_bytes
        self.files.require_space(plan, False)
        self.usage.return_value.free -= 1
        error = self.assertRaises(exception.DiskFull,
                                  self.files.require_space, plan, False)
        self.assertIn(UUID, error.brief)

    def test_links_need_none(self):
        self.usage.return_value.free = 0
        self.files.require_space(self.plan(), False)


class DiscardTestCase(Base):

    def test_only_what_was_prepared(self):
        self.make()
        self.prepare()
        os.mkdir(self.layout.preparing(UUID))
        self.files.discard(UUID)
        self.files.discard(UUID)
        self.assertEqual([''], self.folders())
        self.assertEqual(['root', 'config-drive'],
                         [disk.name for disk in self.disk_lists.get(UUID)])
        self.assertIs(disks.Origin.ROOT,
                      self.disk_lists.get(UUID)[0].origin)
