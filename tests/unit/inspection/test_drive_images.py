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

"""Unit tests for images of CDs and floppy disks."""

import gzip
import os

import fixtures
from oslo_utils import units

from nova_vmrun import exception
from nova_vmrun.inspection import drive_images
from nova_vmrun.inspection import inspector
from tests.fixtures.hostile import hybrids
from tests.unit import base
from tests.unit import images

_FLOPPY = 1440 * units.Ki


class Base(base.TestCase):

    def setUp(self):
        super().setUp()
        self.path = os.path.join(
            self.useFixture(fixtures.TempDir()).path, 'image')

    def require(self, content, disk_format):
        with open(self.path, 'wb') as file:
            file.write(content)
        self.requirement(self.path, inspector.Image('image-id', disk_format))

    def refused(self, content, disk_format):
        error = self.assertRaises(exception.ImageRefused, self.require,
                                  content, disk_format)
        self.assertEqual('image-id', error.image_id)
        self.assertTrue(error.resolution)
        return error


class IsoTestCase(Base):

    requirement = staticmethod(drive_images.require_iso)

    def test_iso_images_and_installers(self):
        self.require(hybrids.iso(), 'iso')
        self.require(hybrids.installer(), 'iso')

    def test_iso_image_declared_as_something_else(self):
        error = self.refused(hybrids.iso(), 'raw')
        self.assertEqual(
            'It cannot be in a CD drive: its disk_format is raw and its '
            'content is iso.', error.reason)
        self.assertIn('uploaded with disk_format iso', error.resolution)

    def test_other_content(self):
        error = self.refused(images.qcow2(), 'iso')
        self.assertIn('its content is qcow2', error.reason)
        self.assertIn('Use an ISO 9660 image', error.resolution)
        error = self.refused(images.partitioned(), 'iso')
        self.assertIn('its content is a raw disk (boot sector)', error.reason)
        self.assertIn('Use an ISO 9660 image', error.resolution)

    def test_two_formats_at_once(self):
        error = self.refused(hybrids.iso(images.qcow2()[:32768]), 'iso')
        self.assertIn('its content is iso, qcow2.', error.reason)

    def test_file_that_is_not_a_disk_has_its_own_advice(self):
        error = self.refused(gzip.compress(hybrids.iso()), 'iso')
        self.assertIn('compressed with gzip', error.reason)
        self.assertIn('gunzip', error.resolution)

    def test_empty(self):
        self.assertIn('It is empty', self.refused(b'', 'iso').reason)


class FloppyTestCase(Base):

    requirement = staticmethod(drive_images.require_floppy)

    def test_raw_content_up_to_the_largest_floppy(self):
        self.require(bytes(_FLOPPY), 'raw')
        self.require(images.partitioned(2 * _FLOPPY), 'raw')

    def test_too_large(self):
        error = self.refused(bytes(2 * _FLOPPY + 1), 'raw')
        self.assertIn('it has 2949121 bytes, a floppy disk at most 2949120',
                      error.reason)

    def test_other_content(self):
        for content, description in (
                (images.qcow2(), 'qcow2'), (hybrids.iso(), 'iso'),
                (gzip.compress(bytes(_FLOPPY)), 'compressed with gzip')):
            error = self.refused(content, 'raw')
            self.assertIn('its disk_format is raw and its content is %s.'
                          % description, error.reason)

    def test_declared_as_something_else(self):
        error = self.refused(bytes(_FLOPPY), 'iso')
        self.assertIn('its disk_format is iso', error.reason)
        self.assertIn('disk_format raw', error.resolution)

    def test_empty(self):
        self.assertIn('It is empty', self.refused(b'', 'raw').reason)
