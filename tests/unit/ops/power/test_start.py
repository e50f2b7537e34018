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
from unittest import mock

from nova_vmrun import exception
from nova_vmrun.formats import vmx
from nova_vmrun.host import files
from nova_vmrun.server import states
from tests.unit import locks
from tests.unit.ops import hosts
from tests.unit.ops.power import test_power

UUID = hosts.UUID
UNKNOWN = exception.ToolRefused('vmrun failed.', output='Error: Unknown error')


class Base(test_power.Base):

    def setUp(self):
        super().setUp()
        self.add_server()
        self.conf.retry_interval = 0

    def refuse(self, *errors, log=None):
        """Makes starts raise errors in turn, and then work."""
        left = list(errors)

        def start(path, **options):
            if log:
                files.write_atomically(self.layout.vmware_log(UUID), log)
            if left:
                raise left.pop(0)
            self.vmrun.running.add(path)

        self.vmrun.tool.start.side_effect = start

    def starts(self):
        return self.vmrun.verbs().count('start')


class SecondTryTestCase(Base):

    def test_a_start_that_vmware_refused_without_a_reason(self):
        for error in (hosts.refused(), UNKNOWN):
            self.vmrun.running.clear()
            self.vmrun.tool.reset_mock()
            self.refuse(error)
            self.power.on(UUID)
            self.assertTrue(self.is_running())
            self.assertEqual(2, self.starts())

    def test_one_that_resumes(self):
        files.write_atomically(self.layout.vmx(UUID), vmx.dump(
            {'checkpoint.vmState': 'a.vmss', 'memsize': '1024'}))
        files.write_atomically(self.layout.folder(UUID) + '/a.vmss', 'x')
        self.refuse(hosts.refused())
        self.power.on(UUID)
        self.assertEqual(400, self.vmrun.tool.start.call_args[1]['timeout'])
        self.assertEqual(2, self.starts())

    def test_there_is_no_third_attempt(self):
        self.refuse(*[hosts.refused()] * 3)
        self.assertRaises(exception.Canceled, self.power.on, UUID)
        self.assertEqual(2, self.starts())

    def test_no_second_attempt_if_the_log_has_a_reason(self):
        self.refuse(hosts.refused(), log=test_power.LOG)
        error = self.assertRaises(exception.Canceled, self.power.on, UUID)
        self.assertIn('Cannot open the disk', error.brief)
        self.assertEqual(1, self.starts())

    def test_no_second_attempt_without_kernel_modules(self):
        self.refuse(hosts.refused())
        with mock.patch('nova_vmrun.host.kernel_modules.missing_devices',
                        return_value=['/dev/vmmon']):
            self.assertRaises(exception.Canceled, self.power.on, UUID)
        self.assertEqual(1, self.starts())

    def test_no_second_attempt_if_vmrun_has_a_reason(self):
        self.refuse(exception.DiskFull('full', output='Error: full'))
        self.assertRaises(exception.DiskFull, self.power.on, UUID)
        self.assertEqual(1, self.starts())

    def test_no_second_attempt_after_a_timeout(self):
        self.refuse(hosts.hung())
        self.assertRaises(exception.ToolTimeout, self.power.on, UUID)
        self.assertEqual(1, self.starts())

    def test_no_second_attempt_while_the_vm_may_be_running(self):
        locks.lock(self.layout.file(UUID, 'root.vmdk'))
        self.refuse(hosts.refused())
        self.assertRaises(exception.Canceled, self.power.on, UUID)
        self.assertEqual(1, self.starts())

    def test_no_second_attempt_while_the_state_is_unknown(self):
        self.vmrun.fail('list', hosts.hung())
        self.refuse(hosts.refused())
        self.assertRaises(exception.Canceled, self.power.on, UUID)
        self.assertEqual(1, self.starts())

    def test_adapters_of_one_that_was_started_twice_are_connected(self):
        keys = {}
        for slot in range(4):
            name = 'ethernet%d.' % slot
            keys.update({name + 'present': 'TRUE',
                         name + 'address': 'fa:16:3e:00:00:0%d' % slot})
        keys['ethernet2.startConnected'] = 'FALSE'
        files.write_atomically(self.layout.vmx(UUID), vmx.dump(keys))
        self.refuse(hosts.refused())
        # What cannot be connected does not undo the start.
        self.vmrun.tool.connect_device.side_effect = [None, hosts.refused()]
        self.power.on(UUID)
        self.assertEqual(
            [mock.call(self.layout.vmx(UUID), name)
             for name in ('ethernet1', 'ethernet3')],
            self.vmrun.tool.connect_device.call_args_list)

    def test_a_start_alone_costs_one_program(self):
        self.power.on(UUID)
        self.assertEqual(['start'], self.vmrun.verbs())

    def test_its_process_confirms_from_then_on_that_it_runs(self):
        with mock.patch.object(self.states, 'started') as started:
            self.power.on(UUID)
        started.assert_called_once_with(UUID)

    def test_simultaneous_starts_are_retried_even_with_a_reason(self):
        self.add_server(hosts.OTHER)
        first_waits, second_done = threading.Event(), threading.Event()
        tries = []

        def start(path, **options):
            if path == self.layout.vmx(hosts.OTHER):
                self.vmrun.running.add(path)
                return
            tries.append(path)
            if len(tries) == 1:
                first_waits.set()
                self.assertTrue(second_done.wait(20))
                files.write_atomically(self.layout.vmware_log(UUID),
                                       test_power.LOG)
                raise hosts.refused()
            self.vmrun.running.add(path)

        self.vmrun.tool.start.side_effect = start
        first = threading.Thread(target=self.power.on, args=(UUID,))
        first.start()
        self.assertTrue(first_waits.wait(20))
        self.power.on(hosts.OTHER)
        second_done.set()
        first.join(20)
        self.assertEqual(2, len(tries))
        self.assertTrue(self.is_running())


class WindowTestCase(Base):

    def setUp(self):
        super().setUp()
        self.consoles.has_window.return_value = True
        self.power.on(UUID)
        self.until = self.vmrun.tool.start.call_args[1]['until']

    def test_a_vm_that_is_listed_is_not_waited_for(self):
        self.assertTrue(self.until())

    def test_one_that_is_not_up_yet(self):
        self.vmrun.running.clear()
        self.states.changed()
        self.assertFalse(self.until())

    def test_a_list_that_fails_says_nothing(self):
        self.states.changed()
        self.vmrun.fail('list', hosts.hung())
        self.assertFalse(self.until())


class DialogTestCase(Base):

    def test_start_that_hangs_reports_the_question(self):
        self.refuse(hosts.hung(), log=(
            'Msg_Question:\n[msg.disk.repair] Repair it?\n-----------\n'))
        error = self.assertRaises(exception.ToolTimeout, self.power.on, UUID)
        self.assertIn('this question: Repair it?', error.brief)
        self.assertIs(states.State.OFF, self.state())

    def test_question_of_an_earlier_start_is_not_reported(self):
        files.write_atomically(self.layout.vmware_log(UUID), (
            'Msg_Question:\n[msg.disk.repair] Repair it?\n-----------\n'))
        with mock.patch('nova_vmrun.host.kernel_modules.missing_devices',
                        return_value=[]):
            self.refuse(hosts.hung())
            error = self.assertRaises(exception.ToolTimeout, self.power.on,
                                      UUID)
        self.assertNotIn('Repair', str(error))
