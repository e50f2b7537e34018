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

from nova_vmrun.doctor import options
from nova_vmrun import exception
from tests.unit import base


class OptionsTestCase(base.TestCase):

    def read(self, text):
        path = os.path.join(self.useFixture(fixtures.TempDir()).path,
                            'nova.conf')
        with open(path, 'w') as file:
            file.write(text)
        return options.read([path])

    def test_everything_that_is_used(self):
        found = self.read(
            '[DEFAULT]\nstate_path = /srv\n[vmrun]\nshow_gui = True\n'
            'vmrun_path = /opt/vmrun\nlist_timeout = 999\n'
            'vnc_port_range = 7000:7009\nvmnet_mappings = a:vmnet2,b:nat\n'
            'default_vmnet = bridged\nuse_linked_clone = False\n'
            'storage_folders = usb,slow:/media/usb\n')
        self.assertEqual(('usb', '/media/usb'), (
            found.storage_folders[0].name, found.storage_folders[0].path))
        self.assertEqual('/srv/instances', found.instances)
        self.assertEqual('/opt/vmrun', found.vmrun_path)
        self.assertEqual(20, found.list_timeout)
        self.assertEqual((7000, 7009), found.vnc_range)
        self.assertEqual({'vmnet2', 'nat', 'bridged'}, set(found.networks))
        self.assertTrue(found.show_gui)
        self.assertFalse(found.use_linked_clone)

    def test_options_of_nova_are_ignored(self):
        found = self.read('[DEFAULT]\ncompute_driver = x\n[api]\na = b\n')
        self.assertEqual('auto', found.product)

    def test_damaged_files(self):
        for text in ('nonsense', '[vmrun]\nlist_timeout = soon\n',
                     '[vmrun]\nvnc_port_range = 6000:5000\n'):
            error = self.assertRaises(exception.InvalidConfiguration,
                                      self.read, text)
            self.assertIn('nova.conf cannot be used', error.brief)

    def test_a_storage_folder_that_cannot_be_used(self):
        error = self.assertRaises(exception.InvalidConfiguration, self.read,
                                  '[vmrun]\nstorage_folders = usb:media\n')
        self.assertIn('usb:media', error.brief)

    def test_folder_that_does_not_exist_yet(self):
        folder = self.useFixture(fixtures.TempDir()).path
        found = options.Options(state_folder=folder + '/new/state')
        self.assertEqual(folder, found.folder)
