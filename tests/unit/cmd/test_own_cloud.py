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

from unittest import mock

import fixtures

from nova_vmrun.aio import client
from nova_vmrun.aio import errors
from nova_vmrun.aio import layout as aio_layout
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.cmd.image import cloud
from nova_vmrun.cmd import own_cloud
from tests.unit import base


class OwnCloudTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.layout = aio_layout.Layout(
            self.useFixture(fixtures.TempDir()).path)

    def test_unless_another_cloud_is_named(self):
        self.assertTrue(own_cloud.is_meant(None, {'OS_CLOUD': ''}))
        self.assertFalse(own_cloud.is_meant('work', {}))
        for name in own_cloud.VARIABLES:
            self.assertFalse(own_cloud.is_meant(None, {name: 'x'}))

    def test_directory_without_a_control_plane(self):
        error = self.assertRaises(errors.AioError, own_cloud.log_in,
                                  self.layout)
        self.assertIn('no control plane in %s' % self.layout.root,
                      str(error))

    def test_its_own_clouds_file_is_used(self):
        self.layout.create()
        aio_settings.Settings().save(self.layout)
        with mock.patch.object(cloud, 'log_in') as log_in:
            self.assertIs(log_in.return_value, own_cloud.log_in(self.layout))
        log_in.assert_called_once_with(client.CLOUD, str(self.layout.clouds))
