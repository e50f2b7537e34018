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

"""Uploads to the Glance of Nova's tests, which lacks them."""

import copy

import fixtures
from nova import exception
from nova.tests import fixtures as nova_fixtures


class GlanceUploads(fixtures.Fixture):
    """Stores uploads; purging changes only properties.

    Images are queued until then.
    """

    def _setUp(self):
        for name, method in (('create', _create), ('update', _update)):
            self.useFixture(fixtures.MockPatchObject(
                nova_fixtures.GlanceFixture, name, method))


_original_create = nova_fixtures.GlanceFixture.create


def _create(self, context, metadata, data=None):
    metadata = dict({'properties': {}}, **metadata)
    if data is None:
        metadata['status'] = 'queued'
    return _original_create(self, context, metadata, data)


def _update(self, context, image_id, metadata, data=None, purge_props=False):
    if image_id not in self.images:
        raise exception.ImageNotFound(image_id=image_id)
    image = self.images[image_id]
    metadata = copy.deepcopy(metadata)
    properties = metadata.pop('properties', {})
    image['properties'] = dict(
        {} if purge_props else image['properties'], **properties)
    image.update(metadata)
    if data is not None:
        content = b''.join(iter(lambda: data.read(1 << 16), b''))
        # Deleted meanwhile.
        if image_id not in self.images:
            raise exception.ImageNotFound(image_id=image_id)
        self._imagedata[image_id] = content
        image.update(size=len(content), status='active')
    return copy.deepcopy(image)
