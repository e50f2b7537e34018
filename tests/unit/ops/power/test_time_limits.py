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

from nova_vmrun.formats import vmx
from nova_vmrun.ops.power import time_limits
from nova_vmrun.server import vmx_file
from tests.unit.ops import hosts
from tests.unit import stubs

UUID = hosts.UUID


class TimeLimitsTestCase(hosts.TestCase):

    def made(self):
        return time_limits.TimeLimits(stubs.conf(),
                                      vmx_file.VmxFiles(self.layout))

    def limits(self, memory, **keys):
        text = vmx.dump({'memsize': str(memory), **keys})
        self.add_server(vmx=text)
        limits = self.made()
        return (limits.start(vmx.parse(text)), limits.suspend(UUID),
                limits.snapshot(UUID), limits.longest(UUID))

    def test_they_grow_with_the_memory_that_is_moved(self):
        self.assertEqual((300, 1110, 1400, 1400), self.limits(8192))
        self.assertEqual((300, 410, 700, 700), self.limits(512))

    def test_a_start_that_resumes_reads_memory(self):
        keys = {'checkpoint.vmState': 'a.vmss'}
        self.assertEqual(1100, self.limits(8192, **keys)[0])

    def test_a_vmx_that_cannot_be_read(self):
        limits = self.made()
        self.assertEqual(600, limits.longest(UUID))
