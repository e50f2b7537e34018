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

import os
import stat

import fixtures

from nova_vmrun.volumes import iscsi_record
from tests.unit import base

_RECORD = iscsi_record.Record('id', '192.0.2.1:3260', 'iqn', 1, 'user',
                              '/v/lun', pid=7, birth='1 2', size=512)


class RecordTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = self.useFixture(fixtures.TempDir()).path

    def test_what_is_written_is_read(self):
        iscsi_record.write(self.folder, _RECORD)
        self.assertEqual(_RECORD, iscsi_record.read(self.folder))
        mode = os.stat(iscsi_record.path(self.folder)).st_mode
        self.assertEqual(0o600, stat.S_IMODE(mode))

    def test_none(self):
        self.assertIsNone(iscsi_record.read(self.folder))
        self.assertEqual('', self.log.output)

    def test_damaged(self):
        for text in ('', '[]', '{"volume_id": 1}', '{"what": 1}', '\xff'):
            with open(iscsi_record.path(self.folder), 'w') as file:
                file.write(text)
            self.assertIsNone(iscsi_record.read(self.folder), text)
        self.assertIn('cannot be read', self.log.output)
