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

"""What mypy may not leave out."""

import pathlib
import tomllib

from tests.unit import base

ROOT = pathlib.Path(__file__).parents[2]
CONFIG = tomllib.loads(
    (ROOT / 'pyproject.toml').read_text())['tool']['mypy']


class TypesTestCase(base.TestCase):

    def test_the_strict_rules_hold_for_every_module(self):
        self.assertTrue(CONFIG['strict'])
        self.assertEqual([], [
            override for override in CONFIG['overrides']
            if set(override) != {'module', 'ignore_missing_imports'} or
            any(name.startswith('nova_vmrun') for name in override['module'])])

    def test_programs_in_tools_are_checked(self):
        self.assertEqual(
            sorted(path.stem for path in (ROOT / 'tools').glob('*.py')),
            CONFIG['modules'])
        self.assertIn('tools', CONFIG['mypy_path'].split(':'))

    def test_an_ignored_error_has_a_reason(self):
        for folder in ('nova_vmrun', 'tools', 'tests/fakes'):
            for path in sorted((ROOT / folder).rglob('*.py')):
                for line in path.read_text().splitlines():
                    if 'type: ignore' in line:
                        self.assertRegex(
                            line, r'# type: ignore\[[a-z, -]+\]\s+# \w+',
                            path)
