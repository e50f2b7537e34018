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
import types
from unittest import mock

import fixtures

from nova_vmrun import exception
from nova_vmrun.formats import iso
from nova_vmrun.ops import config_drive
from tests.unit.ops import hosts


class ConfigDriveTestCase(hosts.TestCase):
    """What Nova puts on it is tested through the API."""

    def setUp(self):
        super().setUp()
        self.add_server()
        self.path = self.layout.file(hosts.UUID, 'config-drive.iso')
        self.metadata = self.useFixture(fixtures.MockPatch(
            'nova.api.metadata.base.InstanceMetadata')).mock
        self.metadata.return_value.metadata_for_config_drive.return_value = [
            ('openstack/latest/meta_data.json', '{"name": "\u2603"}'),
            ('openstack/content/0000', b'secrets')]

    def make(self, admin_password=None):
        metadata = config_drive.describe(
            types.SimpleNamespace(uuid=hosts.UUID), ['file'], admin_password,
            [])
        metadata.uuid = hosts.UUID
        config_drive.make(self.path, metadata)

    def left(self):
        return [name for name in os.listdir(self.layout.folder(hosts.UUID))
                if 'config-drive' in name]

    def test_only_the_owner_may_read_it(self):
        self.make()
        self.assertEqual(0o600, stat.S_IMODE(os.stat(self.path).st_mode))

    def test_it_has_text_and_bytes(self):
        self.make()
        self.assertEqual(
            {'openstack/latest/meta_data.json':
                '{"name": "\u2603"}'.encode(),
             'openstack/content/0000': b'secrets'}, iso.read(self.path))

    def test_the_password_is_told(self):
        self.make('s3cret')
        self.assertEqual({'admin_pass': 's3cret'},
                         self.metadata.call_args[1]['extra_md'])

    def test_no_password(self):
        self.make()
        self.assertEqual({}, self.metadata.call_args[1]['extra_md'])

    def test_failure_leaves_nothing(self):
        def fail(path, *arguments, **options):
            with open(path, 'w') as file:
                file.write('half')
            raise error

        for error in (OSError(28, 'No space left on device'),
                      ValueError('A name is too long.')):
            with mock.patch.object(iso, 'write', fail):
                raised = self.assertRaises(exception.VmrunError, self.make)
            self.assertIn(hosts.UUID, raised.brief)
            self.assertIn(str(error), raised.details)
            self.assertIn('full', raised.resolution)
            self.assertEqual([], self.left())
