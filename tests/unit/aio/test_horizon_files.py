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

from importlib import metadata

import fixtures

from nova_vmrun.aio import horizon_files
from nova_vmrun.aio import horizon_settings
from tests.unit.aio import base


class FilesTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        horizon_settings.write(self.layout, self.settings)
        self.commands = []
        self.useFixture(fixtures.MonkeyPatch(
            'django.core.management.call_command', self.call))

    def call(self, name, **options):
        self.commands.append(name)
        horizon_settings.static(self.layout).mkdir(exist_ok=True)

    def is_current(self):
        return horizon_files.are_current(self.layout)

    def test_they_are_made_once(self):
        self.assertFalse(self.is_current())
        horizon_files.make(self.layout)
        self.assertEqual(['collectstatic', 'compress'], self.commands)
        self.assertTrue(self.is_current())

    def test_old_files_are_removed_first(self):
        horizon_files.make(self.layout)
        old = horizon_settings.static(self.layout) / 'old.js'
        old.write_text('')
        horizon_files.make(self.layout)
        self.assertFalse(old.exists())

    def test_what_was_interrupted_is_made_again(self):
        horizon_files.make(self.layout)
        self.useFixture(fixtures.MonkeyPatch(
            'django.core.management.call_command', self.fail_to_call))
        self.assertRaises(OSError, horizon_files.make, self.layout)
        self.assertFalse(self.is_current())

    def fail_to_call(self, *_, **__):
        raise OSError('No space left on device')

    def test_another_release_of_a_library_needs_other_files(self):
        horizon_files.make(self.layout)
        version = metadata.version
        self.patch(metadata, 'version', lambda name: (
            '6.0' if name == 'Django' else version(name)))
        self.assertFalse(self.is_current())

    def test_so_do_changed_settings(self):
        horizon_files.make(self.layout)
        horizon_settings.overrides(self.layout).write_text('A = 1\n')
        self.assertFalse(self.is_current())

    def test_same_settings_written_again_do_not(self):
        horizon_files.make(self.layout)
        horizon_settings.write(self.layout, self.settings)
        self.assertTrue(self.is_current())
