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

"""Unit tests for the log-in to a cloud and the upload to its Glance."""

import hashlib
import io
import json
import os

import fixtures
from glanceclient import exc as glance_exceptions
import requests

from nova_vmrun.cmd.image import cloud
from nova_vmrun import exception
from tests.unit import base
from tests.unit.cmd.image import clouds

_CONTENT = b'the bytes of a disk'
_URL = '%s/v2/images/%s' % (clouds.GLANCE, clouds.IMAGE)


class Base(base.TestCase):

    def setUp(self):
        super().setUp()
        self.cloud = self.useFixture(clouds.Cloud())


class LogInTestCase(Base):

    def refused(self, text, name=None):
        error = self.assertRaises(exception.InvalidConfiguration,
                                  cloud.log_in, name)
        self.assertIn(text, error.details)
        self.assertIn('openstack token issue', error.resolution)

    def clouds_yaml(self):
        for name in ('AUTH_URL', 'USERNAME', 'PASSWORD', 'PROJECT_NAME',
                     'USER_DOMAIN_ID', 'PROJECT_DOMAIN_ID', 'REGION_NAME'):
            self.useFixture(fixtures.EnvironmentVariable('OS_' + name))
        path = os.path.join(self.useFixture(fixtures.TempDir()).path,
                            'clouds.yaml')
        with open(path, 'w') as file:
            json.dump({'clouds': {'c': {
                'region_name': 'r1', 'auth': {
                    'auth_url': clouds.IDENTITY, 'username': 'u',
                    'password': 'p', 'project_name': 'n',
                    'user_domain_id': 'd', 'project_domain_id': 'd'},
            }}}, file)
        self.useFixture(fixtures.EnvironmentVariable(
            'OS_CLIENT_CONFIG_FILE', path))

    def test_credentials_are_tried(self):
        self.assertEqual('r1', cloud.log_in().region_name)
        self.assertTrue(self.cloud.http.called)

    def test_clouds_yaml(self):
        self.clouds_yaml()
        self.assertEqual('c', cloud.log_in('c').name)
        self.refused('other', 'other')

    def test_no_credentials(self):
        self.useFixture(fixtures.EnvironmentVariable('OS_AUTH_URL'))
        self.refused('auth_url')

    def test_refused_credentials(self):
        self.cloud.http.post(clouds.IDENTITY + '/auth/tokens',
                             status_code=401)
        self.refused('401')

    def test_keystone_does_not_answer(self):
        self.cloud.http.get(clouds.IDENTITY, exc=requests.ConnectionError)
        self.cloud.http.post(clouds.IDENTITY + '/auth/tokens',
                             exc=requests.ConnectionError)
        self.refused('keystone.test')

    def test_client_uses_the_endpoint_and_region_of_the_cloud(self):
        self.clouds_yaml()
        client = cloud.connect('c')
        self.cloud.image = {'id': clouds.IMAGE, 'status': 'queued'}
        self.assertEqual('queued',
                         client.images.get(clouds.IMAGE)['status'])
        self.assertEqual('r1', client.http_client.region_name)


class UploadTestCase(Base):

    def setUp(self):
        super().setUp()
        self.path = os.path.join(
            self.useFixture(fixtures.TempDir()).path, 'disk')
        with open(self.path, 'wb') as file:
            file.write(_CONTENT)
        self.client = cloud.connect()

    def upload(self, **attributes):
        return cloud.upload(self.client, self.path, dict(
            {'name': 'n', 'disk_format': 'raw', 'container_format': 'bare'},
            **attributes), '/vm/web.vmx')

    def refused(self, text):
        error = self.assertRaises(exception.UploadFailed, self.upload)
        self.assertIn('/vm/web.vmx', error.brief)
        self.assertIn(text, str(error))
        self.assertTrue(error.details)
        self.assertTrue(error.resolution)
        return error

    def test_image_has_the_content_and_attributes(self):
        image = self.upload(os_type='linux')
        self.assertEqual(_CONTENT, self.cloud.content)
        self.assertEqual(
            (clouds.IMAGE, 'active', 'linux', len(_CONTENT)),
            tuple(image[name] for name in ('id', 'status', 'os_type',
                                           'size')))
        self.assertFalse(self.cloud.deleted)

    def test_other_bytes_in_glance(self):
        for lie in ({'os_hash_value': 'abc'}, {'size': 1},
                    {'os_hash_value': None, 'checksum': 'abc'},
                    {'os_hash_algo': 'sha256'}):
            self.cloud.lies, self.cloud.deleted = lie, False
            error = self.refused('is incomplete')
            self.assertIn(clouds.IMAGE, error.brief)
            self.assertIn(str(len(_CONTENT)), error.details)
            self.assertTrue(self.cloud.deleted)

    def test_file_that_grows_during_the_upload(self):
        def upload(request, context):
            text = self.cloud._upload(request, context)
            with open(self.path, 'ab') as file:
                file.write(b' that grows')
            return text

        self.cloud.http.put(_URL + '/file', status_code=204, text=upload)
        self.refused('is incomplete')
        self.assertTrue(self.cloud.deleted)

    def test_other_hashes(self):
        for lies in ({'os_hash_value': None, 'os_hash_algo': None},
                     {'os_hash_algo': 'sha256', 'os_hash_value':
                      hashlib.sha256(_CONTENT).hexdigest()}):
            self.cloud.lies = lies
            self.assertEqual('active', self.upload()['status'])

    def test_glance_refuses_the_image(self):
        self.cloud.http.post(clouds.GLANCE + '/v2/images', status_code=403)
        self.refused('(403)')
        self.assertFalse(self.cloud.deleted)

    def test_glance_refuses_the_content(self):
        self.cloud.http.put(_URL + '/file', status_code=413)
        self.assertTrue(self.refused('(413)').details.endswith('(413).'))
        self.assertTrue(self.cloud.deleted)

    def test_property_that_glance_does_not_know(self):
        error = self.assertRaises(exception.UploadFailed, self.upload,
                                  min_disk='much')
        self.assertIn('(no code)', error.details)

    def test_image_that_cannot_be_deleted_is_named(self):
        self.cloud.http.put(_URL + '/file', status_code=413)
        self.cloud.http.delete(_URL, status_code=403)
        error = self.refused('(413)')
        self.assertIn('Image %s could not be deleted' % clouds.IMAGE,
                      error.details)

    def test_image_that_is_gone_needs_not_be_deleted(self):
        self.cloud.http.put(_URL + '/file', status_code=413)
        self.cloud.http.delete(_URL, status_code=404)
        self.assertTrue(self.refused('(413)').details.endswith('(413).'))

    def test_interrupted_upload_is_deleted(self):
        self.cloud.http.put(_URL + '/file', exc=KeyboardInterrupt)
        self.assertRaises(KeyboardInterrupt, self.upload)
        self.assertTrue(self.cloud.deleted)

    def test_other_errors_keep_their_type(self):
        os.remove(self.path)
        self.assertRaises(FileNotFoundError, self.upload)
        self.assertTrue(self.cloud.deleted)

    def test_error_has_its_cause(self):
        self.cloud.http.put(_URL + '/file', status_code=413)
        self.assertIsInstance(self.refused('(413)').__cause__,
                              glance_exceptions.HTTPException)

    def test_progress_is_only_shown_on_terminals(self):
        class Terminal(io.StringIO):
            def isatty(self):
                return True

        for stdout, is_shown in ((Terminal(), True), (io.StringIO(), False)):
            with fixtures.MonkeyPatch('sys.stdout', stdout):
                self.upload()
            self.assertEqual(is_shown, '100%' in stdout.getvalue())
