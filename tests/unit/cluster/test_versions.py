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

import fixtures

from nova_vmrun.aio import errors
from nova_vmrun.cluster import versions
from tests.unit import base


class VersionsTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.useFixture(fixtures.MockPatchObject(
            versions, 'own', return_value=('34.0.0', '1.2.3.dev4')))

    def test_the_same_release(self):
        versions.check('34.1.2', '1.2.3.dev99')

    def test_another_nova(self):
        error = self.assertRaises(errors.AioError, versions.check, '33.0.0',
                                  '1.2.3')
        self.assertIn('another release of Nova', error.brief)
        self.assertIn('33.0.0 there, 34.0.0 here', error.details)
        self.assertIn('pip install "nova==34.0.0"', error.resolution)

    def test_another_nova_vmrun(self):
        for version in ('1.2.4', '1.3.3', '2', '', 'x'):
            self.assertRaises(errors.AioError, versions.check, '34.0.0',
                              version)

    def test_own(self):
        self.useFixture(fixtures.MockPatch('importlib.metadata.version',
                                           side_effect=lambda name: name))
        self.assertEqual(('34.0.0', '1.2.3.dev4'), versions.own())
