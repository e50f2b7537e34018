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
from nova_vmrun.host import files
from nova_vmrun.machine import vendor_data
from nova_vmrun.ops import config_drive
from tests.unit.ops import hosts

FILES = {'openstack/latest/meta_data.json': b'{"a": "\xc3\xa4"}',
         'openstack/latest/user_data': bytes(range(256)) * 40,
         'openstack/content/0000': b'', 'ec2/latest/user-data': b'x'}


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

    def test_password_is_in_the_metadata(self):
        self.make('s3cret')
        self.assertEqual({'admin_pass': 's3cret'},
                         self.metadata.call_args[1]['extra_md'])

    def test_no_password(self):
        self.make()
        self.assertEqual({}, self.metadata.call_args[1]['extra_md'])

    def with_agent(self, vendor_data):
        """Return the vendor data that a guest gets."""
        metadata = object.__new__(config_drive._MetadataWithAgent)
        metadata.instance = None
        self.useFixture(fixtures.MockPatchObject(
            config_drive._MetadataWithAgent.__bases__[0],
            'metadata_for_config_drive', return_value=[
                ('openstack/latest/meta_data.json', b'{}'),
                ('openstack/latest/vendor_data.json', vendor_data),
                ('openstack/latest/vendor_data2.json', b'{}')]))
        found = dict(metadata.metadata_for_config_drive())
        self.assertEqual(b'{}', found['openstack/latest/meta_data.json'])
        self.assertEqual(b'{}', found['openstack/latest/vendor_data2.json'])
        return found['openstack/latest/vendor_data.json']

    def test_vendor_data_with_the_guest_agent(self):
        self.assertEqual(vendor_data.add(b'{"x": 1}'),
                         self.with_agent(b'{"x": 1}'))

    def test_vendor_data_that_cannot_be_extended(self):
        self.assertEqual(b'{"cloud-init": 5}',
                         self.with_agent(b'{"cloud-init": 5}'))
        self.assertIn('not told to install a guest agent', self.log.output)

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


class WriteTestCase(hosts.TestCase):
    def setUp(self):
        super().setUp()
        self.add_server()
        self.path = self.layout.file(hosts.UUID, 'config-drive.iso')
        self.write(FILES)

    def write(self, content):
        config_drive.rewrite(self.path, hosts.UUID, content)

    def read(self):
        return config_drive.read(self.path, hosts.UUID)

    def test_it_is_read_as_it_was_written(self):
        self.assertEqual(FILES, self.read())
        self.assertEqual(0o600, stat.S_IMODE(os.stat(self.path).st_mode))
        changed = {**FILES, 'openstack/latest/meta_data.json': b'{}'}
        self.write(changed)
        self.assertEqual(changed, self.read())

    def test_a_kill_leaves_the_old_drive(self):
        for step in (mock.patch.object(iso, 'write'),
                     mock.patch.object(iso, 'read'),
                     mock.patch('os.rename')):
            with step as stopped:
                stopped.side_effect = KeyboardInterrupt
                self.assertRaises(KeyboardInterrupt, self.write, {})
            self.assertEqual(FILES, self.read())

    def test_a_drive_that_holds_something_else(self):
        with mock.patch.object(iso, 'read', return_value={}):
            self.assertRaises(exception.FileSystemFailed, self.write, FILES)
        self.assertEqual(FILES, self.read())

    def test_a_damaged_drive(self):
        whole = files.read(self.path)
        for damaged in (b'', b'\x00' * 40000, whole[:40000], whole[:-2000]):
            files.write_atomically(self.path, damaged)
            error = self.assertRaises(exception.VmIncomplete, self.read)
            self.assertIn(self.path, error.details)
