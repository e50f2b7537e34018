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

import threading
import time
from unittest import mock

from nova_vmrun import exception
from nova_vmrun.host import responsive
from tests.unit import base


class ResponsiveTestCase(base.TestCase):

    def test_an_answer(self):
        responsive.require('/')
        responsive.require('/no/such/path')

    def test_no_answer_and_later_one(self):
        answer, calls = threading.Event(), []

        def stat(path):
            calls.append(path)
            answer.wait(60)

        self.addCleanup(answer.set)
        with mock.patch.object(responsive.os, 'stat', stat):
            for _ in range(3):
                error = self.assertRaises(
                    exception.FileSystemFailed, responsive.require,
                    '/mnt/hangs', 0.05)
                self.assertIn('/mnt/hangs', str(error))
            self.assertEqual(['/mnt/hangs'], calls)
            # Other file systems go on.
            self.assertRaises(exception.FileSystemFailed,
                              responsive.require, '/mnt/other', 0.05)
            answer.set()
            responsive._questions['/mnt/hangs'].thread.join(60)
            responsive.require('/mnt/hangs')
        self.assertEqual(3, len(calls))

    def test_the_result_of_a_function(self):
        self.assertEqual(3, responsive.call('/', lambda: 3))

    def test_the_error_of_a_function(self):
        def fail():
            raise ValueError('no')

        self.assertRaises(ValueError, responsive.call, '/', fail)
        self.assertEqual(3, responsive.call('/', lambda: 3))

    def test_callers_wait_for_each_other(self):
        results = []

        def slow():
            time.sleep(0.05)
            return 1

        threads = [threading.Thread(
            target=lambda: results.append(responsive.call('/', slow)))
            for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        self.assertEqual([1] * 5, results)
