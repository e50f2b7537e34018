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

"""Unit tests for what happens to each disk of a server that is resized."""

import os

from nova_vmrun import exception
from nova_vmrun.host import files
from nova_vmrun.machine import attached
from nova_vmrun.ops.resize import resize_plan
from nova_vmrun.server import disks
from tests.unit.ops import hosts
from tests.unit.ops.resize import resizes
from tests.unit import vmdks

UUID, GIB, MIB = resizes.UUID, resizes.GIB, 1 << 20
_SNAPSHOTS = """.encoding = "UTF-8"
snapshot.numSnapshots = "1"
snapshot0.displayName = "before the upgrade"
snapshot0.numDisks = "0"
"""


class Base(resizes.TestCase):

    def plan(self, present=None, to_other_host=False, can_make_disks=True,
             **wanted):
        return resize_plan.make(
            self.layout, self.disk_lists, self.servers.storage,
            self.instance(**(present or {})),
            resizes.flavor(**wanted), to_other_host, can_make_disks)

    def refused(self, kind, words, *args, **options):
        error = self.assertRaises(kind, self.plan, *args, **options)
        self.assertIn(UUID, error.brief)
        self.assertIn(words, str(error))
        self.assertTrue(error.resolution)

    def attach(self, name, number=5):
        path = self.layout.vmx(UUID)
        files.write_atomically(path, files.read(path) + (
            resizes.DISK % {'number': number, 'name': name}).encode())

    def names(self, plan):
        return ([disk.listed.name for disk in plan.kept],
                [copy.listed.name for copy in plan.copied],
                [disk.name for disk in plan.blank],
                [disk.listed.name for disk in plan.removed])


class SameHostTestCase(Base):

    def test_nothing_changes(self):
        self.make(['root', 'ephemeral0', 'swap'])
        plan = self.plan({'ephemeral_gb': 1, 'swap': 512},
                         ephemeral_gb=1, swap=512)
        self.assertEqual((['root', 'ephemeral0', 'swap'], [], [], []),
                         self.names(plan))
        self.assertEqual((UUID, 'pvscsi', 0, set()),
                         (plan.uuid, plan.bus, plan.copied_bytes,
                          plan.left_out))
        self.assertEqual(
            [('root', GIB), ('ephemeral0', GIB), ('swap', GIB),
             ('config-drive', None)],
            [(disk.name, disk.size) for disk in plan.listed])

    def test_disk_as_it_is(self):
        self.make()
        (disk,) = self.plan().kept
        root = self.layout.file(UUID, 'root.vmdk')
        base = os.path.join(self.layout.cache, 'disk.vmdk')
        self.assertEqual(
            ((root, base), GIB, 'lsilogic', 'scsi0:0'),
            (disk.chain, disk.capacity, disk.adapter, disk.attached.node))
        self.assertEqual(sum(os.stat(path).st_blocks * 512
                             for path in (root, base)), disk.content)

    def test_disks_that_grow(self):
        self.make(['root', 'ephemeral0'])
        plan = self.plan({'ephemeral_gb': 1}, root_gb=3, ephemeral_gb=2)
        self.assertEqual(([], ['root', 'ephemeral0'], [], []),
                         self.names(plan))
        self.assertEqual([3 * 1024, 2 * 1024],
                         [copy.size_mb for copy in plan.copied])
        self.assertEqual([3 * GIB, 2 * GIB, None],
                         [disk.size for disk in plan.listed])
        self.assertEqual(
            sum(copy.disk.content for copy in plan.copied) +
            5 * GIB // 8192, plan.copied_bytes)
        self.assertEqual(
            {self.layout.file(UUID, 'root.vmdk'),
             self.layout.file(UUID, 'ephemeral0.vmdk'),
             os.path.join(self.layout.cache, 'disk.vmdk')}, plan.left_out)

    def test_disk_that_already_has_the_size(self):
        self.make()
        self.assertEqual(['root'], self.names(
            self.plan({'root_gb': 0}, root_gb=1))[0])

    def test_new_ephemeral_disk(self):
        self.make()
        plan = self.plan(ephemeral_gb=2)
        self.assertEqual((['root'], [], ['ephemeral0'], []),
                         self.names(plan))
        self.assertEqual((2 * GIB, 'pvscsi'),
                         (plan.blank[0].size, plan.blank[0].bus))

    def test_ephemeral_disks_whose_sizes_the_user_chose(self):
        for names, present in (
                (['root', 'ephemeral0', 'ephemeral1'], 2),
                (['root', 'ephemeral0'], 2)):
            self.make(names)
            plan = self.plan({'ephemeral_gb': present}, ephemeral_gb=5)
            self.assertEqual((names, [], [], []), self.names(plan))
            files.remove_tree(self.layout.folder(UUID))

    def test_flavor_without_disks_keeps_those_there_are(self):
        self.make(['root', 'ephemeral0'])
        self.assertEqual((['root', 'ephemeral0'], [], [], []),
                         self.names(self.plan()))

    def test_new_swap_disk(self):
        self.make()
        plan = self.plan(swap=256)
        self.assertEqual((['root'], [], ['swap'], []), self.names(plan))
        self.assertEqual(256 * MIB, plan.blank[0].size)

    def test_swap_disk_of_another_size(self):
        self.make(['root', 'swap'])
        plan = self.plan({'swap': 1024}, swap=256)
        self.assertEqual((['root'], [], ['swap'], ['swap']),
                         self.names(plan))
        self.assertEqual({self.layout.file(UUID, 'swap.vmdk')},
                         plan.left_out)

    def test_flavor_without_swap(self):
        self.make(['root', 'swap'])
        plan = self.plan({'swap': 1024})
        self.assertEqual((['root'], [], [], ['swap']), self.names(plan))
        self.assertEqual(['root', 'config-drive'],
                         [disk.name for disk in plan.listed])

    def test_disk_of_somebody_else_stays_in_the_record(self):
        self.make()
        volume = disks.Disk(
            'volume', os.path.join(self.layout.root, 'volume.vmdk'),
            disks.Origin.DRIVE_IMAGE, deleted_with_server=False)
        self.disk_lists.add(UUID, volume)
        self.assertIn(volume, self.plan(root_gb=2).others)

    def test_listed_disk_that_is_not_attached_stays_in_the_record(self):
        self.make(['root', 'swap'])
        path = self.layout.vmx(UUID)
        self.disk_lists.get(UUID)
        files.write_atomically(path, files.read(path).replace(
            b'swap.vmdk', b'other.vmdk'))
        self.assertEqual(['swap', 'config-drive'],
                         [disk.name for disk in self.plan().others])


class VolumesTestCase(Base):

    def add_volume(self, is_boot=False):
        volume = disks.volume(
            hosts.OTHER, os.path.join(self.layout.root, 'volume.vmdk'), GIB,
            'lsilogic', 'scsi3:0', is_boot)
        self.disk_lists.add(UUID, volume)
        return volume

    def boot_from_volume(self):
        self.make(['root', 'ephemeral0', 'swap'])
        root = self.disk_lists.find(UUID, disks.Origin.ROOT)
        self.disk_lists.remove(UUID, root)
        os.remove(self.layout.file(UUID, root.path))
        return self.add_volume(is_boot=True)

    def test_they_stay_where_they_are(self):
        self.make()
        volume = self.add_volume()
        plan = self.plan(root_gb=2)
        self.assertEqual(([], ['root'], [], []), self.names(plan))
        self.assertEqual([volume], [disk for disk in plan.listed
                                    if disk.volume_id])

    def test_a_server_without_a_root_disk(self):
        volume = self.boot_from_volume()
        for root_gb in (0, 1, 5):
            plan = self.plan({'ephemeral_gb': 1, 'swap': 512},
                             root_gb=root_gb, ephemeral_gb=2, swap=64)
            self.assertEqual(([], ['ephemeral0'], ['swap'], ['swap']),
                             self.names(plan))
            self.assertEqual((volume, 'lsilogic'),
                             (plan.listed[0], plan.bus))

    def test_neither_goes_to_another_host(self):
        self.make()
        self.add_volume()
        self.refused(exception.NotSupported, hosts.OTHER, to_other_host=True)
        self.boot_from_volume()
        self.refused(exception.NotSupported, hosts.OTHER, to_other_host=True)


class OtherHostTestCase(Base):

    def test_disks_with_a_base_become_files_of_their_own(self):
        self.make(['root', 'ephemeral0'])
        plan = self.plan({'ephemeral_gb': 1}, to_other_host=True,
                         ephemeral_gb=1)
        self.assertEqual((['ephemeral0'], ['root'], [], []),
                         self.names(plan))
        self.assertIsNone(plan.copied[0].size_mb)
        self.assertEqual(plan.copied[0].disk.content, plan.copied_bytes)
        self.assertEqual([GIB, GIB, None],
                         [disk.size for disk in plan.listed])

    def test_disk_that_a_snapshot_has_renamed(self):
        self.make(['root', 'ephemeral0'])
        self.disk_lists.get(UUID)
        path = self.layout.vmx(UUID)
        files.write_atomically(path, files.read(path).replace(
            b'ephemeral0.vmdk', b'ephemeral0-000002.vmdk'))
        os.rename(self.layout.file(UUID, 'ephemeral0.vmdk'),
                  self.layout.file(UUID, 'ephemeral0-000002.vmdk'))
        options = {'present': {'ephemeral_gb': 1}, 'ephemeral_gb': 1}
        self.assertEqual(['root', 'ephemeral0'], self.names(
            self.plan(to_other_host=True, **options))[1])
        # Here it keeps its name.
        self.assertEqual((), self.plan(**options).copied)

    def test_missing_disks_do_not_move(self):
        self.make(['root', 'swap'])
        self.disk_lists.get(UUID)
        path = self.layout.vmx(UUID)
        files.write_atomically(path, files.read(path).replace(
            b'scsi0:1.present = "TRUE"', b'scsi0:1.present = "FALSE"'))
        self.assertEqual(
            ['config-drive'],
            [disk.name for disk in self.plan(to_other_host=True).others])


class RefusedTestCase(Base):

    def setUp(self):
        super().setUp()
        self.make()

    def test_smaller_flavor(self):
        for present in ({'root_gb': 2}, {'ephemeral_gb': 1}):
            self.refused(exception.InvalidInput, 'its disks cannot shrink',
                         present)

    def test_disk_larger_than_the_flavor(self):
        vmdks.write(self.layout.file(UUID, 'root.vmdk'),
                    sectors=3 * GIB // 512)
        self.refused(exception.InvalidInput, 'root disk cannot shrink',
                     {'root_gb': 0}, root_gb=2)
        self.plan({'root_gb': 0}, root_gb=3)

    def test_no_tool_for_larger_or_new_disks(self):
        for wanted in ({'root_gb': 2}, {'swap': 512}, {'ephemeral_gb': 1}):
            self.refused(exception.InvalidConfiguration, 'vdiskmanager_path',
                         can_make_disks=False, **wanted)
        self.plan(can_make_disks=False)

    def test_root_disk_that_is_not_attached(self):
        self.disk_lists.get(UUID)
        path = self.layout.vmx(UUID)
        files.write_atomically(path, files.read(path).replace(
            b'root.vmdk', b'other.vmdk'))
        self.refused(exception.VmIncomplete, 'is not in its .vmx')

    def test_foreign_disks_cannot_move(self):
        self.attach('mine')
        self.refused(exception.NotSupported, 'mine.vmdk', to_other_host=True)
        self.plan(root_gb=2)

    def test_disks_outside_the_folder_cannot_move(self):
        path = os.path.join(self.layout.root, 'volume.vmdk')
        self.disk_lists.add(UUID, disks.Disk(
            'volume', path, disks.Origin.DRIVE_IMAGE,
            deleted_with_server=False))
        self.refused(exception.NotSupported, path, to_other_host=True)

    def test_snapshots_would_lose_their_disks(self):
        self.write(UUID + '.vmsd', _SNAPSHOTS)
        for options in ({'root_gb': 2}, {'to_other_host': True}):
            self.refused(exception.HasSnapshots, 'before the upgrade',
                         **options)
        # Nothing is copied or removed.
        self.plan(swap=256)
        self.plan()

    def test_list_of_no_snapshots(self):
        self.write(UUID + '.vmsd', _SNAPSHOTS.splitlines()[0] + '\n')
        self.plan(root_gb=2)

    def test_snapshots_would_lose_a_removed_swap_disk(self):
        files.remove_tree(self.layout.folder(UUID))
        self.make(['root', 'swap'])
        self.write(UUID + '.vmsd', _SNAPSHOTS)
        self.refused(exception.HasSnapshots, 'before the upgrade',
                     {'swap': 1024})


class ContentTestCase(Base):

    def test_never_more_than_the_disk_and_its_tables(self):
        self.make()
        path = self.layout.file(UUID, 'root.vmdk')
        capacity = 64 * 1024
        disk = resize_plan.Disk(
            disks.root(capacity, 'ide'),
            attached.Attached('ide0:0', 'root.vmdk', 'ide'), (path,),
            capacity)
        with open(path, 'ab') as file:
            file.write(b'x' * 4 * capacity)
        self.assertGreater(os.stat(path).st_blocks * 512, capacity)
        self.assertEqual((capacity + capacity // 8192, 'ide'),
                         (disk.content, disk.adapter))
