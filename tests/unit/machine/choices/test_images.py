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

from tests.unit.machine.choices import base

IMAGE = '12345678-90ab-cdef-1234-567890abcdef'
OTHER = 'ffffffff-90ab-cdef-1234-567890abcdef'


class ImagesTestCase(base.ChoiceTestCase):

    def test_linked_clone(self):
        self.assertIsNone(self.choose().linked_clone)
        for name in ('vmrun_cow', 'vix_cow', 'cow', 'img_linked_clone',
                     'vmware_linked_clone'):
            self.assertIs(False, self.choose({name: 'False'}).linked_clone)
        self.assertIs(True, self.choose(
            {'vmrun_cow': 'true', 'img_linked_clone': 'false'}).linked_clone)

    def test_disk_type(self):
        for name in ('hw_disk_type', 'vmware_disktype'):
            for value in ('sparse', 'thin', 'preallocated',
                          'streamOptimized'):
                self.assertEqual(value,
                                 self.choose({name: value}).disk_type)
            self.refused(name, {name: 'qcow2'})

    def test_iso_images(self):
        self.assertEqual((), self.choose().iso_images)
        self.assertEqual((IMAGE, OTHER), self.choose(
            {'vix_iso_images': IMAGE + ',' + OTHER}).iso_images)
        self.assertEqual((OTHER,), self.choose(
            {'vix_iso_images': IMAGE, 'vmrun_iso_images': OTHER}).iso_images)
        # A list that Nova cut off at 255 bytes.
        self.refused('vix_iso_images', {
            'vix_iso_images': ','.join([IMAGE] * 7)[:255]})

    def test_hostile_values(self):
        for value in ('../../etc/passwd', '/answer.iso', 'http://host/a.iso',
                      IMAGE + ',', IMAGE + '\n' + OTHER, IMAGE + '"',
                      IMAGE + ' ' + OTHER, '|22', '\0'):
            for name in ('vmrun_iso_images', 'vmrun_floppy_image'):
                self.refused(name, {name: value})

    def test_floppy_image(self):
        self.assertIsNone(self.choose().floppy_image)
        self.assertEqual(IMAGE, self.choose(
            {'vix_floppy_image': IMAGE}).floppy_image)
        self.refused('vix_floppy_image', {
            'vix_floppy_image': IMAGE + ',' + OTHER})
        self.refused('vmrun_floppy_image', {'vmrun_floppy_image': IMAGE},
                     guest='arm-ubuntu-64')

    def test_tools_isos(self):
        for name in ('vmrun_tools_iso', 'vmrun_tools', 'vix_tools_iso',
                     'vix_tools'):
            self.assertEqual(('linux.iso',),
                             self.choose({name: 'linux'}).tools_isos)
            self.refused(name, {name: '../../etc/passwd'})
        self.assertEqual(
            ('windows.iso', 'winPreVista.iso'),
            self.choose({'vix_tools': 'windows,winprevista'}).tools_isos)

    def test_the_example_of_the_predecessor(self):
        found = self.choose({
            'hypervisor_type': 'vmware', 'vix_tools': 'linux',
            'vix_iso_images': IMAGE, 'vix_floppy_image': OTHER},
            guest='otherlinux-64')
        self.assertEqual((('linux.iso',), (IMAGE,), OTHER),
                         (found.tools_isos, found.iso_images,
                          found.floppy_image))
