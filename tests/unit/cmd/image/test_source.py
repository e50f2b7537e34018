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

"""Unit tests for what the file is that a user has named."""

import os

import fixtures

from nova_vmrun.cmd.image import source
from nova_vmrun import exception
from nova_vmrun.inspection import sniff
from tests.unit import base
from tests.unit.cmd.image import vms
from tests.unit import images
from tests.unit import vmdks


class Base(base.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = self.useFixture(fixtures.TempDir()).path

    def write(self, name, content):
        path = os.path.join(self.folder, name)
        with open(path, 'wb') as file:
            file.write(content)
        return path


class FileTestCase(Base):

    def test_disk_image(self):
        path = self.write('cirros-0.6.img', images.qcow2())
        self.assertEqual(
            source.Source(path, sniff.GlanceFormat('qcow2'), 'cirros-0.6'),
            source.find(path))

    def test_declared_format(self):
        path = self.write('a.img', bytes(70000))
        self.assertRaises(exception.ImageRefused, source.find, path)
        self.assertEqual(sniff.GlanceFormat('raw'),
                         source.find(path, disk_format='raw').kind)
        # The inspection refuses it later, as the driver would.
        self.assertEqual(sniff.GlanceFormat('qcow2'),
                         source.find(path, disk_format='qcow2').kind)

    def test_declared_format_keeps_the_disk_type(self):
        path = self.write('a-flat.vmdk', images.partitioned())
        self.assertEqual(
            sniff.GlanceFormat('vmdk', 'bare', 'preallocated'),
            source.find(path, disk_format='vmdk').kind)

    def test_missing_file(self):
        error = self.assertRaises(exception.InvalidInput, source.find,
                                  '/nonexistent')
        self.assertIn('/nonexistent does not exist', error.brief)
        self.assertIn(os.getcwd(), error.details)

    def test_disk_is_only_for_vms(self):
        path = self.write('a.img', images.qcow2())
        error = self.assertRaises(exception.InvalidInput, source.find, path,
                                  'scsi0:1')
        self.assertIn('has no disk scsi0:1', error.brief)
        self.assertIn('omit --disk', error.resolution)


class VmTestCase(Base):

    def setUp(self):
        super().setUp()
        self.vmx = vms.write_vm(self.folder, **{
            'scsi0:1.present': 'TRUE', 'scsi0:1.fileName': 'data.vmdk'})
        for name in ('web.vmdk', 'data.vmdk'):
            vmdks.write(os.path.join(self.folder, name))

    def check(self, found, name):
        self.assertEqual(
            (os.path.join(self.folder, name), 'web', self.vmx, self.vmx,
             sniff.GlanceFormat('vmdk')),
            (found.path, found.name, found.vm.path, found.told_by,
             found.kind))
        self.assertEqual(
            ('ubuntu64Guest', 'paraVirtual'),
            tuple(found.properties[key] for key in (
                'vmware_ostype', 'vmware_adaptertype')))

    def test_boot_disk(self):
        for path in (self.vmx, self.folder):
            self.check(source.find(path), 'web.vmdk')

    def test_chosen_disk(self):
        self.check(source.find(self.vmx, 'scsi0:1'), 'data.vmdk')

    def test_disk_beside_its_vm(self):
        for name in ('web.vmdk', 'data.vmdk'):
            self.check(source.find(os.path.join(self.folder, name)), name)

    def test_disk_of_another_vm(self):
        path = os.path.join(self.folder, 'other.vmdk')
        vmdks.write(path)
        found = source.find(path)
        self.assertEqual((None, None, 'other', {}),
                         (found.vm, found.told_by, found.name,
                          found.properties))

    def test_raw_disk_of_a_vm_must_be_declared(self):
        with open(os.path.join(self.folder, 'web.vmdk'), 'wb') as file:
            file.write(bytes(70000))
        self.assertRaises(exception.ImageRefused, source.find, self.vmx)
        self.assertEqual('raw', source.find(
            self.vmx, disk_format='raw').kind.disk_format)

    def test_files_of_a_vmdk(self):
        found = source.find(self.vmx)
        self.assertTrue(found.is_vmdk)
        self.assertEqual([found.path], found.disk().files)

    def test_only_vmdks_have_files(self):
        for name, content in (
                ('a.img', images.qcow2()),
                ('a.ova', images.tar([('a.ovf', images.ovf()),
                                      ('disk.vmdk', vmdks.image())]))):
            self.assertFalse(source.find(self.write(name, content)).is_vmdk)


class OvaTestCase(Base):

    def find(self, *disks, **options):
        text = images.ovf([(disk, disk + '.vmdk', '') for disk in disks],
                          disks)
        self.path = self.write('web.ova', images.tar([
            ('vm.ovf', text),
            *((disk + '.vmdk', vmdks.image()) for disk in disks)]))
        return source.find(self.path, **options)

    def test_ova(self):
        found = self.find('a')
        self.assertEqual(
            (self.path, 'web', self.path, sniff.GlanceFormat('vmdk', 'ova')),
            (found.path, found.name, found.told_by, found.kind))
        self.assertEqual({'vm.ovf', 'a.vmdk'}, set(found.members))
        self.assertNotIn('vmrun_ova_disk', found.properties)
        self.assertEqual('vmware', found.properties['img_hv_type'])

    def test_chosen_disk_is_a_property(self):
        found = self.find('a', 'b', ova_disk='b.vmdk')
        self.assertEqual('b.vmdk', found.properties['vmrun_ova_disk'])

    def test_disk_that_cannot_be_chosen_is_reported_later(self):
        self.assertNotIn('vmrun_ova_disk', self.find('a', 'b').properties)
        self.assertEqual('c', self.find('a', ova_disk='c').properties[
            'vmrun_ova_disk'])

    def test_declared_format(self):
        self.assertEqual(('vmdk', 'ova'),
                         self.find('a', disk_format='vmdk').kind[:2])
        found = self.find('a', disk_format='raw')
        self.assertEqual(('raw', 'bare'), found.kind[:2])
        self.assertEqual({}, found.properties)
