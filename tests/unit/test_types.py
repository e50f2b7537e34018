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

"""Keeps the list of modules that mypy does not check honest."""

import pathlib
import tomllib

from tests.unit import base

ROOT = pathlib.Path(__file__).parents[2]
CONFIG = tomllib.loads(
    (ROOT / 'pyproject.toml').read_text())['tool']['mypy']


class TypesTestCase(base.TestCase):

    def test_modules_not_checked_exist(self):
        for override in CONFIG['overrides']:
            if not override.get('ignore_errors'):
                continue
            for module in override['module']:
                path = ROOT / module.replace('.', '/')
                self.assertTrue(
                    path.with_suffix('.py').is_file()
                    or (path / '__init__.py').is_file(),
                    '%s does not exist: remove it from pyproject.toml'
                    % module)

    def test_packages_with_unchecked_modules_have_some(self):
        unchecked = [module for override in CONFIG['overrides']
                     if override.get('ignore_errors')
                     for module in override['module']]
        for package in CONFIG['untyped_calls_exclude']:
            self.assertTrue(
                any((module + '.').startswith(package + '.')
                    for module in unchecked),
                '%s is done: remove it from pyproject.toml' % package)

    def test_an_ignored_error_has_a_reason(self):
        for path in sorted((ROOT / 'nova_vmrun').rglob('*.py')):
            for line in path.read_text().splitlines():
                if 'type: ignore' in line:
                    self.assertRegex(
                        line, r'# type: ignore\[[a-z, -]+\]\s+# \w+', path)
