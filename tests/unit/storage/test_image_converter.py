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

"""Unit tests for the conversion of downloads to VMDKs."""

import gzip
import os
import stat
from unittest import mock

import fixtures
from oslo_utils import units

from nova_vmrun import exception
from nova_vmrun.host import files
from nova_vmrun.inspection import inspector
from nova_vmrun.storage import image_converter
from nova_vmrun.storage import linked
from tests.unit import base
from tests.unit import images
from tests.unit.storage import caches
from tests.unit import vmdks


class Base(base.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = self.useFixture(fixtures.TempDir()).path
        self.source = os.path.join(self.folder, 'image')
        self.target = os.path.join(self.folder, 'disk.vmdk')
        self.tools = caches.Tools()
        self.free = units.Ti
        self.useFixture(fixtures.MonkeyPatch(
            'shutil.disk_usage', lambda folder: mock.Mock(
                free=self.free if folder == self.folder else 0)))
        self.converter = self.make_converter(self.tools.vdiskmanager)

    def make_converter(self, disk_manager):
        return image_converter.ImageConverter(
            self.tools.qemu_img, disk_manager, ['monolithicSparse'])


class ConvertTestCase(Base):

    def convert(self, root_gb=0, disk_format='qcow2', content=None,
                container_format='bare'):
        def download(path):
            files.write_atomically(path, content or images.qcow2(
                self.tools.image_size))

        return self.converter.convert(
            inspector.Image('image-id', disk_format, container_format),
            root_gb, download, self.source, self.target)

    def converted(self):
        return self.tools.qemu_img.convert_to_vmdk.call_args.args

    def test_disk_has_the_size_of_the_image(self):
        self.assertEqual(inspector.Content('qcow2', units.Mi),
                         self.convert())
        self.assertEqual(
            (self.source, 'qcow2', self.target, units.Mi, None,
             units.Ti - 512 * units.Mi), self.converted())
        self.assertEqual(['convert_to_vmdk'], self.tools.runs())
        self.assertEqual(['disk.vmdk'], os.listdir(self.folder))

    def test_disk_grows_to_the_size_of_the_flavor(self):
        # What is returned is the size that other flavors can have.
        self.assertEqual(units.Mi, self.convert(root_gb=2).size)
        self.assertEqual(2 * units.Gi, image_converter.capacity(self.target))

    def test_size_is_rounded_up_to_sectors(self):
        self.convert(disk_format='raw',
                     content=images.partitioned(units.Mi - 511))
        self.assertEqual(units.Mi, self.converted()[3])

    def test_disk_in_an_ova_is_read_in_place(self):
        content = images.tar([('vm.ovf', images.ovf()),
                              ('disk.vmdk', vmdks.image())])
        found = self.convert(disk_format='vmdk', content=content,
                             container_format='ova')
        self.assertEqual(('vmdk', found.span),
                         (found.format, self.converted()[4]))
        self.assertEqual(vmdks.image(), content[
            found.span.offset:found.span.offset + found.span.length])

    def test_packed_disk_is_unpacked_and_the_package_removed(self):
        def convert(source, *args):
            self.assertFalse(os.path.exists(self.source))
            self.assertEqual(vmdks.image(), files.read(source))
            return self.tools._convert(source, *args)

        self.tools.qemu_img.convert_to_vmdk.side_effect = convert
        self.convert(disk_format='vmdk', container_format='ova',
                     content=images.tar([
                         ('vm.ovf', images.ovf([(
                             'file1', 'disk.vmdk', 'ovf:compression="gzip"'
                         )])), ('disk.vmdk', gzip.compress(vmdks.image()))]))
        self.assertEqual(['disk.vmdk'], os.listdir(self.folder))

    def test_image_is_inspected_before_a_tool_opens_it(self):
        self.assertRaises(
            exception.ImageRefused, self.convert,
            content=images.qcow2(backing_file=b'/etc/shadow'))
        self.assertRaises(
            exception.ImageRefused, self.convert, disk_format='vmdk',
            content=vmdks.image(vmdks.descriptor(
                create_type='streamOptimized')))
        self.assertEqual([], self.tools.runs())

    def test_image_larger_than_the_flavor_is_not_converted(self):
        self.tools.image_size = units.Gi + 512
        error = self.assertRaises(exception.DiskTooSmall, self.convert, 1)
        self.assertEqual((units.Gi, units.Gi + 512),
                         (error.flavor_size, error.image_size))
        self.assertEqual([], self.tools.runs())

    def test_result_larger_than_the_flavor(self):
        self.tools.qemu_img.convert_to_vmdk.side_effect = (
            lambda source, disk_format, target, *rest: caches.resize(
                target, units.Gi + 512))
        error = self.assertRaises(exception.DiskTooSmall, self.convert, 1)
        self.assertEqual(units.Gi + 512, error.image_size)

    def test_result_smaller_than_the_image(self):
        self.tools.qemu_img.convert_to_vmdk.side_effect = (
            lambda source, disk_format, target, *rest: caches.resize(
                target, units.Mi - 512))
        self.assertEqual(units.Mi - 512, self.convert().size)

    def test_full_file_system(self):
        def convert(source, source_format, target, size, span, available):
            files.write_atomically(target, b'half')
            raise exception.DiskFull('full', 'in /host/path')

        self.free = 700 * units.Mi
        self.tools.qemu_img.convert_to_vmdk.side_effect = convert
        error = self.assertRaises(exception.DiskFull, self.convert)
        self.assertEqual('Cannot convert the disk of image image-id.',
                         error.brief)
        for words in ('may need 1 MiB', 'has 700 MiB free', '512 MiB'):
            self.assertIn(words, error.details)
        self.assertIn('/host/path', self.log.output)
        self.assertFalse(os.path.exists(self.target))

    def test_full_file_system_before_the_first_byte(self):
        self.tools.qemu_img.convert_to_vmdk.side_effect = exception.DiskFull(
            'full')
        self.assertRaises(exception.DiskFull, self.convert)

    def test_image_that_the_tool_cannot_read(self):
        self.tools.qemu_img.convert_to_vmdk.side_effect = (
            exception.ToolRefused('no', 'Command: qemu-img /host/path'))
        error = self.assertRaises(exception.ImageRefused, self.convert)
        self.assertEqual('image-id', error.image_id)
        # A tenant reads the error, the operator the log.
        self.assertNotIn('/host/path', str(error))
        self.assertIn('/host/path', self.log.output)

    def test_other_errors_of_the_tool_are_not_the_fault_of_the_image(self):
        missing = exception.ToolNotFound('qemu-img cannot be started.')
        self.tools.qemu_img.convert_to_vmdk.side_effect = missing
        self.assertIs(missing, self.assertRaises(exception.ToolNotFound,
                                                 self.convert))


class GrowTestCase(Base):

    def setUp(self):
        super().setUp()
        caches.resize(self.target, units.Gi)
        os.chmod(self.target, 0o400)

    def test_smaller_disk_grows(self):
        def grow(disk, size_mb):
            # The owner may write to the disk that grows, and nobody else.
            self.assertEqual(0o600, stat.S_IMODE(os.stat(disk).st_mode))
            caches.resize(disk, size_mb * units.Mi)

        self.tools.vdiskmanager.grow.side_effect = grow
        self.converter.grow(self.target, 3)
        self.assertEqual(3 * units.Gi,
                         linked.read_header(self.target).capacity)

    def test_disk_that_is_large_enough_is_left_alone(self):
        for root_gb in (0, 1):
            self.converter.grow(self.target, root_gb)
        self.assertEqual([], self.tools.runs())
        # No tool is needed for that.
        self.make_converter(None).grow(self.target, 1)

    def test_without_the_tool(self):
        error = self.assertRaises(exception.InvalidConfiguration,
                                  self.make_converter(None).grow,
                                  self.target, 2)
        self.assertIn('vdiskmanager_path', error.resolution)

    def test_tables_of_the_larger_disk_need_space(self):
        self.free = 512 * units.Mi
        error = self.assertRaises(exception.DiskFull, self.converter.grow,
                                  self.target, 2)
        self.assertEqual('Cannot enlarge a disk to 2 GiB.', error.brief)
        self.assertEqual([], self.tools.runs())


class SizeTestCase(base.TestCase):

    def test_whole_sectors(self):
        for size, rounded in ((0, 0), (1, 512), (512, 512), (513, 1024)):
            self.assertEqual(rounded, image_converter.whole_sectors(size))

    def test_image_must_fit(self):
        for flavor, image in ((0, units.Ti), (units.Gi, units.Gi),
                              (units.Gi, 1)):
            image_converter.check_size(flavor, image)
        self.assertRaises(exception.DiskTooSmall, image_converter.check_size,
                          units.Gi, units.Gi + 1)
