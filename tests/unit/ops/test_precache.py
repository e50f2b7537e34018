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

from unittest import mock

from nova_vmrun import exception
from nova_vmrun.inspection import drive_images
from nova_vmrun.ops import precache
from tests.unit import images
from tests.unit.ops import glances
from tests.unit.storage import caches


class PrecacheTestCase(caches.TestCase):

    def setUp(self):
        super().setUp()
        self.glance = self.useFixture(glances.Glance())
        self.glance.fetch.side_effect = self.fetch
        self.precache = precache.Precache(self.cache)

    def fetch(self, context, image_id, path, trusted_certs):
        self.download(path)

    def add(self, disk_format, **found):
        self.glance.images[caches.IMAGE] = dict(
            found, disk_format=disk_format)

    def test_a_disk_is_fetched_once_in_its_own_size(self):
        self.add('qcow2')
        self.assertTrue(self.precache.fetch('context', caches.IMAGE))
        self.glance.fetch.assert_called_once_with(
            'context', caches.IMAGE, mock.ANY, trusted_certs=None)
        self.assertFalse(self.precache.fetch('context', caches.IMAGE))
        self.assertEqual(1, self.glance.fetch.call_count)
        self.base(root_gb=3, download=self.fail)

    def test_a_size_that_a_server_has_will_do(self):
        self.add('qcow2')
        self.base(root_gb=3)
        self.assertFalse(self.precache.fetch('context', caches.IMAGE))

    def test_the_disk_of_an_ova(self):
        self.add('vmdk', container_format='ova',
                 properties={'vmrun_ova_disk': 'd2'})
        with mock.patch.object(self.cache, 'base') as base:
            self.precache.fetch('context', caches.IMAGE)
        image, _, _ = base.call_args.args
        self.assertEqual('d2', image.chosen_disk)

    def test_an_installer(self):
        self.add('iso')
        with mock.patch.object(drive_images, 'require_iso') as inspect:
            self.assertTrue(self.precache.fetch('context', caches.IMAGE))
            self.assertFalse(self.precache.fetch('context', caches.IMAGE))
        self.assertEqual(1, inspect.call_count)
        self.assertTrue(self.cache.has_file(caches.IMAGE, 'cd.iso'))

    def test_declared_disk_type_is_checked(self):
        """A bare extent must not say that it is sparse."""
        def fetch(context, image_id, path, trusted_certs):
            with open(path, 'wb') as file:
                file.write(images.partitioned())

        self.glance.fetch.side_effect = fetch
        self.add('vmdk', properties={'vmware_disktype': 'sparse'})
        self.assertRaises(exception.ImageRefused, self.precache.fetch,
                          'context',
                          caches.IMAGE)
        self.add('vmdk', properties={'vmware_disktype': 'preallocated'})
        self.assertTrue(self.precache.fetch('context', caches.IMAGE))

    def test_an_image_that_the_user_must_not_see(self):
        self.assertRaises(exception.ImageRefused, self.precache.fetch,
                          'context',
                          caches.IMAGE)
