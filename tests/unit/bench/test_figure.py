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

from nova_vmrun.bench import figure
from tests.unit import base


class FigureTestCase(base.TestCase):

    def test_ratio_of_times(self):
        self.assertEqual(2, figure.Figure('a', 's', 4.0, 2.0, 'cp').ratio)

    def test_ratio_of_rates(self):
        self.assertEqual(2, figure.Figure('a', 'per second', 5.0, 10.0, 'cp',
                                          more_is_better=True).ratio)

    def test_nothing_to_compare_with(self):
        self.assertIsNone(figure.Figure('a', 's', 4.0, None, '').ratio)

    def test_unmeasured(self):
        found = figure.unmeasured('a', 's', 'No time.')
        self.assertIsNone(found.ratio)
        self.assertEqual('No time.', found.best_is)
