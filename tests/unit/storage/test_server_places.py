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

import fixtures

from nova_vmrun import exception
from nova_vmrun.host import responsive
from nova_vmrun.server import disks
from nova_vmrun.storage import server_folders
from nova_vmrun.storage import server_places
from tests.unit.storage import storages
from tests.unit.storage import test_server_storage

UUID = test_server_storage.UUID


class ServerPlacesTestCase(test_server_storage.TestCase):

    def setUp(self):
        super().setUp()
        self.slow = os.path.join(self.root, 'slow')
        os.mkdir(self.slow)
        self.folders = storages.folders(self.layout, 'usb:' + self.usb,
                                        'slow:' + self.slow)
        self.folders.check()
        self.places = server_places.ServerPlaces(self.folders, 'node')
        self.swap = server_folders.new_path(self.slow, UUID)
        server_folders.create(self.swap, 'node')
        self.records.change(UUID, disks=disks.dump([
            self.disk, disks.moved(disks.swap(1, 'ide'), self.swap,
                                   self.folders.others[1].identity),
            disks.moved(disks.ephemeral(0, 1, 'ide'), self.path,
                        self.folders.others[0].identity),
            disks.config_drive('ide')]))
        self.record = self.records.get(UUID)

    def test_each_once_and_the_first_one_last(self):
        self.assertEqual([self.swap, self.path],
                         self.places.every_one(self.record))
        self.assertEqual([self.swap, self.path],
                         self.places.there(self.record))

    def test_a_storage_folder_that_is_away(self):
        os.rename(self.slow, self.slow + '-aside')
        self.assertEqual([self.path], self.places.there(self.record))
        self.assertEqual({UUID: [self.path]}, self.places.by_server())
        for method in (self.places.every_one, self.places.is_foreign):
            self.assertRaises(exception.StorageFolderMissing, method,
                              self.record)

    def test_those_that_no_record_names(self):
        other = server_folders.new_path(self.usb, test_server_storage.IMAGE)
        server_folders.create(other, 'node')
        self.assertEqual([other], self.places.of_server(
            test_server_storage.IMAGE))
        self.assertEqual([self.path, self.swap],
                         self.places.of_server(UUID))

    def test_whose_they_are(self):
        self.assertFalse(self.places.is_foreign(self.record))
        self.assertEqual('node', self.places.owner(self.record))
        server_folders.create(self.swap, 'that-node')
        self.assertTrue(self.places.is_foreign(self.record))
        self.assertEqual('that-node', self.places.owner(self.record))
        self.assertFalse(self.places.may_write(self.swap))
        self.assertTrue(self.places.may_write(self.path))

    def test_nothing_is_awaited_for_ever(self):
        asked = self.useFixture(fixtures.MockPatchObject(
            responsive, 'call', wraps=responsive.call)).mock
        self.places.may_write(self.path)
        self.assertEqual(self.usb, asked.call_args.args[0])
