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

import testscenarios

from nova_vmrun.formats import vmx
from nova_vmrun.host import files
from nova_vmrun.server import disk_upgrade
from nova_vmrun.server import disks
from tests.unit.ops import hosts
from tests.unit import vmdks

UUID = hosts.UUID
# As the release before the list wrote it.
RECORD = (
    '{"uuid": "%s", "name": "instance-00000001", "compute_id": "this-node", '
    '"vnc_port": 5900, "show_gui": true, "image_adapter": null, '
    '"image_ref": "7c3f8a0e-0000-4000-8000-000000000001", '
    '"image_properties": {"base_image_ref": "7c3f8a0e"}}' % UUID)
VMX = '''.encoding = "UTF-8"
config.version = "8"
virtualHW.version = "18"
scsi0.present = "TRUE"
scsi0.virtualDev = "pvscsi"
scsi0:0.present = "TRUE"
scsi0:0.fileName = "%s"
scsi0:1.present = "TRUE"
scsi0:1.fileName = "ephemeral0.vmdk"
scsi0:3.present = "TRUE"
scsi0:3.fileName = "swap.vmdk"
sata0.present = "TRUE"
sata0:0.present = "TRUE"
sata0:0.deviceType = "cdrom-image"
sata0:0.fileName = "cd0.iso"
sata0:1.present = "TRUE"
sata0:1.deviceType = "cdrom-image"
sata0:1.fileName = "config-drive.iso"
'''
GIB = 1 << 30
FULL = {
    'root.vmdk': ('root', 'disk', 'pvscsi', 'scsi0:0', GIB),
    'ephemeral0.vmdk': ('ephemeral', 'disk', 'pvscsi', 'scsi0:1', GIB),
    'swap.vmdk': ('swap', 'disk', 'pvscsi', 'scsi0:3', GIB),
    'cd0.iso': ('drive image', 'cdrom', 'sata', 'sata0:0', None),
    'floppy.flp': ('drive image', 'floppy', None, None, None),
    'config-drive.iso': ('config drive', 'cdrom', 'sata', 'sata0:1', None),
}


class OldServerTestCase(hosts.TestCase):
    """A server's folder as an older release left it."""

    def make(self, names, root='root.vmdk', text=VMX):
        os.mkdir(self.layout.folder(UUID))
        files.write_atomically(self.layout.record(UUID), RECORD)
        if text:
            files.write_atomically(self.layout.vmx(UUID), text % root)
        for name in names:
            path = self.layout.file(UUID, name)
            if name.endswith('.vmdk'):
                vmdks.write(path, sectors=GIB // 512)
            else:
                files.write_atomically(path, '')

    def listed(self):
        return {disk.path: (disk.origin.value, disk.device.value, disk.bus,
                            disk.node, disk.size)
                for disk in self.disk_lists.get(UUID)}

    def test_all_kinds(self):
        self.make(FULL)
        self.assertEqual(list(FULL.items()), list(self.listed().items()))
        self.assertEqual('instance-00000001', self.records.get(UUID).name)
        self.assertIn('"disks": [{', files.read(
            self.layout.record(UUID)).decode())

    def test_missing_files_are_not_listed(self):
        self.make(['root.vmdk'], text=VMX.partition('scsi0:1')[0])
        self.assertEqual({'root.vmdk': FULL['root.vmdk']}, self.listed())

    def test_a_disk_whose_file_a_removed_snapshot_has_replaced(self):
        self.make(['root-000002.vmdk'], root='root-000002.vmdk',
                  text=VMX.partition('scsi0:1')[0])
        self.assertEqual(
            {'root.vmdk': ('root', 'disk', 'pvscsi', 'scsi0:0', None)},
            self.listed())

    def test_a_lost_vmx(self):
        self.make(['root.vmdk', 'config-drive.iso'], text='')
        self.assertEqual(
            {'root.vmdk': ('root', 'disk', None, None, GIB),
             'config-drive.iso': ('config drive', 'cdrom', None, None, None)},
            self.listed())

    def test_files_of_other_programs(self):
        self.make(['root.vmdk', 'Clone of root.vmdk', 'root-000001.vmdk',
                   'rescue.txt', 'ephemeral7.vmdk'],
                  text=VMX.partition('scsi0:1')[0])
        self.assertEqual(['root.vmdk'], list(self.listed()))

    def test_an_empty_folder(self):
        self.make([], text='')
        self.assertEqual({}, self.listed())


class OldRescueTestCase(testscenarios.TestWithScenarios, hosts.TestCase):

    scenarios = [
        (name, {'note': note, 'medium': medium, 'expected': expected})
        for name, note, medium, expected in (
            ('disk', '{"device": "disk", "bus": "sata"}', 'rescue.vmdk',
             ('disk', 'sata')),
            ('CD', '{"device": "cdrom", "bus": "ide"}', 'rescue.iso',
             ('cdrom', 'ide')),
            ('floppy', '{"device": "floppy", "bus": null}', 'rescue.flp',
             ('floppy', None)),
            ('killed before the note', None, 'rescue.iso', ('cdrom', None)),
            ('a spoiled note', '[', 'rescue.vmdk', ('disk', None)),
            ('a note that names nothing', '{"device": "tape", "bus": 1}',
             'rescue.vmdk', ('disk', None)))]

    def test_the_medium(self):
        self.add_server()
        for name in ('root.vmdk', 'config-drive-rescue.iso', self.medium):
            files.write_atomically(self.layout.file(UUID, name), '')
        if self.note:
            files.write_atomically(self.layout.file(UUID, 'rescue.json'),
                                   self.note)
        medium = self.disk_lists.find(UUID, disks.Origin.RESCUE)
        self.assertEqual(self.expected, (medium.device.value, medium.bus))
        self.assertEqual(self.medium, medium.path)
        self.assertEqual(3, len(self.disk_lists.get(UUID)))


class PlacedTestCase(hosts.TestCase):

    def test_a_disk_that_is_not_attached_keeps_its_place(self):
        root = disks.root(1, 'ide')
        self.assertEqual(root, disk_upgrade.placed(root, vmx.Vmx(), '/x'))
