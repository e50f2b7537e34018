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

"""nova_vmrun.cinder.manageable: volumes of files that are there already."""

import os

from cinder import exception
from oslo_utils import units

from nova_vmrun.host import files
from tests.cinder import base

DATA = b'what somebody has written'


class ManageTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.add('data-flat.vmdk', DATA)
        self.reference = {'source-name': 'data-flat.vmdk'}

    def add(self, name, content=b'data'):
        files.write_atomically(os.path.join(self.folder, name), content)

    def manage(self, reference):
        # As Cinder's API makes it.
        volume = self.volume(size=0)
        self.manager.manage_existing(self.context, volume, reference)
        volume.refresh()
        return volume

    def refused(self, reference):
        error = self.assertRaises(
            exception.ManageExistingInvalidReference,
            self.driver.manage_existing, self.volume(), reference)
        return str(error)

    def listed(self):
        found = self.manager.get_manageable_volumes(
            self.context, None, 100, 0, ['reference'], ['asc'])
        return {each['reference']['source-name']: each for each in found}

    def test_a_file(self):
        volume = self.manage(self.reference)
        self.assertEqual(('available', 1), (volume.status, volume.size))
        self.assertEqual(DATA, self.read(volume, len(DATA)))
        self.assert_volume(volume)
        self.assert_files(volume.name + '.vmdk', volume.name + '-flat.vmdk')

    def test_sizes_are_rounded_up(self):
        for size, expected in ((1, 1), (units.Gi, 1), (units.Gi + 1, 2)):
            os.truncate(os.path.join(self.folder, 'data-flat.vmdk'), size)
            self.assertEqual(expected, self.driver.manage_existing_get_size(
                self.volume(), self.reference))

    def test_hostile_references(self):
        self.add('other.img')
        os.symlink('/etc/passwd', os.path.join(self.folder, 'a-flat.vmdk'))
        os.link(os.path.join(self.folder, 'other.img'),
                os.path.join(self.folder, 'b-flat.vmdk'))
        self.add('empty-flat.vmdk', b'')
        for name in ('other.img', 'gone-flat.vmdk', '/etc/passwd', 'a/b',
                     '../volumes/data-flat.vmdk', 'a-flat.vmdk', None, 3,
                     'b-flat.vmdk', 'empty-flat.vmdk', 'data-flat.vmdk\0'):
            self.refused({'source-name': name})
        self.assertIn('source-name', self.refused({}))

    def test_files_of_volumes_and_snapshots(self):
        volume = self.created(content=DATA)
        snapshot = self.snapshot(volume)
        migrated = self.created()
        volume.update({'_name_id': migrated.id})
        volume.save()
        for each in (volume, snapshot):
            self.assertRaises(
                exception.ManageExistingAlreadyManaged,
                self.driver.manage_existing, self.volume(),
                {'source-name': each.name + '-flat.vmdk'})

    def test_a_volume_that_cinder_has_forgotten(self):
        volume = self.manage(self.reference)
        volume.update({'status': 'unmanaging'})
        volume.save()
        self.manager.delete_volume(self.context, volume, unmanage_only=True)
        name = volume.name + '-flat.vmdk'
        self.assertTrue(self.listed()[name]['safe_to_manage'])
        again = self.manage({'source-name': name})
        self.assertEqual(DATA, self.read(again, len(DATA)))

    def test_list(self):
        volume = self.created()
        self.add('notes.txt')
        self.add('empty-flat.vmdk', b'')
        listed = self.listed()
        self.assertEqual({'data-flat.vmdk', 'empty-flat.vmdk',
                          volume.name + '-flat.vmdk'}, set(listed))
        self.assertEqual((True, 1, None), tuple(
            listed['data-flat.vmdk'][key]
            for key in ('safe_to_manage', 'size', 'cinder_id')))
        self.assertEqual((False, 'already managed', volume.id), tuple(
            listed[volume.name + '-flat.vmdk'][key]
            for key in ('safe_to_manage', 'reason_not_safe', 'cinder_id')))
        self.assertEqual('It is empty.',
                         listed['empty-flat.vmdk']['reason_not_safe'])
