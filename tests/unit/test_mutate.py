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

"""The program that plants errors."""

import ast
import os
import pathlib
import subprocess
import sys
import textwrap

import fixtures

from tests.unit import base
from tools import mutate

SOURCE = textwrap.dedent('''
    def double(number):
        LOG.debug('Doubling')
        if number is None:
            numbers.append(0)
            return None
        if number < 0:
            return False
        return 2 * number
''')


class ErrorsTestCase(base.TestCase):

    def test_each_kind(self):
        """No log message is dropped, and no None is returned for None."""
        self.assertEqual(
            [(4, 'turned: number is None'),
             (5, 'dropped: numbers.append(0)'),
             (7, 'turned: number < 0'),
             (8, 'returned True: return False'),
             (9, 'returned None: return 2 * number')],
            [(error.line, error.what) for error in mutate.errors(SOURCE)])

    def test_each_has_one_error_only(self):
        whole = ast.unparse(ast.parse(SOURCE))
        self.assertEqual(
            [whole.replace('number is None', 'number is not None'),
             whole.replace('numbers.append(0)', 'pass'),
             whole.replace('number < 0', 'number >= 0'),
             whole.replace('return False', 'return True'),
             whole.replace('return 2 * number', 'return')],
            [ast.unparse(error.tree) for error in mutate.errors(SOURCE)])


class OwnTestsTestCase(base.TestCase):

    def own_tests(self, name):
        return [test.rpartition('.')[2] for test in mutate.own_tests(
            mutate.PACKAGE / 'ops' / 'power' / name)]

    def test_their_names_begin_with_that_of_the_module(self):
        self.assertIn('test_power', self.own_tests('power.py'))
        self.assertIn('test_power_lock', self.own_tests('power.py'))

    def test_tests_of_a_module_with_a_longer_name_are_left_out(self):
        self.assertNotIn('test_power_states', self.own_tests('power.py'))
        self.assertEqual(['test_power_states'],
                         self.own_tests('power_states.py'))

    def test_a_module_without_any(self):
        self.assertEqual([], mutate.own_tests(
            mutate.PACKAGE / 'formats' / 'nothing.py'))


class PassesTestCase(base.TestCase):
    """A module and its tests that are not of this project."""

    def setUp(self):
        super().setUp()
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.useFixture(fixtures.MonkeyPatch('tools.mutate.ROOT', folder))
        self.useFixture(fixtures.MonkeyPatch('sys.path',
                                             [str(folder), *sys.path]))
        self.path = folder / 'mutate_example.py'
        self.path.write_text('def one():\n    return 1\n')
        self.test = folder / 'test_mutate_example.py'

    def passes(self, tree_text, test):
        self.test.write_text(
            'import time, unittest, mutate_example\n'
            'class ExampleTestCase(unittest.TestCase):\n'
            '    def test_it(self):\n        %s\n' % test)
        return mutate.passes(self.path, ast.parse(tree_text),
                             ['test_mutate_example'], 5)

    def test_the_module_is_imported_with_the_error(self):
        test = 'self.assertEqual(1, mutate_example.one())'
        self.assertTrue(self.passes(self.path.read_text(), test))
        self.assertFalse(self.passes('def one():\n    return 2\n', test))
        self.assertIn('return 1', self.path.read_text())

    def test_an_error_that_makes_the_tests_hang_is_noticed(self):
        self.assertFalse(self.passes(self.path.read_text(), 'time.sleep(60)'))


class ProgramTestCase(base.TestCase):

    def run_it(self, *words):
        return subprocess.run(
            [sys.executable, '-W', 'ignore',
             os.path.join(mutate.ROOT, 'tools', 'mutate.py'), *words],
            capture_output=True, text=True)

    def test_one_error_in_one_module(self):
        done = self.run_it('--each', '1', 'formats/identity.py')
        self.assertEqual('', done.stderr)
        self.assertTrue(done.stdout.endswith(
            '1 of 1 noticed: 100 %\n'), done.stdout)

    def test_a_module_without_tests_of_its_own_is_refused(self):
        done = self.run_it('formats/nothing.py')
        self.assertIn('has no unit tests of its own', done.stderr)
        self.assertEqual(2, done.returncode)
