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

import pathlib

import fixtures

from nova_vmrun.aio import errors
from nova_vmrun.aio import novnc
from tests.unit.aio import base


class NovncTestCase(base.TestCase):

    def make(self):
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        (folder / novnc.PAGE).write_text('<html>')
        return folder

    def test_folder_of_the_system_is_found(self):
        folder = self.make()
        self.assertEqual(folder, novnc.find(self.settings, folder))

    def test_named_folder_comes_first(self):
        named = self.make()
        self.settings.novnc = str(named)
        self.assertEqual(named, novnc.find(self.settings, self.make()))

    def test_named_folder_without_novnc_is_refused(self):
        self.settings.novnc = str(self.layout.root)
        error = self.assertRaises(errors.AioError, novnc.find, self.settings)
        self.assertIn('--novnc', error.resolution)

    def test_without_novnc_the_page_says_how_to_get_it(self):
        nowhere = self.layout.root
        self.assertIsNone(novnc.find(self.settings, nowhere))
        self.useFixture(fixtures.MonkeyPatch(
            'nova_vmrun.aio.novnc.find', lambda settings: None))
        page = novnc.folder(self.settings) / novnc.PAGE
        self.assertIn('aio up --novnc', page.read_text())
