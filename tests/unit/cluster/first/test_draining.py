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
    """A cloud with two nodes, of which one takes servers.

    :ivar after: what happens at a call, by its verb and the server
    """

    def __init__(self, *servers):
        self.found = {server.id: server for server in servers}
        self.pending = {server.id: 'finished' for server in servers
                        if server.status == 'VERIFY_RESIZE'}
        self.calls = []
        self.compute = self
        self.refused = set()
        self.full = False
        self.later = []
        self.after = {}
        self.silent = 0

    def explained(self):
        return contextlib.nullcontext()

    def note(self, verb, uuid):
        self.calls.append((verb, uuid))
        self.after.pop((verb, uuid), lambda: None)()

    def set_disabled(self, host, reason):
        self.note('disable', host)

    def servers(self, host):
        return [server for server in self.found.values()
                if server.compute_host == host]

    def moves(self, host):
        return [types.SimpleNamespace(server_id=uuid, status=status)
                for uuid, status in self.pending.items()]

    def migrate_server(self, server):
        self.note('migrate', server.id)
        if server.id not in self.found:
            raise errors.AioError('No.', 'NotFoundException: 404.')
        if server.id in self.refused:
            raise errors.AioError('No.', 'It is locked.')
        if not self.full:
            self.found[server.id] = make(server.id, 'VERIFY_RESIZE', 'lab-3')
            self.pending[server.id] = 'finished'

    def confirm_server_resize(self, server):
        self.note('confirm', server.id)
        # The old node removes its files before the state changes.
        before = self.found[server.id]
        self.later = [before] * 3
        self.found[server.id] = make(server.id, 'ACTIVE', before.compute_host)
        self.pending.pop(server.id)

    def server(self, uuid):
        if self.silent:
            self.silent -= 1
            raise errors.AioError('No.', 'Nova is busy.')
        return self.later.pop() if self.later else self.found.get(uuid)

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


class DrainCase(base.TestCase):

    def prepare(self, *servers, **changes):
        self.nova = FakeNova(*servers)
        for name, value in changes.items():
            setattr(self.nova, name, value)

    def drain(self, *servers, **changes):
        if servers:
            self.prepare(*servers, **changes)
        return draining.Drain(self.nova, self.report, 5, 0.01).drain('lab-2')

    def reasons(self, *servers, **changes):
        return {left.server: left.reason
                for left in self.drain(*servers, **changes)}

    def verbs(self, uuid):
        return [verb for verb, whose in self.nova.calls if whose == uuid]


class DrainTestCase(DrainCase):

    def test_servers_move_one_after_the_other(self):
        self.assertEqual([], self.drain(make('a'), make('b', 'SHUTOFF')))
        self.assertEqual(
            [('disable', 'lab-2'), ('migrate', 'a'), ('confirm', 'a'),
             ('migrate', 'b'), ('confirm', 'b')], self.nova.calls)
        self.assertIn('server a is on lab-3', self.lines())

    def test_what_cannot_be_moved(self):
        reasons = self.reasons(
            make('a', 'PAUSED'), make('b', task_state='rebooting'), make('c'),
            make('d'), refused={'c'})
        self.assertEqual({'a', 'b', 'c'}, set(reasons))
        self.assertIn('it is PAUSED', reasons['a'])
        self.assertIn('busy (rebooting)', reasons['b'])
        self.assertEqual('It is locked.', reasons['c'])
        self.assertIn('server c (c) stays: It is locked.', self.lines())

    def test_no_other_node_takes_it(self):
        self.assertEqual(
            {'a': 'no other node takes it: No valid host was found.'},
            self.reasons(make('a'), full=True))


class ResizeTestCase(DrainCase):
    """Servers whose users have yet to confirm a resize, or to revert it."""

    def test_one_on_the_node_is_confirmed_and_moved(self):
        self.assertEqual([], self.drain(make('a', 'VERIFY_RESIZE')))
        self.assertEqual(['confirm', 'migrate', 'confirm'], self.verbs('a'))
        self.assertEqual('lab-3', self.nova.found['a'].compute_host)
        self.assertIn('confirmed the resize of server a (a), which can no '
                      'longer be reverted', self.lines())

    def test_one_that_has_left_the_node_is_confirmed(self):
        self.assertEqual([], self.drain(
            make('a', 'VERIFY_RESIZE', host='lab-3')))
        self.assertEqual(['confirm'], self.verbs('a'))
        self.assertIn('confirmed the resize of server a (a), which can no '
                      'longer be reverted', self.lines())

    def test_a_move_that_is_not_finished(self):
        self.assertEqual(
            {'a': 'its move is not finished (migrating)'},
            self.reasons(make('a', 'RESIZE', host='lab-3'),
                         pending={'a': 'migrating'}))

    def test_a_move_of_a_server_that_is_gone(self):
        self.prepare(pending={'x': 'migrating'})
        [left] = self.drain()
        self.assertEqual(('x', 'a deleted server'), (left.server, left.name))

    def test_a_confirmation_that_is_refused_is_asked_for_once(self):
        def refuse(server):
            self.nova.note('confirm', server.id)
            raise errors.AioError('No.', 'It is locked.')

        self.prepare(make('a', 'VERIFY_RESIZE'), confirm_server_resize=refuse)
        self.assertEqual({'a': 'It is locked.'}, self.reasons())
        self.assertEqual(['confirm'], self.verbs('a'))

    def test_one_that_is_not_moved_to_the_end(self):
        self.prepare(make('a'))
        self.nova.migrate_server = lambda server: self.nova.found.update(
            a=make('a', 'ERROR'))
        self.assertEqual(
            {'a': 'it is ERROR (no task) after its move: No valid host was '
             'found.'}, self.reasons())

    def test_one_that_does_not_survive_its_move(self):
        def break_it():
            self.nova.found['a'] = make('a', 'ERROR', 'lab-3')

        self.prepare(make('a'))
        self.nova.after['confirm', 'a'] = break_it
        self.nova.confirm_server_resize = lambda server: (
            self.nova.note('confirm', server.id), self.nova.pending.clear())
        self.assertIn('could not be confirmed', self.reasons()['a'])


class MeanwhileTestCase(DrainCase):
    """What users do while the drain lasts."""

    def prepare_deletion(self, verb, uuid):
        self.prepare(make('a'), make('b'))
        self.nova.after[verb, uuid] = lambda: (
            self.nova.found.pop('a'), self.nova.pending.pop('a', None))

    def test_a_server_is_deleted_before_its_turn(self):
        for when in (('disable', 'lab-2'), ('migrate', 'a')):
            self.prepare_deletion(*when)
            self.assertEqual([], self.drain())
            self.assertEqual(['migrate', 'confirm'], self.verbs('b'))
        self.assertIn('server a (a) is gone', self.lines())

    def test_a_server_is_deleted_during_its_move(self):
        self.prepare(make('a'), make('b'))
        self.nova.migrate_server = lambda server: (
            self.nova.note('migrate', server.id),
            self.nova.found.pop(server.id))
        self.assertEqual([], self.drain())
        self.assertEqual(['migrate'], self.verbs('b'))

    def test_a_server_is_moved_before_its_turn(self):
        self.prepare(make('a'), make('b'))
        self.nova.after['migrate', 'a'] = lambda: self.nova.found.update(
            b=make('b', host='lab-3'))
        self.assertEqual([], self.drain())
        self.assertEqual([], self.verbs('b'))

    def test_a_server_comes(self):
        self.prepare(make('a'))
        self.nova.after['migrate', 'a'] = lambda: self.nova.found.update(
            c=make('c'))
        self.assertEqual({'c': 'it came while others were moved'},
                         self.reasons())

    def test_what_cannot_be_moved_goes_by_itself(self):
        self.prepare(make('a', 'PAUSED'), make('b'))
        self.nova.after['migrate', 'b'] = lambda: self.nova.found.pop('a')
        self.assertEqual([], self.drain())

    def test_nova_does_not_answer_for_a_while(self):
        self.prepare(make('a'))
        self.nova.after['migrate', 'a'] = lambda: setattr(
            self.nova, 'silent', 3)
        self.assertEqual([], self.drain())

    def test_nova_is_busy_for_two_questions(self):
        left = self.reasons(make('a'), make('b'), silent=2)
        self.assertEqual({'a': 'Nova is busy.'}, left)
        self.assertEqual('lab-3', self.nova.found['b'].compute_host)

    def test_nova_does_not_answer_any_more(self):
        self.prepare(make('a'))
        self.nova.after['migrate', 'a'] = lambda: setattr(
            self.nova, 'silent', 10 ** 9)
        error = self.assertRaises(
            errors.AioError, draining.Drain(
                self.nova, self.report, 0.05, 0.01).drain, 'lab-2')
        self.assertEqual('Nova is busy.', error.details)
