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

"""The bytes that boots and images read and write, with a small image."""

import os

import fixtures
from oslo_utils import units
import testtools

from nova_vmrun.bench import measure
from nova_vmrun.bench import rig as bench_rig
from nova_vmrun.bench import sample_images
from nova_vmrun.cmd.image import convert
from nova_vmrun.cmd.image import disk_files
from nova_vmrun.inspection import inspector
from nova_vmrun.storage import linked
from tests.benchmarks import rig as rigs
from tests.unit import vmdks

_SIZE, _CONTENT = 64 * units.Mi, 24 * units.Mi
# Allowance for headers, empty children, and files of the programs.
_SLACK = 3 * units.Mi
_SERVER = '00000000-0000-4000-8000-00000000000%d'


class BytesTestCase(testtools.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = self.useFixture(fixtures.TempDir()).path
        self.rig = rigs.Rig(self.folder)
        self.image = os.path.join(self.folder, 'image.qcow2')
        sample_images.make_qcow2(self.rig, self.image, _SIZE, _CONTENT)
        self.size = os.path.getsize(self.image)

    def _boot(self, number, download=None, **options):
        """Return the Cost of a server's root disk, and its path."""
        with measure.cost() as cost:
            disk = self.rig.boot(_SERVER % number, download, **options)
        return cost, disk

    def _first_boot(self):
        return self._boot(0, sample_images.stream_download(self.image))

    def _between(self, low, found, high):
        self.assertTrue(low <= found <= high, '%d <= %d <= %d'
                        % (low, found, high))

    def test_first_boot(self):
        """Fetched once, converted once."""
        before = self.rig.runner.started
        cost, _ = self._first_boot()
        base = self.rig.base(None).disk
        converted = measure.allocated(base)
        # The download itself reads the image too, as Glance would.
        self._between(2 * self.size, cost.read, 2 * self.size + _SLACK)
        self._between(self.size + _CONTENT, cost.written,
                      self.size + converted + _SLACK)
        # One conversion, and one empty child.
        self.assertEqual(
            2, (self.rig.runner.started - before)['qemu-img'])

    def test_space_of_the_first_boot(self):
        with measure.peak(self.rig.layout.root) as peak:
            self._first_boot()
        converted = measure.allocated(self.rig.base(None).disk)
        self._between(converted, peak.size,
                      (self.size + converted) * 105 // 100 + units.Mi)

    def test_second_boot(self):
        """Nothing of the disk is read, and no program runs."""
        self._first_boot()
        delta = self.rig.base(None).delta
        size = os.path.getsize(delta)
        # Holes are not copied, and the last block of the file is not whole.
        data = measure.allocated(delta) // 2
        self.assertGreater(data, 0)
        before = self.rig.runner.started
        cost, _ = self._boot(1)
        self._between(data, cost.read, size + units.Mi // 4)
        self._between(data, cost.written, size + units.Mi // 4)
        self.assertEqual(before, self.rig.runner.started)

    def test_full_copy(self):
        self._first_boot()
        size = os.path.getsize(self.rig.base(None).disk)
        before = self.rig.runner.started
        cost, disk = self._boot(1, link=False)
        # None at all, where the file system shares blocks.
        self._between(0, cost.read, size + _SLACK)
        self._between(0, cost.written, size + _SLACK)
        self.assertEqual(before, self.rig.runner.started)
        self.assertIsNone(linked.read_descriptor(disk).parent_hint)

    def test_inspection_reads_no_content(self):
        """An image of any format is read once: by its conversion."""
        for disk_format, qemu_format, options in (
                ('raw', 'raw', 'preallocation=off'),
                ('qcow2', 'qcow2', 'cluster_size=65536'),
                ('vmdk', 'vmdk', 'subformat=monolithicSparse'),
                ('vmdk', 'vmdk', 'subformat=streamOptimized'),
                ('vdi', 'vdi', 'static=off'),
                ('vhd', 'vpc', 'subformat=dynamic'),
                ('vhd', 'vpc', 'subformat=fixed'),
                ('vhdx', 'vhdx', 'subformat=dynamic')):
            path = os.path.join(self.folder, 'image')
            self.rig.run('qemu-img', 'convert', '-f', 'qcow2', '-O',
                         qemu_format, '-o', options, self.image, path)
            self.check_inspection(path, disk_format)
            if options == 'subformat=streamOptimized':
                with open(path, 'rb') as file:
                    content = file.read()
                with open(path, 'wb') as file:
                    file.write(vmdks.with_footer(content))
                self.check_inspection(path, disk_format)
                self.rig.run('qemu-img', 'compare', '-f', 'vmdk', '-F',
                             'qcow2', path, self.image)

    def check_inspection(self, path, disk_format):
        image = inspector.Image('image-id', disk_format)
        with measure.cost() as cost:
            found = inspector.inspect(path, image, bench_rig.CREATE_TYPES)
        # qemu-img rounds a VHD up to a whole geometry.
        self._between(_SIZE, found.size, _SIZE + units.Mi)
        # The metadata of a VHDX lie behind its first 2 MiB.
        self._between(0, cost.read, 4 * units.Mi)
        self.assertLess(12 * units.Mi, os.path.getsize(path))

    def test_one_file_of_many(self):
        """What "image upload" makes has the content, for one pass."""
        _, child = self._first_boot()
        split = os.path.join(self.folder, 'split.vmdk')
        self.rig.run('qemu-img', 'convert', '-f', 'vmdk', '-O', 'vmdk',
                     '-o', 'subformat=twoGbMaxExtentSparse', child, split)
        for path in (split, child):
            disk = disk_files.follow(path)
            self.assertFalse(disk.is_one_file)
            work = self.useFixture(fixtures.TempDir()).path
            with measure.cost() as cost:
                made = convert.make_one_file(disk, work, self.rig.qemu_img)
            self._between(_CONTENT, cost.read, disk.allocated + _SLACK)
            # QEMU fills a grain with zeros before it compresses into it.
            self._between(os.path.getsize(made), cost.written,
                          os.path.getsize(made) + _CONTENT + _SLACK)
            self.rig.run('qemu-img', 'compare', '-f', 'vmdk', '-F', 'qcow2',
                         made, self.image)
