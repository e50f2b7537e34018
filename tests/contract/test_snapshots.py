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

"""Snapshots: the commands and their files (1.2, 1.3, 3.4)."""

import os
import time

from tests.contract import base

ON = 'The virtual machine should not be powered on. It is already running.'


class SnapshotCase(base.ContractCase):

    def names(self, machine):
        result = self.vmrun('listSnapshots', machine.vmx)
        self.assertEqual(0, result.rc, result)
        return result.out.splitlines()[1:]

    def chain(self, path):
        """Return the parents' names of a disk, by its descriptors."""
        found = [os.path.basename(path)]
        while True:
            with open(path, 'rb') as f:
                text = f.read(12000).decode('latin-1')
            hint = text.partition('parentFileNameHint="')[2].partition(
                '"')[0]
            if not hint:
                return found
            found.append(os.path.basename(hint))
            path = os.path.join(os.path.dirname(path), hint)

    def current_disk(self, machine):
        return machine.get('scsi0:0.fileName')


class ListSnapshotsTest(SnapshotCase):

    def test_list_snapshots_with_none(self):
        machine = self.make_vm(disk=False)
        self.says('Total snapshots: 0\n', 'listSnapshots', machine.vmx)

    def test_list_snapshots_count_and_names(self):
        machine = self.make_vm()
        for name in ('first', 'with blanks ✓'):
            self.done('snapshot', machine.vmx, name)
        self.says('Total snapshots: 2\nfirst\nwith blanks ✓\n',
                  'listSnapshots', machine.vmx)

    @base.sample
    def test_list_snapshots_tree_by_tabs(self):
        machine = self.make_vm()
        for name in ('a', 'b', 'c'):
            self.done('snapshot', machine.vmx, name)
        self.done('revertToSnapshot', machine.vmx, 'a')
        self.done('snapshot', machine.vmx, 'd')
        self.says('Total snapshots: 4\na\n\tb\n\t\tc\n\td\n',
                  'listSnapshots', machine.vmx, 'showTree')

    def test_list_snapshots_while_running(self):
        machine = self.running_vm(disk=False)
        self.says('Total snapshots: 0\n', 'listSnapshots', machine.vmx)


class TakeTest(SnapshotCase):

    def test_snapshot_when_off(self):
        machine = self.make_vm()
        self.done('snapshot', machine.vmx, 's')
        self.assertEqual(['s'], self.names(machine))
        self.assertFalse(machine.is_listed)

    @base.sample
    def test_snapshot_when_running_keeps_it_running(self):
        machine = self.running_vm()
        self.done('snapshot', machine.vmx, 's')
        self.assertTrue(machine.is_listed)

    def test_snapshot_when_suspended(self):
        machine = self.running_vm()
        self.done('suspend', machine.vmx)
        self.done('snapshot', machine.vmx, 's')
        self.assertEqual('2', machine.vmsd()['snapshot0.type'])
        self.done('start', machine.vmx, 'nogui')

    def test_snapshot_name_exists(self):
        machine = self.make_vm()
        self.done('snapshot', machine.vmx, 's')
        self.refused('A snapshot with the name already exists', 'snapshot',
                     machine.vmx, 's')

    def test_off_snapshot_has_no_memory(self):
        machine = self.make_vm()
        self.done('snapshot', machine.vmx, 's')
        self.assertIn('vm-Snapshot1.vmsn', machine.files())
        self.assertNotIn('vm-Snapshot1.vmem', machine.files())

    def test_live_snapshot_has_memory(self):
        machine = self.running_vm()
        self.done('snapshot', machine.vmx, 's')
        self.assertIn('vm-Snapshot1.vmsn', machine.files())
        self.assertIn('vm-Snapshot1.vmem', machine.files())

    def test_snapshot_moves_the_disk_to_a_delta(self):
        machine = self.make_vm()
        self.done('snapshot', machine.vmx, 's')
        self.assertEqual('disk-000001.vmdk', self.current_disk(machine))
        self.done('snapshot', machine.vmx, 't')
        self.assertEqual('disk-000002.vmdk', self.current_disk(machine))
        self.assertEqual(
            ['disk-000002.vmdk', 'disk-000001.vmdk', 'disk.vmdk'],
            self.chain(machine.path('disk-000002.vmdk')))

    def test_delta_numbers_are_used_again(self):
        machine = self.make_vm()
        self.done('snapshot', machine.vmx, 's')
        self.done('deleteSnapshot', machine.vmx, 's')
        self.done('snapshot', machine.vmx, 't')
        self.assertEqual('disk-000001.vmdk', self.current_disk(machine))

    def test_delta_names_its_parent_and_its_cid(self):
        machine = self.make_vm()
        self.done('snapshot', machine.vmx, 's')
        self.assertEqual(_field(machine.path('disk.vmdk'), 'CID'),
                         _field(machine.path('disk-000001.vmdk'),
                                'parentCID'))

    def test_delta_is_of_the_parents_family(self):
        self.assertEqual('monolithicSparse', self._delta_of('0'))

    def test_delta_of_a_split_disk_is_split(self):
        self.assertEqual('twoGbMaxExtentSparse', self._delta_of('1'))

    def test_delta_of_a_flat_disk_is_sparse(self):
        self.assertEqual('monolithicSparse', self._delta_of('2'))

    def _delta_of(self, kind):
        machine = self.make_vm(disk=False, scsi0__present='TRUE',
                               scsi0_colon_0__present='TRUE',
                               scsi0_colon_0__fileName='disk.vmdk')
        self.vdisk('-c', '-s', '8MB', '-a', 'lsilogic', '-t', kind,
                   machine.path('disk.vmdk'))
        self.done('snapshot', machine.vmx, 's')
        return _field(machine.path('disk-000001.vmdk'), 'createType')

    def test_independent_disks_are_left_out(self):
        machine = self.make_vm(
            scsi0_colon_0__mode='independent-persistent')
        self.done('snapshot', machine.vmx, 's')
        self.assertEqual('disk.vmdk', self.current_disk(machine))

    def test_independent_disks_forbid_live_snapshots(self):
        machine = self.running_vm(
            scsi0_colon_0__mode='independent-persistent')
        self.refused('Failed to take a memory snapshot because the virtual '
                     'machine is configured with independent disks',
                     'snapshot', machine.vmx, 's')

    def test_snapshots_can_be_disabled(self):
        machine = self.make_vm(snapshot__disabled='TRUE')
        self.refused('Snapshots are not allowed on this virtual machine',
                     'snapshot', machine.vmx, 's')


def _field(path, name):
    with open(path, 'rb') as f:
        text = f.read(12000).decode('latin-1')
    for line in text.split('\n'):
        if line.startswith(name + '='):
            return line.partition('=')[2].strip('"\0 ')
    return None


class VmsdTest(SnapshotCase):
    """The .vmsd file (3.4)."""

    def test_vmsd_absent_before_the_first_snapshot(self):
        machine = self.make_vm()
        path = machine.path('vm.vmsd')
        self.assertTrue(not os.path.exists(path)
                        or not os.path.getsize(path))

    def test_vmsd_keys_of_a_snapshot(self):
        machine = self.make_vm()
        before = time.time()
        self.done('snapshot', machine.vmx, 'first')
        found = machine.vmsd()
        self.assertEqual(
            {'.encoding': 'UTF-8', 'snapshot.lastuid': '1',
             'snapshot.current': '1', 'snapshot.numsnapshots': '1',
             'snapshot0.uid': '1',
             'snapshot0.filename': 'vm-Snapshot1.vmsn',
             'snapshot0.displayname': 'first', 'snapshot0.numdisks': '1',
             'snapshot0.disk0.filename': 'disk.vmdk',
             'snapshot0.disk0.node': 'scsi0:0'},
            {key: found.get(key) for key in (
                '.encoding', 'snapshot.lastuid', 'snapshot.current',
                'snapshot.numsnapshots', 'snapshot0.uid',
                'snapshot0.filename', 'snapshot0.displayname',
                'snapshot0.numdisks', 'snapshot0.disk0.filename',
                'snapshot0.disk0.node')})
        high = int(found['snapshot0.createtimehigh'])
        low = int(found['snapshot0.createtimelow']) & 0xffffffff
        created = (high << 32 | low) / 1e6
        self.assertTrue(before - 5 < created < time.time() + 5, created)

    def test_vmsd_parent_and_type(self):
        machine = self.running_vm()
        self.done('snapshot', machine.vmx, 'a')
        self.done('snapshot', machine.vmx, 'b')
        found = machine.vmsd()
        self.assertNotIn('snapshot0.parent', found)
        self.assertEqual('1', found['snapshot1.parent'])
        self.assertEqual('1', found['snapshot1.type'])

    def test_vmsd_off_snapshot_has_no_type(self):
        machine = self.make_vm()
        self.done('snapshot', machine.vmx, 'a')
        self.assertIn(machine.vmsd().get('snapshot0.type', ''), ('', '0'))

    def test_vmsd_uids_are_not_used_again(self):
        machine = self.make_vm()
        for name in ('a', 'b'):
            self.done('snapshot', machine.vmx, name)
        self.done('deleteSnapshot', machine.vmx, 'b')
        self.done('snapshot', machine.vmx, 'c')
        self.assertEqual('3', machine.vmsd()['snapshot1.uid'])

    def test_vmsd_file_order(self):
        machine = self.make_vm()
        self.done('snapshot', machine.vmx, 'a')
        self.done('snapshot', machine.vmx, 'b')
        keys = list(machine.vmsd())
        order = [keys.index(key) for key in (
            'snapshot.lastuid', 'snapshot.current', 'snapshot0.uid',
            'snapshot.numsnapshots', 'snapshot1.uid')]
        self.assertEqual(sorted(order), order)

    def test_vmsd_keeps_what_others_wrote(self):
        machine = self.make_vm()
        self.done('snapshot', machine.vmx, 'a')
        with open(machine.path('vm.vmsd'), 'a') as f:
            f.write('snapshot0.description = "by a client"\n')
        self.done('snapshot', machine.vmx, 'b')
        self.assertEqual('by a client',
                         machine.vmsd()['snapshot0.description'])


class RevertTest(SnapshotCase):

    @base.sample
    def test_revert_to_off_snapshot_leaves_it_off(self):
        machine = self.make_vm()
        self.done('snapshot', machine.vmx, 's')
        self.done('revertToSnapshot', machine.vmx, 's')
        self.assertFalse(machine.is_listed)
        self.assertFalse(machine.get('checkpoint.vmState'))

    def test_revert_to_live_snapshot_leaves_it_suspended(self):
        machine = self.running_vm()
        self.done('snapshot', machine.vmx, 's')
        self.done('stop', machine.vmx, 'hard')
        self.done('revertToSnapshot', machine.vmx, 's')
        self.assertFalse(machine.is_listed)
        self.assertEqual(('vm-Snapshot1.vmsn', 'TRUE'), (
            machine.get('checkpoint.vmState'),
            machine.get('checkpoint.vmState.readOnly')))

    def test_start_after_revert_keeps_the_snapshots_state(self):
        machine = self.running_vm()
        self.done('snapshot', machine.vmx, 's')
        self.done('stop', machine.vmx, 'hard')
        self.done('revertToSnapshot', machine.vmx, 's')
        self.done('start', machine.vmx, 'nogui')
        self.assertTrue(machine.is_listed)
        self.assertIn('vm-Snapshot1.vmsn', machine.files())
        self.assertEqual('', machine.get('checkpoint.vmState') or '')

    def test_revert_when_running_refused(self):
        machine = self.running_vm()
        self.done('snapshot', machine.vmx, 's')
        self.refused('The file is already in use', 'revertToSnapshot',
                     machine.vmx, 's')

    def test_revert_when_suspended_discards_the_suspend(self):
        machine = self.make_vm()
        self.done('snapshot', machine.vmx, 's')
        self.done('start', machine.vmx, 'nogui')
        self.done('suspend', machine.vmx)
        self.done('revertToSnapshot', machine.vmx, 's')
        self.assertEqual([], [name for name in machine.files()
                              if name.endswith('.vmss')])

    def test_revert_brings_the_hardware_back(self):
        machine = self.make_vm()
        self.done('snapshot', machine.vmx, 's')
        machine.set(memsize='128', displayName='other')
        self.done('revertToSnapshot', machine.vmx, 's')
        self.assertEqual(('64', 'vm'), (machine.get('memsize'),
                                        machine.get('displayName')))

    def test_revert_makes_a_new_delta(self):
        machine = self.make_vm()
        self.done('snapshot', machine.vmx, 's')
        self.done('snapshot', machine.vmx, 't')
        self.done('revertToSnapshot', machine.vmx, 's')
        self.assertEqual('1', machine.vmsd()['snapshot.current'])
        self.assertEqual('disk.vmdk', self.chain(machine.path(
            self.current_disk(machine)))[1])

    def test_revert_by_path(self):
        machine = self.make_vm()
        for name in ('a', 'b'):
            self.done('snapshot', machine.vmx, name)
        self.done('revertToSnapshot', machine.vmx, 'a/b')
        self.assertEqual('2', machine.vmsd()['snapshot.current'])

    def test_revert_to_missing_snapshot(self):
        machine = self.make_vm()
        self.refused('The snapshot does not exist', 'revertToSnapshot',
                     machine.vmx, 'none')


class DeleteTest(SnapshotCase):

    @base.sample
    def test_delete_snapshot_when_off(self):
        machine = self.make_vm()
        self.done('snapshot', machine.vmx, 's')
        self.done('deleteSnapshot', machine.vmx, 's')
        self.assertEqual([], self.names(machine))
        self.assertNotIn('vm-Snapshot1.vmsn', machine.files())

    def test_delete_snapshot_when_running(self):
        machine = self.running_vm()
        self.done('snapshot', machine.vmx, 's')
        self.done('deleteSnapshot', machine.vmx, 's')
        self.assertTrue(machine.is_listed)
        self.assertEqual([], self.names(machine))

    def test_delete_snapshot_when_paused(self):
        machine = self.running_vm()
        self.done('snapshot', machine.vmx, 's')
        self.done('pause', machine.vmx)
        self.done('deleteSnapshot', machine.vmx, 's')

    def test_delete_missing_snapshot(self):
        machine = self.make_vm()
        self.refused('The snapshot does not exist', 'deleteSnapshot',
                     machine.vmx, 'none')

    def test_delete_ambiguous_name(self):
        machine = self.make_vm()
        for name in ('a', 'b'):
            self.done('snapshot', machine.vmx, name)
        with open(machine.path('vm.vmsd')) as f:
            text = f.read()
        with open(machine.path('vm.vmsd'), 'w') as f:
            f.write(text.replace('displayName = "b"', 'displayName = "a"'))
        self.refused('The name does not uniquely identify one snapshot',
                     'deleteSnapshot', machine.vmx, 'a')

    def test_delete_moves_children_up(self):
        machine = self.make_vm()
        for name in ('a', 'b', 'c'):
            self.done('snapshot', machine.vmx, name)
        self.done('deleteSnapshot', machine.vmx, 'b')
        self.says('Total snapshots: 2\na\n\tc\n', 'listSnapshots',
                  machine.vmx, 'showTree')

    def test_delete_with_children(self):
        machine = self.make_vm()
        for name in ('a', 'b', 'c'):
            self.done('snapshot', machine.vmx, name)
        self.done('deleteSnapshot', machine.vmx, 'b', 'andDeleteChildren')
        self.assertEqual(['a'], self.names(machine))

    def test_delete_renumbers_but_keeps_uids(self):
        machine = self.make_vm()
        for name in ('a', 'b'):
            self.done('snapshot', machine.vmx, name)
        self.done('deleteSnapshot', machine.vmx, 'a')
        found = machine.vmsd()
        self.assertEqual(('2', '1'), (found['snapshot0.uid'],
                                      found['snapshot.numsnapshots']))

    def test_delete_the_last_leaves_the_base_name(self):
        machine = self.make_vm()
        self.done('snapshot', machine.vmx, 's')
        self.done('deleteSnapshot', machine.vmx, 's')
        self.assertEqual('disk.vmdk', self.current_disk(machine))
        self.assertEqual(['disk.vmdk'], [
            name for name in machine.files() if name.endswith('.vmdk')])

    def test_delete_snapshot_that_has_clones(self):
        machine = self.make_vm()
        self.done('snapshot', machine.vmx, 's')
        self.done('clone', machine.vmx, self.path('c', 'c.vmx'), 'linked',
                  '-snapshot=s')
        result = self.vmrun('deleteSnapshot', machine.vmx, 's')
        self.assertEqual(255, result.rc)
        self.assertEqual(['s'], self.names(machine))
