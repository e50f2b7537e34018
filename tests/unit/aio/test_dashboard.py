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

import importlib.util

from nova_vmrun.aio import dashboard
from nova_vmrun.aio import errors
from tests.unit.aio import base


class InstalledTestCase(base.TestCase):

    def test_all_is_there(self):
        dashboard.require_installed()

    def test_missing_packages_are_named_with_the_command(self):
        self.patch(importlib.util, 'find_spec', lambda name: None)
        error = self.assertRaises(errors.AioError,
                                  dashboard.require_installed)
        self.assertIn('--dashboard', error.brief)
        self.assertEqual('Missing: openstack_dashboard, whitenoise.',
                         error.details)
        self.assertIn('pip install "nova-vmrun[dashboard]"',
                      error.resolution)
        self.assertIn('--no-dashboard', error.resolution)


class WelcomeTestCase(base.TestCase):

    def test_page_users_and_places_of_the_passwords(self):
        text = dashboard.welcome(self.layout, self.settings)
        self.assertIn('http://127.0.0.1:8788/', text)
        for user, path in (('demo', self.layout.openrc_demo),
                           ('admin', self.layout.openrc)):
            self.assertIn('as %s' % user, text)
            self.assertIn('  %s\n' % path, text)
            self.assertNotIn(self.passwords[user], text)
