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

"""Discovery of the tests that a client's package brings."""

from collections.abc import Iterable
import pathlib
import types
import unittest


def discover(loader: unittest.TestLoader, package: types.ModuleType,
             folders: Iterable[str]) -> unittest.TestSuite:
    """Return the tests in some folders of a package of tests."""
    folder = pathlib.Path(package.__path__[0])
    found = unittest.TestSuite()
    for name in folders:
        found.addTests(loader.discover(
            str(folder / name), pattern='test_*.py',
            top_level_dir=str(folder.parents[2])))
    return found
