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

from nova_vmrun.server import vmx_file
from tests.unit.ops import hosts
from tests.unit.ops.power import test_power

UUID = hosts.UUID


class LockTestCase(test_power.Base):
    """Somebody writes the .vmx."""

    def check(self, start):
        self.add_server()
        thread = threading.Thread(target=start)
        with vmx_file.VmxFiles(self.layout).opened(UUID):
            thread.start()
            thread.join(0.2)
            self.assertFalse(self.is_running())
        thread.join()
        self.assertTrue(self.is_running())

    def test_a_start_waits(self):
        self.check(lambda: self.power.on(UUID))

    def test_a_hard_reboot_waits_before_it_writes(self):
        self.check(lambda: self.power.reboot_hard(UUID, self.rewrite))
        self.assertEqual(1, self.rewrites)

    rewrites = 0

    def rewrite(self, file):
        self.assertFalse(self.is_running())
        self.rewrites += 1
