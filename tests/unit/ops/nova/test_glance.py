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

import hashlib
import os
import shutil
import types

import fixtures
from glanceclient.v2 import images
from nova import exception as nova_exception

from nova_vmrun import exception
from nova_vmrun.ops.nova import glance
from tests.unit import base
from tests.unit.ops import glances


class GlanceTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.glance = self.useFixture(glances.Glance())

    def check_refused(self, found):
        self.glance.images[glances.IMAGE] = found
        return self.assertRaises(exception.ImageRefused, glance.show,
                                 'context', glances.IMAGE)

    def test_an_image_that_the_user_must_not_see(self):
        for kind in (nova_exception.ImageNotFound,
                     nova_exception.ImageNotAuthorized):
            error = self.check_refused(kind(image_id=glances.IMAGE))
            self.assertEqual(glances.IMAGE, error.image_id)

    def test_an_image_without_content(self):
        self.assertIn('queued', self.check_refused(
            {'status': 'queued'}).reason)


class SpaceTestCase(base.TestCase):
    """Free space is looked at before a byte is written."""

    def setUp(self):
        super().setUp()
        self.glance = self.useFixture(glances.Glance())
        self.folder = self.useFixture(fixtures.TempDir()).path

    def download(self, size):
        self.glance.images[glances.IMAGE] = {'size': size}
        glance.downloader('context', None, glances.IMAGE)(
            os.path.join(self.folder, 'image'))

    def test_too_large(self):
        free = shutil.disk_usage(self.folder).free
        error = self.assertRaises(exception.DiskFull, self.download,
                                  100 * free)
        self.assertIn('It may need %d MiB' % (100 * free >> 20), error.details)
        self.assertFalse(self.glance.fetch.called)

    def test_it_fits_or_nobody_knows(self):
        self.download(5)
        self.download(None)
        self.assertEqual(2, self.glance.fetch.call_count)


class HashTestCase(base.TestCase):
    """glanceclient compares what it streams; nothing else does."""

    content = b'the image' * 1000

    def setUp(self):
        super().setUp()
        self.useFixture(fixtures.MockPatch(
            'nova.image.glance.GlanceClientWrapper.call', self._call))
        self.useFixture(fixtures.MockPatch(
            'nova.image.glance.API.get', return_value={
                'id': glances.IMAGE, 'status': 'active', 'size': 5}))
        self.path = os.path.join(
            self.useFixture(fixtures.TempDir()).path, 'image')

    def _call(self, context, version, method, args):
        return getattr(images.Controller(self, None), method)(*args)

    def get(self, url):
        """Answers as Glance does."""
        response = types.SimpleNamespace(
            headers={}, status_code=200, request_id=None)
        if url.endswith('/file'):
            return response, iter([self.sent[:9], self.sent[9:]])
        return response, dict(self.says)

    def download(self, sent, **says):
        self.sent, self.says = sent, says
        glance.downloader('context', None, glances.IMAGE)(self.path)

    def test_data_that_differ_from_their_hash_are_refused(self):
        sha = hashlib.sha512(self.content).hexdigest()
        sums = {'os_hash_algo': 'sha512', 'os_hash_value': sha}
        self.download(self.content, **sums)
        self.assertEqual(len(self.content), os.path.getsize(self.path))
        md5 = hashlib.md5(self.content, usedforsecurity=False).hexdigest()
        for sent, says in (
                (self.content[:-1], sums), (self.content + b'x', sums),
                (b'T' + self.content[1:], sums),
                (self.content[:-1], {'checksum': md5})):
            self.assertRaises(IOError, self.download, sent, **says)
            self.assertFalse(os.path.exists(self.path))
