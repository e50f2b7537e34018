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
import stat
import threading
from unittest import mock

from oslo_utils import units
import testscenarios

from nova_vmrun import exception
from nova_vmrun.host import files
from nova_vmrun.inspection import inspector
from nova_vmrun.storage import linked
from tests.unit import images
from tests.unit.storage import caches
from tests.unit import vmdks


class MakeTestCase(caches.TestCase):

    def test_a_base_of_the_flavors_size_and_its_empty_child(self):
        made = self.base(root_gb=2)
        self.assertEqual(2 * units.Gi, self.capacity(made.disk))
        self.assertEqual(linked.read_descriptor(made.disk).cid,
                         linked.read_descriptor(made.delta).parent_cid)
        self.assertEqual(
            ['convert_to_vmdk', 'create_child', 'grow'], self.tools.runs())

    def test_only_what_is_complete_has_a_name(self):
        self.base(root_gb=2)
        self.assertEqual(
            {'disk-2.vmdk', 'disk-2-delta.vmdk', 'image.json',
             'disk-2.vmdk.used', 'disk-2-delta.vmdk.used'},
            set(os.listdir(self.folder)))

    def test_nobody_may_write_to_it(self):
        made = self.base()
        for path in (made.disk, made.delta):
            self.assertEqual(0o400, stat.S_IMODE(os.stat(path).st_mode))
        self.assertEqual(0o700, stat.S_IMODE(os.stat(self.folder).st_mode))

    def test_its_folder_becomes_writable_again(self):
        """VMware makes its lock folders there."""
        self.base()
        os.chmod(self.folder, 0o500)
        self.base()
        self.assertEqual(0o700, stat.S_IMODE(os.stat(self.folder).st_mode))

    def test_download_is_removed_before_the_disk_grows(self):
        def grow(disk, size_mb):
            self.assertFalse(os.path.exists(self.downloads[0]))
            # The owner may write to the disk that grows, and nobody else.
            self.assertEqual(0o600, stat.S_IMODE(os.stat(disk).st_mode))
            caches.resize(disk, size_mb * units.Mi)

        self.tools.vdiskmanager.grow.side_effect = grow
        self.base()

    def test_disk_0_keeps_the_size_of_the_image(self):
        made = self.base(root_gb=0)
        self.assertEqual(units.Mi, self.capacity(made.disk))
        self.assertNotIn('grow', self.tools.runs())

    def test_half_a_sector_is_rounded_up(self):
        def download(path):
            files.write_atomically(path, bytes(units.Mi - 511))

        self.tools.image_size = units.Mi
        self.base(root_gb=0, disk_format='raw', download=download)
        self.assertIn(b'"virtual_size": 1048576',
                      files.read(os.path.join(self.folder, 'image.json')))


class ReuseTestCase(caches.TestCase):

    def setUp(self):
        super().setUp()
        self.tools.image_size = 2 * units.Gi
        self.made = self.base(root_gb=2)
        self.before = self.tools.runs()
        del self.downloads[:]

    def test_the_same_size_starts_nothing(self):
        self.assertEqual(self.made, self.base(root_gb=2))
        self.assertEqual(self.before, self.tools.runs())
        self.assertEqual([], self.downloads)

    def test_a_larger_size_is_copied_and_grown(self):
        made = self.base(root_gb=5)
        self.assertEqual(5 * units.Gi, self.capacity(made.disk))
        self.assertEqual([], self.downloads)
        self.assertEqual(1, self.tools.runs().count('convert_to_vmdk'))
        self.assertEqual(2 * units.Gi, self.capacity(self.made.disk))

    def test_a_smaller_size_is_cut_to_the_images_own_and_grown(self):
        self.base(root_gb=5)
        os.remove(self.made.disk)
        made = self.base(root_gb=3)
        self.assertEqual(3 * units.Gi, self.capacity(made.disk))
        self.tools.qemu_img.shrink_vmdk.assert_called_once_with(
            os.path.join(self.folder, 'disk-5.vmdk'), 2 * units.Gi, mock.ANY)
        self.assertEqual([], self.downloads)

    def test_too_small_a_size_is_refused_at_once(self):
        error = self.assertRaises(exception.DiskTooSmall, self.base,
                                  root_gb=1)
        self.assertEqual((units.Gi, 2 * units.Gi),
                         (error.flavor_size, error.image_size))
        self.assertEqual([], self.downloads)
        self.assertTrue(os.path.exists(self.made.disk))

    def test_a_delta_that_is_missing_is_made_again(self):
        os.remove(self.made.delta)
        self.base(root_gb=2)
        self.assertTrue(os.path.exists(self.made.delta))
        self.assertEqual([], self.downloads)


class FileTestCase(caches.TestCase):
    """An image as it is in Glance."""

    def file(self):
        return self.cache.file(caches.IMAGE, 'cd.iso', self.download,
                               lambda path: None)

    def test_it_is_there_once_it_was_fetched(self):
        self.assertFalse(self.cache.has_file(caches.IMAGE, 'cd.iso'))
        self.file()
        self.assertTrue(self.cache.has_file(caches.IMAGE, 'cd.iso'))

    def test_its_last_use_is_kept(self):
        path = self.file()
        os.utime(path + '.used', (1, 1))
        self.file()
        (name, found, used), = self.cache.unlocked_files(caches.IMAGE)
        self.assertEqual(('cd.iso', path), (name, found))
        self.assertGreater(used, 1)

    def test_an_image_that_is_removed_leaves_an_empty_folder(self):
        """Threads that wait for its lock need the folder."""
        self.file()
        with self.cache.locked(caches.IMAGE):
            self.cache.remove(caches.IMAGE)
            self.assertEqual([], os.listdir(self.folder))
            self.assertEqual(0o700, stat.S_IMODE(os.stat(
                self.folder).st_mode))
        self.assertFalse(self.cache.has_file(caches.IMAGE, 'cd.iso'))


class SharedTestCase(caches.TestCase):

    def test_servers_that_boot_at_once_share_one_download(self):
        fetching, go_on = threading.Event(), threading.Event()

        def slow_download(path):
            fetching.set()
            self.assertTrue(go_on.wait(20))
            self.download(path)

        made = []
        threads = [
            threading.Thread(target=lambda: made.append(
                self.base(download=slow_download)))
            for _ in range(3)]
        for thread in threads:
            thread.start()
        self.assertTrue(fetching.wait(20))
        go_on.set()
        for thread in threads:
            thread.join(20)
        self.assertEqual(1, len(self.downloads))
        self.assertEqual(1, self.tools.runs().count('convert_to_vmdk'))
        self.assertEqual(1, len(set(made)))
        self.assertEqual(3, len(made))

    def test_another_image_need_not_wait(self):
        def download_while_another_is_made(path):
            other = threading.Thread(
                target=self.base, kwargs={'image_id': caches.OTHER_IMAGE})
            other.start()
            other.join(20)
            self.assertFalse(other.is_alive())
            self.download(path)

        self.base(download=download_while_another_is_made)
        self.assertEqual({caches.IMAGE, caches.OTHER_IMAGE},
                         set(os.listdir(self.layout.cache)))


class FailureTestCase(caches.TestCase):

    def check_nothing_left(self):
        self.assertEqual([], os.listdir(self.layout.cache))

    def check_refused(self, kind, **options):
        error = self.assertRaises(kind, self.base, **options)
        self.check_nothing_left()
        return error

    def test_a_failed_download_is_no_entry(self):
        def download(path):
            files.write_atomically(path, images.qcow2()[:1000])
            raise ConnectionError('Glance went away')

        self.check_refused(ConnectionError, download=download)
        self.base()
        self.assertEqual(1, len(self.downloads))

    def test_another_disk_of_an_ova(self):
        """What is in the cache is not what the property says now."""
        content = images.tar([('vm.ovf', images.ovf()),
                              ('disk.vmdk', vmdks.image())])

        def download(path):
            with open(path, 'wb') as file:
                file.write(content)

        def base(disk):
            return self.cache.base(inspector.Image(
                caches.IMAGE, 'vmdk', 'ova', ova_disk=disk), 1, download)

        made = base('d')
        self.assertEqual(made, base('d'))
        for disk in (None, 'disk.vmdk'):
            error = self.assertRaises(exception.ImageRefused, base, disk)
            self.assertIn('vmrun_ova_disk', error.reason)

    def test_a_refused_image(self):
        def download(path):
            files.write_atomically(
                path, images.qcow2(backing_file=b'/etc/shadow'))

        error = self.check_refused(exception.ImageRefused, download=download)
        self.assertEqual(caches.IMAGE, error.image_id)
        self.assertEqual([], self.tools.runs())

    def test_an_image_larger_than_the_disk_is_not_converted(self):
        self.tools.image_size = units.Gi + 1
        self.check_refused(exception.DiskTooSmall)
        self.assertEqual([], self.tools.runs())

    def test_image_that_cannot_be_converted_is_refused(self):
        self.tools.qemu_img.convert_to_vmdk.side_effect = (
            exception.ToolRefused('no', 'Command: qemu-img /host/path'))
        error = self.check_refused(exception.ImageRefused)
        self.assertNotIn('/host/path', str(error))
        self.assertIn('/host/path', self.log.output)

    def test_a_tool_that_is_missing_is_not_the_images_fault(self):
        self.tools.qemu_img.convert_to_vmdk.side_effect = (
            exception.ToolNotFound('qemu-img cannot be started.'))
        self.check_refused(exception.ToolNotFound)

    def test_disk_full_in_a_tool(self):
        def convert(source, source_format, target, size, span, available):
            files.write_atomically(target, b'half')
            raise exception.DiskFull('full')

        self.tools.qemu_img.convert_to_vmdk.side_effect = convert
        error = self.check_refused(exception.DiskFull)
        self.assertIn('in reserve', error.details)

    def test_disk_full_while_fetching(self):
        def download(path):
            raise OSError(28, 'No space left on device')

        error = self.check_refused(exception.DiskFull, download=download)
        self.assertIn(self.folder, error.details)

    def test_other_troubles_of_the_disk_keep_their_name(self):
        def download(path):
            raise OSError(5, 'Input/output error')

        self.check_refused(OSError, download=download)

    def test_without_vdiskmanager_nothing_grows(self):
        self.cache = self.make_cache(None)
        error = self.check_refused(exception.InvalidConfiguration)
        self.assertIn('vdiskmanager_path', error.resolution)
        self.base(root_gb=0)

    def test_a_disk_of_the_wrong_kind_is_not_kept(self):
        self.tools.qemu_img.convert_to_vmdk.side_effect = (
            lambda source, source_format, target, *rest: vmdks.write(
                target, create_type='streamOptimized'))
        self.check_refused(exception.VmrunError, root_gb=0)


class CrashTestCase(testscenarios.TestWithScenarios, caches.TestCase):
    """The power was cut while an entry was made."""

    scenarios = [
        (name, {'left': left})
        for name, left in (
            ('while fetching', {'work-0badcafe/image': images.qcow2()[:99]}),
            ('while converting',
             {'work-0badcafe/image': images.qcow2(),
              'work-0badcafe/disk-1.vmdk': b'KDMV half'}),
            ('before the disk had a name', {'image.json':
                                            b'{"virtual_size": 1048576}',
                                            'work-0badcafe/disk-1.vmdk':
                                            vmdks.image()}),
            ('while it was recorded', {'.image.json.0badcafe.part': b'{"vi'}),
            ('before anything was there', {}),
        )]

    def test_next_server_starts_over(self):
        for name, content in self.left.items():
            path = os.path.join(self.folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            files.write_atomically(path, content)
        made = self.base()
        self.assertEqual(1, len(self.downloads))
        self.assertEqual(units.Gi, self.capacity(made.disk))
        self.assertEqual(
            {'disk-1.vmdk', 'disk-1-delta.vmdk', 'image.json',
             'disk-1.vmdk.used', 'disk-1-delta.vmdk.used'},
            set(os.listdir(self.folder)))
