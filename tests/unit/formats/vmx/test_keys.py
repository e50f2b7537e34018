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

from nova_vmrun.catalog import options
from nova_vmrun.formats.vmx import keys
from nova_vmrun.formats.vmx import keys_table
from tests.unit.machine import base


class KeysTestCase(base.TestCase):

    def test_numbers_and_case_do_not_matter(self):
        for key in ('ethernet0.virtualDev', 'Ethernet9.VIRTUALDEV'):
            self.assertEqual('ethernet#.virtualDev', keys.find(key).pattern)

    def test_the_longest_pattern_wins(self):
        self.assertEqual('guestinfo.userdata',
                         keys.find('guestinfo.userdata').pattern)
        self.assertEqual('guestinfo.*', keys.find('guestinfo.x').pattern)
        self.assertEqual('scsi#:#.*', keys.find('scsi0:1.redo').pattern)
        self.assertEqual('RemoteDisplay.vnc.*',
                         keys.find('RemoteDisplay.vnc.x').pattern)
        for key in keys.table():
            if key.pattern.endswith('*'):
                self.assertEqual(key, keys.find(key.pattern[:-1] + 'zzz'))

    def test_unknown(self):
        self.assertIs(keys.UNKNOWN, keys.find('foo'))
        self.assertIs(keys.UNKNOWN, keys.find('ethernet'))

    def test_enumerations(self):
        self.assertEqual(('bios', 'efi'), keys.find('firmware').values)
        self.assertEqual((), keys.find('memsize').values)

    def test_nobody_may_set_dangerous_keys(self):
        for key in ('sharedFolder0.hostPath', 'sharedFolder0.present',
                    'encryption.data', 'RemoteDisplay.vnc.password',
                    'extendedConfigFile', 'vmx.log.fileName', 'log.fileName',
                    'ethernet0.networkName', 'scsi0:0.redo', 'workingDir',
                    'policy.vm.mvmtid', 'foo'):
            found = keys.find(key)
            self.assertFalse(found.ours or found.constant, key)

    def test_the_table_is_well_formed(self):
        self.assertEqual(set(keys.GROUPS) - {'unknown'},
                         set(keys_table.ROWS))
        kinds = {'text', 'bool', 'int', 'path', 'uuid', 'mac'}
        for row in keys.table():
            self.assertTrue(row.values or row.kind in kinds, row)
        patterns = collections.Counter(
            row.pattern.lower() for row in keys.table())
        self.assertEqual([], [p for p, n in patterns.items() if n > 1])
        listed = {text.split()[0] for rows in keys_table.ROWS.values()
                  for text in rows.strip().splitlines()}
        self.assertEqual(listed | set(options.BY_KEY),
                         {row.pattern for row in keys.table()})

    def test_a_key_that_only_a_row_of_the_catalog_describes(self):
        found = keys.find('sound.virtualDev')
        self.assertEqual(('devices', True, False, False),
                         (found.group, found.ours, found.constant,
                          found.vmware))
        self.assertEqual({'hdaudio', 'es1371', 'sb16'}, set(found.values))

    def test_table_is_in_the_order_of_the_groups(self):
        order = list(keys.GROUPS)
        found = [order.index(row.group) for row in keys.table()]
        self.assertEqual(sorted(found), found)
