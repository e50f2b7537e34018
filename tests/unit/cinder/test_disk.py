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


import types

from oslo_utils import units

from nova_vmrun.cinder import disk
from nova_vmrun import exception
from nova_vmrun.formats import vmdk
from tests.unit import base as unit_base
from tests.unit.cinder import base

ID = '01234567-89ab-cdef-0123-456789abcdef'


class DiskTestCase(unit_base.TestCase):

    def test_a_volume(self):
        found = disk.of_volume(types.SimpleNamespace(
            id=ID, name='volume-x', size=3))
        self.assertEqual(
            disk.Disk(ID, 'Volume ' + ID, 'volume-x', 3 * units.Gi), found)
        self.assertEqual(('volume-x-flat.vmdk', 6 * 1024 ** 2),
                         (found.flat.extent, found.flat.sectors))

    def test_another_size(self):
        self.assertEqual(5 * units.Gi, disk.of_volume(types.SimpleNamespace(
            id=ID, name='volume-x', size=3), 5).size)

    def test_a_snapshot(self):
        found = disk.of_snapshot(types.SimpleNamespace(
            id=ID, name='snapshot-x', volume_size=3))
        self.assertEqual(
            disk.Disk(ID, 'Snapshot ' + ID, 'snapshot-x', 3 * units.Gi, True),
            found)

    def test_sizes(self):
        for size in (1, units.Gi, vmdk.LARGEST_DISK):
            base.volume(size).validate()
        for size in (-1, 0, vmdk.LARGEST_DISK + units.Gi, 64 * units.Ti):
            error = self.assertRaises(exception.InvalidInput,
                                      base.volume(size).validate)
            self.assertIn('1 GiB to 8192 GiB', str(error))

    def test_hostile_names(self):
        for name in ('', '../volume-1', '/etc/passwd', 'a/b', 'a\0', 'a\n',
                     'a"', '.a', 'a' * 300, 'a-flat'):
            bad = base.volume(name=name)
            self.assertFalse(bad.can_exist, name)
            self.assertRaises(exception.InvalidInput, bad.validate)

    def test_hostile_ids(self):
        self.assertRaises(exception.InvalidInput,
                          base.volume(id='"\nRW 1 FLAT "a"').validate)
