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

from hypothesis import given
from hypothesis import strategies
import testtools

from nova_vmrun.formats import volume_files

NAME = 'volume-0123abcd-4567-89ab-cdef-0123456789ab'


class NamesTestCase(testtools.TestCase):

    def test_files_of_a_volume(self):
        self.assertEqual(NAME + '-flat.vmdk', volume_files.extent(NAME))
        self.assertEqual(NAME + '.vmdk', volume_files.descriptor(NAME))

    def test_back_to_the_name(self):
        self.assertEqual(NAME, volume_files.name_of(NAME + '-flat.vmdk'))

    def test_other_files_have_no_volume(self):
        for file in (NAME, NAME + '.vmdk', '-flat.vmdk', '..-flat.vmdk',
                     'a/b-flat.vmdk', '.%s-flat.vmdk' % NAME,
                     NAME + '-flat.vmdk.lck', 'a-flat-flat.vmdk'):
            self.assertIsNone(volume_files.name_of(file), file)

    def test_descriptor_beside_the_content(self):
        self.assertEqual('/a/b/%s.vmdk' % NAME, volume_files.descriptor_of(
            '/a/b/%s-flat.vmdk' % NAME))
        self.assertRaises(ValueError, volume_files.descriptor_of, '/a/b.img')

    def test_lock(self):
        self.assertEqual('/a/%s.vmdk.lck' % NAME, volume_files.lock_of(
            '/a/%s.vmdk' % NAME))

    def test_names(self):
        for name in (NAME, 'a', 'V_1.x-2'):
            self.assertTrue(volume_files.is_name(name), name)
        for name in ('', '.', '..', '.a', '-a', 'a/b', 'a b', 'a\n', 'a\0',
                     'ä', 'a"', 'a' * 201, 'a-flat', '$(id)'):
            self.assertFalse(volume_files.is_name(name), name)

    @given(strategies.text(), strategies.text())
    def test_two_volumes_share_no_file(self, one, other):
        if one != other and all(map(volume_files.is_name, (one, other))):
            self.assertFalse(
                {volume_files.extent(one), volume_files.descriptor(one)} &
                {volume_files.extent(other), volume_files.descriptor(other)})

    def test_children(self):
        files = [NAME + rest for rest in (
            '.vmdk', '-flat.vmdk', '-000001.vmdk', '-000012-delta.vmdk',
            '-000001.vmdk.lck', '-000001.vmdkx', '-1.vmdk')]
        files += ['other-000001.vmdk', NAME[:-1] + '-000001.vmdk']
        self.assertEqual([NAME + '-000001.vmdk', NAME + '-000012-delta.vmdk'],
                         volume_files.children(NAME, files))
