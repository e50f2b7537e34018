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

"""Helpers for the tests of the checks of a .vmx."""

from nova_vmrun.formats.lint import check
from nova_vmrun.formats import vmx
from tests.unit.machine import base

# A file without any findings.
PLAIN = {
    'config.version': '8', 'virtualHW.version': '20', 'guestOS': 'ubuntu-64',
    'memsize': '64', 'msg.autoAnswer': 'TRUE',
    'isolation.tools.copy.disable': 'TRUE',
    'isolation.tools.paste.disable': 'TRUE',
    'isolation.tools.dnd.disable': 'TRUE',
    'isolation.tools.hgfs.disable': 'TRUE',
}


class LintTestCase(base.TestCase):

    def check(self, expected, settings, exists=None):
        """Check the findings of a plain file with more settings.

        :param expected: (severity, key) of each finding
        :param settings: keys to values; None removes a key
        """
        merged = {key: value for key, value in {**PLAIN, **settings}.items()
                  if value is not None}
        found = check.check(vmx.dump(merged), exists)
        self.assertEqual(expected,
                         [(item.severity, item.key) for item in found])
