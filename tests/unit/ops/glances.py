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

"""Glance as a user sees it, for unit tests."""

import types

import fixtures
from nova.compute import vm_states
from nova import exception as nova_exception

IMAGE = 'aaaaaaaa-1111-2222-3333-444444444444'
CERTIFICATES = types.SimpleNamespace(ids=['one', 'two'])
UUID = '11111111-2222-3333-4444-555555555555'


def instance(**system_metadata):
    """Returns what the operations read of an instance."""
    return types.SimpleNamespace(
        uuid=UUID, image_ref=IMAGE, trusted_certs=CERTIFICATES,
        vm_state=vm_states.BUILDING,
        flavor=types.SimpleNamespace(root_gb=7),
        system_metadata=system_metadata)


class Glance(fixtures.Fixture):
    """What the user sees in Glance: ids to images, or to exceptions."""

    def _setUp(self):
        self.images = {}
        self.asked = []
        self.useFixture(fixtures.MockPatch(
            'nova.image.glance.API.get', self._get))
        self.fetch = self.useFixture(fixtures.MockPatch(
            'nova.virt.images.fetch')).mock

    def _get(self, context, image_id, **options):
        self.asked.append(image_id)
        found = self.images.get(image_id, nova_exception.ImageNotFound(
            image_id=image_id))
        if isinstance(found, Exception):
            raise found
        return dict({'id': image_id, 'status': 'active', 'size': 0,
                     'container_format': 'bare', 'properties': {}}, **found)
