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

"""What nova_vmrun.cinder.store checks, mends or refuses in files."""

import os
from unittest import mock

from oslo_utils import units

from nova_vmrun import exception
from nova_vmrun.formats import flat
from nova_vmrun.host import files
from tests.unit.cinder import base
from tests.unit import locks


class SettleTestCase(base.TestCase):

    def refused(self, volume, method='settle'):
        error = self.assertRaises(exception.VolumeDamaged,
                                  getattr(self.store, method), volume)
        self.assertTrue(error.brief and error.details and error.resolution)
        return error.details

    def test_a_volume(self):
        volume = self.created()
        self.assertEqual(self.extent(volume), self.store.settle(volume))

    def test_no_file(self):
        self.assertIn('does not exist', self.refused(base.volume()))

    def test_a_symbolic_link(self):
        volume, other = self.created(), self.created()
        os.remove(self.extent(volume))
        os.symlink(self.extent(other), self.extent(volume))
        self.assertIn('not a regular file', self.refused(volume))
        self.assertIn('not a regular file', self.refused(volume, 'prepare'))

    def test_a_hard_link(self):
        volume, other = self.created(), self.created()
        os.remove(self.extent(volume))
        os.link(self.extent(other), self.extent(volume))
        self.assertIn('second name', self.refused(volume))

    def test_a_file_of_somebody_else(self):
        volume = self.created()
        with mock.patch.object(os, 'geteuid', return_value=os.geteuid() + 1):
            self.assertIn('belongs to user', self.refused(volume))

    def test_a_short_file(self):
        volume = self.created()
        os.truncate(self.extent(volume), units.Gi - 1)
        self.assertIn('%d bytes instead of %d' % (units.Gi - 1, units.Gi),
                      self.refused(volume))

    def test_an_extension_that_was_cut_short(self):
        volume = self.created()
        os.truncate(self.extent(volume), 3 * units.Gi)
        self.store.prepare(volume)
        self.assert_volume(volume)
        self.assert_content(volume)

    def test_a_long_file_with_data_at_its_end(self):
        volume = self.created()
        for offset in (units.Gi, 2 * units.Gi + 5):
            with open(self.extent(volume), 'r+b') as file:
                file.truncate(units.Gi)
                file.truncate(3 * units.Gi)
                file.seek(offset)
                file.write(b'x')
            self.assertIn('instead of', self.refused(volume))
            self.assertEqual(3 * units.Gi,
                             os.stat(self.extent(volume)).st_size)

    def test_a_long_snapshot(self):
        volume, snapshot = self.created(), base.snapshot()
        self.store.copy(volume, snapshot)
        os.truncate(self.extent(snapshot), 2 * units.Gi)
        self.refused(snapshot)

    def test_a_long_file_in_use(self):
        volume = self.created()
        os.truncate(self.extent(volume), 2 * units.Gi)
        locks.lock(self.descriptor(volume))
        self.assertRaises(exception.FileInUse, self.store.settle, volume)
        self.assertEqual(2 * units.Gi, os.stat(self.extent(volume)).st_size)

    def test_a_snapshot_of_vmware(self):
        volume = self.created()
        child = self.descriptor(volume).replace('.vmdk', '-000001.vmdk')
        files.write_atomically(child, '')
        for action in (self.store.prepare, self.store.settle,
                       self.store.remove,
                       lambda each: self.store.copy(each, base.snapshot()),
                       lambda each: self.store.extend(
                           each, base.larger(each))):
            error = self.assertRaises(exception.HasSnapshots, action, volume)
            self.assertIn(child, error.details)
        self.assert_volume(volume)


class PrepareTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.volume = self.created()

    def change(self, old, new):
        path = self.descriptor(self.volume)
        text = files.read(path).decode()
        self.assertIn(old, text)
        files.write_atomically(path, text.replace(old, new))

    def inode(self):
        return os.stat(self.descriptor(self.volume)).st_ino

    def test_a_descriptor_as_vmware_leaves_it(self):
        self.change('\nCID=', '\nCID=a')
        self.change('ddb.virtualHWVersion = "4"',
                    'ddb.longContentID = "1"\nddb.virtualHWVersion = "21"')
        before = self.inode()
        self.assertEqual(self.extent(self.volume),
                         self.store.prepare(self.volume))
        self.assertEqual(before, self.inode())

    def test_a_descriptor_that_names_another_file(self):
        self.change(self.volume.name + '-flat.vmdk', '/etc/passwd')
        self.store.prepare(self.volume)
        self.assert_volume(self.volume)

    def test_a_descriptor_that_a_running_vm_uses(self):
        self.change(self.volume.name + '-flat.vmdk', '/etc/passwd')
        locks.lock(self.descriptor(self.volume))
        self.assertRaises(exception.FileInUse, self.store.prepare,
                          self.volume)

    def test_other_files_in_its_place(self):
        path = self.descriptor(self.volume)
        other = os.path.join(self.path, 'other')
        files.write_atomically(other, flat.descriptor(self.volume.flat))
        for replace in (lambda: os.remove(path),
                        lambda: (os.remove(path), os.symlink(other, path)),
                        lambda: files.write_atomically(path, b''),
                        lambda: files.write_atomically(path, b'x' * 70000),
                        lambda: os.chmod(path, 0),
                        lambda: os.chmod(self.extent(self.volume), 0o666)):
            replace()
            self.store.prepare(self.volume)
            self.assert_volume(self.volume)
        self.assertTrue(os.path.exists(other))

    def test_describe(self):
        self.store.describe(base.larger(self.volume))
        flat.check(files.read(self.descriptor(self.volume)),
                   base.larger(self.volume).flat)
        locks.lock(self.descriptor(self.volume))
        self.assertRaises(exception.FileInUse, self.store.describe,
                          self.volume)
