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
from unittest import mock

from nova_vmrun import exception
from nova_vmrun.volumes import responsive
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
            responsive._hanging['/mnt/hangs'].join(60)
            responsive.require('/mnt/hangs')
        self.assertEqual(3, len(calls))
