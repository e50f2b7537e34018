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

"""The architecture page names every part, and only files that exist."""

import re

from tests.unit import base
from tools import layers

PAGE = (layers.ROOT / 'doc' / 'source' / 'architecture.rst').read_text(
    encoding='utf-8')


def table():
    """Return the rows of "Where do I change...", as lists of cells."""
    text = PAGE[PAGE.index('The table begins here.'):
                PAGE.index('The table ends here.')]
    rows = [re.split(r'(?m)^     - ', row)
            for row in re.split(r'(?m)^   \* - ', text)[1:]]
    return [[' '.join(cell.split()) for cell in row] for row in rows[1:]]


def paths(cell):
    """Return the files and folders that a cell names."""
    return [name for name in re.findall(r'``([\w./]+)``', cell)
            if '/' in name or name.endswith(('.py', '.rst'))
            or (layers.PACKAGE / name).is_dir()]


class ArchitectureTestCase(base.TestCase):

    def test_each_part_is_described(self):
        described = {
            name.partition('/')[2].removesuffix('.py')
            for name in re.findall(r'(?m)^``(nova_vmrun/[\w.]+)`` ', PAGE)}
        parts = {module.part for module in layers.modules()}
        self.assertEqual(parts | {'templates'}, described)

    def test_where_to_change_something(self):
        rows = table()
        self.assertGreaterEqual(len(rows), 10)
        for task, files, tests in rows:
            self.assertTrue(paths(files), task)
            for name in paths(files) + paths(tests):
                self.assertTrue(
                    any((top / name).exists()
                        for top in (layers.ROOT, layers.PACKAGE)), name)
            self.assertTrue(paths(tests), task)
            self.assertEqual([], [name for name in paths(tests)
                                  if not name.startswith('tests/')])
