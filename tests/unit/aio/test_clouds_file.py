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
import pathlib

import fixtures
import yaml

from nova_vmrun.aio import clouds_file
from nova_vmrun.aio import errors
from tests.unit import base

PATH = pathlib.Path('clouds.yaml')
OURS = {'auth': {'auth_url': 'http://127.0.0.1:5000/v3', 'password': 'a: #b'},
        'region_name': 'RegionOne'}
TEXT = '''\
# My clouds
cache:
  auth: true   # keep tokens
clouds:  # all of them
  # the one at work
  work:
    auth:
      auth_url: https://work   # behind the VPN
      password: |
        secret
    regions: [a, b]

  home: {auth: {auth_url: "https://home"}}
# the end
'''


class AddTestCase(base.TestCase):

    def add(self, text, name='ours'):
        return clouds_file.add(text, name, OURS, PATH)

    def remove(self, text, name='ours'):
        return clouds_file.remove(text, name, PATH)

    def refused(self, function, text, *arguments):
        error = self.assertRaises(errors.AioError, function, text, *arguments)
        self.assertIn('--by-file', error.resolution)

    def test_every_line_stays(self):
        after = self.add(TEXT)
        new = after.splitlines()
        left = [new.pop(new.index(line)) for line in TEXT.splitlines()]
        self.assertEqual(TEXT.splitlines(), left)
        self.assertEqual('  ours:', new[0])
        self.assertEqual(
            dict(yaml.safe_load(TEXT)['clouds'], ours=OURS),
            yaml.safe_load(after)['clouds'])

    def test_removing_it_restores_the_text(self):
        for text in (TEXT, TEXT.replace('  ', '    '), 'clouds:\n'):
            self.assertEqual(text, self.remove(self.add(text)))

    def test_forms_of_a_file_without_clouds(self):
        for text in ('', '# only this\n', 'cache:\n  auth: true',
                     'clouds:\n', 'clouds: {}\n', 'clouds: ~ # none\n',
                     'clouds: null', '---\nclouds:\n  # none\n'):
            after = self.add(text)
            self.assertEqual({'ours': OURS}, yaml.safe_load(after)['clouds'],
                             text)
            for line in text.splitlines():
                if '#' in line:
                    self.assertIn(line[line.index('#'):], after)

    def test_cloud_of_the_same_name_is_replaced(self):
        after = self.add(TEXT, 'work')
        self.assertEqual(OURS, yaml.safe_load(after)['clouds']['work'])
        self.assertNotIn('https://work', after)
        self.assertIn('https://home', after)
        self.assertIn('# the end', after)

    def test_again_changes_nothing(self):
        once = self.add(TEXT)
        self.assertEqual(once, self.add(once))

    def test_cloud_that_is_not_there_cannot_be_removed(self):
        self.assertEqual(TEXT, self.remove(TEXT))

    def test_last_cloud(self):
        after = self.remove('clouds:\n  ours: {}\ncache: 1\n')
        self.assertEqual({'clouds': None, 'cache': 1}, yaml.safe_load(after))

    def test_unusual_forms_are_refused(self):
        for text in ('clouds: {a: {}}\n', '{clouds: {a: {}}}\n', '{}\n',
                     '- a\n', 'clouds: [a]\n', 'a: b: c\n', 'clouds: text\n',
                     'a: 1\n---\nb: 2\n', '!!python/object:os.x {}\n'):
            self.refused(self.add, text)

    def test_cloud_that_others_refer_to_is_not_replaced(self):
        text = ('clouds:\n  work: &work\n    auth: {a: b}\n'
                '  other:\n    <<: *work\n')
        self.refused(self.add, text, 'work')
        self.assertIn('ours', yaml.safe_load(self.add(text))['clouds'])

    def test_cloud_is_found(self):
        self.assertEqual(OURS, clouds_file.get(self.add(TEXT), 'ours', PATH))
        self.assertIsNone(clouds_file.get(TEXT, 'ours', PATH))
        self.assertIsNone(clouds_file.get('', 'ours', PATH))


class FileTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(os.path.realpath(
            self.useFixture(fixtures.TempDir()).path))
        self.path = self.folder / 'openstack' / 'clouds.yaml'

    def find(self, **environ):
        return clouds_file.find({'XDG_CONFIG_HOME': str(self.folder),
                                 **environ})

    def test_default(self):
        self.assertEqual(self.path, self.find())

    def test_other_spelling_that_is_there(self):
        self.path.parent.mkdir()
        other = self.path.with_suffix('.yml')
        other.touch()
        self.assertEqual(other, self.find())

    def test_named_file(self):
        self.assertEqual(self.folder / 'mine.yaml', self.find(
            OS_CLIENT_CONFIG_FILE=str(self.folder / 'mine.yaml')))

    def test_json(self):
        self.path.parent.mkdir()
        self.path.with_suffix('.json').touch()
        self.assertRaises(errors.AioError, self.find)

    def test_link_stays_one(self):
        self.path.parent.mkdir()
        target = self.folder / 'dotfiles.yaml'
        target.touch()
        self.path.symlink_to(target)
        clouds_file.save(self.find(), 'a: 1\n')
        self.assertTrue(self.path.is_symlink())
        self.assertEqual('a: 1\n', target.read_text())

    def test_new_file(self):
        self.assertEqual('', clouds_file.read(self.path))
        self.assertIsNone(clouds_file.save(self.path, 'a: 1\n'))
        self.assertEqual('a: 1\n', clouds_file.read(self.path))
        self.assertEqual(0o600, self.path.stat().st_mode & 0o777)

    def test_copy_of_the_old_file(self):
        self.path.parent.mkdir()
        self.path.write_text('old\n')
        self.path.chmod(0o644)
        backup = clouds_file.save(self.path, 'new\n')
        self.assertEqual(('old\n', 'new\n'),
                         (backup.read_text(), self.path.read_text()))
        for path in (self.path, backup):
            self.assertEqual(0o600, path.stat().st_mode & 0o777)
        self.assertEqual({self.path, backup},
                         set(self.path.parent.iterdir()))

    def test_no_text(self):
        self.path.parent.mkdir()
        self.path.write_bytes(b'\xff')
        self.assertRaises(errors.AioError, clouds_file.read, self.path)
