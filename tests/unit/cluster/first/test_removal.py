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

import types

import fixtures

from nova_vmrun.aio import errors
from nova_vmrun.cluster.first import accounts
from nova_vmrun.cluster.first import cloud
from nova_vmrun.cluster.first import registry
from nova_vmrun.cluster.first import removal
from nova_vmrun.cluster.first import sessions
from tests.unit.cluster import base


class LeaveTestCase(base.FirstCase):

    def setUp(self):
        super().setUp()
        with registry.change(self.layout, self.settings) as known:
            known.nodes['lab-2'] = base.joined()
            known.nodes['lab-3'] = registry.Node(
                'lab-3', token_id='12ab', token_key=base.KEYS[7])
        self.calls = []
        self.nova = self.useFixture(fixtures.MockPatchObject(
            cloud, 'connect')).mock.return_value
        self.nova.services.return_value = {
            'lab-2': types.SimpleNamespace(status='enabled')}
        self.nova.servers.return_value = []
        self.nova.moves.return_value = []
        self.nova.evacuations.return_value = []
        self.nova.set_disabled.side_effect = (
            lambda name, reason: self.calls.append(reason or 'enable'))
        self.nova.forget.side_effect = (
            lambda name: self.calls.append('forget'))
        self.useFixture(fixtures.MockPatchObject(
            accounts, 'remove',
            side_effect=lambda *_: self.calls.append('accounts')))
        self.useFixture(fixtures.MockPatchObject(
            sessions, 'end_others',
            side_effect=lambda *_: self.calls.append('sessions')))

    def leave(self, name='lab-2', **choices):
        removal.leave(self.layout, self.settings, name, **choices)

    def test_everything_of_a_node_is_removed(self):
        self.leave()
        self.assertEqual(['leaving', 'accounts', 'forget', 'sessions'],
                         self.calls)
        self.assertNotIn('lab-2', registry.load(self.layout).nodes)
        self.assertIn(base.KEYS[0], self.files.revoked_keys.read_text())

    def test_it_is_marked_before_its_accounts_go(self):
        """Otherwise it could get new ones."""
        marks = []
        accounts.remove.side_effect = lambda *_: marks.append(
            registry.load(self.layout).node('lab-2').leaving)
        self.nova.forget.side_effect = [errors.AioError('No.'), None]
        self.assertRaises(errors.AioError, self.leave)
        self.assertEqual([True], marks)
        self.assertFalse(registry.load(self.layout).node('lab-2').leaving)
        self.leave()
        self.assertEqual([True, True], marks)

    def test_a_node_with_servers_stays(self):
        self.nova.servers.return_value = [
            types.SimpleNamespace(name='s%d' % number, id='id%d' % number,
                                  status='ACTIVE')
            for number in range(7)]
        error = self.assertRaises(errors.AioError, self.leave)
        self.assertEqual(
            'Node lab-2 has 7 servers. They are: s0 (id0), s1 (id1), s2 '
            '(id2), s3 (id3), s4 (id4) and 2 more. Move them with '
            '"nova-vmrun node drain lab-2", or delete them.', str(error))
        self.assertEqual(['leaving', 'enable'], self.calls)
        self.assertFalse(registry.load(self.layout).node('lab-2').leaving)

    def test_one_server(self):
        self.nova.servers.return_value = [
            types.SimpleNamespace(name='s', id='id', status='ACTIVE')]
        error = self.assertRaises(errors.AioError, self.leave)
        self.assertEqual('Node lab-2 has 1 server.', error.brief)

    def test_a_node_from_which_a_server_may_come_back_stays(self):
        self.nova.moves.return_value = [
            types.SimpleNamespace(server_id='id-a', status='finished'),
            types.SimpleNamespace(server_id='id-b', status='migrating')]
        self.nova.server.side_effect = {
            'id-a': types.SimpleNamespace(name='a', id='id-a')}.get
        error = self.assertRaises(errors.AioError, self.leave)
        self.assertEqual(
            'Node lab-2 takes part in 2 moves of servers. They are: a (id-a, '
            'waits), id-b (migrating). Confirm or revert those that wait with '
            '"openstack server resize confirm ID" or "openstack server resize '
            'revert ID", or let "nova-vmrun node drain lab-2" confirm them. '
            'Let the others end.', str(error))
        self.assertEqual(['leaving', 'enable'], self.calls)
        self.assertIn('lab-2', registry.load(self.layout).nodes)

    def be_evacuated(self):
        """Let Nova say that servers were evacuated from the node."""
        self.nova.evacuations.return_value = [
            types.SimpleNamespace(server_id=uuid, status='done')
            for uuid in ('id-a', 'id-b', 'id-a')]
        self.nova.server.side_effect = {
            'id-a': types.SimpleNamespace(name='a', id='id-a')}.get

    def test_a_node_that_may_run_what_was_evacuated_stays(self):
        """It would not learn that others have the disks of its VMs."""
        self.be_evacuated()
        error = self.assertRaises(errors.AioError, self.leave)
        self.assertEqual(
            'Node lab-2 may still run 2 servers that Nova has elsewhere since '
            'evacuations. They are: a (id-a), id-b. If it still runs their '
            'VMs, those may write to disks that other nodes use. If the '
            'machine is there, start the node again, such as by "systemctl '
            '--user restart nova-vmrun-node-lab-2" on it: when its '
            'nova-compute starts, it stops and removes them. If the machine '
            'is permanently off or erased, run "nova-vmrun node leave lab-2 '
            '--insist" on the first machine.', str(error))
        self.assertEqual(['leaving', 'enable'], self.calls)
        self.assertIn('lab-2', registry.load(self.layout).nodes)

    def test_an_operator_says_that_it_is_off_for_good(self):
        self.be_evacuated()
        self.leave(insists=True)
        self.assertEqual(['leaving', 'accounts', 'forget', 'sessions'],
                         self.calls)

    def test_insisting_loses_no_server(self):
        self.nova.servers.return_value = [
            types.SimpleNamespace(name='s', id='id', status='ACTIVE')]
        self.assertRaises(errors.AioError, self.leave, insists=True)
        self.nova.servers.return_value = []
        self.nova.moves.return_value = [
            types.SimpleNamespace(server_id='id-b', status='accepted')]
        self.nova.server.return_value = None
        self.assertRaises(errors.AioError, self.leave, insists=True)

    def test_a_server_that_can_be_restored_is_not_left_behind(self):
        self.nova.servers.return_value = [types.SimpleNamespace(
            name='s', id='id', status='SOFT_DELETED')]
        error = self.assertRaises(errors.AioError, self.leave)
        self.assertEqual('They are: s (id, SOFT_DELETED).', error.details)
        self.assertIn('"openstack server delete --force ID"',
                      error.resolution)

    def test_a_drained_node_stays_disabled(self):
        self.nova.services.return_value['lab-2'].status = 'disabled'
        self.nova.servers.return_value = [
            types.SimpleNamespace(name='s', id='id', status='ACTIVE')]
        self.assertRaises(errors.AioError, self.leave)
        self.assertEqual([], self.calls)

    def test_a_token_that_nobody_has_used(self):
        self.leave('lab-3')
        self.assertEqual([], self.calls)
        self.assertNotIn('12ab', self.files.authorized_keys.read_text())

    def test_a_token_that_is_used_meanwhile(self):
        """The node has accounts now, which have to go as well."""
        before = registry.load(self.layout)
        with registry.change(self.layout, self.settings) as known:
            known.nodes['lab-3'] = base.joined('lab-3', 1)
        after = registry.load(self.layout)
        with fixtures.MockPatchObject(registry, 'load',
                                      side_effect=[before, after]):
            error = self.assertRaises(errors.AioError, self.leave, 'lab-3')
        self.assertIn('has joined meanwhile', error.brief)
        self.assertIn('lab-3', registry.load(self.layout).nodes)

    def test_unknown(self):
        self.assertRaises(errors.AioError, self.leave, 'x')

    def test_a_failure_once_accounts_may_be_gone(self):
        """The node may not be able to log in, so it gets no servers."""
        wrong = errors.AioError('No.', 'It has a server.', 'Read the log.')
        self.nova.forget.side_effect = wrong
        self.check_half_left(['leaving', 'accounts'])
        self.calls.clear()
        accounts.remove.side_effect = wrong
        self.check_half_left(['leaving'])

    def check_half_left(self, calls):
        error = self.assertRaises(errors.AioError, self.leave)
        self.assertEqual(
            'Node lab-2 has not left yet, but its accounts may be removed '
            'already. No. It has a server. Read the log. Then run '
            '"nova-vmrun node leave lab-2" again. To keep the node instead, '
            'run "nova-vmrun node join" on it, and here "nova-vmrun node '
            'drain lab-2 --undo".', str(error))
        self.assertIn('lab-2', registry.load(self.layout).nodes)
        self.assertEqual(calls, self.calls)
