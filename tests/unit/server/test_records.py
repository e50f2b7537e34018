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

import dataclasses
import errno
import os

import fixtures
from oslo_serialization import jsonutils

from nova_vmrun import exception
from nova_vmrun.host import files
from nova_vmrun.server import records
from tests.unit.ops import hosts

UUID = hosts.UUID


class OwnerTestCase(hosts.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = self.layout.folder(UUID)

    def write(self, **changes):
        record = self.records.create(UUID, 'instance-1')
        files.write_atomically(self.layout.record(UUID), jsonutils.dumps(
            dict(dataclasses.asdict(record), **changes)))

    def check_unreadable(self, words):
        error = self.assertRaises(exception.RecordUnreadable,
                                  self.records.is_foreign, UUID, self.folder)
        self.assertIn(words, str(error))
        self.assertIsNone(self.records.get(UUID))
        self.assertEqual([], self.records.all())

    def test_ours(self):
        self.write()
        self.assertFalse(self.records.is_foreign(UUID, self.folder))
        self.assertEqual([UUID], [each.uuid for each in self.records.all()])

    def test_incomplete_files_of_an_earlier_record_are_removed(self):
        os.makedirs(self.folder)
        files.write_atomically(
            os.path.join(self.folder, '.nova.json.1234abcd.part'), '{')
        self.write()
        self.assertEqual(['nova.json'], os.listdir(self.folder))

    def test_a_folder_in_which_nothing_was_written(self):
        self.assertTrue(self.records.is_new(UUID))
        os.makedirs(self.folder)
        part = os.path.join(self.folder, '.nova.json.1234abcd.part')
        files.write_atomically(part, '{')
        self.assertTrue(self.records.is_new(UUID))
        files.write_atomically(os.path.join(self.folder, 'root.vmdk'), '')
        self.assertFalse(self.records.is_new(UUID))

    def test_it_is_taken_over_and_given_back(self):
        self.write(compute_id='that-node', vnc_port=5901)
        part = os.path.join(self.folder, '.nova.json.1234abcd.part')
        files.write_atomically(part, '{')
        record = self.records.of_any_node(UUID)
        self.assertFalse(self.records.is_own(record))
        self.records.take_over(record, vnc_port=5907)
        self.assertEqual(['nova.json'], os.listdir(self.folder))
        record = self.records.get(UUID)
        self.assertEqual((5907, 'that-node'),
                         (record.vnc_port, record.adopted_from))
        self.assertTrue(self.records.is_own(record))
        self.records.give_back(UUID)
        record = self.records.of_any_node(UUID)
        self.assertEqual(('that-node', None),
                         (record.compute_id, record.adopted_from))
        self.assertFalse(self.records.was_own(record))

    def test_a_server_that_was_not_adopted_is_not_given_back(self):
        self.write()
        self.records.give_back(UUID)
        self.assertIsNotNone(self.records.get(UUID))

    def test_another_nodes(self):
        self.write(compute_id='that-node')
        self.assertTrue(self.records.is_foreign(UUID, self.folder))
        self.assertIsNone(self.records.get(UUID))

    def test_the_owner_of_a_folder(self):
        self.assertIsNone(self.records.owner(UUID, self.folder))
        self.write(compute_id='that-node')
        self.assertEqual('that-node', self.records.owner(UUID, self.folder))
        files.write_atomically(self.layout.record(UUID), '{')
        self.assertIsNone(self.records.owner(UUID, self.folder))

    def test_whether_they_are_there(self):
        self.assertFalse(self.records.are_there())
        open(self.layout.node('this-node'), 'w').close()
        self.assertTrue(self.records.are_there())

    def test_nobodys(self):
        self.assertFalse(self.records.is_foreign(UUID, self.folder))
        self.assertIsNone(self.records.get(UUID))

    def test_one_that_a_later_release_has_written(self):
        self.write(colour='blue')
        self.assertFalse(self.records.is_foreign(UUID, self.folder))
        self.assertEqual('instance-1', self.records.get(UUID).name)

    def test_unreadable_contents(self):
        self.write()
        for content in ('', '{"uuid": ', '[]', '[1]', 'null', '{}', '"text"',
                        b'\xff\xfe'):
            files.write_atomically(self.layout.record(UUID), content)
            self.check_unreadable('remove the file')

    def test_one_of_another_server(self):
        self.write(uuid=hosts.OTHER)
        self.check_unreadable(hosts.OTHER)

    def test_a_file_that_the_system_does_not_give(self):
        self.write()
        self.useFixture(fixtures.MockPatchObject(
            records, 'open', create=True, side_effect=OSError(
                errno.EMFILE, os.strerror(errno.EMFILE))))
        self.check_unreadable('Too many open files')

    def test_what_a_crash_has_left_of_a_connection_to_a_volume(self):
        volume_id = '6ca404f3-d844-4169-bb96-bc792f37de98'
        self.write()
        for uuid in (UUID, hosts.OTHER):
            folder = self.layout.volume(uuid, volume_id)
            os.makedirs(folder)
            for name in ('nfs', '.nfs.01234567.part'):
                files.write_atomically(os.path.join(folder, name), 'path')
        self.records.finish_interrupted()
        self.assertEqual(['nfs'],
                         os.listdir(self.layout.volume(UUID, volume_id)))
        # That of a server without a record goes with the server.
        self.assertEqual(2, len(os.listdir(folder)))

    def test_prepared_folder_with_an_unreadable_record(self):
        prepared = self.layout.prepared(UUID)
        os.mkdir(prepared)
        for name in ('nova.json', '.root.vmdk.00000000.part'):
            files.write_atomically(os.path.join(prepared, name), 'spoiled')
        self.records.finish_interrupted()
        self.assertEqual(2, len(os.listdir(prepared)))
        self.assertIn('nova.json', self.log.output)
