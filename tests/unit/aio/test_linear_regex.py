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

import copy

from nova.api.validation import validators

from nova_vmrun.aio import linear_regex
from tests.unit.aio import base


class ApiTestCase(base.TestCase):
    """What Nova's API accepts as a regular expression."""

    def setUp(self):
        super().setUp()
        checker = copy.copy(validators._FORMAT_CHECKER)
        checker.checkers = dict(checker.checkers)
        self.patch(validators, '_FORMAT_CHECKER', checker)
        linear_regex.install()
        self.accepts = lambda value: checker.conforms(value, 'regex')

    def test_what_both_engines_know(self):
        for expression in ('web', '^Web-[0-9]+$', '(a+)+$', 'caf\xe9', '\\w'):
            self.assertTrue(self.accepts(expression), expression)

    def test_what_one_of_them_does_not_know(self):
        for expression in ('', '[', 'x*+', '(?=a)', r'(a)\1', 'a{2000}'):
            self.assertFalse(self.accepts(expression), expression)

    def test_what_is_no_text_is_left_to_other_checks(self):
        self.assertTrue(self.accepts(7))


class MatchesTestCase(base.TestCase):

    def test_a_part_in_any_case(self):
        for expression, found in (('EB', True), ('^eb', False),
                                  ('gr\xdcn|w', True), ('^$', False)):
            self.assertEqual(
                found, linear_regex.matches(expression, 'Web gr\xfcn'))
