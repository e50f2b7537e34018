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

"""Who asks for certificates gets no image that was not checked by them."""

import os

from nova_vmrun import exception
from nova_vmrun.host import files
from tests.unit.storage import caches

ONE, TWO = ['1'], ['2', '1']


class DisksTestCase(caches.TestCase):

    def setUp(self):
        super().setUp()
        self.tools.qemu_img.have_same_content.return_value = True

    def boot(self, certificates, **options):
        """Returns how often the image was fetched for a base."""
        before = len(self.downloads)
        self.made = self.base(certificates=certificates, **options)
        return len(self.downloads) - before

    def test_verified_image_is_not_fetched_again(self):
        self.assertEqual(1, self.boot(TWO))
        self.assertEqual(0, self.boot(['1', '2']))
        self.assertEqual(0, self.boot([]))
        self.assertEqual(0, self.boot(TWO, root_gb=3))
        self.assertFalse(self.tools.qemu_img.have_same_content.called)

    def test_unverified_image_is_fetched_again_and_compared(self):
        self.boot([])
        self.link(self.made, 'server', 'root.vmdk')
        self.assertEqual(1, self.boot(ONE))
        (disk, checked), = [each.args for each in self.tools.qemu_img.
                            have_same_content.call_args_list]
        self.assertEqual(self.made.disk, disk)
        self.assertIn('/work-', checked)
        self.assertEqual(0, self.boot(ONE))
        self.assertEqual(1, self.boot(TWO))
        self.assertEqual(0, self.boot(ONE))
        self.assertEqual(['disk-1.vmdk'], [
            name for name in os.listdir(self.folder)
            if name.endswith('1.vmdk')])

    def test_other_content_is_made_again(self):
        self.boot([])
        self.boot([], root_gb=3)
        self.tools.qemu_img.have_same_content.return_value = False
        self.assertEqual(2, self.boot(ONE))
        self.assertEqual(0, self.boot(ONE))
        self.assertFalse(os.path.exists(
            os.path.join(self.folder, 'disk-3.vmdk')))

    def test_other_content_that_servers_use_is_damaged(self):
        self.boot([])
        self.link(self.made, 'server', 'root.vmdk')
        self.tools.qemu_img.have_same_content.return_value = False
        for _number in range(2):
            self.assertRaises(exception.BaseDamaged, self.boot, ONE)
        self.assertEqual(0, self.boot([]))

    def test_a_check_that_fails(self):
        def download(path):
            raise ConnectionError('The signature is another.')

        self.boot([])
        for _number in range(2):
            self.assertRaises(ConnectionError, self.boot, ONE,
                              download=download)
        self.assertEqual(1, self.boot(ONE))

    def test_a_base_that_is_made_again_was_not_checked(self):
        self.boot(ONE)
        caches.damage(self.made.disk)
        self.assertEqual(1, self.boot([]))
        self.assertEqual(1, self.boot(ONE))


class FilesTestCase(caches.TestCase):

    def fetch(self, certificates, content=b'a'):
        """Returns what a drive gets, and how often that was fetched."""
        fetched = []

        def download(path):
            fetched.append(path)
            files.write_atomically(path, content)

        path = self.cache.file(caches.IMAGE, 'cd.iso', download,
                               lambda path: None, certificates)
        self.assertEqual(['cd.iso'], [
            name for name in os.listdir(self.folder)
            if name.endswith('.iso')])
        return files.read(path), len(fetched)

    def test_checked_once(self):
        for certificates, times in (([], 1), (ONE, 1), (ONE, 0), ([], 0),
                                    (TWO, 1), (ONE, 0)):
            self.assertEqual((b'a', times), self.fetch(certificates))

    def test_checked_at_once(self):
        self.assertEqual((b'a', 1), self.fetch(ONE))
        self.assertEqual((b'a', 0), self.fetch(ONE))

    def test_other_content_is_replaced(self):
        self.fetch([], b'other')
        self.assertEqual((b'a', 1), self.fetch(ONE))
        self.assertEqual((b'a', 0), self.fetch(ONE))

    def test_replaced_file_is_only_verified_for_its_own_certificates(self):
        self.fetch(ONE, b'other')
        self.assertEqual((b'a', 1), self.fetch(TWO))
        self.assertEqual((b'a', 1), self.fetch(ONE))
