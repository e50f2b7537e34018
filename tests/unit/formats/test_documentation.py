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

from nova_vmrun.formats import profiles
from nova_vmrun.formats import properties
from tests.unit.formats import base

ROOT = pathlib.Path(properties.__file__).parents[2]
PAGE = ROOT / 'doc' / 'source' / 'vmx.rst'
# Names of properties as they stand in the code that reads them.
NAME = re.compile(
    "'((?:hw|os|img|vmware|vix|vmrun)_[a-z_]+|(?:hw|os|quota|hw_video):"
    "[a-z_]+)'")
CPU = re.compile("'(hw[:_]cpu_(?:max_)?)(?:%s)?'")


class DocumentationTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.page = PAGE.read_text(encoding='utf-8')

    def _assert_documented(self, names):
        for name in sorted(names):
            self.assertIn('``%s``' % name, self.page)

    def test_properties(self):
        folder = pathlib.Path(properties.__file__).parent
        found = set()
        for path in [folder / 'guestos.py', *(folder / 'choices').iterdir()]:
            if path.suffix == '.py':
                text = path.read_text()
                found.update(NAME.findall(text))
                for prefix in CPU.findall(text):
                    found.update(prefix + part
                                 for part in ('cores', 'sockets', 'threads'))
        for own in properties.OWN:
            found.update(properties.names(own))
        found -= {'os_distro and os_version'}
        self.assertIn('hw_vif_model', found)
        self.assertIn('hw:cpu_max_sockets', found)
        self.assertIn('vix_tools', found)
        self._assert_documented(
            name for name in found if not name.endswith('_'))

    def test_values(self):
        for table in (properties.DISK_BUSES, properties.FIRMWARE,
                      properties.SECURE_BOOT, properties.DISK_TYPES,
                      properties.BOOT_DEVICES, properties.SOUND,
                      properties.USB, properties.TOOLS_ISOS):
            for value in table:
                if value not in ('vmpvscsi', 'lsisas1068'):
                    self.assertIn('``%s``' % value, self.page.lower())

    def test_defaults(self):
        for name, profile in profiles.PROFILES.items():
            row = [name, profile.firmware, profile.disk_bus,
                   profile.cdrom_bus, profile.nic_model, profile.family]
            self.assertRegex(self.page, '(?m)^%s$' % ' +'.join(row))
