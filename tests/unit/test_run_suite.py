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

"""What tools/run_suite.py says about the last run of all suites."""

import importlib.util
import io
import os
import subprocess
from unittest import mock

import fixtures
import subunit

from tests.unit import base

_PATH = os.path.join(os.path.dirname(__file__), '..', '..', 'tools',
                     'run_suite.py')
_SPEC = importlib.util.spec_from_file_location('run_suite', _PATH)
run_suite = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(run_suite)


class TotalsTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.results = self.useFixture(fixtures.TempDir()).path

    def totals(self, **suites):
        """Return the exit code and what is printed.

        :param suites: for each, the status of its only test
        """
        for suite in suites:
            os.mkdir(os.path.join(self.results, suite))

        def stestr(suite, *_words, stdout=None):
            written = io.BytesIO()
            result = subunit.StreamResultToBytes(written)
            result.startTestRun()
            result.status(test_id='tests.%s.T.test' % suite,
                          test_status=suites[suite])
            result.stopTestRun()
            return subprocess.CompletedProcess([], 0, written.getvalue())

        with mock.patch.multiple(run_suite, RESULTS=self.results,
                                 stestr=stestr), \
                mock.patch('sys.stdout', io.StringIO()) as printed:
            return run_suite.totals(), printed.getvalue()

    def test_tests_that_passed_or_were_skipped(self):
        code, printed = self.totals(unit='success', contract='skip')
        self.assertEqual(0, code)
        self.assertIn('skipped: tests.contract.T.test', printed)
        self.assertIn('Totals: 1 passed, 0 failed, 1 skipped', printed)

    def test_a_test_that_failed(self):
        code, printed = self.totals(unit='success', contract='fail')
        self.assertEqual(1, code)
        self.assertIn('FAILED: tests.contract.T.test', printed)

    def test_guests_that_nobody_could_ask(self):
        code, printed = self.totals(unit='success', reach='skip')
        self.assertEqual(1, code)
        self.assertIn('FAILED: tests.reach.T.test may not be skipped',
                      printed)
