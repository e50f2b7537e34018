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
import time

import fixtures

from nova_vmrun.bench import measure
from tests.unit import base


class MeasureTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.folder = self.useFixture(fixtures.TempDir()).path

    def test_cost_counts_what_is_written(self):
        with measure.cost() as cost:
            with open(os.path.join(self.folder, 'file'), 'wb') as file:
                file.write(bytes(100000))
        self.assertGreater(cost.seconds, 0)
        self.assertGreaterEqual(cost.written, 100000)

    def test_system_that_counts_no_bytes(self):
        self.useFixture(fixtures.MockPatchObject(
            measure.psutil, 'Process', return_value=object()))
        with measure.cost() as cost:
            pass
        self.assertEqual((0, 0), (cost.read, cost.written))

    def test_operations_take_turns(self):
        calls = []
        found = measure.compare(
            lambda: calls.append('ours'), lambda: calls.append('other'), 3,
            lambda: calls.append('prepare'))
        self.assertEqual(['ours', 'other', 'other', 'ours', 'ours', 'other'],
                         calls[1::2])
        self.assertEqual(['prepare'] * 6, calls[::2])
        self.assertEqual((3, 3), (len(found.ours), len(found.other)))

    def test_ratio_is_the_median_of_the_pairs(self):
        found = measure.Comparison(
            [measure.Cost(seconds) for seconds in (2, 9, 30)],
            [measure.Cost(seconds) for seconds in (1, 3, 3)])
        self.assertEqual([2, 3, 10], found.ratios('seconds'))
        self.assertEqual(3, found.ratio('seconds'))
        self.assertEqual((9, 3), found.medians('seconds'))
        self.assertEqual(1400, found.noise)

    def test_peak_of_a_folder(self):
        path = os.path.join(self.folder, 'file')
        with measure.peak(self.folder) as peak:
            with open(path, 'wb') as file:
                file.write(bytes(1 << 20))
                os.fsync(file.fileno())
            deadline = time.monotonic() + 30
            while peak.size < 1 << 20 and time.monotonic() < deadline:
                time.sleep(0.01)
            self.assertEqual(measure.allocated(path),
                             measure.allocated(self.folder))
            os.remove(path)
        self.assertGreaterEqual(peak.size, 1 << 20)

    def test_peak_at_the_end(self):
        self.useFixture(fixtures.MockPatchObject(
            measure, '_POLL_SECONDS', 60))
        with measure.peak(self.folder) as peak:
            with open(os.path.join(self.folder, 'file'), 'wb') as file:
                file.write(bytes(1 << 20))
                os.fsync(file.fileno())
        self.assertGreaterEqual(peak.size, 1 << 20)
