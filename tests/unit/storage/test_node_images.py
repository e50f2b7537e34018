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
from nova_vmrun.server import layout as layouts
from nova_vmrun.storage import node_images
from nova_vmrun.storage import server_folders
from tests.unit import base

UUID = '11111111-2222-3333-4444-555555555555'


class NodeImagesTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.layout = layouts.Layout(
            self.useFixture(fixtures.TempDir()).path, '_base')
        self.layout.prepare()
        self.ours, self.theirs = (node_images.NodeImages(self.layout, each)
                                  for each in ('ours', 'theirs'))

    def test_lists_of_all_nodes(self):
        self.ours.write({'a'})
        self.assertEqual({'a'}, self.ours.of_all())
        self.theirs.write({'b', 'a'})
        self.assertEqual({'a', 'b'}, self.ours.of_all())
        self.ours.write(set())
        self.theirs.write({'b'})
        self.assertEqual({'b'}, self.ours.of_all())

    def test_a_node_without_a_list(self):
        server_folders.create(
            server_folders.new_path(self.layout.root, UUID), 'theirs')
        self.ours.write({'a'})
        error = self.assertRaises(exception.RecordUnreadable,
                                  self.ours.of_all)
        self.assertIn('theirs', error.brief)
        self.theirs.write({'b'})
        self.assertEqual({'a', 'b'}, self.ours.of_all())

    def test_a_folder_of_which_nobody_knows_whose_it_is(self):
        path = server_folders.new_path(self.layout.root, UUID)
        server_folders.create(path, 'theirs')
        os.remove(os.path.join(path, server_folders.OWNER))
        os.mkfifo(os.path.join(path, server_folders.OWNER))
        self.ours.write({'a'})
        self.assertEqual({'a'}, self.ours.of_all())

    def test_a_pipe_in_place_of_a_list(self):
        for name in ('images-theirs.json', 'images-ours.json'):
            os.mkfifo(os.path.join(self.layout.locks, name))
        self.ours.write({'a'})
        self.assertRaises(OSError, self.ours.of_all)
        self.theirs.write({'b'})
        self.assertEqual({'a', 'b'}, self.ours.of_all())

    def test_a_damaged_list(self):
        with open(os.path.join(self.layout.locks, 'images-x.json'), 'w'):
            self.assertRaises(exception.RecordUnreadable, self.ours.of_all)
