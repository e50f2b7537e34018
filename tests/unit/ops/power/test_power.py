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
from unittest import mock

import fixtures

from nova_vmrun import exception
from nova_vmrun.host import files
from nova_vmrun.ops import consoles
from nova_vmrun.ops.power import power
from nova_vmrun.ops import serial_consoles
from nova_vmrun.server import process_identity
from nova_vmrun.server import states
from tests.unit import locks
from tests.unit.ops import hosts

UUID = hosts.UUID
State = states.State

LOG = '''\
2026-01-01T00:00:00 In(05) vmx Log for VMware pid=1 version=1
2026-01-01T00:00:01 In(05) vmx Msg_Post: Error
2026-01-01T00:00:01 In(05) vmx [msg.disk.noBackEnd] Cannot open the disk.
2026-01-01T00:00:01 In(05) vmx ----------------------------------------
2026-01-01T00:00:02 In(05) vmx Transitioned vmx/execState/val to poweredOff
'''


class Base(hosts.TestCase):

    def setUp(self):
        super().setUp()
        self.clock = hosts.Clock()
        self.useFixture(fixtures.MockPatchObject(power, 'time', self.clock))
        self.serials = mock.create_autospec(
            serial_consoles.SerialConsoles, instance=True)
        self.consoles = mock.create_autospec(consoles.Consoles, instance=True)
        self.consoles.has_window.return_value = False
        host = self.host()
        self.conf = host.conf.vmrun
        self.power = power.Power(
            host, self.servers, self.make_access(
                consoles=self.consoles, serial_consoles=self.serials),
            self.events)


class OnTestCase(Base):

    def test_its_screen_is_seen_to_before_it_starts(self):
        self.add_server()
        self.consoles.before_start.side_effect = lambda file: (
            self.assertFalse(self.is_running(file.uuid)))
        self.power.on(UUID)
        self.consoles.before_start.assert_called_once()

    def test_a_server_starts_without_a_window(self):
        self.add_server()
        self.power.on(UUID)
        self.vmrun.tool.start.assert_called_once_with(
            self.layout.vmx(UUID), gui=False, timeout=300)

    def test_a_server_starts_with_a_window(self):
        self.consoles.has_window.side_effect = UUID.__eq__
        self.add_server()
        self.power.on(UUID)
        self.vmrun.tool.start.assert_called_once_with(
            self.layout.vmx(UUID), gui=True, timeout=300, until=mock.ANY)

    def test_serial_ports_are_prepared_before(self):
        self.add_server()
        self.serials.before_start.side_effect = (
            lambda uuid: self.assertFalse(self.is_running()))
        self.power.on(UUID)
        self.serials.before_start.assert_called_once_with(UUID)

    def test_a_start_that_only_complains_is_a_start(self):
        for error in (hosts.refused(), hosts.hung()):
            self.add_server()
            self.vmrun.running.clear()
            self.vmrun.fail('start', error, works=True)
            self.power.on(UUID)
            self.assertTrue(self.is_running())

    def test_a_vm_that_comes_up_after_its_vmrun_was_killed(self):
        self.add_server()
        self.vmrun.fail('start', hosts.hung())
        locks.lock(self.layout.file(UUID, 'root.vmdk'))
        self.clock.sleep = lambda seconds: self.start()
        self.power.on(UUID)
        self.assertTrue(self.is_running())

    def fail_to_start(self, error, log=None):
        def fail(*_args, **_options):
            if log:
                files.write_atomically(self.layout.vmware_log(UUID), log)
            raise error

        self.vmrun.tool.start.side_effect = fail
        return self.assertRaises(type(error), self.power.on, UUID)

    def test_failed_start_has_the_message_of_vmware(self):
        self.add_server()
        for error in (hosts.refused(), hosts.hung()):
            raised = self.fail_to_start(error, LOG)
            self.assertTrue(raised.brief.endswith(': Cannot open the disk.'))
            self.assertNotIn('Transitioned', str(raised))

    def test_without_a_message_the_last_lines_of_the_log(self):
        self.add_server()
        raised = self.fail_to_start(hosts.refused(), 'one\ntwo\n')
        self.assertTrue(raised.details.endswith('one\ntwo'))

    def test_log_of_an_earlier_start_does_not_explain_this_one(self):
        self.add_server()
        files.write_atomically(self.layout.vmware_log(UUID), LOG)
        raised = self.fail_to_start(hosts.refused())
        self.assertNotIn('vmware.log', str(raised))
        self.assertNotIn('Cannot open', str(raised))

    def test_start_with_an_unknown_outcome_has_failed(self):
        self.add_server()
        self.vmrun.fail('start', hosts.hung(), works=True)
        self.vmrun.fail('list', hosts.hung())
        self.assertRaises(exception.ToolTimeout, self.power.on, UUID)

    def test_start_invalidates_the_last_list(self):
        self.add_server()
        self.assertEqual(State.OFF, self.states.get(UUID, fresh=False))
        self.power.on(UUID)
        self.assertEqual(State.RUNNING, self.states.get(UUID, fresh=False))


class OffTestCase(Base):

    def setUp(self):
        super().setUp()
        self.add_server(running=True)

    def test_a_vm_whose_folder_may_be_another_hosts(self):
        self.power.cut(UUID)
        self.vmrun.tool.stop.assert_called_once_with(self.layout.vmx(UUID))

    def test_the_power_is_cut(self):
        self.power.off(UUID)
        self.vmrun.tool.stop.assert_called_once_with(self.layout.vmx(UUID))
        self.assertFalse(self.is_running())

    def test_a_server_that_is_off_already(self):
        self.vmrun.running.clear()
        self.vmrun.fail('stop', exception.NotPoweredOn('off'))
        self.power.off(UUID)

    def test_a_stop_that_only_complains_is_a_stop(self):
        for error in (hosts.refused(), hosts.hung()):
            self.start()
            self.vmrun.fail('stop', error, works=True)
            self.power.off(UUID)

    def test_a_stop_that_failed(self):
        self.vmrun.fail('stop', hosts.hung())
        self.assertRaises(exception.ToolTimeout, self.power.off, UUID)
        self.assertTrue(self.is_running())

    def test_nothing_is_repeated_blindly(self):
        self.vmrun.fail('stop', hosts.hung())
        self.assertRaises(exception.ToolTimeout, self.power.off, UUID)
        self.assertEqual(['stop'], self.vmrun.verbs())

    def test_a_guest_that_shuts_down(self):
        self.power.off(UUID, timeout=60)
        self.vmrun.tool.stop.assert_called_once_with(
            self.layout.vmx(UUID), hard=False, timeout=60)

    def test_a_guest_that_takes_its_time(self):
        self.vmrun.fail(('stop', 'soft'), None)
        sleep = self.clock.sleep

        def end_after_10_seconds(seconds):
            sleep(seconds)
            if self.clock.now >= 1010:
                self.vmrun.running.clear()

        self.clock.sleep = end_after_10_seconds
        self.power.off(UUID, timeout=60)
        self.assertEqual(['stop'], self.vmrun.verbs())

    def test_a_guest_that_ignores_it_loses_its_power_after_the_timeout(self):
        self.vmrun.fail(('stop', 'soft'), None)
        self.power.off(UUID, timeout=60)
        self.assertEqual(['stop', 'stop'], self.vmrun.verbs())
        self.assertFalse(self.is_running())
        self.assertEqual(1060, self.clock.now)

    def test_a_soft_stop_that_hung_has_had_its_time(self):
        def hang(vmx, hard=True, timeout=None):
            if hard:
                self.vmrun.running.clear()
                return
            self.clock.now += timeout
            raise hosts.hung()

        self.vmrun.tool.stop.side_effect = hang
        self.power.off(UUID, timeout=60)
        self.assertEqual(1060, self.clock.now)
        self.assertEqual(['stop', 'stop'], self.vmrun.verbs())

    def test_a_guest_that_cannot_hear_is_not_waited_for(self):
        for error in (exception.ToolsNotRunning('no tools'),
                      exception.VmPaused('paused')):
            self.start()
            self.vmrun.fail(('stop', 'soft'), error)
            self.power.off(UUID, timeout=60)
            self.assertFalse(self.is_running())
            self.assertEqual(1000, self.clock.now)

    def test_a_guest_that_went_down_by_itself_just_now(self):
        self.vmrun.running.clear()
        self.vmrun.fail(('stop', 'soft'), exception.NotPoweredOn('off'))
        self.power.off(UUID, timeout=60)
        self.assertEqual(['stop'], self.vmrun.verbs())

    def test_it_returns_when_vmware_has_let_go_of_the_disks(self):
        waited = self.useFixture(fixtures.MockPatch(
            'nova_vmrun.server.vm_process.wait_until_released')).mock
        waited.side_effect = lambda *args: not self.is_running()
        self.power.off(UUID)
        self.assertEqual(self.layout.folder(UUID), waited.call_args[0][0])

    def test_it_returns_when_the_process_has_ended(self):
        self.power.off(UUID)
        self.wait_until_ended.assert_called_once_with(
            (os.getpid(), process_identity.of(os.getpid())), 10)

    def test_files_that_are_not_released_in_time(self):
        """Who copies or removes them would do so under a VM that writes."""
        self.useFixture(fixtures.MockPatch(
            'nova_vmrun.server.vm_process.wait_until_released',
            return_value=False))
        error = self.assertRaises(exception.VmrunError, self.power.off, UUID)
        self.assertIn('still in use', error.brief)
        self.assertIn(self.layout.folder(UUID), error.details)

    def test_a_vm_that_vmrun_does_not_list(self):
        self.vmrun.running.clear()
        self.vmrun.fail('stop', exception.NotPoweredOn('off'))
        locks.lock(self.layout.file(UUID, 'root.vmdk'))
        error = self.assertRaises(exception.VmUnlisted, self.power.off, UUID)
        self.assertIn('another user', error.resolution)

    def test_a_vm_that_ends_while_it_is_stopped(self):
        self.vmrun.running.clear()
        self.vmrun.fail('stop', exception.NotPoweredOn('off'))
        lock = locks.lock(self.layout.file(UUID, 'root.vmdk'))
        self.clock.sleep = lambda seconds: files.remove_tree(lock)
        self.power.off(UUID)
        self.assertEqual(State.OFF, self.state())

    def test_a_paused_server_is_not_paused_any_more(self):
        self.power.pause(UUID)
        self.power.off(UUID)
        self.assertFalse(os.path.exists(self.layout.paused(UUID)))


class RebootTestCase(Base):

    def setUp(self):
        super().setUp()
        self.add_server(running=True)

    def test_soft(self):
        self.power.reboot_soft(UUID, lambda: None)
        self.vmrun.tool.reset.assert_called_once_with(
            self.layout.vmx(UUID), hard=False, timeout=60)
        self.assertEqual(['reset'], self.vmrun.verbs())

    def test_a_guest_that_does_not_restart_is_reset(self):
        for error in (hosts.hung(), exception.ToolsNotRunning('no tools')):
            self.vmrun.tool.reset_mock()
            self.vmrun.fail('reset', error)
            self.power.reboot_soft(UUID, lambda: None)
            self.assertEqual(['reset', 'stop', 'start'], self.vmrun.verbs())
            self.assertTrue(self.is_running())

    def test_a_guest_that_ends_up_off_is_started(self):
        self.vmrun.tool.reset.side_effect = (
            lambda *args, **options: self.vmrun.running.clear())
        self.power.reboot_soft(UUID, lambda: None)
        self.assertTrue(self.is_running())

    def test_hard(self):
        self.power.reboot_hard(UUID)
        self.assertEqual(['stop', 'start'], self.vmrun.verbs())

    def test_hard_starts_what_is_off(self):
        self.vmrun.running.clear()
        self.vmrun.fail('stop', exception.NotPoweredOn('off'))
        self.power.reboot_hard(UUID)
        self.assertTrue(self.is_running())

    def test_hard_reboot_rewrites_the_vmx_while_the_vm_is_off(self):
        def rewrite(file):
            self.assertFalse(self.is_running())
            self.assertEqual(['stop'], self.vmrun.verbs())

        self.power.reboot_hard(UUID, rewrite)
        self.assertTrue(self.is_running())

    def test_hard_brings_back_a_vmx_that_is_lost(self):
        self.vmrun.running.clear()
        os.remove(self.layout.vmx(UUID))
        self.power.reboot_hard(UUID, lambda file: self.add_server())
        self.assertEqual(['start'], self.vmrun.verbs())

    def test_hard_stops_a_vm_whose_vmx_is_lost(self):
        os.remove(self.layout.vmx(UUID))
        self.power.reboot_hard(UUID, lambda file: self.add_server())
        self.assertEqual(['stop', 'start'], self.vmrun.verbs())

    def test_a_vmx_that_cannot_be_written_starts_nothing(self):
        def rewrite(file):
            raise OSError(28, 'No space left on device')

        self.assertRaises(OSError, self.power.reboot_hard, UUID, rewrite)
        self.assertFalse(self.is_running())

    def test_a_stop_that_failed_starts_nothing(self):
        self.vmrun.fail('stop', hosts.hung())
        self.assertRaises(exception.ToolTimeout, self.power.reboot_hard, UUID)
        self.assertEqual(['stop'], self.vmrun.verbs())
