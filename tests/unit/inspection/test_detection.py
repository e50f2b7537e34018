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

"""Unit tests for the detection of formats."""

import io
import os

import fixtures
from oslo_utils import units
import testscenarios

from nova_vmrun import exception
from nova_vmrun.inspection import detection
from tests.fixtures.hostile import hybrids
from tests.unit import base
from tests.unit import images
from tests.unit import vmdks


def _detect(content):
    return set(map(str, detection.detect(io.BytesIO(content), 'image-id')))


class DetectTestCase(testscenarios.TestWithScenarios, base.TestCase):

    scenarios = [
        (name, {'content': content.ljust(70000, b'\0'), 'formats': formats})
        for name, content, formats in (
            ('qcow2', images.qcow2(), {'qcow2'}),
            ('vmdk', vmdks.image(), {'vmdk'}),
            ('vhd', images.vhd(), {'vhd'}),
            ('vhdx', hybrids.DISKS['vhdx'], {'vhdx'}),
            ('vdi', hybrids.DISKS['vdi'], {'vdi'}),
            ('iso', hybrids.iso(), {'iso'}),
            ('installer', hybrids.installer(), {'iso', 'gpt'}),
            ('partitions', images.partitioned(), {'gpt'}),
            ('zeros', b'', {'raw'}),
            ('qcow2 and iso', hybrids.iso(images.qcow2()[:32768]),
             {'qcow2', 'iso'}))]

    def test_formats(self):
        self.assertEqual(self.formats, _detect(self.content))

    def test_formats_of_a_path(self):
        path = os.path.join(self.useFixture(fixtures.TempDir()).path, 'disk')
        with open(path, 'wb') as file:
            file.write(self.content)
        self.assertEqual(self.formats,
                         detection.detect_formats(path, 'image-id'))


class _Counting(io.BytesIO):
    bytes_read = 0

    def read(self, size=-1):
        data = super().read(size)
        self.bytes_read += len(data)
        return data


class DetectVmdkTestCase(base.TestCase):

    def test_names_in_other_encodings(self):
        self.assertEqual({'vmdk'}, _detect(vmdks.image(
            vmdks.descriptor('disk-仮想.vmdk'), encoding='cp932')))

    def test_broken_header(self):
        # The version of the header is that of no VMDK.
        content = vmdks.image()
        self.assertEqual({'vmdk'}, _detect(
            content[:4] + b'\xff' * 4 + content[8:]))

    def test_content_is_skipped(self):
        file = _Counting(vmdks.with_footer(vmdks.image(vmdks.descriptor(
            create_type='streamOptimized'), content=bytes(9 * units.Mi))))
        self.assertEqual(
            ['vmdk'], list(map(str, detection.detect(file, 'image-id'))))
        self.assertLess(file.bytes_read, 2 * units.Mi)

    def test_file_stays_open(self):
        file = io.BytesIO(vmdks.image())
        detection.detect(file, 'image-id')
        self.assertFalse(file.closed)

    def test_position_of_the_file_does_not_matter(self):
        file = io.BytesIO(vmdks.image(
            vmdks.descriptor('disk-仮想.vmdk'), encoding='cp932'))
        file.seek(1000)
        self.assertEqual(
            ['vmdk'], list(map(str, detection.detect(file, 'image-id'))))


class NothingDetectedTestCase(base.TestCase):

    def test_text_that_turns_binary(self):
        error = self.assertRaises(
            exception.ImageRefused, _detect,
            b'# Disk DescriptorFile\n'.ljust(600) + b'\xff' * 9000)
        self.assertEqual('image-id', error.image_id)
        self.assertIn('Its content is a VMDK descriptor', error.reason)
        self.assertTrue(error.resolution)


class IsoTestCase(base.TestCase):

    def test_only_installers_are_disks_too(self):
        for formats, is_iso in (
                ({'iso'}, True), ({'iso', 'gpt'}, True), ({'gpt'}, False),
                (set(), False), ({'raw'}, False), ({'iso', 'raw'}, False),
                ({'iso', 'gpt', 'qcow2'}, False)):
            self.assertEqual(is_iso, detection.is_iso(formats))


class VhdTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.path = os.path.join(
            self.useFixture(fixtures.TempDir()).path, 'disk')

    def test_fixed_vhd_is_known_by_its_footer(self):
        footer = images.vhd_footer(kind=2)
        for content, expected in (
                (bytes(units.Mi) + footer, True), (footer, True),
                (footer + b'x', False), (b'x' + footer[:-1], False),
                (footer[:100], True), (bytes(units.Mi), False), (b'', False)):
            with open(self.path, 'wb') as file:
                file.write(content)
            self.assertEqual(expected, detection.is_fixed_vhd(self.path))
            self.assertEqual(expected, detection.has_vhd_footer(
                io.BytesIO(content)))

    def test_guess(self):
        with open(self.path, 'wb') as file:
            file.write(images.partitioned())
        self.assertTrue(detection.guess(self.path).is_disk)
