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
import re

from nova_vmrun.catalog import documentation
from nova_vmrun.catalog import obeyed
from nova_vmrun.catalog import properties
from nova_vmrun.catalog import refused
from nova_vmrun.catalog import row
from nova_vmrun.catalog import table
from nova_vmrun.formats.guestos import profiles
from tests.unit.machine import base

ROOT = pathlib.Path(properties.__file__).parents[2]
PAGE = ROOT / 'doc' / 'source' / 'vmx.rst'
# Names of properties, as code would contain them.
NAME = re.compile(
    "'((?:hw|img|vix|vmrun)_[a-z_]+|(?:hw|os|quota|hw_video):[a-z_]+)'")


class DocumentationTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.page = PAGE.read_text(encoding='utf-8')
        self.text = documentation.text()

    def test_all_rows(self):
        for each in table.ROWS:
            for name in each.image + each.flavor:
                self.assertIn('``%s``' % name.replace('#', 'N'), self.text)
            self.assertIn(each.about, self.text)

    def test_headings(self):
        for title, line in (('Obeyed', '='), ('Refused', '='),
                            ('Ignored because that does no harm', '='),
                            *((section, '-') for section in obeyed.SECTIONS)):
            self.assertIn('%s\n%s\n' % (title, line * len(title)), self.text)

    def test_rows_that_the_scheduler_obeys(self):
        for each in refused.ROWS:
            if each.scheduler:
                self.assertIn('another host (``%s``)' % each.scheduler,
                              self.text)

    def test_the_page_has_a_place_for_the_catalog(self):
        page = PAGE.with_name('properties.rst').read_text(encoding='utf-8')
        self.assertIn('\n' + documentation.MARKER, page)

    def test_choices_take_names_from_the_catalog(self):
        choices = pathlib.Path(properties.__file__).parents[1].joinpath(
            'machine', 'choices')
        for path in choices.glob('*.py'):
            self.assertEqual([], NAME.findall(path.read_text()), path.name)

    def test_the_names_of_the_guest_are_obeyed(self):
        for name in {'os_distro', 'os_version', 'os_type', 'hw_architecture',
                     'architecture', *properties.OWN_NAMES}:
            self.assertIsInstance(table.find(name, table.IMAGE), row.Obeyed)

    def test_values(self):
        for words in (properties.DISK_BUSES, properties.FIRMWARE,
                      properties.SECURE_BOOT, properties.DISK_TYPES,
                      properties.BOOT_DEVICES, properties.SOUND,
                      properties.USB, properties.TOOLS_ISOS):
            for value in words:
                self.assertIn('``%s``' % value, self.text)
        for value in ('disabled', 'shared'):
            self.assertIn('accepted: ``%s``.' % value, self.text)

    def test_defaults(self):
        for name, profile in profiles.PROFILES.items():
            row = [name, profile.firmware, profile.disk_bus,
                   profile.cdrom_bus, profile.nic_model, profile.family]
            self.assertRegex(self.page, '(?m)^%s$' % ' +'.join(row))
