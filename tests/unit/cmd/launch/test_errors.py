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

from glanceclient import exc as glance_exceptions
from keystoneauth1 import exceptions as keystone_exceptions
from openstack import exceptions as sdk_exceptions

from nova_vmrun.cmd.launch import errors
from tests.unit import base


class TranslatedTestCase(base.TestCase):

    def translate(self, error):
        with errors.translated('do it', 'Do that.'):
            raise error

    def test_errors_of_each_client(self):
        for error in (
                sdk_exceptions.ForbiddenException(details='Not  allowed.\n'),
                glance_exceptions.HTTPForbidden('Not allowed'),
                keystone_exceptions.ConnectFailure('Not allowed')):
            found = self.assertRaises(errors.LaunchFailed, self.translate,
                                      error)
            self.assertEqual('Cannot do it.', found.brief)
            self.assertIn('ot allowed.', found.details)
            self.assertNotIn('..', str(found))
            self.assertEqual('Do that.', found.resolution)

    def test_a_mistake_of_ours_stays_one(self):
        self.assertRaises(KeyError, self.translate, KeyError('a'))
