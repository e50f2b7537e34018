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

import collections
import re

from nova_vmrun.formats import guestos
from nova_vmrun.formats.guestos import profiles
from nova_vmrun.formats.guestos import rows
from tests.unit.machine import base

BY_ID = {row.id: row for row in rows.ROWS}


class RowsTestCase(base.TestCase):

    def test_a_row_with_everything(self):
        self.assertEqual(
            rows.Row(
                id='debian12-64', profile='linux', vsphere='debian12_64Guest',
                since=20, fallback='debian11-64', systems={'debian': 12},
                windows=(), aliases=(), virtualbox=('debian12', 'debian'),
                cim=(96,), is_hypervisor=False),
            BY_ID['debian12-64'])

    def test_a_row_with_nothing(self):
        row = BY_ID['arm-windows10-64']
        self.assertEqual((None, 0, '', {}, ()), (
            row.vsphere, row.since, row.fallback, row.systems, row.cim))
        self.assertEqual('arm-windows10', row.stem)

    def test_a_system_without_versions(self):
        self.assertEqual({'rocky': None, 'rockylinux': None},
                         BY_ID['rockylinux-64'].systems)

    def test_editions_of_an_alias(self):
        self.assertIn('winServer2008Web-32', BY_ID['longhorn'].aliases)
        self.assertEqual(19, len(BY_ID['longhorn-64'].aliases))

    def test_a_hypervisor(self):
        self.assertEqual(['winHyperV'], [
            row.id for row in rows.ROWS if row.is_hypervisor])


class TableTestCase(base.TestCase):

    def _assert_unique(self, values):
        self.assertEqual([], [value for value, count
                              in collections.Counter(values).items()
                              if count > 1])

    def test_ids_are_unique(self):
        self._assert_unique(row.id for row in rows.ROWS)
        self._assert_unique(row.vsphere for row in rows.ROWS if row.vsphere)

    def test_words_belong_to_one_row(self):
        self._assert_unique(word for row in rows.ROWS
                            for word in row.virtualbox)
        self._assert_unique(number for row in rows.ROWS for number in row.cim)
        self._assert_unique(system for row in rows.ROWS
                            for system in row.systems.items())
        self._assert_unique(alias.lower() for row in rows.ROWS
                            for alias in row.aliases)

    def test_every_profile_exists_and_is_used(self):
        self.assertEqual(set(profiles.PROFILES),
                         {row.profile for row in rows.ROWS})

    def test_every_fallback_is_an_id_for_older_products(self):
        for row in rows.ROWS:
            if row.since:
                self.assertLessEqual(BY_ID[row.fallback].since, row.since,
                                     row.id)

    def test_patterns_of_windows_match_only_one_version(self):
        patterns = [pattern for row in rows.ROWS for pattern in row.windows]
        for version in ('hyper-v', '2025', '2022', '2019', '2016', '2012',
                        '2008 r2', '2008r2', '2008', '2003', '2000', 'vista',
                        'xp', '98', '95', 'me', 'nt', '12', '11', '10', '8.1',
                        '7'):
            found = [pattern for pattern in patterns
                     if re.search(pattern, version)]
            self.assertEqual(1, len(found), (version, found))

    def test_only_ids_of_apple_silicon_have_no_vsphere_id(self):
        for row in rows.ROWS:
            self.assertEqual(row.vsphere is None,
                             guestos.find(row.id).arch == guestos.AARCH64)
