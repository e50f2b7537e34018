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

from nova_vmrun.cmd.launch import images
from tests.unit import base
from tests.unit.cmd.launch import fake_clouds

ATTRIBUTES = {'disk_format': 'qcow2', 'container_format': 'bare',
              'min_disk': 3, 'os_distro': 'debian', 'os_version': '12'}


class ImagesTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.cloud = fake_clouds.Cloud()
        self.path = os.path.join(
            self.useFixture(fixtures.TempDir()).path, 'image')
        with open(self.path, 'wb') as file:
            file.write(b'content')

    def find(self, **changes):
        return images.find(self.cloud.glance, self.path,
                           dict(ATTRIBUTES, **changes), 'project')

    def upload(self, name='debian-12'):
        return images.upload(self.cloud.glance, self.path, name, ATTRIBUTES,
                             self.path)

    def test_nothing_there(self):
        self.assertIsNone(self.find())

    def test_uploaded_image_is_found(self):
        image = self.upload()
        self.assertEqual(images.Image('image-1', 'debian-12', 3), image)
        self.assertEqual(image, self.find())

    def test_image_with_other_properties_is_another(self):
        self.upload()
        self.assertIsNone(self.find(os_version='13'))
        self.assertIsNone(self.find(hw_disk_bus='ide'))
        self.assertIsNone(self.find(disk_format='raw'))

    def test_image_that_is_not_active_does_not_count(self):
        self.upload()
        self.cloud.images['image-1']['status'] = 'deactivated'
        self.assertIsNone(self.find())

    def test_image_of_another_project_counts_only_if_public(self):
        self.upload()
        self.cloud.images['image-1'].update(owner='stranger',
                                            visibility='community')
        self.assertIsNone(self.find())
        self.cloud.images['image-1']['visibility'] = 'public'
        self.assertIsNotNone(self.find())

    def test_other_content_does_not_count(self):
        self.upload()
        with open(self.path, 'ab') as file:
            file.write(b'new')
        self.assertIsNone(self.find())

    def test_name_of_its_own(self):
        image = self.upload()
        self.assertTrue(images.has_own_name(self.cloud.glance, image))
        self.upload()
        self.assertFalse(images.has_own_name(self.cloud.glance, image))

    def test_properties(self):
        self.assertEqual({'os_distro': 'debian', 'os_version': '12'},
                         images.properties(ATTRIBUTES))
