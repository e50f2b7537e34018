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

import testscenarios

from nova_vmrun.formats import vmx
from nova_vmrun.server import disks
from tests.unit import base

ROOT = disks.root(1 << 30, 'pvscsi')
VOLUME_ID = '6ca404f3-d844-4169-bb96-bc792f37de98'
VOLUME = disks.volume(VOLUME_ID, '/volumes/one.vmdk', 1 << 30, 'pvscsi',
                      'scsi3:0')
ALL = (
    dataclasses.replace(ROOT, node='scsi0:0'), VOLUME,
    disks.ephemeral(1, 1 << 30, 'sata'), disks.swap(1 << 20, 'ide'),
    disks.cd_image(0, 'ide'), disks.floppy_image(),
    disks.config_drive('sata'),
    disks.rescue(disks.Device.FLOPPY, None),
    disks.rescue_config_drive('sata'))


class FormTestCase(base.TestCase):

    def test_written_disks_can_be_read(self):
        text = json.dumps(disks.dump(ALL))
        self.assertEqual(ALL, disks.parse(json.loads(text)))

    def test_unknown_fields_of_later_releases_are_ignored(self):
        found = disks.dump([ROOT])
        found[0]['colour'] = 'blue'
        self.assertEqual((ROOT,), disks.parse(found))

    def test_a_list_is_put_in_the_order_of_the_guest(self):
        self.assertEqual(
            ['root', 'ephemeral1', 'swap', VOLUME.name, 'cd0', 'floppy',
             'config-drive', 'rescue', 'rescue-config-drive'],
            [disk.name for disk in disks.in_order(
                sorted(ALL, key=lambda disk: disk.name))])

    def test_a_boot_volume_is_in_the_place_of_the_root_disk(self):
        boot = disks.volume(VOLUME_ID, '/volumes/one.vmdk', 1 << 30,
                            'pvscsi', is_boot=True)
        swap = disks.swap(1 << 20, 'pvscsi')
        self.assertEqual((boot, swap), disks.in_order([swap, boot]))

    def test_the_id_of_a_volume(self):
        self.assertEqual(VOLUME_ID, VOLUME.volume_id)
        self.assertFalse(VOLUME.deleted_with_server)
        self.assertIsNone(ROOT.volume_id)

    def test_the_first_of_some_origins(self):
        self.assertEqual('swap', disks.first(ALL, disks.Origin.SWAP).name)
        self.assertIsNone(disks.first([ROOT], disks.Origin.SWAP))


class SpoiledTestCase(testscenarios.TestWithScenarios, base.TestCase):

    scenarios = [
        (name, {'found': found}) for name, found in (
            ('a mapping', {}), ('a text', 'root.vmdk'), ('a number', 1),
            ('no mapping inside', ['root.vmdk']),
            ('too many', disks.dump(
                dataclasses.replace(ROOT, name='d%d' % number,
                                    path='%d.vmdk' % number)
                for number in range(201))),
            ('the same name', disks.dump(
                [ROOT, dataclasses.replace(ROOT, path='x.vmdk')])),
            ('the same path', disks.dump(
                [ROOT, dataclasses.replace(ROOT, name='x')])),
            ('no path', [{'name': 'root', 'origin': 'root',
                          'device': 'disk'}]),
            ('nothing', [{}]))
    ] + [
        ('%s %r' % (key, value),
         {'found': [{**disks.dump([ROOT])[0], key: value}]})
        for key, value in (
            ('name', ''), ('name', 'A B'), ('name', None), ('name', 'x' * 99),
            ('path', ''), ('path', '.'), ('path', '..'), ('path', None),
            ('path', '../other/root.vmdk'), ('path', 'a/b.vmdk'),
            ('path', 'a\nb'), ('path', 'a\0b'), ('path', ['a']),
            ('path', '/etc/passwd'),
            ('origin', 'volume of the moon'), ('origin', None),
            ('origin', []), ('device', 'tape'), ('device', 7),
            ('bus', 'usb'), ('bus', ['ide']), ('node', 'scsi9:0'),
            ('node', 'scsi0:0.fileName = "x"'), ('node', 1), ('size', -1),
            ('size', True), ('size', '1'), ('size', 1.5),
            ('deleted_with_server', 'no'), ('deleted_with_server', None))
    ] + [('a path with dots', {'found': [
        {**disks.dump([VOLUME])[0], 'path': '/volumes/../etc/passwd'}]})]

    def test_refused(self):
        self.assertRaises(ValueError, disks.parse, self.found)


class AttachmentTestCase(base.TestCase):

    def find(self, file, disk=ROOT, **more):
        return disk.attachment(vmx.Vmx({
            'sata0:0.present': 'TRUE', 'sata0:0.fileName': file, **more}),
            '/folder')

    def test_the_disk_itself(self):
        for file in ('root.vmdk', '/folder/root.vmdk'):
            self.assertEqual(('sata0:0', file, 'sata', False),
                             dataclasses.astuple(self.find(file)))
        self.assertEqual(VOLUME.path, self.find(VOLUME.path, VOLUME).file)

    def test_a_snapshot_in_its_place(self):
        self.assertEqual('root-000012.vmdk',
                         self.find('root-000012.vmdk').file)
        self.assertEqual('one-000001.vmdk',
                         self.find('one-000001.vmdk', VOLUME).file)

    def test_the_disk_comes_before_a_snapshot_of_it(self):
        found = self.find('root-000001.vmdk', **{
            'sata0:1.present': 'TRUE', 'sata0:1.fileName': 'root.vmdk'})
        self.assertEqual('sata0:1', found.node)

    def test_other_files(self):
        for file in ('xroot.vmdk', 'root-1.vmdk', 'root.vmdk.iso',
                     '/elsewhere/root.vmdk', '../root.vmdk',
                     '/elsewhere/root-000001.vmdk'):
            self.assertIsNone(self.find(file), file)

    def test_a_cd(self):
        self.assertEqual('sata0:0', self.find(
            'config-drive.iso', disks.config_drive('ide')).node)

    def test_where_the_file_lies(self):
        self.assertEqual('/folder/root.vmdk', ROOT.file('/folder'))
        self.assertEqual(VOLUME.path, VOLUME.file('/folder'))
        self.assertEqual([False, True], [ROOT.is_outside, VOLUME.is_outside])
