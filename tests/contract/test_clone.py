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

"""clone and deleteVM (1.2, 1.3, 3.5)."""

import os

from tests.contract import base
from tests.contract import vmx

ON = 'The virtual machine should not be powered on. It is already running.'


class CloneCase(base.ContractCase):

    def clone(self, machine, kind, *more):
        """Clone a VM and return the clone."""
        target = vmx.VM(self, self.path('clone'), 'clone')
        self.done('clone', machine.vmx, target.vmx, kind, *more)
        return target

    def disk(self, machine):
        return machine.path(machine.get('scsi0:0.fileName'))

    def descriptor(self, path):
        with open(path, 'rb') as f:
            return f.read(12000).decode('latin-1')


class FullCloneTest(CloneCase):

    def test_full_clone_boots(self):
        target = self.clone(self.make_vm(), 'full')
        self.done('start', target.vmx, 'nogui')

    def test_clone_makes_the_folder(self):
        self.clone(self.make_vm(), 'full')
        self.assertTrue(os.path.isdir(self.path('clone')))

    def test_clone_into_an_existing_folder(self):
        os.mkdir(self.path('clone'))
        self.clone(self.make_vm(), 'full')

    def test_full_clone_disk_name(self):
        target = self.clone(self.make_vm(), 'full')
        self.assertEqual('disk-cl1.vmdk', target.get('scsi0:0.fileName'))

    def test_full_clone_stands_alone(self):
        machine = self.make_vm()
        self.done('snapshot', machine.vmx, 's')
        target = self.clone(machine, 'full')
        self.assertIn('parentCID=ffffffff',
                      self.descriptor(self.disk(target)))

    def test_clone_default_display_name(self):
        target = self.clone(self.make_vm(displayName='my vm'), 'full')
        self.assertEqual('Clone of my vm', target.get('displayName'))

    def test_clone_name_option(self):
        target = self.clone(self.make_vm(), 'full', '-cloneName=other')
        self.assertEqual('other', target.get('displayName'))

    def test_clone_gets_its_own_identity(self):
        machine = self.running_vm(ethernet0__present='TRUE',
                                  ethernet0__connectionType='nat')
        self.done('stop', machine.vmx, 'hard')
        target = self.clone(machine, 'full')
        self.done('start', target.vmx, 'nogui')
        for key in ('uuid.bios', 'ethernet0.generatedAddress'):
            self.assertNotEqual(machine.get(key), target.get(key), key)

    def test_clone_drops_the_suspended_state(self):
        machine = self.make_vm()
        self.done('snapshot', machine.vmx, 's')
        self.done('start', machine.vmx, 'nogui')
        self.done('suspend', machine.vmx)
        target = self.clone(machine, 'linked', '-snapshot=s')
        self.assertFalse(target.get('checkpoint.vmState'))

    def test_clone_gives_a_new_source_its_uuid(self):
        machine = self.make_vm()
        self.clone(machine, 'full')
        self.assertTrue(machine.get('uuid.bios'))

    def test_full_clone_has_no_snapshots(self):
        target = self.clone(self.make_vm(), 'full')
        path = target.path('clone.vmsd')
        self.assertTrue(not os.path.exists(path)
                        or not os.path.getsize(path))

    def test_clone_copies_nvram_but_no_logs(self):
        machine = self.running_vm()
        self.done('stop', machine.vmx, 'hard')
        target = self.clone(machine, 'full')
        self.assertIn('clone.nvram', target.files())
        self.assertNotIn('vmware.log', target.files())

    def test_clone_onto_an_existing_vm(self):
        machine, other = self.make_vm(), self.make_vm('other')
        self.refused('The file already exists', 'clone', machine.vmx,
                     other.vmx, 'full')

    def test_clone_of_running_vm_refused(self):
        machine = self.running_vm()
        self.refused(ON, 'clone', machine.vmx, self.path('c', 'c.vmx'),
                     'full')

    def test_full_clone_of_off_snapshot_while_running_refused(self):
        machine = self.make_vm()
        self.done('snapshot', machine.vmx, 's')
        self.done('start', machine.vmx, 'nogui')
        self.refused(ON, 'clone', machine.vmx, self.path('c', 'c.vmx'),
                     'full', '-snapshot=s')


class LinkedCloneTest(CloneCase):

    def setUp(self):
        super().setUp()
        self.vm = self.make_vm()
        self.done('snapshot', self.vm.vmx, 's')

    @base.sample
    def test_linked_clone_boots(self):
        target = self.clone(self.vm, 'linked', '-snapshot=s')
        self.done('start', target.vmx, 'nogui')

    def test_linked_clone_disk_is_a_child(self):
        target = self.clone(self.vm, 'linked', '-snapshot=s')
        self.assertEqual('disk-cl1.vmdk', target.get('scsi0:0.fileName'))
        text = self.descriptor(self.disk(target))
        hint = text.partition('parentFileNameHint="')[2].partition('"')[0]
        self.assertEqual(self.vm.path('disk.vmdk'), os.path.normpath(
            os.path.join(target.folder, hint)))

    def test_linked_clone_search_path(self):
        target = self.clone(self.vm, 'linked', '-snapshot=s')
        self.assertEqual('.;' + self.vm.folder,
                         target.get('fileSearchPath'))

    def test_linked_clone_is_noted_on_both_sides(self):
        target = self.clone(self.vm, 'linked', '-snapshot=s')
        parent, child = self.vm.vmsd(), target.vmsd()
        self.assertEqual(('1', target.vmx), (
            parent['snapshot0.numclones'], parent['snapshot0.clone0']))
        self.assertEqual(
            (self.vm.vmx, '1', 'disk-cl1.vmdk', '1'),
            (child['cloneof0'], child['numcloneof'], child['sentinel0'],
             child['numsentinels']))

    def test_linked_clone_while_the_parent_runs(self):
        self.done('start', self.vm.vmx, 'nogui')
        target = self.clone(self.vm, 'linked', '-snapshot=s')
        self.done('start', target.vmx, 'nogui')

    def test_linked_clone_of_live_snapshot_refused(self):
        self.done('start', self.vm.vmx, 'nogui')
        self.done('snapshot', self.vm.vmx, 'live')
        self.done('stop', self.vm.vmx, 'hard')
        self.refused(ON, 'clone', self.vm.vmx, self.path('c', 'c.vmx'),
                     'linked', '-snapshot=live')

    def test_full_clone_of_live_snapshot_refused(self):
        self.done('start', self.vm.vmx, 'nogui')
        self.done('snapshot', self.vm.vmx, 'live')
        self.done('stop', self.vm.vmx, 'hard')
        self.refused(ON, 'clone', self.vm.vmx, self.path('c', 'c.vmx'),
                     'full', '-snapshot=live')

    def test_linked_clone_of_missing_snapshot(self):
        result = self.vmrun('clone', self.vm.vmx, self.path('c', 'c.vmx'),
                            'linked', '-snapshot=none')
        self.assertEqual(
            (255, "Error: Invalid snapshot name 'none'\n\n"),
            (result.rc, result.out))

    def test_clone_snapshot_as_two_words(self):
        target = self.clone(self.vm, 'linked', '-snapshot', 's')
        self.assertIn('clone.vmx', target.files())

    def test_clone_snapshot_as_bare_fourth_word(self):
        target = self.clone(self.vm, 'linked', 's')
        self.assertEqual('1', self.vm.vmsd()['snapshot0.numclones'])
        self.assertIn('clone.vmx', target.files())

    def test_linked_clone_with_nothing_changed(self):
        self.refused('The state of the virtual machine has not changed '
                     'since the last snapshot operation', 'clone',
                     self.vm.vmx, self.path('c', 'c.vmx'), 'linked')

    def test_linked_clone_of_current_state_takes_a_snapshot(self):
        machine = self.make_vm('fresh')
        self.clone(machine, 'linked')
        self.assertEqual('1', machine.vmsd()['snapshot.numsnapshots'])

    def test_second_linked_clone_counts_up(self):
        for name in ('a', 'b'):
            self.done('clone', self.vm.vmx, self.path(name, 'c.vmx'),
                      'linked', '-snapshot=s')
        self.assertEqual('2', self.vm.vmsd()['snapshot0.numclones'])


class DeleteVmTest(CloneCase):

    def test_delete_vm_when_off(self):
        machine = self.make_vm()
        self.done('deleteVM', machine.vmx)
        self.assertFalse(os.path.exists(machine.vmx))

    def test_delete_vm_removes_what_is_the_vms(self):
        machine = self.running_vm()
        self.done('snapshot', machine.vmx, 's')
        self.done('stop', machine.vmx, 'hard')
        self.done('deleteVM', machine.vmx)
        self.assertFalse(os.path.exists(machine.folder))

    def test_delete_vm_leaves_what_is_not(self):
        machine = self.make_vm()
        with open(machine.path('notes.txt'), 'w') as f:
            f.write('mine')
        self.done('deleteVM', machine.vmx)
        self.assertEqual(['notes.txt'], machine.files())

    def test_delete_vm_leaves_cd_images(self):
        machine = self.make_vm(sata0__present='TRUE',
                               sata0_colon_1__present='TRUE',
                               sata0_colon_1__deviceType='cdrom-image',
                               sata0_colon_1__fileName='seed.iso')
        with open(machine.path('seed.iso'), 'wb') as f:
            f.write(bytes(2048))
        self.done('deleteVM', machine.vmx)
        self.assertEqual(['seed.iso'], machine.files())

    def test_delete_vm_when_running_refused(self):
        machine = self.running_vm()
        self.refused(ON, 'deleteVM', machine.vmx)
        self.assertTrue(os.path.exists(machine.vmx))

    def test_delete_linked_clone_leaves_the_parent_file(self):
        machine = self.make_vm()
        self.done('snapshot', machine.vmx, 's')
        target = self.clone(machine, 'linked', '-snapshot=s')
        self.done('deleteVM', target.vmx)
        self.assertIn('disk.vmdk', machine.files())
        self.done('start', machine.vmx, 'nogui')

    def test_delete_linked_clone_may_leave_the_count(self):
        machine = self.make_vm()
        self.done('snapshot', machine.vmx, 's')
        target = self.clone(machine, 'linked', '-snapshot=s')
        self.done('deleteVM', target.vmx)
        self.assertEqual('1', machine.vmsd().get('snapshot0.numclones'))
