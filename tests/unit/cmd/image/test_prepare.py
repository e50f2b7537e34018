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

from nova_vmrun.aio.demo import image as demo_image
from nova_vmrun.cmd.image import prepare
from nova_vmrun.cmd.image import source as sources
from nova_vmrun import exception
from tests.unit import base


class PreparationTestCase(base.TestCase):
    """Files that need no conversion; test_upload has the others."""

    def setUp(self):
        super().setUp()
        self.path = os.path.join(
            self.useFixture(fixtures.TempDir()).path, 'disk.img')
        with open(self.path, 'wb') as file:
            file.write(demo_image.partition_table() + bytes(1 << 16))
        self.lines = []

    def prepare(self, *given):
        return prepare.Preparation(sources.find(self.path), given,
                                   self.lines.append)

    def test_file_is_used_as_it_is(self):
        ready = self.prepare()
        self.assertTrue(ready.is_file_as_it_is)
        with ready.file(None, 'qemu-img') as path:
            self.assertEqual(self.path, path)
        self.assertEqual(['Reading ' + self.path], self.lines)

    def test_target_of_a_link_is_shown(self):
        link = self.path + '.link'
        os.symlink(self.path, link)
        ready = prepare.Preparation(sources.find(link), (),
                                    self.lines.append)
        with ready.file(None, 'qemu-img'):
            self.assertEqual(['Reading %s -> %s' % (link, os.path.realpath(
                self.path))], self.lines)

    def test_attributes(self):
        self.assertEqual(
            {'disk_format': 'raw', 'container_format': 'bare', 'min_disk': 1,
             'os_distro': 'debian'},
            self.prepare(('os_distro', 'debian')).attributes(self.path))

    def test_image_that_would_not_boot(self):
        ready = self.prepare(('hw_disk_bus', 'virtio'))
        error = self.assertRaises(exception.ImageRefused, ready.attributes,
                                  self.path)
        self.assertIn('disk.img', str(error))
