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

"""How long a guest is waited for."""

from nova_vmrun import exception
from tests.unit.ops import hosts
from tests.unit.ops.power import test_power

UUID = hosts.UUID


class PatienceTestCase(test_power.Base):

    def setUp(self):
        super().setUp()
        self.add_server(running=True)

    def test_timeout_of_an_image_is_limited(self):
        for asked, given in ((300, 300), (301, 300), (2147484, 300),
                             (10 ** 300, 300)):
            self.start()
            self.power.off(UUID, timeout=asked)
            self.vmrun.tool.stop.assert_called_with(
                self.layout.vmx(UUID), hard=False, timeout=given)
        self.assertIn('max_shutdown_timeout', self.log.output)

    def test_no_time_to_shut_down_cuts_the_power(self):
        for asked, longest in ((0, 300), (-1, 300), (60, 0)):
            self.start()
            self.conf.max_shutdown_timeout = longest
            self.power.off(UUID, timeout=asked)
            self.vmrun.tool.stop.assert_called_with(self.layout.vmx(UUID))

    def test_a_guest_that_is_asked_already_is_waited_for(self):
        self.vmrun.fail(('stop', 'soft'), exception.GuestBusy('busy'))
        self.clock.sleep = lambda seconds: self.vmrun.running.clear()
        self.power.off(UUID, timeout=60)
        self.assertEqual(['stop'], self.vmrun.verbs())

    def test_no_time_to_restart_is_a_hard_reboot(self):
        self.conf.wait_soft_reboot_seconds = 0
        self.power.reboot_soft(UUID, lambda: None)
        self.assertEqual(['stop', 'start'], self.vmrun.verbs())
