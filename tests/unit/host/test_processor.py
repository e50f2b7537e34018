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

import fixtures

from nova_vmrun.host import files
from nova_vmrun.host import processor
from tests.unit import base

CPUINFO = """processor\t: 0
vendor_id\t: GenuineIntel
model name\t: Intel(R) Core(TM) i7: fast
physical id\t: 0
flags\t\t: fpu pni aes
vmx flags\t: vnmi

processor\t: 1
vendor_id\t: GenuineIntel
model name\t: another
physical id\t: 1
flags\t\t: fpu
"""


class ReadTestCase(base.TestCase):

    def read(self, text):
        path = self.useFixture(fixtures.TempDir()).path + '/cpuinfo'
        files.write_atomically(path, text)
        return processor.read(path)

    def test_linux(self):
        self.assertEqual(
            processor.Processor('GenuineIntel', 'Intel(R) Core(TM) i7: fast',
                                frozenset(['fpu', 'pni', 'aes']), 2),
            self.read(CPUINFO))

    def test_virtual_machine_with_few_facts(self):
        self.assertEqual(processor.Processor(), self.read('processor: 0\n'))

    def test_file_does_not_exist(self):
        self.assertEqual(processor.Processor(),
                         processor.read('/no/such/cpuinfo'))
