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

import importlib.util
import subprocess
import sys
import unittest

import testtools
from testtools import content

CASES = 'tests.functional.ml2.port_binding'
TIMEOUT = 300


@unittest.skipUnless(importlib.util.find_spec('neutron'),
                     'neutron is not installed (extra "neutron")')
@unittest.skipUnless(importlib.util.find_spec('webtest'),
                     "WebTest, which Neutron's fixtures need, is missing")
class PortBindingTestCase(testtools.TestCase):

    def test_cases_pass(self):
        """Run the cases in a process of their own.

        Neutron and Nova both own oslo.config's global CONF, with options of
        the same names: one process can have only one of them.
        """
        child = subprocess.run(
            [sys.executable, '-m', 'unittest', '--verbose', CASES],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=TIMEOUT)
        self.addDetail(CASES, content.text_content(child.stdout))
        self.assertEqual(0, child.returncode)
        self.assertRegex(child.stdout, r'\nRan [1-9]\d+ tests in ')
