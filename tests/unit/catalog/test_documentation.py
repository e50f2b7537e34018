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
from nova_vmrun.catalog import properties
from nova_vmrun.catalog import row
from nova_vmrun.catalog import table
from nova_vmrun.formats.guestos import profiles
from tests.unit.machine import base

ROOT = pathlib.Path(properties.__file__).parents[2]
PAGE = ROOT / 'doc' / 'source' / 'vmx.rst'
# Names of properties as they stand in the code that reads them.
NAME = re.compile(
    "'((?:hw|os|img|vmware|vix|vmrun)_[a-z_]+|(?:hw|os|quota|hw_video):"
    "[a-z_]+)'")
CPU = re.compile("'(hw[:_]cpu_(?:max_)?)(?:%s)?'")


def names_in_code():
    """Returns the properties that the code reads by their names."""
    package = pathlib.Path(properties.__file__).parents[1]
    found = set()
    for path in [package / 'formats' / 'guestos' / '__init__.py',
                 *(package / 'machine' / 'choices').iterdir()]:
        if path.suffix == '.py':
            text = path.read_text()
            found.update(NAME.findall(text))
            for prefix in CPU.findall(text):
                found.update(prefix + part
                             for part in ('cores', 'sockets', 'threads'))
    return {name for name in found if not name.endswith('_')}


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

    def test_the_page_has_a_place_for_them(self):
        page = PAGE.with_name('properties.rst').read_text(encoding='utf-8')
        self.assertIn('\n' + documentation.MARKER, page)

    def test_what_the_code_reads_is_obeyed(self):
        found = names_in_code()
        self.assertIn('hw_vif_model', found)
        self.assertIn('hw:cpu_max_sockets', found)
        found.update(properties.OWN_NAMES)
        self.assertEqual([], sorted(
            name for name in found if not isinstance(
                table.find(name, table.FLAVOR) or
                table.find(name, table.IMAGE), row.Obeyed)))

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
