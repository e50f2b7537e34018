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

import fixtures
import testtools

from nova_vmrun.aio import errors
from nova_vmrun.aio import layout
from tests.unit import base


class StateDirTestCase(base.TestCase):

    def test_default_follows_xdg(self):
        self.assertEqual('/srv/state/nova-vmrun', layout.default_state_dir(
            {'XDG_STATE_HOME': '/srv/state'}))

    def test_default_without_xdg_or_with_a_relative_one_is_below_home(self):
        home = os.path.expanduser('~')
        for environ in ({}, {'XDG_STATE_HOME': 'here'}):
            self.assertEqual(home + '/.local/state/nova-vmrun',
                             layout.default_state_dir(environ))

    def test_path_that_breaks_configuration_files_is_refused(self):
        for name in ('a$b', 'a%b', 'a"b', 'a\nb', 'a;b', 'a?b', 'a#b'):
            with testtools.ExpectedException(errors.AioError,
                                             '.*cannot be used.*'):
                layout.Layout('/tmp/' + name)

    def test_path_with_space_and_letters_of_any_script_is_taken(self):
        for path in ('/srv/größe 日本', "/home/o'neill/my cloud (1)"):
            self.assertEqual(path, str(layout.Layout(path).root))


class CreateTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = self.useFixture(fixtures.TempDir()).path

    def mode(self, path):
        return stat.S_IMODE(os.stat(path).st_mode)

    def test_nobody_else_can_look_in(self):
        where = layout.Layout(self.folder + '/a/state')
        where.create()
        self.assertEqual(0o700, self.mode(where.root))
        self.assertEqual(0o700, self.mode(where.keys))

    def test_again_is_harmless(self):
        where = layout.Layout(self.folder + '/state')
        where.create()
        where.settings.write_text('{}')
        where.create()
        self.assertTrue(where.exists)

    def test_directory_with_other_files_is_left_alone(self):
        where = layout.Layout(self.folder)
        (where.root / 'letter.txt').write_text('Dear')
        error = self.assertRaises(errors.AioError, where.create)
        self.assertIn('holds other files', str(error))
        self.assertEqual(['letter.txt'], os.listdir(self.folder))

    def test_an_interrupted_first_start_is_no_obstacle(self):
        where = layout.Layout(self.folder + '/state')
        where.create()
        where.create()
        self.assertTrue(where.databases.is_dir())

    def test_file_in_the_way_is_one_clear_line(self):
        where = layout.Layout(self.folder + '/state')
        where.root.write_text('')
        error = self.assertRaises(errors.AioError, where.create)
        self.assertIn('cannot be made. File exists.', str(error))
