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

import os
import threading

import fixtures

from nova_vmrun.ops import progress
from tests.unit import base


class ProgressTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.logger = self.useFixture(fixtures.FakeLogger())
        self.path = os.path.join(self.useFixture(fixtures.TempDir()).path,
                                 'file')

    def lines(self):
        return self.logger.output.splitlines()

    def read(self, size, step):
        with open(self.path, 'wb') as file:
            file.truncate(size)
        with open(self.path, 'rb') as file:
            reader = progress.Reader(file, 'Uploading', None)
            return sum(len(data) for data in iter(
                lambda: reader.read(step), b''))

    def test_ten_lines_for_a_file_of_any_size(self):
        self.assertEqual(5000 << 10, self.read(5000 << 10, 1 << 10))
        self.assertEqual(10, len(self.lines()))
        self.assertIn('100 % of 4 MiB', self.lines()[-1])

    def test_a_file_that_is_read_in_one_go(self):
        self.read(7, 1 << 20)
        self.assertEqual(1, len(self.lines()))

    def test_an_empty_file(self):
        self.assertEqual(0, self.read(0, 1))
        self.assertEqual([], self.lines())

    def test_lines_about_a_growing_file_become_rarer(self):
        over = Event(4)
        with open(self.path, 'wb') as file:
            file.truncate(3 << 20)
        with progress.growing(self.path, 'The copy', None, over):
            over.reached.wait(10)
        self.assertEqual([30, 60, 120, 240], over.waited[:4])
        self.assertEqual(3, len(self.lines()))
        self.assertIn('The copy: 3 MiB so far', self.lines()[0])

    def test_a_file_that_is_not_there_yet(self):
        over = Event(2)
        with progress.growing(self.path, 'The copy', None, over):
            over.reached.wait(10)
        self.assertEqual([], self.lines())
        self.assertEqual([30, 30], over.waited)


class Event(threading.Event):
    """Time passes at once, until the end is near."""

    def __init__(self, waits):
        super().__init__()
        self._waits = waits
        self.waited = []
        self.reached = threading.Event()

    def wait(self, timeout=None):
        self.waited.append(timeout)
        if len(self.waited) < self._waits:
            return False
        self.reached.set()
        return super().wait(10)
