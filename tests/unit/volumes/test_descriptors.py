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
from oslo_utils import units

from nova_vmrun import exception
from nova_vmrun.formats import flat
from nova_vmrun.host import files
from nova_vmrun.volumes import descriptors
from tests.unit import base

ID = '6ca404f3-d844-4169-bb96-bc792f37de98'
DISK = flat.FlatDisk('volume-flat.vmdk', 2048, ID)


class TestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.path = self.useFixture(fixtures.TempDir()).join('volume.vmdk')

    def prepare(self, disk=DISK, size=units.Mi):
        return descriptors.prepare(ID, self.path, disk, size)

    def test_it_is_made_once(self):
        self.assertIsNone(descriptors.find(ID, self.path, DISK, units.Mi))
        self.assertEqual(units.Mi, self.prepare())
        before = os.stat(self.path)
        self.assertEqual(units.Mi, self.prepare())
        self.assertEqual(before, os.stat(self.path))
        self.assertEqual(DISK, descriptors.find(ID, self.path, DISK,
                                                units.Mi))

    def test_what_vmware_changes_stays(self):
        self.prepare()
        text = files.read(self.path).decode().replace(
            'CID=6ca404f3', 'CID=12345678') + 'ddb.toolsVersion = "12345"\n'
        files.write_atomically(self.path, text)
        self.prepare()
        self.assertEqual(text, files.read(self.path).decode())

    def test_another_file_is_refused(self):
        self.prepare(flat.FlatDisk('other-flat.vmdk', 2048, ID))
        before = files.read(self.path)
        error = self.assertRaises(exception.VolumeDamaged, self.prepare)
        self.assertIn('other-flat.vmdk', str(error))
        self.assertEqual(before, files.read(self.path))

    def test_a_snapshot_stops_a_change(self):
        open(self.path.replace('.vmdk', '-000001.vmdk'), 'w').close()
        self.assertRaises(exception.HasSnapshots, self.prepare)
        self.assertFalse(os.path.exists(self.path))

    def test_more_than_there_is(self):
        self.prepare()
        self.assertRaises(exception.VolumeDamaged, self.prepare, size=512)
