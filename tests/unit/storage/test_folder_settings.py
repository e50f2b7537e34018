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
from nova_vmrun.storage import folder_settings
from tests.unit import base


class ParseTestCase(base.TestCase):

    def test_name_and_tags(self):
        fast, big = folder_settings.parse(
            ['fast,ssd, gold:/ssd/vms', ' big:/hdd//vms/ '])
        self.assertEqual(('fast', '/ssd/vms', {'fast', 'ssd', 'gold'}),
                         (fast.name, fast.path, fast.tags))
        self.assertEqual(('big', '/hdd/vms', {'big'}),
                         (big.name, big.path, big.tags))

    def test_colons_and_spaces_in_paths(self):
        found, = folder_settings.parse(['usb:/media/me/My drive: 2'])
        self.assertEqual('/media/me/My drive: 2', found.path)

    def test_malformed(self):
        for text in ('', 'fast', '/ssd/vms', ':/ssd', 'fast:', 'fast:vms',
                     'fast:./vms', 'fa st:/ssd', 'fast,:/ssd', 'a/b:/ssd',
                     '..:/ssd', 'fast,go\nld:/ssd', 'fast:/s"sd',
                     'fast:/s\nsd', 'fast:/\udc80', 'default:/ssd',
                     'x' * 64 + ':/ssd'):
            error = self.assertRaises(
                exception.InvalidConfiguration, folder_settings.parse, [text])
            self.assertIn(repr(text), error.brief)
            self.assertTrue(error.details and error.resolution)

    def test_same_name_twice(self):
        error = self.assertRaises(
            exception.InvalidConfiguration, folder_settings.parse,
            ['a:/one', 'a,b:/two'])
        self.assertIn('/one', str(error))
        self.assertIn('/two', str(error))


class ApartTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.root = self.useFixture(fixtures.TempDir()).path
        for name in ('instances', 'one', 'two'):
            os.makedirs(os.path.join(self.root, name, 'sub'))

    def check(self, *names):
        folder_settings.require_apart([
            folder_settings.default(os.path.join(self.root, 'instances')),
            *folder_settings.parse(
                'f%d:%s' % (number, os.path.join(self.root, name))
                for number, name in enumerate(names))])

    def assertOverlap(self, *names):
        error = self.assertRaises(exception.InvalidConfiguration,
                                  self.check, *names)
        self.assertIn('overlap', error.brief)
        self.assertTrue(error.details and error.resolution)

    def test_separate_ones(self):
        self.check('one', 'two', 'instances2')

    def test_the_same_twice(self):
        self.assertOverlap('one', 'one')
        self.assertOverlap('instances')

    def test_one_inside_another(self):
        self.assertOverlap('one', 'one/sub')
        self.assertOverlap('instances/sub')
        self.assertOverlap('.')

    def test_symlinks(self):
        os.symlink('one', os.path.join(self.root, 'link'))
        self.assertOverlap('one', 'link')
        self.assertOverlap('one', 'link/sub')

    def test_one_that_is_not_there(self):
        self.check('one', 'missing')
        self.assertOverlap('missing', 'missing/sub')


class SelectedTestCase(base.TestCase):

    NAMES = ('default', 'nas1', 'nas2')

    def test_all(self):
        for regex in (None, ''):
            self.assertEqual(
                {'default', 'nas1', 'nas2'},
                folder_settings.selected(self.NAMES, regex))

    def test_beginning_of_the_name(self):
        self.assertEqual({'nas1', 'nas2'}, folder_settings.selected(
            self.NAMES, 'nas'))
        self.assertEqual({'nas2'}, folder_settings.selected(
            self.NAMES, '.*2$'))

    def test_no_folder(self):
        error = self.assertRaises(
            exception.InvalidConfiguration, folder_settings.selected,
            self.NAMES, 'san.*')
        for text in ('san.*', 'default, nas1, nas2', 'remove'):
            self.assertIn(text, str(error))

    def test_no_regular_expression(self):
        error = self.assertRaises(
            exception.InvalidConfiguration, folder_settings.selected,
            self.NAMES, '(')
        self.assertIn('unterminated', str(error))
