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

"""Unit tests for the formats to declare to Glance."""

import gzip
import os

import fixtures
from oslo_utils import units
import testscenarios

from nova_vmrun import exception
from nova_vmrun.inspection import sniff
from tests.fixtures.hostile import hybrids
from tests.unit import base
from tests.unit import images
from tests.unit import vmdks

_ZEROS = bytes(70000)


class Base(base.TestCase):

    def sniff(self, content, declared=None, name='disk.img'):
        path = os.path.join(self.useFixture(fixtures.TempDir()).path, name)
        with open(path, 'wb') as file:
            file.write(content)
        return sniff.sniff(path, declared)


class SniffTestCase(testscenarios.TestWithScenarios, Base):

    scenarios = [
        (name, {'content': content, 'expected': expected})
        for name, content, *expected in (
            ('qcow2', images.qcow2(), 'qcow2'),
            ('vmdk', vmdks.image(), 'vmdk'),
            ('descriptor', vmdks.descriptor(
                create_type='monolithicFlat').encode(), 'vmdk'),
            ('ova', images.tar([('vm.ovf', images.ovf()),
                                ('disk.vmdk', vmdks.image())]),
             'vmdk', 'ova'),
            ('iso', hybrids.iso(), 'iso'),
            ('installer', hybrids.installer(), 'iso'),
            ('vhdx', hybrids.DISKS['vhdx'], 'vhdx'),
            ('vdi', hybrids.DISKS['vdi'], 'vdi'),
            ('dynamic vhd', images.vhd(), 'vhd'),
            ('fixed vhd', bytes(units.Mi) + images.vhd_footer(kind=2), 'vhd'),
            ('partitions', images.partitioned(), 'raw'))]

    def test_formats(self):
        self.assertEqual(sniff.GlanceFormat(*self.expected),
                         self.sniff(self.content))

    def test_declared_format_changes_nothing(self):
        self.assertEqual(sniff.GlanceFormat(*self.expected),
                         self.sniff(self.content, 'raw'))


class RawTestCase(Base):

    def test_doubtful_raw_disk_must_be_declared(self):
        error = self.assertRaises(exception.ImageRefused, self.sniff, _ZEROS)
        self.assertEqual('disk.img', error.image_id)
        self.assertIn('Its content is zeros', error.reason)
        self.assertIn('--disk-format raw', error.resolution)
        self.assertEqual(sniff.GlanceFormat('raw'),
                         self.sniff(_ZEROS, 'raw'))

    def test_file_that_is_not_a_disk_is_described(self):
        error = self.assertRaises(exception.ImageRefused, self.sniff,
                                  gzip.compress(_ZEROS))
        self.assertIn('compressed with gzip', error.reason)
        self.assertIn('gunzip', error.resolution)

    def test_extent_has_the_suffix_of_a_vmdk(self):
        for name in ('disk-flat.vmdk', 'DISK.VMDK'):
            self.assertEqual(
                sniff.GlanceFormat('raw', disk_type='preallocated'),
                self.sniff(images.partitioned(), name=name))


class SeveralFormatsTestCase(Base):

    def test_refused(self):
        error = self.assertRaises(
            exception.ImageRefused, self.sniff,
            hybrids.iso(images.qcow2()[:32768]), 'qcow2')
        self.assertEqual('disk.img', error.image_id)
        self.assertIn('several formats at once: iso, qcow2.', error.reason)
