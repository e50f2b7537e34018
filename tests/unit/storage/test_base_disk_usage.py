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

import testscenarios

from nova_vmrun.host import files
from tests.unit.storage import caches
from tests.unit import vmdks

SERVER = '11111111-2222-3333-4444-555555555555'


class WhereTestCase(testscenarios.TestWithScenarios, caches.TestCase):
    """A base is found to be in use wherever the disk that uses it lies."""

    scenarios = [
        (names[-1] + ' in ' + names[0][36:], {'names': names})
        for names in (
            (SERVER, 'root.vmdk'), (SERVER + '_resize', 'root.vmdk'),
            (SERVER + '.deleted', 'root.vmdk'), (SERVER, 'ROOT.VMDK'),
            (SERVER, 'snapshot', 'root-000001.vmdk'),
            (SERVER, 'root.vmdk.unrescued'), (SERVER, '.root.vmdk.1.part'),
            ("a person's own VM", 'disk.vmdk'))]

    def test_found(self):
        made = self.base(root_gb=2)
        path = self.link(made, *self.names)
        self.assertEqual({(caches.IMAGE, 'disk-2.vmdk'): [path]},
                         self.users.find_all())
        self.assertEqual([path], self.users.find(caches.IMAGE, 'disk-2.vmdk'))
        self.assertEqual([], self.users.find(caches.IMAGE, 'disk-3.vmdk'))


class HowTestCase(testscenarios.TestWithScenarios, caches.TestCase):

    name = '/elsewhere/_base/%s/disk-2.vmdk' % caches.IMAGE
    scenarios = [
        (name, {'content': content}) for name, content in (
            ('mounted elsewhere', vmdks.image(vmdks.descriptor(
                parent_cid='0badcafe', hint=name))),
            ('Windows', vmdks.image(vmdks.descriptor(
                hint=name.replace('/', '\\')))),
            ('a text of its own', vmdks.descriptor(hint=name).encode()),
            ('spaces, no quotes', b'parentfilenameHINT = ' + name.encode()),
            ('half of a file', vmdks.image(vmdks.descriptor(
                hint=name))[:700]),
            ('far behind', vmdks.image(vmdks.descriptor(hint=name).rjust(
                70000, '#'), descriptor_sectors=140)),
        )]

    def test_found(self):
        path = os.path.join(self.layout.root, SERVER, 'root.vmdk')
        os.mkdir(os.path.dirname(path))
        files.write_atomically(path, self.content)
        self.assertEqual([path], self.users.find(caches.IMAGE, 'disk-2.vmdk'))


class NotUsedTestCase(caches.TestCase):

    def test_disks_of_their_own_and_the_cache_itself_use_nothing(self):
        self.base(root_gb=2)
        os.mkdir(os.path.join(self.layout.root, SERVER))
        vmdks.write(os.path.join(self.layout.root, SERVER, 'root.vmdk'))
        self.assertEqual({}, self.users.find_all())

    def test_a_server_that_goes_meanwhile(self):
        os.mkdir(os.path.join(self.layout.root, SERVER))
        os.symlink('/nowhere', os.path.join(self.layout.root, SERVER,
                                            'root.vmdk'))
        self.assertEqual({}, self.users.find_all())

    def test_a_pipe_is_not_awaited(self):
        os.mkdir(os.path.join(self.layout.root, SERVER))
        os.mkfifo(os.path.join(self.layout.root, SERVER, 'root.vmdk'))
        self.assertRaises(OSError, self.users.find_all)

    def test_unreadable_disk_is_an_error(self):
        os.mkdir(os.path.join(self.layout.root, SERVER))
        path = os.path.join(self.layout.root, SERVER, 'root.vmdk')
        os.symlink(path, path)
        self.assertRaises(OSError, self.users.find_all)
        self.assertRaises(OSError, self.users.find, caches.IMAGE,
                          'disk-2.vmdk')
        self.assertEqual([], self.users.find_readable(caches.IMAGE,
                                                      'disk-2.vmdk'))
        self.assertIn(path, self.log.output)


class ForbiddenTestCase(caches.TestCase):
    """Not everything below instances_path is ours to read."""

    def setUp(self):
        super().setUp()
        self.made = self.base(root_gb=2)
        self.user = self.link(self.made, SERVER, 'root.vmdk')

    def look(self):
        return self.users.find_all()[caches.IMAGE, 'disk-2.vmdk']

    def test_a_folder_of_the_file_system(self):
        self.forbid(self.link(self.made, 'lost+found', 'disk.vmdk'))
        self.assertEqual([self.user], self.look())
        self.forbid(os.path.join(self.layout.root, 'lost+found'))
        self.assertEqual([self.user], self.look())

    def test_a_folder_of_a_server(self):
        for suffix in ('_resize', '.deleted', '.saved-by-somebody'):
            folder = os.path.join(self.layout.root, SERVER + suffix)
            os.mkdir(folder)
            self.forbid(folder)
            self.assertRaises(PermissionError, self.look)
            self.assertEqual([self.user], self.users.find_readable(
                caches.IMAGE, 'disk-2.vmdk'))
            os.rmdir(folder)

    def test_a_file_of_a_server(self):
        self.forbid(self.link(self.made, SERVER, 'backup.vmdk'))
        self.assertRaises(PermissionError, self.look)
        self.assertEqual([self.user], self.users.find_readable(
            caches.IMAGE, 'disk-2.vmdk'))
