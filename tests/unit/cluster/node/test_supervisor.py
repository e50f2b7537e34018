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
import types
from unittest import mock

import fixtures

from nova_vmrun.aio import errors
from nova_vmrun.aio import log_files
from nova_vmrun.cluster import messages
from nova_vmrun.cluster.node import children
from nova_vmrun.cluster.node import gateway
from nova_vmrun.cluster.node import left_behind
from nova_vmrun.cluster.node import supervisor
from nova_vmrun.cluster.node import wire
from tests.unit.cluster.node import base


class FakeChild:
    """A process that runs until the test says otherwise."""

    def __init__(self, layout, name, words, variables):
        self.name = name
        self.alive = False
        self.started = 0.0
        self.starts = 0
        self.ended = ''

    @property
    def may_start(self):
        return not self.alive

    def start(self):
        self.alive = True
        self.starts += 1
        self.started = supervisor.time.monotonic()

    def stop(self):
        self.alive = False

    def note_end(self):
        ended, self.ended = self.ended, ''
        return ended

    def delay(self):
        pass


class SupervisorTestCase(base.NodeCase):

    def setUp(self):
        super().setUp()
        self.useFixture(fixtures.MockPatchObject(children, 'Child',
                                                 FakeChild))
        self.useFixture(fixtures.MockPatchObject(children,
                                                 'end_leftovers'))
        self.reachable = self.useFixture(fixtures.MockPatchObject(
            gateway, 'reachable', return_value='192.0.2.1')).mock
        self.answers = self.useFixture(fixtures.MockPatchObject(
            supervisor, '_answers', return_value=True)).mock
        self.now = 1000.0
        # No other clock is there.
        self.useFixture(fixtures.MockPatchObject(
            supervisor, 'time', types.SimpleNamespace(
                monotonic=lambda: self.now)))
        self.first = self.useFixture(fixtures.MockPatchObject(
            gateway, 'Gateway')).mock.return_value
        self.first.state.return_value = self.state()
        self.stop = self.useFixture(fixtures.MockPatchObject(
            left_behind, 'stop', return_value=[])).mock
        self.member.save(self.layout)
        self.keeper = supervisor.Supervisor(self.layout, self.member,
                                            self.report)
        self.children = self.keeper._children

    def state(self, fenced=False, reported=0):
        return messages.State(True, True, True, fenced, reported)

    def look(self, after=5):
        """Look, some seconds after the last time."""
        self.now += after
        self.keeper.look()

    def test_everything_is_started(self):
        self.look()
        self.assertEqual({name: 1 for name in children.ALL}, {
            name: child.starts for name, child in self.children.items()})
        self.assertIn('connected with the first machine', self.lines())

    def test_compute_waits_for_the_tunnel(self):
        self.answers.return_value = False
        self.keeper.look()
        self.assertEqual(0, self.children['compute'].starts)
        self.assertEqual(1, self.children['sshd'].starts)

    def test_compute_outlives_the_tunnel(self):
        self.keeper.look()
        self.children['tunnel'].alive = False
        self.reachable.side_effect = errors.AioError('No route.')
        self.keeper.look()
        self.assertTrue(self.children['compute'].alive)
        self.assertEqual(1, self.lines().count('No route.'))
        self.keeper.look()
        self.assertEqual(1, self.lines().count('No route.'))
        self.reachable.side_effect = None
        self.keeper.look()
        self.assertTrue(self.children['tunnel'].alive)
        self.assertEqual(1, self.children['compute'].starts)

    def be_thrown_out(self, after=5):
        """Let the first machine refuse the key of the tunnel."""
        tunnel = self.children['tunnel']
        tunnel.alive = False
        tunnel.ended = 'tunnel ended with status 255: x: Permission denied'
        self.answers.return_value = False
        self.look(after)

    def test_a_node_that_was_thrown_out_stops_compute(self):
        self.keeper.look()
        self.be_thrown_out()
        self.assertFalse(self.children['compute'].alive)
        self.assertTrue(self.children['sshd'].alive)
        # The first machine has let it in when it was asked again.
        self.stop.assert_not_called()

    def test_a_node_that_was_thrown_out_stops_vms_that_are_adopted(self):
        """After nova-compute, which could start them, and once."""
        self.look()
        self.first.ask.side_effect = gateway.KeyRefused('Not let in.')
        vm = left_behind.Vm('a', '/a.vmx', 'stopped', 'it is adopted', '')
        self.stop.side_effect = lambda *_, **__: (
            self.assertFalse(self.children['compute'].alive) or [vm])
        self.be_thrown_out()
        self.stop.assert_called_once_with(self.layout, self.member,
                                          every=False)
        self.assertIn('Stopped: /a.vmx (it is adopted).', self.lines()[-1])
        self.be_thrown_out(after=1000)
        self.stop.assert_called_once()
        # Let in by mistake, and thrown out again.
        self.answers.return_value = True
        self.look()
        self.be_thrown_out(after=1000)
        self.assertEqual(2, self.stop.call_count)

    def test_a_refusal_is_asked_for_again_before_vms_are_stopped(self):
        self.look()
        self.first.ask.side_effect = errors.AioError('No connection.')
        self.be_thrown_out()
        self.stop.assert_not_called()
        self.first.ask.side_effect = gateway.KeyRefused('Not let in.')
        self.be_thrown_out()
        self.stop.assert_called_once()

    def test_a_node_that_was_thrown_out_while_it_is_connected(self):
        """The first machine may not have ended the connection."""
        refusal = gateway.KeyRefused('Not let in.')
        self.look()
        self.first.state.side_effect = self.first.ask.side_effect = refusal
        self.look(300)
        self.stop.assert_called_once_with(self.layout, self.member,
                                          every=False)
        self.assertIn('Not let in.', self.lines())
        for name in (children.COMPUTE, children.TUNNEL):
            self.assertFalse(self.children[name].alive)

    def test_a_vm_that_does_not_stop_is_stopped_again_later(self):
        self.look()
        self.first.ask.side_effect = gateway.KeyRefused('Not let in.')
        for outcome in (errors.AioError('Unknown.'), [
                left_behind.Vm('a', '/a.vmx', 'failed', '', 'It hangs.')]):
            self.stop.reset_mock()
            self.stop.side_effect = [outcome]
            self.be_thrown_out(after=301)
            self.be_thrown_out(after=200)
            self.stop.assert_called_once()
            self.assertIn('Unknown.', self.lines())
        self.assertIn('May still run: /a.vmx (It hangs).', ' '.join(
            self.lines()))

    def test_what_ends_is_reported_and_started_again(self):
        self.keeper.look()
        compute = self.children['compute']
        compute.alive, compute.ended = False, 'compute ended with status 1'
        self.keeper.look()
        self.assertEqual(2, compute.starts)
        self.assertIn('compute ended with status 1', self.lines())

    def test_a_node_that_was_fenced_returns_after_its_start(self):
        self.first.state.return_value = self.state(fenced=True, reported=60)
        self.look()
        # The report was an earlier process's: nothing is removed yet.
        self.first.ask.assert_not_called()
        self.first.state.return_value = self.state(fenced=True, reported=0)
        self.look()
        self.first.ask.assert_called_once_with(messages.Verb.RETURN)
        self.first.state.return_value = self.state()
        self.look(300)
        self.first.ask.assert_called_once_with(messages.Verb.RETURN)
        self.assertEqual(1, self.children['compute'].starts)

    def test_a_node_that_was_cut_off_removes_what_was_evacuated_first(self):
        self.look()
        self.children['tunnel'].alive = False
        self.look()
        self.first.state.return_value = self.state(fenced=True)
        self.answers.return_value = False
        self.look()
        self.answers.return_value = True
        self.look()
        self.first.ask.assert_not_called()
        self.assertFalse(self.children['compute'].alive)
        self.look()
        self.assertEqual(2, self.children['compute'].starts)
        self.first.ask.assert_called_once_with(messages.Verb.RETURN)

    def test_a_node_that_is_fenced_while_it_is_connected(self):
        """Only its nova-compute hung, or had lost the bus."""
        self.look()
        self.first.state.return_value = self.state(fenced=True)
        self.look(300)
        self.assertFalse(self.children['compute'].alive)
        self.first.ask.assert_not_called()
        self.look()
        self.assertEqual(2, self.children['compute'].starts)
        self.first.ask.assert_called_once_with(messages.Verb.RETURN)

    def test_a_node_that_is_fenced_again(self):
        self.first.state.return_value = self.state(fenced=True)
        self.look()
        self.first.ask.assert_called_once_with(messages.Verb.RETURN)
        self.look(300)
        self.assertFalse(self.children['compute'].alive)
        self.first.ask.assert_called_once_with(messages.Verb.RETURN)

    def test_a_start_of_nova_compute_is_enough(self):
        """It ended by itself after an operator had said that it was off."""
        self.look()
        self.first.state.return_value = self.state(fenced=True)
        compute = self.children['compute']
        compute.alive, compute.ended = False, 'compute ended with status 1'
        self.look(1)
        self.first.ask.assert_called_once_with(messages.Verb.RETURN)
        self.assertEqual(2, compute.starts)

    def test_a_node_that_is_used_asks_every_five_minutes(self):
        for _ in range(1800):
            self.look(0.5)
        self.assertEqual(3, self.first.state.call_count)

    def test_a_node_that_is_not_known_yet_asks_often(self):
        self.first.state.return_value = self.state(reported=-1)
        for _ in range(60):
            self.look(0.5)
        self.assertEqual(6, self.first.state.call_count)

    def test_a_first_machine_that_is_too_busy_is_asked_less_and_less(self):
        self.first.state.side_effect = errors.AioError('Busy.')
        for _ in range(1200):
            self.look(0.5)
        self.assertEqual(6, self.first.state.call_count)
        # A new connection is a reason to ask at once.
        self.answers.return_value = False
        self.look(0.5)
        self.answers.return_value = True
        self.look(0.5)
        self.assertEqual(7, self.first.state.call_count)

    def test_nova_may_refuse_for_a_while(self):
        self.first.state.return_value = self.state(fenced=True)
        self.first.ask.side_effect = [errors.AioError('Not yet.'), {}]
        self.look()
        self.assertIn('Not yet.', self.lines())
        self.look()
        self.assertIn('Nova uses this node again', self.lines())
        self.assertEqual(1, self.children['compute'].starts)

    def test_what_was_evacuated_after_the_start_takes_another_one(self):
        self.first.state.return_value = self.state(fenced=True)
        self.first.ask.side_effect = errors.AioError('Not yet.')
        for _ in range(70):
            self.look()
        self.assertEqual(2, self.children['compute'].starts)

    def test_it_stops_all(self):
        stopping = threading.Event()
        self.first.state.side_effect = (
            lambda _timeout: stopping.set() or self.state())
        self.keeper.run(stopping)
        self.assertEqual([False] * 3, [
            child.alive for child in self.children.values()])

    def test_logs_are_kept_small(self):
        self.patch(log_files, '_LIMIT', 100)
        names = [*children.ALL, 'node']
        for name in names:
            self.layout.log(name).write_text('x' * 200)
        self.keeper.look()
        self.assertEqual([0] * 4, [self.layout.log(name).stat().st_size
                                   for name in names])
        self.assertEqual(8, len(list(self.layout.logs.iterdir())))

    def test_a_process_that_cannot_be_started_costs_no_other(self):
        """The disk may be full, or there may be no memory for a process."""
        self.keeper.look()
        for name in children.ALL:
            child = self.children[name]
            child.alive = False
            self.useFixture(fixtures.MockPatchObject(
                child, 'start', side_effect=errors.AioError(
                    '%s could not be started.' % name)))
            child.delay = mock.Mock()
            self.keeper.look()
            self.assertIn('%s could not be started.' % name, self.lines())
            child.delay.assert_called_once_with()
            child.alive = True

    def test_a_tunnel_whose_file_cannot_be_written(self):
        self.useFixture(fixtures.MockPatchObject(
            wire, 'write_tunnel', side_effect=errors.AioError('Full.')))
        self.keeper.look()
        self.assertIn('Full.', self.lines())
        self.assertEqual(0, self.children['tunnel'].starts)

    def test_a_node_that_has_left_ends(self):
        self.first.state.side_effect = (
            lambda *_: self.files.membership.unlink() or self.state())
        self.useFixture(fixtures.Timeout(30, gentle=True))
        self.keeper.run(threading.Event())
        self.assertEqual([False] * 3, [
            child.alive for child in self.children.values()])
        self.assertEqual('this machine has left the cloud', self.lines()[-1])
