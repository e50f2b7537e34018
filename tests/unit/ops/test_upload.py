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

import fixtures
from glanceclient.common import http
from glanceclient import exc
from nova import exception as nova_exception
from nova.image import glance as nova_glance

from nova_vmrun import exception
from nova_vmrun.ops.nova import glance
from tests.unit import base
from tests.unit.ops import glances

CONTENT = bytes(range(256)) * 999
IMAGE = glances.IMAGE


class UploadTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.glance = self.useFixture(glances.Glance())
        self.glance.images[IMAGE] = {'status': 'queued', 'properties': {
            'mine': 'x', 'vix_iso_images': 'y'}}
        self.useFixture(fixtures.MockPatch('nova.image.glance.API.update',
                                           self.update))
        self.path = os.path.join(self.useFixture(fixtures.TempDir()).path,
                                 'disk.vmdk')
        with open(self.path, 'wb') as file:
            file.write(CONTENT)
        self.breaks = []

    def update(self, context, image_id, image, data, purge_props):
        self.updated = image
        self.purged = purge_props
        # As glanceclient reads it, and Nova's wrapper repeats it.
        self.received = b''
        for part in http._BaseHTTPClient._chunk_body(data):
            self.received += part
            if self.breaks:
                error = self.breaks.pop()
                if error is not OSError:
                    raise error
                self.received = b''
        return dict(image, size=len(self.received))

    def upload(self, obsolete=()):
        glance.upload('context', glances.instance(), IMAGE, self.path,
                      {'vmware_disktype': 'streamOptimized'}, obsolete)

    def test_content_and_formats(self):
        logger = self.useFixture(fixtures.FakeLogger())
        self.upload()
        self.assertEqual(CONTENT, self.received)
        self.assertIn('Uploading: 100 %', logger.output)
        self.assertEqual(
            {'disk_format': 'vmdk', 'container_format': 'bare',
             'properties': {'vmware_disktype': 'streamOptimized'}},
            self.updated)
        self.assertFalse(self.purged)

    def test_obsolete_properties_are_removed(self):
        self.upload(['vix_iso_images', 'vix_floppy_image'])
        self.assertEqual(
            {'mine': 'x', 'vmware_disktype': 'streamOptimized'},
            self.updated['properties'])
        self.assertTrue(self.purged)

    def test_nothing_is_purged_for_what_is_not_there(self):
        self.upload(['vix_floppy_image'])
        self.assertFalse(self.purged)

    def test_an_upload_that_nova_repeats_from_the_middle(self):
        self.breaks = [OSError]
        error = self.assertRaises(exception.VmrunError, self.upload)
        self.assertIn(IMAGE, error.brief)
        self.assertIn(str(len(CONTENT)), error.details)

    def test_an_image_that_was_deleted_before(self):
        del self.glance.images[IMAGE]
        self.assertRaises(nova_exception.ImageNotFound, self.upload)

    def fail_meanwhile(self, error, found):
        """Makes the upload fail, and Glance find this image then."""
        def fail(*args, **options):
            self.glance.images[IMAGE] = found
            raise error

        self.glance.images[IMAGE] = {'properties': {}}
        self.useFixture(fixtures.MockPatchObject(nova_glance.API, 'update',
                                                 fail))

    def test_an_image_that_is_deleted_meanwhile(self):
        """Glance's answer depends on the moment."""
        missing = nova_exception.ImageNotFound(image_id=IMAGE)
        for error in (missing, exc.HTTPConflict(),
                      exc.HTTPException('410 Gone')):
            for found in (missing, {'status': 'deleted'}):
                self.fail_meanwhile(error, found)
                self.assertRaises(nova_exception.ImageNotFound, self.upload)

    def test_other_errors_are_what_they_are(self):
        error = nova_exception.ImageQuotaExceeded(image_id=IMAGE)
        for found in ({'status': 'queued'}, OSError('no network')):
            self.fail_meanwhile(error, found)
            self.assertIs(error, self.assertRaises(
                nova_exception.ImageQuotaExceeded, self.upload))
