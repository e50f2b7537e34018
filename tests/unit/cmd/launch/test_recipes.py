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

import hashlib
import os
import platform

import fixtures

from nova_vmrun.cmd.launch import catalogue
from nova_vmrun.cmd.launch import recipes
from nova_vmrun.cmd.launch import store
from nova_vmrun import exception
from tests.unit import base

TEXT = '''
[system-1]
user = "me"
min_disk = 2
min_memory = 256
properties = { os_distro = "system", hw_disk_bus = "ide" }
[system-1.builds.amd64]
address = "https://example.org/system.img"
checksums = "https://example.org/SUMS"
[system-1.builds.arm64]
address = "https://example.org/system-arm.img"
'''
DIGEST = 'sha256:' + hashlib.sha256(b'disk').hexdigest()


class FindTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.images = catalogue.Catalogue(
            catalogue.parse_entries(TEXT, 'text'))
        self.path = os.path.join(
            self.useFixture(fixtures.TempDir()).path, 'my.disk.qcow2')
        with open(self.path, 'wb') as file:
            file.write(b'disk')

    def find(self, image, architecture='amd64', checksum=None):
        return recipes.find(image, self.images, architecture, checksum)

    def refused(self, *arguments, kind=exception.InvalidInput):
        return str(self.assertRaises(kind, self.find, *arguments))

    def test_known_image(self):
        recipe = self.find('system-1')
        self.assertEqual(
            store.Source('https://example.org/system.img', store.ChecksumFile(
                'https://example.org/SUMS', catalogue.ChecksumFormat.LIST,
                'sha256')), recipe.source)
        self.assertEqual(('system-1', None, 256, 2), (
            recipe.name, recipe.path, recipe.min_memory, recipe.min_disk))
        self.assertEqual({
            'os_distro': 'system', 'hw_disk_bus': 'ide',
            'os_admin_user': 'me', 'architecture': 'x86_64'},
            recipe.properties)

    def test_known_image_for_arm(self):
        recipe = self.find('system-1', 'arm64')
        self.assertIsNone(recipe.source.expected)
        self.assertEqual(('aarch64', 'uefi'), (
            recipe.properties['architecture'],
            recipe.properties['hw_firmware_type']))

    def test_checksum_of_the_user_wins(self):
        recipe = self.find('system-1', 'amd64', DIGEST)
        self.assertEqual(DIGEST.partition(':')[2],
                         recipe.source.expected.value)

    def test_address(self):
        recipe = self.find('https://example.org/dir/My%20System.img.xz?a=b')
        self.assertEqual(('My System', None), (recipe.name, recipe.path))
        self.assertIsNone(recipe.source.expected)

    def test_file(self):
        recipe = self.find(self.path)
        self.assertEqual(('my.disk', self.path, None), (
            recipe.name, recipe.path, recipe.source))
        self.assertEqual({}, recipe.properties)

    def test_file_with_its_checksum(self):
        self.assertIsNotNone(self.find(self.path, 'amd64', DIGEST))
        self.refused(self.path, 'amd64', 'md5:' + 32 * '0',
                     kind=store.WrongChecksum)

    def test_nothing_of_that_name(self):
        text = self.refused('system')
        self.assertIn('Similar names: system-1.', text)
        self.assertIn('launch --list', text)

    def test_wrong_checksum(self):
        self.refused('system-1', 'amd64', 'abc')


class ArchitectureTestCase(base.TestCase):

    def test_machines(self):
        for machine, expected in (('x86_64', 'amd64'), ('AMD64', 'amd64'),
                                  ('aarch64', 'arm64'), ('arm64', 'arm64')):
            self.patch(platform, 'machine', lambda: machine)
            self.assertEqual(expected, recipes.host_architecture())
