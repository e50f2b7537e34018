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
import threading
from unittest import mock

import fixtures
from oslo_utils import units

from nova_vmrun import exception
from nova_vmrun.host import responsive
from nova_vmrun.server import layout as layouts
from nova_vmrun.storage import folder_choice
from nova_vmrun.storage import folder_identity
from nova_vmrun.storage import folders as folders_module
from tests.unit import base
from tests.unit.storage import storages


class TestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        root = self.useFixture(fixtures.TempDir()).path
        self.paths = {}
        for name in ('instances', 'fast', 'big'):
            self.paths[name] = os.path.join(root, name)
            os.mkdir(self.paths[name])
        self.layout = layouts.Layout(self.paths['instances'], '_base')
        self.layout.prepare()
        self.sizes = {'instances': (1, 10), 'fast': (2, 20), 'big': (3, 90)}

    def make(self, **options):
        made = storages.folders(
            self.layout, 'fast,ssd:' + self.paths['fast'],
            'big:' + self.paths['big'], **options)
        made.check()
        for folder in made.all:
            name = os.path.basename(folder.path)
            folder.space = mock.Mock(side_effect=lambda name=name: self.space(
                *self.sizes[name]))
        return made

    def space(self, device, free):
        return folders_module.Space(device, 100 * units.Gi, 0,
                                    free * units.Gi + 512 * units.Mi)

    def unplug(self, name):
        os.rename(self.paths[name], self.paths[name] + '-aside')
        os.mkdir(self.paths[name])


class FoldersTestCase(TestCase):

    def test_new_folders_are_prepared_and_known(self):
        made = self.make()
        for folder in made.others:
            self.assertEqual({'_base', 'locks', folder_identity.FILE},
                             set(os.listdir(folder.path)))
            self.assertIs(folder, made.find(folder.identity))
            self.assertIs(folder, made.require(folder.identity))
        self.assertEqual(made.all, made.there())

    def test_a_folder_that_does_not_exist(self):
        os.rmdir(self.paths['fast'])
        error = self.assertRaises(exception.InvalidConfiguration, self.make)
        self.assertIn(self.paths['fast'], error.brief)

    def test_folders_that_overlap(self):
        self.paths['big'] = os.path.join(self.paths['fast'], 'sub')
        os.mkdir(self.paths['big'])
        self.assertRaises(exception.InvalidConfiguration, self.make)

    def test_unplugged_drive(self):
        identity = self.make().others[0].identity
        self.unplug('fast')
        made = self.make()
        self.assertEqual([], os.listdir(self.paths['fast']))
        error = self.assertRaises(exception.StorageFolderMissing,
                                  made.require, identity)
        for text in ('fast', self.paths['fast'], 'Plug'):
            self.assertIn(text, str(error))
        self.assertEqual(['default', 'big'],
                         [folder.name for folder in made.there()])
        self.assertEqual(2, len(made.file_systems()))

    def test_folder_that_nova_conf_no_longer_names(self):
        error = self.assertRaises(
            exception.StorageFolderMissing, self.make().require,
            '11111111-2222-3333-4444-555555555555')
        self.assertIn('[vmrun] storage_folders', str(error))

    def test_folder_that_hangs(self):
        made, answer = self.make(), threading.Event()
        self.addCleanup(answer.set)
        fast, big = made.others

        def read(folder):
            if folder == fast.path:
                answer.wait(60)
            return real(folder)

        real = folder_identity.read
        self.useFixture(fixtures.MockPatchObject(folder_identity, 'read',
                                                 read))
        with fixtures.MockPatchObject(responsive, '_SECONDS', 0.05):
            for _ in range(3):
                self.assertRaises(exception.StorageFolderMissing,
                                  fast.require)
        big.require()
        with made.begin([folder_choice.Wish(None, 0)]) as (reserved,):
            self.assertIs(big, reserved.folder)

    def test_names(self):
        made = self.make()
        self.assertEqual('big', made.named('big').name)
        error = self.assertRaises(exception.InvalidInput, made.named, 'tape')
        self.assertIn('default, fast, big', str(error))

    def test_default_tag(self):
        made = self.make(regex='fast|default')
        made.require_tag('ssd')
        made.require_tag(None)
        for tag in ('tape', 'big'):
            self.assertRaises(exception.InvalidConfiguration,
                              made.require_tag, tag)


class SpaceTestCase(TestCase):

    def begin(self, made, size, tag=None, returned=None):
        return made.begin([folder_choice.Wish(tag, size * units.Gi)],
                          returned)

    def test_two_builds_do_not_count_on_the_same_bytes(self):
        made = self.make()
        with self.begin(made, 80) as (first,):
            self.assertEqual('big', first.folder.name)
            self.assertTrue(first.private.startswith(self.paths['big']))
            with self.begin(made, 15) as (second,):
                self.assertEqual('fast', second.folder.name)
                self.assertRaises(exception.NoStorageFolder,
                                  self.begin(made, 11).__enter__)
        with self.begin(made, 90) as (first,):
            self.assertEqual('big', first.folder.name)

    def test_an_image_in_the_default_cache_is_kept(self):
        made = self.make()
        with self.begin(made, 1):
            self.assertIsNotNone(made.default.builds.oldest_start())
        self.assertIsNone(made.default.builds.oldest_start())

    def test_what_a_rebuild_frees(self):
        made = self.make()
        self.assertRaises(exception.NoStorageFolder,
                          self.begin(made, 25, 'ssd').__enter__)
        with self.begin(made, 25, 'ssd', {'fast': 5 * units.Gi}):
            pass

    def test_overcommitment(self):
        with self.begin(self.make(ratio=2.0), 40, 'ssd'):
            pass

    def test_only_folders_that_the_regex_matches(self):
        made = self.make(regex='fa|def')
        with self.begin(made, 1) as (reserved,):
            self.assertEqual('fast', reserved.folder.name)
        self.assertEqual(2, len(made.file_systems()))

    def test_one_file_system_is_counted_once(self):
        self.sizes['fast'] = self.sizes['big']
        found = self.make().file_systems()
        self.assertEqual(200, sum(each.total for each in found) // units.Gi)

    def test_without_storage_folders_nothing_is_measured(self):
        made = storages.folders(self.layout)
        made.default.space = mock.Mock(side_effect=AssertionError)
        with made.begin([folder_choice.Wish(None, 1 << 60)]) as (reserved,):
            self.assertIs(made.default, reserved.folder)
            self.assertEqual(0, made.default.builds.reserved())
        self.assertRaises(
            exception.NoStorageFolder,
            made.begin([folder_choice.Wish('ssd', 0)]).__enter__)
