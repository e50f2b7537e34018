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

"""The same as test_every_step, with disks in storage folders."""

from tests.crash import storages
from tests.crash import test_every_step

load_tests = test_every_step.load_tests


class StorageFoldersTestCase(test_every_step.EveryStepTestCase):

    scenarios = [(each.__name__, {'operation_class': each})
                 for each in test_every_step.operations_of(storages)]

    def test_some_steps(self):
        """Try half of the crashes; none of them is in the sample."""
        self.try_all(lambda number: number % 2 == 0)

    def test_all_other_steps(self):
        self.try_all(lambda number: number % 2)
