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

from nova_vmrun.formats.vmx import keys
from nova_vmrun.formats.vmx import keys_table
from tests.unit.machine import base


class KeysTableTestCase(base.TestCase):

    def test_every_row_has_four_columns(self):
        for group, rows in keys_table.ROWS.items():
            self.assertIn(group, keys.GROUPS)
            for row in rows.strip().splitlines():
                pattern, kind, writers, about = row.split(None, 3)
                self.assertRegex(pattern, r'^[^*]*[*]?$')
                self.assertRegex(writers, '^([otvs]+|-)$', row)
                self.assertTrue(about, row)

    def test_nobody_writes_secrets_of_an_encrypted_vm(self):
        for key in ('encryption.keySafe', 'dataFileKey', 'vtpm.ekCSR',
                    'encryptedVM.guid', 'vmx.encryptionType'):
            found = keys.find(key)
            self.assertTrue(found.secret)
            self.assertFalse(found.ours or found.constant)
