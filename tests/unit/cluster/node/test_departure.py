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

import pathlib
import threading

import fixtures

from nova_vmrun.aio import errors
from nova_vmrun.aio import lock
from nova_vmrun.cluster import messages
from nova_vmrun.cluster.node import children
from nova_vmrun.cluster.node import departure
from nova_vmrun.cluster.node import gateway
from nova_vmrun.cluster.node import left_behind
from nova_vmrun.cluster.node import units
from tests.unit.cluster.node import base


RUNS = left_behind.Vm('a', '/a.vmx', 'runs', 'it uses volumes', '')


class LeaveTestCase(base.NodeCase):

    def setUp(self):
        super().setUp()
        self.member.save(self.layout)
        self.files.node_key.write_text('secret')
        self.useFixture(fixtures.MockPatchObject(
            gateway, 'reachable', return_value='192.0.2.1'))
        self.first = self.useFixture(fixtures.MockPatchObject(
            gateway, 'Gateway')).mock.return_value
        self.unit = self.useFixture(fixtures.MockPatchObject(
            units, 'find')).mock.return_value
        self.ended = self.useFixture(fixtures.MockPatchObject(
            children, 'end_leftovers')).mock
        self.stop = self.useFixture(fixtures.MockPatchObject(
            left_behind, 'stop', return_value=[])).mock
        self.look = self.useFixture(fixtures.MockPatchObject(
            left_behind, 'look', return_value=[])).mock

    def test_processes_and_keys_go(self):
        departure.leave(self.layout, self.member)
        self.first.ask.assert_called_once_with(messages.Verb.LEAVE)
        self.unit.remove.assert_called_once_with()
        self.ended.assert_called_once()
        self.assertFalse(self.files.membership.exists())
        self.assertFalse(self.files.node_key.exists())

    def test_a_node_that_the_first_machine_has_forgotten(self):
        """That is so after a power cut in the middle of "leave", too."""
        self.first.ask.side_effect = gateway.KeyRefused('Not let in.')
        departure.leave(self.layout, self.member)
        self.unit.remove.assert_called_once_with()
        self.assertFalse(self.files.membership.exists())

    def require_that_it_stays(self):
        """Return why the node does not leave. Nothing has changed."""
        error = self.assertRaises(errors.AioError, departure.leave,
                                  self.layout, self.member)
        self.unit.remove.assert_not_called()
        self.ended.assert_not_called()
        self.stop.assert_not_called()
        self.assertTrue(self.files.membership.exists())
        self.assertTrue(self.files.node_key.exists())
        return error

    def test_a_key_that_was_lost(self):
        """Nova may have the servers here."""
        self.first.ask.side_effect = gateway.KeyRefused('Not let in.')
        self.look.return_value = [RUNS]
        error = self.require_that_it_stays()
        self.assertIn('1 VM of its servers still runs', error.brief)

    def test_a_key_that_was_lost_and_vms_that_cannot_be_found(self):
        self.first.ask.side_effect = gateway.KeyRefused('Not let in.')
        self.look.side_effect = errors.AioError('Unknown.', 'It hangs.', 'x')
        error = self.require_that_it_stays()
        self.assertIn('it is unknown whether', error.brief)
        self.assertEqual('It hangs.', error.details)
        self.assertIn('--insist', error.resolution)

    def test_vms_whose_disks_other_hosts_have_hold_no_node(self):
        self.first.ask.side_effect = gateway.KeyRefused('Not let in.')
        self.look.return_value = [left_behind.Vm(
            'a', '/a.vmx', 'adopted', 'another host has its disks', '')]
        departure.leave(self.layout, self.member)
        self.stop.assert_called_once_with(self.layout, self.member,
                                          every=False)
        self.assertFalse(self.files.membership.exists())

    def test_a_vm_that_was_started_meanwhile_is_not_stopped(self):
        self.first.ask.side_effect = gateway.KeyRefused('Not let in.')
        self.stop.return_value = [RUNS]
        error = self.assertRaises(errors.AioError, departure.leave,
                                  self.layout, self.member)
        self.assertIn('1 VM of its servers still runs', error.brief)
        self.assertTrue(self.files.membership.exists())

    def test_a_node_that_was_removed_on_purpose(self):
        self.first.ask.side_effect = gateway.KeyRefused('Not let in.')
        self.look.return_value = [RUNS]
        departure.leave(self.layout, self.member, insists=True)
        self.stop.assert_called_once_with(self.layout, self.member,
                                          every=True)
        self.assertFalse(self.files.membership.exists())

    def lose_first(self, place):
        place.side_effect = gateway.Unreachable(
            'Port 1 cannot be reached.', 'From here.', 'Start it.')

    def test_a_first_machine_that_cannot_be_reached(self):
        self.lose_first(gateway.reachable)
        error = self.require_that_it_stays()
        self.assertEqual(
            'Port 1 cannot be reached. From here. Start it. If the first '
            'machine is permanently gone, run "nova-vmrun node leave '
            '--insist" here, which stops all VMs of this node, and names '
            'them.', str(error))
        gateway.reachable.side_effect = None
        self.lose_first(self.first.ask)
        self.assertEqual(str(error), str(self.require_that_it_stays()))

    def check_gone_for_good(self):
        vm = left_behind.Vm('a', '/a.vmx', 'stopped', '', '')
        self.stop.return_value = [vm]
        self.assertEqual([vm], departure.leave(self.layout, self.member,
                                               insists=True))
        self.stop.assert_called_once_with(self.layout, self.member,
                                          every=True)
        self.unit.remove.assert_called_once_with()
        self.assertFalse(self.files.membership.exists())

    def test_a_first_machine_that_is_gone_for_good(self):
        self.lose_first(gateway.reachable)
        self.check_gone_for_good()
        self.first.ask.assert_not_called()

    def test_another_machine_at_its_address(self):
        self.lose_first(self.first.ask)
        self.check_gone_for_good()

    def test_insisting_does_not_help_against_a_first_machine_that_refuses(
            self):
        self.first.ask.side_effect = errors.AioError('It has servers.')
        self.assertRaises(errors.AioError, departure.leave, self.layout,
                          self.member, insists=True)
        self.stop.assert_not_called()
        self.assertTrue(self.files.membership.exists())

    def test_vms_of_servers_that_are_elsewhere_are_stopped(self):
        """After the processes, which could start them."""
        vm = left_behind.Vm('a', '/a.vmx', 'stopped', '', '')
        self.stop.side_effect = lambda *_, **__: (
            self.ended.assert_called_once() or [vm])
        self.assertEqual([vm], departure.leave(self.layout, self.member))
        self.stop.assert_called_once_with(self.layout, self.member,
                                          every=True)

    def test_a_vm_that_does_not_stop_holds_the_node(self):
        """The command can be repeated."""
        self.stop.return_value = [
            left_behind.Vm('a', '/a.vmx', 'failed', '', 'It hangs.')]
        error = self.assertRaises(errors.AioError, departure.leave,
                                  self.layout, self.member)
        self.assertIn('/a.vmx (It hangs)', error.details)
        self.assertTrue(self.files.membership.exists())
        self.assertTrue(self.files.node_key.exists())

    def test_a_node_without_vmware_leaves_and_says_so(self):
        self.stop.side_effect = errors.AioError('Unknown.', 'No VMware.',
                                                'Look.')
        error = self.assertRaises(errors.AioError, departure.leave,
                                  self.layout, self.member)
        self.assertEqual(
            'Node lab-2 has left the cloud, but VMs of its servers may still '
            'run here. No VMware. Look.', str(error))
        self.assertFalse(self.files.membership.exists())

    def test_a_refused_node_runs_on(self):
        self.first.ask.side_effect = errors.AioError('It has servers.')
        self.assertRaises(errors.AioError, departure.leave, self.layout,
                          self.member)
        self.unit.remove.assert_not_called()
        self.stop.assert_not_called()
        self.assertTrue(self.files.membership.exists())
        self.assertTrue(self.files.node_key.exists())

    def test_a_node_in_the_foreground_is_waited_for(self):
        running = lock.hold(self.layout, lock.NODE)
        running.__enter__()
        self.addCleanup(lambda: running.__exit__(None, None, None))

        def end():
            if not self.files.membership.exists():
                running.__exit__(None, None, None)
            else:
                self.fail('It would not end.')

        timer = threading.Timer(0.3, end)
        timer.start()
        self.addCleanup(timer.join)
        departure.leave(self.layout, self.member)
        # It frees the lock a moment before it ends.
        timer.join(30)
        self.assertFalse(timer.is_alive())

    def test_a_node_in_the_foreground_that_hangs(self):
        self.patch(departure, '_PATIENCE', 0)
        with lock.hold(self.layout, lock.NODE):
            error = self.assertRaises(errors.AioError, departure.leave,
                                      self.layout, self.member)
        self.assertIn('It is process', error.details)
        self.assertFalse(self.files.membership.exists())

    def test_killed_before_its_last_step(self):
        """It can be repeated as long as there is a key or a process."""
        steps = []
        self.ended.side_effect = lambda *_: steps.append(
            ('processes', self.files.membership.exists()))
        unlink = pathlib.Path.unlink

        def note(path, missing_ok=False):
            steps.append((path.name, self.files.membership.exists()))
            unlink(path, missing_ok)

        self.patch(pathlib.Path, 'unlink', note)
        departure.leave(self.layout, self.member)
        self.assertEqual(('node.json', True), steps[-1])
        self.assertEqual(
            {'processes', 'node_key', 'move_key', 'host_key', 'node.json'},
            {name for name, _ in steps})
