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

"""A keystone and a Glance that answer HTTP requests of this process."""

import hashlib
import json

import fixtures
from keystoneauth1 import fixture as keystone
from requests_mock.contrib import fixture as mock_fixture

IDENTITY = 'http://keystone.test/v3'
GLANCE = 'http://glance.test'
IMAGE = '11111111-2222-3333-4444-555555555555'
_URL = '%s/v2/images/%s' % (GLANCE, IMAGE)
_OWN = ('name', 'disk_format', 'container_format', 'visibility')
_SCHEMA = {
    'name': 'image',
    'properties': dict({name: {'type': 'string'} for name in _OWN},
                       id={'type': 'string'}, min_disk={'type': 'integer'}),
    'additionalProperties': {'type': 'string'},
}


class Cloud(fixtures.Fixture):
    """One image at most.

    :ivar image: what Glance says of it; None before it is made, and after it
        was deleted
    :ivar content: bytes that were uploaded
    :ivar lies: dict of what Glance says instead of the truth
    :ivar deleted: whether the image was deleted
    """

    def _setUp(self):
        self.image, self.content, self.deleted = None, None, False
        self.lies = {}
        self.http = self.useFixture(mock_fixture.Fixture())
        for name in ('OS_CLOUD', 'OS_CLIENT_CONFIG_FILE', 'OS_TOKEN'):
            self.useFixture(fixtures.EnvironmentVariable(name))
        self.useFixture(fixtures.NestedTempfile())
        home = self.useFixture(fixtures.TempHomeDir()).path
        self.useFixture(fixtures.EnvironmentVariable(
            'OS_CLIENT_CONFIG_FILE', home + '/none.yaml'))
        self._keystone()
        self.http.get(GLANCE + '/', json={'versions': [
            {'id': 'v2.17', 'status': 'CURRENT',
             'links': [{'rel': 'self', 'href': GLANCE + '/v2/'}]}]})
        self.http.get(GLANCE + '/v2/schemas/image', json=_SCHEMA)
        self.http.post(GLANCE + '/v2/images', status_code=201,
                       json=self._create)
        self.http.put(_URL + '/file', status_code=204, text=self._upload)
        self.http.get(_URL, json=lambda *_: dict(self.image, **self.lies))
        self.http.delete(_URL, status_code=204, text=self._delete)

    def _keystone(self):
        self.http.get(IDENTITY, json={
            'version': keystone.V3Discovery(IDENTITY)})
        token = keystone.V3Token()
        token.set_project_scope()
        service = token.add_service('image')
        service.add_standard_endpoints(public=GLANCE, region='r1')
        self.http.post(IDENTITY + '/auth/tokens', json=token,
                       headers={'X-Subject-Token': 'secret'})
        for name, value in (
                ('AUTH_URL', IDENTITY), ('USERNAME', 'u'),
                ('PASSWORD', 'p'), ('PROJECT_NAME', 'n'),
                ('USER_DOMAIN_ID', 'default'),
                ('PROJECT_DOMAIN_ID', 'default'),
                ('IDENTITY_API_VERSION', '3'), ('REGION_NAME', 'r1')):
            self.useFixture(fixtures.EnvironmentVariable('OS_' + name, value))

    def _create(self, request, _context):
        self.image = dict(json.loads(request.text), id=IMAGE,
                          status='queued')
        return self.image

    def _upload(self, request, _context):
        self.content = b''.join(request.body)
        self.image.update(
            status='active', size=len(self.content),
            checksum=hashlib.md5(self.content).hexdigest(),
            os_hash_algo='sha512',
            os_hash_value=hashlib.sha512(self.content).hexdigest())
        return ''

    def _delete(self, _request, _context):
        self.image, self.deleted = None, True
        return ''
