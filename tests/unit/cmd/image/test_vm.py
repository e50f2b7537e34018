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

from nova_vmrun.cmd.image import vm
from nova_vmrun import exception
from tests.unit import base
from tests.unit.cmd.image import vms


class Base(base.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = self.useFixture(fixtures.TempDir()).path

    def vm(self, **changes):
        return vm.load(vms.write_vm(self.folder, **changes))


class LoadTestCase(Base):

    def test_a_folder(self):
        path = vms.write_vm(self.folder)
        self.assertEqual(path, vm.load(self.folder).path)
        self.assertEqual('web', vm.load(self.folder).name)

    def test_name_of_the_file(self):
        self.assertEqual('web', self.vm(displayName=None).name)

    def test_a_folder_of_several(self):
        vms.write_vm(self.folder)
        vms.write_vm(self.folder, 'other.vmx')
        error = self.assertRaises(exception.InvalidVmx, vm.load, self.folder)
        self.assertIn('2 .vmx files', error.details)

    def test_malformed(self):
        path = os.path.join(self.folder, 'a.vmx')
        with open(path, 'w') as file:
            file.write('a b\n')
        error = self.assertRaises(exception.InvalidVmx, vm.load, path)
        self.assertIn(path, error.brief)


class BootDiskTestCase(Base):

    second = {'scsi0:1.present': 'TRUE', 'scsi0:1.fileName': 'data.vmdk'}
    other_bus = {'sata0:0.present': 'TRUE', 'sata0:0.fileName': 'data.vmdk'}

    def chosen(self, node=None, **changes):
        found = vm.boot_disk(self.vm(**changes), node)
        return found.node, found.file, found.bus

    def test_the_only_one(self):
        self.assertEqual(('scsi0:0', 'web.vmdk', 'pvscsi'), self.chosen())

    def test_the_first_of_its_bus(self):
        self.assertEqual('web.vmdk', self.chosen(**self.second)[1])

    def test_units_are_numbers(self):
        changes = {'scsi0:0.fileName': None, 'scsi0:10.present': 'TRUE',
                   'scsi0:10.fileName': 'data.vmdk',
                   'scsi0:2.present': 'TRUE', 'scsi0:2.fileName': 'b.vmdk'}
        self.assertEqual('b.vmdk', self.chosen(**changes)[1])

    def test_the_one_that_the_bios_takes(self):
        self.assertEqual('data.vmdk', self.chosen(
            **self.second, **{'bios.hddOrder': 'scsi0:1,scsi0:0'})[1])

    def test_the_one_that_the_user_takes(self):
        self.assertEqual(('sata0:0', 'data.vmdk', 'sata'),
                         self.chosen('sata0:0', **self.other_bus))

    def test_disks_on_several_buses_are_ambiguous(self):
        error = self.assertRaises(exception.InvalidVmx, self.chosen,
                                  **self.other_bus)
        self.assertIn('sata0:0', error.details)
        self.assertIn('--disk', error.resolution)

    def test_no_such_disk(self):
        for node, changes in (('scsi0:5', {}),
                              (None, {'scsi0:0.present': 'FALSE'})):
            error = self.assertRaises(exception.InvalidVmx, self.chosen,
                                      node, **changes)
            self.assertTrue(error.resolution)


class OwnerTestCase(Base):

    def test_a_disk_of_a_vm(self):
        vms.write_vm(self.folder, 'a.vmx',
                     **{'scsi0:0.fileName': 'other.vmdk'})
        path = vms.write_vm(self.folder)
        with open(os.path.join(self.folder, '0.vmx'), 'w') as file:
            file.write('no .vmx')
        found, disk = vm.find_owner(os.path.join(self.folder, 'web.vmdk'))
        self.assertEqual((path, 'pvscsi'), (found.path, disk.bus))

    def test_disk_without_a_vm(self):
        vms.write_vm(self.folder)
        self.assertIsNone(vm.find_owner(
            os.path.join(self.folder, 'other.vmdk')))


class OwnDiskTestCase(Base):

    def setUp(self):
        super().setUp()
        self.elsewhere = self.useFixture(fixtures.TempDir()).path
        for folder in (self.folder, self.elsewhere):
            with open(os.path.join(folder, 'web.vmdk'), 'wb') as file:
                file.write(b'disk')

    def path(self, name):
        found = self.vm(**{'scsi0:0.fileName': name})
        return vm.own_disk(found, vm.boot_disk(found))

    def refused(self, name, text):
        error = self.assertRaises(exception.InvalidVmx, self.path, name)
        self.assertIn('web.vmx', error.brief)
        self.assertIn(text, error.details)
        self.assertTrue(error.resolution)

    def test_by_name_and_by_path(self):
        path = os.path.join(self.folder, 'web.vmdk')
        for name in ('web.vmdk', path):
            self.assertEqual(path, self.path(name))

    def test_in_another_folder(self):
        os.mkdir(os.path.join(self.folder, 'disks'))
        os.symlink(self.elsewhere, os.path.join(self.folder, 'link'))
        for name in (os.path.join(self.elsewhere, 'web.vmdk'),
                     '../web.vmdk', 'disks/web.vmdk', 'link/web.vmdk'):
            self.refused(name, 'not in its folder')

    def test_a_symbolic_link(self):
        os.symlink(os.path.join(self.elsewhere, 'web.vmdk'),
                   os.path.join(self.folder, 'a.vmdk'))
        self.refused('a.vmdk', 'not a plain file')

    def test_missing(self):
        self.refused('gone.vmdk', 'missing')

    def test_a_folder_by_another_name(self):
        """The user may come by a symbolic link of his own."""
        vms.write_vm(self.folder, **{'scsi0:0.fileName': os.path.join(
            self.folder, 'web.vmdk')})
        link = os.path.join(self.elsewhere, 'link')
        os.symlink(self.folder, link)
        found = vm.load(link)
        self.assertEqual(os.path.join(link, 'web.vmdk'),
                         vm.own_disk(found, vm.boot_disk(found)))
