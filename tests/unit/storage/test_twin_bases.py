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
from unittest import mock

import fixtures

from nova_vmrun import exception
from nova_vmrun.server import layout as layouts
from nova_vmrun.storage import cache_entry
from nova_vmrun.storage import image_cache
from nova_vmrun.storage import linked
from nova_vmrun.storage import twin_bases
from tests.unit.storage import caches
from tests.unit.storage import storages


class TwinBasesTestCase(caches.TestCase):
    """An image that only the cache of instances_path has."""

    def setUp(self):
        super().setUp()
        usb = self.useFixture(fixtures.TempDir()).path
        self.folder = storages.folders(
            self.layout, 'usb:' + usb, cache=self.cache).others[0]
        self.folder.check()
        self.folder.cache = image_cache.ImageCache(
            layouts.Layout(usb, '_base'), self.tools.qemu_img, None, [],
            self.folder.users)
        self.tools.qemu_img.have_same_content.return_value = True
        self.disk = self.base(certificates=['signer']).disk

    def make(self):
        return twin_bases.make(self.folder, self.tools.qemu_img, self.disk)

    def entry(self, path):
        return cache_entry.Entry(os.path.dirname(path))

    def test_it_is_copied_once(self):
        self.assertFalse(twin_bases.exists(self.folder, self.disk))
        twin = self.make()
        self.assertEqual(os.path.join(self.folder.path, '_base', caches.IMAGE,
                                      'disk-1.vmdk'), twin)
        self.assertTrue(twin_bases.exists(self.folder, self.disk))
        self.assertIsNone(self.entry(twin).find_damage('disk-1.vmdk'))
        self.assertEqual(self.entry(self.disk).facts, self.entry(twin).facts)
        self.assertEqual(linked.read_header(self.disk).capacity,
                         linked.read_header(twin).capacity)
        cid = linked.read_descriptor(twin).cid
        self.assertEqual(twin, self.make())
        self.assertEqual(cid, linked.read_descriptor(twin).cid)
        self.tools.qemu_img.have_same_content.assert_called_once_with(
            self.disk, twin)
        self.assertEqual(['disk-1.vmdk', 'disk-1.vmdk.used', 'image.json'],
                         sorted(os.listdir(os.path.dirname(twin))))

    def test_its_signature_is_verified_again(self):
        twin = self.make()
        self.assertTrue(self.entry(self.disk).is_verified(
            cache_entry.DISKS, ['signer']))
        self.assertFalse(self.entry(twin).is_verified(
            cache_entry.DISKS, ['signer']))

    def test_another_content(self):
        self.make()
        self.tools.qemu_img.have_same_content.return_value = False
        error = self.assertRaises(exception.BaseDamaged, self.make)
        self.assertIn(self.disk, error.details)

    def test_a_base_disk_that_was_written_to(self):
        caches.damage(self.disk)
        error = self.assertRaises(exception.BaseDamaged, self.make)
        self.assertIn(self.disk, error.brief)
        self.assertFalse(twin_bases.exists(self.folder, self.disk))

    def test_a_twin_that_was_written_to(self):
        twin = self.make()
        caches.damage(twin)
        self.assertFalse(twin_bases.exists(self.folder, self.disk))
        with mock.patch.object(self.folder.users, 'find',
                               return_value=['/vms/root.vmdk']):
            self.assertRaises(exception.BaseDamaged, self.make)
        self.make()
        self.assertIsNone(self.entry(twin).find_damage('disk-1.vmdk'))
