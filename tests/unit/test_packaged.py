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

import contextlib
import io
import pathlib
import subprocess
import tempfile
from unittest import mock

from tests.packaged import suite
from tests.unit import base

_NAMES = """\
package.tests.test_a.A.test_one[id-1]
package.tests.test_a.A.test_one_more
package.tests.test_b.B.test_two
package.tests.test_c.C.test_three
"""


class SuiteTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        file = tempfile.NamedTemporaryFile('w+')
        self.addCleanup(file.close)
        self.file = file
        self.ran = []
        self.excluded = None

    def stestr(self, command, *words, stdout=None):
        if command == 'run':
            path = words[words.index('--exclude-list') + 1]
            self.excluded = pathlib.Path(path).read_text().splitlines()
            self.ran.append(words)
        return subprocess.CompletedProcess((), 0, _NAMES)

    def run_suite(self, text, *regexes):
        self.file.write(text)
        self.file.flush()
        chosen = suite.Suite('package', 'tests',
                             [pathlib.Path(self.file.name)], '.*')
        printed = io.StringIO()
        with (mock.patch.object(suite.Suite, '_stestr', side_effect=self.
                                stestr), contextlib.redirect_stdout(printed)):
            chosen.run(regexes)
        return printed.getvalue()

    def test_leaves_out_a_test_a_class_and_a_module(self):
        printed = self.run_suite(
            '# why\n\n'
            'package.tests.test_a.A.test_one # first\n'
            'package.tests.test_b # second\n', 'test_[ab]')
        self.assertIn('Selected: 3. Left out by %s: 2.' % pathlib.Path(
            self.file.name).name, printed)
        self.assertIn('  package.tests.test_a.A.test_one (1): first\n',
                      printed)
        self.assertIn('  package.tests.test_b (1): second\n', printed)
        self.assertNotIn('test_one_more', printed)

    def test_lists_of_stestr_match_whole_names(self):
        self.run_suite('package.tests.test_a.A.test_one # first\n', '.')
        pattern, = self.excluded
        self.assertRegex('package.tests.test_a.A.test_one[id-1]', pattern)
        self.assertRegex('package.tests.test_a.A.test_one', pattern)
        self.assertNotRegex('package.tests.test_a.A.test_one_more', pattern)

    def test_refuses_names_that_are_gone(self):
        error = self.assertRaises(
            suite.StaleListError, self.run_suite,
            'package.tests.test_z # gone\n', '.')
        self.assertIn('does not have: package.tests.test_z. Remove them.',
                      str(error))
        self.assertEqual([], self.ran)
