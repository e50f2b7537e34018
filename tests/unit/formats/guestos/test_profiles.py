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

from nova_vmrun.catalog import options
from nova_vmrun.formats.guestos import profiles
from tests.unit.machine import base


class ProfilesTestCase(base.TestCase):

    def test_defaults_of_options(self):
        self.assertEqual({'usb': 'none', 'nested': False},
                         profiles.PROFILES['linux'].options)
        self.assertEqual({'usb': 'none', 'nested': True},
                         profiles.PROFILES['esxi-7'].options)
        self.assertEqual({'usb': 'xhci', 'nested': False},
                         profiles.PROFILES['arm'].options)

    def test_options_can_have_them(self):
        for name, profile in profiles.PROFILES.items():
            for field, value in profile.options.items():
                self.assertTrue(options.FIELDS[field].allows(value), name)
