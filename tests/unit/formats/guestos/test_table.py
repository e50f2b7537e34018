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

import re

from nova_vmrun.formats.guestos import profiles
from nova_vmrun.formats.guestos import table
from tests.unit.machine import base


class TableTestCase(base.TestCase):

    def test_rows_stand_under_profiles(self):
        self.assertEqual(set(profiles.PROFILES), set(table.GUESTS))

    def test_only_documented_entries(self):
        names = set()
        for text in table.GUESTS.values():
            names.update(re.findall(r'([a-z]+)=', text))
            for entry in text.split():
                self.assertRegex(entry, r'^([\w.-]+|[a-z]+=[^=\s]+)$')
        self.assertEqual({'since', 'os', 'win', 'aka', 'vbox', 'cim'}, names)
        for name in names:
            self.assertIn(name + '=', table.__doc__)
