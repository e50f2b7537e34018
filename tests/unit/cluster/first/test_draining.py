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

import contextlib
import types

from nova_vmrun.aio import errors
from nova_vmrun.cluster.first import draining
from tests.unit.aio import base


class FakeNova:
    """A cloud with two nodes, of which one takes servers."""

    def __init__(self, *servers):
        self.found = {server.id: server for server in servers}
        self.calls = []
        self.compute = self
        self.refused = set()
        self.full = False
        self.later = []

    def explained(self):
        return contextlib.nullcontext()

    def set_disabled(self, host, reason):
        self.calls.append(('disable', host))

    def servers(self, host):
        return list(self.found.values())

    def migrate_server(self, server):
        self.calls.append(('migrate', server.id))
        if server.id in self.refused:
            raise errors.AioError('No.', 'It is locked.')
        if not self.full:
            self.found[server.id] = make(server.id, 'VERIFY_RESIZE', 'lab-3')

    def confirm_server_resize(self, server):
        self.calls.append(('confirm', server.id))
        # The old node removes its files before the state changes.
        self.later = [self.found[server.id]] * 3
        self.found[server.id] = make(server.id, 'ACTIVE', 'lab-3')

    def get_server(self, uuid):
        return self.later.pop() if self.later else self.found[uuid]

    def server_actions(self, uuid):
        return [types.SimpleNamespace(request_id='req-1')]

    def get_server_action(self, request_id, uuid):
        return types.SimpleNamespace(events=[
            {'result': 'Success'},
            {'result': 'Error', 'details': 'No valid host was found.'}])


def make(uuid, status='ACTIVE', host='lab-2', task_state=None):
    return types.SimpleNamespace(
        id=uuid, name=uuid, status=status, compute_host=host, fault=None,
        task_state=task_state)


class DrainTestCase(base.TestCase):

    def drain(self, *servers, **changes):
        self.nova = FakeNova(*servers)
        for name, value in changes.items():
            setattr(self.nova, name, value)
        return draining.Drain(self.nova, self.report, 5, 0.01).drain('lab-2')

    def test_servers_move_one_after_the_other(self):
        self.assertEqual([], self.drain(make('a'), make('b', 'SHUTOFF')))
        self.assertEqual(
            [('disable', 'lab-2'), ('migrate', 'a'), ('confirm', 'a'),
             ('migrate', 'b'), ('confirm', 'b')], self.nova.calls)
        self.assertIn('server a is on lab-3', self.lines())

    def test_a_move_that_waits_for_its_confirmation(self):
        self.assertEqual([], self.drain(make('a', 'VERIFY_RESIZE')))
        self.assertNotIn(('migrate', 'a'), self.nova.calls)

    def reasons(self, *servers, **changes):
        return {left.server: left.reason
                for left in self.drain(*servers, **changes)}

    def test_what_cannot_be_moved(self):
        reasons = self.reasons(
            make('a', 'PAUSED'), make('b', task_state='rebooting'), make('c'),
            make('d'), refused={'c'})
        self.assertEqual({'a', 'b', 'c'}, set(reasons))
        self.assertIn('it is PAUSED', reasons['a'])
        self.assertIn('busy (rebooting)', reasons['b'])
        self.assertEqual('It is locked.', reasons['c'])

    def test_no_other_node_takes_it(self):
        self.assertEqual(
            {'a': 'no other node takes it: No valid host was found.'},
            self.reasons(make('a'), full=True))
