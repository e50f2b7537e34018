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

from nova.compute import power_state
from nova import exception as nova_exception

from nova_vmrun.server import records
from nova_vmrun.server import states
from tests.unit import test_driver


class InfoTestCase(test_driver.Base):

    def test_each_state(self):
        for state, nova_state in (
                (states.State.RUNNING, power_state.RUNNING),
                (states.State.PAUSED, power_state.PAUSED),
                (states.State.SUSPENDED, power_state.SUSPENDED),
                (states.State.OFF, power_state.SHUTDOWN),
                (states.State.UNKNOWN, power_state.NOSTATE)):
            self.parts.state.return_value = state
            self.assertEqual(nova_state,
                             self.driver.get_info(test_driver.INSTANCE).state)

    def test_a_list_is_shared_if_nova_allows_it(self):
        self.parts.state.return_value = states.State.OFF
        for use_cache in (True, False):
            self.driver.get_info(test_driver.INSTANCE, use_cache)
            self.parts.state.assert_called_with(
                self.parts.record.return_value, use_cache)

    def test_a_server_that_is_not_here(self):
        self.parts.exists.return_value = False
        self.parts.record.return_value = None
        self.assertFalse(self.driver.instance_exists(test_driver.INSTANCE))
        server = test_driver.INSTANCE
        for call in (lambda: self.driver.get_info(server),
                     lambda: self.driver.get_vnc_console(None, server),
                     lambda: self.driver.get_serial_console(None, server)):
            self.assertRaises(nova_exception.InstanceNotFound, call)

    def test_lists(self):
        self.parts.records.all.return_value = [
            records.Record(test_driver.UUID, 'instance-1', 'node-uuid')]
        self.assertEqual(['instance-1'], self.driver.list_instances())
        self.assertEqual([test_driver.UUID], self.driver.list_instance_uuids())


class ConsoleTestCase(test_driver.Base):

    def test_no_console(self):
        self.parts.consoles.vnc.return_value = None
        self.parts.serial_consoles.console.return_value = None
        for find in (self.driver.get_vnc_console,
                     self.driver.get_serial_console):
            self.assertRaises(nova_exception.ConsoleTypeUnavailable, find,
                              None, test_driver.INSTANCE)

    def shown(self, content):
        """Returns the console log, decoded as nova-compute does it."""
        self.parts.serial_consoles.log.return_value = content
        output = self.driver.get_console_output(None, test_driver.INSTANCE)
        self.assertNotIsInstance(output, str)
        return output.decode('ascii', 'replace')

    def test_log_keeps_the_letters_of_the_guest(self):
        text = 'Gr\xfc\xdfe\x00'
        self.assertEqual(text, self.shown(text.encode()))

    def test_log_that_is_not_utf8_is_shown_all_the_same(self):
        self.assertEqual('a\ufffdb', self.shown(b'a\xffb'))
