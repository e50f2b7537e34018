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

"""The checker of phrases, and that the hooks are the checks of CI."""

import configparser
import os
import pathlib
import subprocess
import sys

import fixtures
import yaml

from tests.unit import base
from tools import phrases

PROGRAM = phrases.ROOT / 'tools' / 'phrases.py'
LIST = 'in a hurry => quickly\n(?:he|she) hath => has\n'


class ReadTestCase(base.TestCase):

    def test_comments_and_blank_lines(self):
        self.assertEqual(
            ['quickly', 'has'],
            [each.instead for each in phrases.read_list(
                '# A comment => no phrase\n\n' + LIST)])

    def test_a_line_without_a_replacement_is_refused(self):
        for line in ('in a hurry', 'in a hurry =>', '=> quickly'):
            self.assertRaises(ValueError, phrases.read_list, line)

    def test_the_list_of_the_project(self):
        listed = phrases.read_list(phrases.LIST.read_text(encoding='utf-8'))
        self.assertIn('permanently', [each.instead for each in listed])


class SearchTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.phrases = phrases.read_list(LIST)

    def found(self, text):
        return [(each.line, each.instead)
                for each in phrases.search(text, self.phrases)]

    def test_in_any_case_and_in_the_order_of_the_text(self):
        self.assertEqual([(1, 'has'), (2, 'quickly')],
                         self.found('She hath left.\nIn a hurry.\n'))

    def test_whole_words_only(self):
        self.assertEqual([], self.found('in a hurrying crowd; the hath'))

    def test_words_that_may_be_missing(self):
        self.phrases = phrases.read_list(
            'red|old house => home\nfar (?:and (?:very )?wide )?out => gone\n')
        self.assertEqual([(1, 'home'), (2, 'gone')],
                         self.found('a red car\nFar out'))

    def test_where_a_paragraph_is_wrapped(self):
        self.assertEqual([(1, 'quickly')], self.found('It left in a\n  hurry'))

    def test_where_a_comment_is_wrapped(self):
        self.assertEqual([(2, 'quickly')],
                         self.found('x = 1\n    # It left in\n    # a hurry'))

    def test_where_a_string_is_wrapped(self):
        for text in ("_('It left in a '\n  'hurry.')",
                     '_("It left in a "\n  "hurry.")',
                     "_('It left in a'\n  ' hurry.')"):
            self.assertEqual([(1, 'quickly')], self.found(text), text)


class ProgramTestCase(base.TestCase):

    def run_it(self, *names):
        return subprocess.run([sys.executable, str(PROGRAM), *names],
                              capture_output=True, text=True)

    def test_the_project_has_no_such_phrase(self):
        done = self.run_it()
        self.assertEqual(('', 0), (done.stdout, done.returncode))

    def test_a_phrase_is_found(self):
        path = os.path.join(self.useFixture(fixtures.TempDir()).path, 'a.rst')
        words = ['for', 'good']
        with open(path, 'w') as f:
            f.write('Gone\n%s.\n' % '\n'.join(words))
        done = self.run_it(path)
        self.assertEqual(
            ('%s:2: "%s": write "permanently"\n' % (
                os.path.relpath(path), ' '.join(words)), 1),
            (done.stdout, done.returncode))

    def test_files_of_others_are_not_searched(self):
        names = {str(path.relative_to(phrases.ROOT))
                 for path in filter(phrases.is_searched, phrases.files())}
        self.assertEqual(set(), {
            name for name in names if name.startswith('tests/fixtures/')})
        for name in ('README.rst', 'nova_vmrun/driver.py',
                     'doc/source/index.rst', 'tests/unit/test_phrases.py',
                     'tests/fakes/fake_vmrun', 'tests/fakes/README.md',
                     'releasenotes/notes/faults-2b9d61c07f4e8a13.yaml'):
            self.assertIn(name, names)


class HooksTestCase(base.TestCase):
    """Whoever passes the hooks passes the checks that CI makes."""

    def setUp(self):
        super().setUp()
        with open(phrases.ROOT / '.pre-commit-config.yaml') as f:
            hooks, = (repo['hooks'] for repo in yaml.safe_load(f)['repos'])
        self.checks = {
            pathlib.Path(hook['entry'].split()[-1]).name for hook in hooks}
        self.tox = configparser.ConfigParser(interpolation=None)
        self.tox.read(phrases.ROOT / 'tox.ini')

    def commands(self, environment):
        lines = self.tox['testenv:' + environment]['commands'].split('\n')
        return {pathlib.Path(line.split()[-1]).name for line in lines if line}

    def test_the_checks_are_those_of_make_test(self):
        self.assertEqual(self.checks, {
            name for name in self.commands('all')
            if not name.startswith('--')} - {
                'unit', 'contract', 'functional', 'cinder', 'iscsi', 'macos',
                'browser'})

    def test_the_environment_for_style_has_all_but_the_types(self):
        self.assertEqual(self.checks - {'mypy'}, self.commands('pep8'))
