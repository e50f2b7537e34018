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

"""The table of facts is whole and up to date."""

import testtools

from tests.contract import expected
from tests.contract import facts


class FactsTest(testtools.TestCase):

    def setUp(self):
        super().setUp()
        self.facts = facts.facts()
        self.tests = facts.tests()
        self.named = {name for fact in self.facts for name in fact.tests}

    def test_table_is_up_to_date(self):
        with open(facts.TABLE, encoding='utf-8') as f:
            written = f.read()
        self.assertEqual(facts.table(), written,
                         'run python -m tests.contract.facts')

    def test_every_test_that_is_named_exists(self):
        self.assertEqual([], sorted(self.named - set(self.tests)))

    def test_every_test_holds_a_fact(self):
        forgotten = [name for name, test in self.tests.items()
                     if test.module not in facts.OWN_MATTERS
                     and name not in self.named]
        self.assertEqual([], forgotten)

    def test_no_two_tests_have_one_name(self):
        """A fact, and an expected difference, name a test by its name."""
        self.assertEqual(len(self.tests), len(list(facts.every_test())))

    def test_a_fact_has_tests_or_a_reason(self):
        for fact in self.facts:
            self.assertTrue(bool(fact.tests) != bool(fact.reason), fact)

    def test_every_source_is_explained(self):
        explained = {line.split(' ')[0] for line in facts.sources()}
        used = {key for fact in self.facts for key in fact.sources.split()}
        self.assertEqual(explained, used)

    def test_expected_differences_are_of_tests(self):
        self.assertEqual([], sorted(set(expected.DIFFERENCES)
                                    - set(self.tests)))

    def test_an_entry_of_another_form_is_refused(self):
        for text in ('# A\n[X] no test', '[X] no heading :: test_a',
                     '# A\nno source :: test_a'):
            self.assertRaises(facts.BadFact, facts.parse, text)

    def test_limits_are_read_from_decorators(self):
        self.assertEqual([], self.tests['test_log_is_rotated'].limits)
        self.assertEqual(['fakes only'], self.tests['test_hang'].limits)
        self.assertEqual(['player'],
                         self.tests['test_player_has_no_pause'].limits)
