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

from nova_vmrun import exception
from nova_vmrun.formats import vmx
from nova_vmrun.host import files
from nova_vmrun.server import process_identity
from nova_vmrun.server import states
from tests.unit import locks
from tests.unit.ops import hosts
from tests.unit.ops.power import test_power

UUID = hosts.UUID
State = states.State


class PauseTestCase(test_power.Base):

    def setUp(self):
        super().setUp()
        self.add_server(running=True)

    def test_pause_and_unpause(self):
        self.power.pause(UUID)
        self.assertEqual(State.PAUSED, self.state())
        self.power.unpause(UUID)
        self.assertEqual(State.RUNNING, self.state())

    def test_the_mark_comes_before_the_pause(self):
        self.vmrun.tool.pause.side_effect = (
            lambda vmx: self.assertTrue(
                os.path.exists(self.layout.paused(UUID))))
        self.power.pause(UUID)

    def test_a_pause_that_failed_leaves_no_mark(self):
        self.vmrun.fail('pause', hosts.refused())
        self.assertRaises(exception.Canceled, self.power.pause, UUID)
        self.assertEqual(State.RUNNING, self.state())

    def test_a_pause_that_hung_keeps_the_mark(self):
        """It may be paused, and a frozen VM must not look live."""
        self.vmrun.fail('pause', hosts.hung())
        self.assertRaises(exception.ToolTimeout, self.power.pause, UUID)
        self.assertEqual(State.PAUSED, self.state())
        self.vmrun.fail('unpause', hosts.refused())
        self.power.unpause(UUID)
        self.assertEqual(State.RUNNING, self.state())

    def test_a_server_that_is_paused_already(self):
        self.vmrun.fail('pause', exception.VmPaused('paused'))
        self.power.pause(UUID)
        self.assertEqual(State.PAUSED, self.state())

    def test_an_unpause_that_failed_leaves_the_mark(self):
        self.power.pause(UUID)
        self.vmrun.fail('unpause', hosts.hung())
        self.assertRaises(exception.ToolTimeout, self.power.unpause, UUID)
        self.assertEqual(State.PAUSED, self.state())

    def test_somebody_let_it_go_on_before(self):
        self.power.pause(UUID)
        self.vmrun.fail('unpause', hosts.refused())
        self.power.unpause(UUID)
        self.assertEqual(State.RUNNING, self.state())

    def test_it_crashed_while_it_was_paused(self):
        self.power.pause(UUID)
        self.vmrun.running.clear()
        self.vmrun.fail('unpause', hosts.refused())
        self.assertRaises(exception.Canceled, self.power.unpause, UUID)


class SuspendTestCase(test_power.Base):

    def suspend(self, **keys):
        """Does what VMware does; returns the names of the memory files."""
        settings = dict({'config.version': '8', 'keep': 'me',
                         'checkpoint.vmState': 'a-1.vmss'}, **keys)
        self.add_server(vmx=vmx.dump(settings))
        names = ['a-1.vmss', 'a-1.vmem', 'a-2.vmsn']
        for name in names:
            files.write_atomically(
                os.path.join(self.layout.folder(UUID), name), 'memory')
        return names

    def left(self, names):
        return [name for name in names if os.path.exists(
            os.path.join(self.layout.folder(UUID), name))]

    def keys(self):
        return vmx.load(files.read(self.layout.vmx(UUID)))

    def test_suspend(self):
        self.add_server(running=True)
        self.vmrun.tool.suspend.side_effect = lambda path, timeout: (
            self.suspend(), self.vmrun.running.clear())
        self.power.suspend(UUID)
        self.wait_until_ended.assert_called_once_with(
            (os.getpid(), process_identity.of(os.getpid())), 10)
        self.assertEqual(State.SUSPENDED, self.state())

    def test_a_suspend_that_failed(self):
        self.add_server(running=True)
        self.vmrun.fail('suspend', hosts.hung())
        self.assertRaises(exception.ToolTimeout, self.power.suspend, UUID)

    def test_a_suspend_that_ended_in_no_memory_file_failed(self):
        """The VM crashed: it is off, not suspended."""
        self.add_server(running=True)
        self.vmrun.fail('suspend', hosts.hung(), works=True)
        self.assertRaises(exception.ToolTimeout, self.power.suspend, UUID)

    def test_a_stop_of_a_suspended_server_keeps_its_memory(self):
        names = self.suspend()
        self.vmrun.fail('stop', exception.NotPoweredOn('off'))
        for timeout in (0, 60):
            self.vmrun.fail(('stop', 'soft'), exception.NotPoweredOn('off'))
            self.power.off(UUID, timeout)
            self.assertEqual(names, self.left(names))
            self.assertEqual(State.SUSPENDED, self.state())

    def test_a_start_of_a_suspended_server_keeps_its_memory(self):
        names = self.suspend()
        self.power.on(UUID)
        self.assertEqual(names, self.left(names))
        self.assertIn('checkpoint.vmState', self.keys())

    def test_a_server_whose_memory_is_lost_boots_from_its_disks(self):
        os.remove(os.path.join(self.layout.folder(UUID), self.suspend()[0]))
        lock = locks.lock(self.layout.file(UUID, 'root.vmdk'))
        self.power.on(UUID)
        self.assertIn('checkpoint.vmState', self.keys())
        files.remove_tree(lock)
        self.vmrun.running.clear()
        self.power.on(UUID)
        self.assertNotIn('checkpoint.vmState', self.keys())
        self.assertEqual('me', self.keys()['keep'])
        self.assertIn('a-1.vmss', self.log.output)

    def test_the_memory_is_forgotten(self):
        names = self.suspend()
        self.power.forget_memory(UUID)
        self.assertEqual(State.OFF, self.state())
        self.assertEqual(['a-2.vmsn'], self.left(names))
        self.assertEqual('me', self.keys()['keep'])

    def test_the_memory_of_a_snapshot_is_detached_only(self):
        for keys in ({'checkpoint.vmState': 'a-2.vmsn'},
                     {'checkpoint.vmState.readOnly': 'TRUE'}):
            names = self.suspend(**keys)
            self.power.forget_memory(UUID)
            self.assertEqual(State.OFF, self.state())
            self.assertEqual(names, self.left(names))

    def test_nothing_outside_the_servers_folder_is_removed(self):
        outside = os.path.join(self.layout.root, 'a-1.vmss')
        files.write_atomically(outside, 'memory of another')
        self.suspend(**{'checkpoint.vmState': '../a-1.vmss'})
        self.power.forget_memory(UUID)
        self.assertTrue(os.path.exists(outside))

    def test_a_server_without_memory_keeps_its_vmx_as_it_is(self):
        self.add_server()
        before = os.stat(self.layout.vmx(UUID)).st_ino
        self.power.forget_memory(UUID)
        self.assertEqual(before, os.stat(self.layout.vmx(UUID)).st_ino)

    def test_a_hard_reboot_starts_from_the_disk(self):
        self.suspend()
        self.vmrun.fail('stop', exception.NotPoweredOn('off'))
        self.power.reboot_hard(UUID)
        self.assertNotIn('checkpoint.vmState', self.keys())
        self.assertTrue(self.is_running())
