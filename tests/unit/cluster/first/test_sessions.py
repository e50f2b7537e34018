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
import subprocess
import sys
import types

import fixtures
import psutil

from nova_vmrun.aio import processes
from nova_vmrun.cluster.first import authorized_keys
from nova_vmrun.cluster.first import registry
from nova_vmrun.cluster.first import sessions
from tests.unit.cluster import base

_GATEWAY = ('192.0.2.1', 2222)


class Connection:
    """A connection of TCP, as psutil describes it."""

    def __init__(self, own, other=()):
        self.laddr, self.raddr = own, other
        self.status = psutil.CONN_ESTABLISHED if other else psutil.CONN_LISTEN


class Process:
    """A process, as psutil describes it."""

    def __init__(self, pid, *connections, name='sshd', words=(), below=()):
        self.pid, self.found = pid, connections
        self.name, self.words, self.below = name, list(words), list(below)

    @property
    def info(self):
        return {'name': self.name, 'cmdline': self.words}

    def cmdline(self):
        return self.words

    def children(self, recursive=False):
        return self.below + [
            child for each in self.below if recursive
            for child in each.children(True)]

    def parents(self):
        return []

    def net_connections(self, kind):
        return list(self.found)


class EndOthersTestCase(base.FirstCase):
    """lab-2 has left, lab-3 has not, and lab-4 has a token."""

    def setUp(self):
        super().setUp()
        with registry.change(self.layout, self.settings) as self.known:
            self.known.nodes['lab-3'] = base.joined('lab-3', 1)
            self.known.nodes['lab-4'] = registry.Node('lab-4',
                                                      token_id='12ab')
        self.settle = self.useFixture(fixtures.MockPatch(
            'nova_vmrun.cluster.first.sessions.time.sleep')).mock
        self.ended = self.useFixture(fixtures.MockPatchObject(
            processes, 'end')).mock
        self.later = self.useFixture(fixtures.MockPatchObject(
            sessions, '_end_later')).mock
        self.me = Process(99, name='python3')
        self.useFixture(fixtures.MockPatch(
            'nova_vmrun.cluster.first.sessions.psutil.Process',
            lambda: self.me))
        self.useFixture(fixtures.MockPatch(
            'nova_vmrun.cluster.first.sessions.psutil.process_iter',
            self.every))
        self.sessions, self.others = [], []

    def every(self, attributes):
        server = Process(
            1, Connection(_GATEWAY), words=[
                'sshd: sshd -D -e -f %s [listener]' % self.files.sshd_config],
            below=self.sessions)
        return [server, *self.others, *server.children(True)]

    def session(self, pid, *connections, **details):
        """Return a session, of whose key nothing is known."""
        return Process(pid, Connection(_GATEWAY, ('192.0.2.7', pid)),
                       *connections, **details)

    def gate(self, pid, *words, **details):
        """Return the program that a session runs."""
        return Process(pid, words=authorized_keys._gate_words(
            self.layout, *words), name='python3', **details)

    def listener(self, port):
        return Connection(('127.0.0.1', port))

    def end(self):
        """Return the numbers of the processes that are ended."""
        self.ended.reset_mock()
        sessions.end_others(self.layout, self.settings, self.known)
        return set(self.ended.call_args.args[0]) if (
            self.ended.called) else set()

    def test_a_session_without_ports_is_ended_whatever_its_name(self):
        self.sessions = [
            self.session(10, self.listener(20100)),
            self.session(11, name='sshd-session', below=[
                self.session(12, name='sshd-session')])]
        self.assertEqual({10, 11, 12}, self.end())

    def test_what_it_runs_is_ended_with_it(self):
        self.sessions = [self.session(10, below=[
            self.gate(11, '--node', 'lab-2')])]
        self.assertEqual({10, 11}, self.end())

    def test_other_nodes_keep_their_sessions(self):
        shell = Process(14, name='sh', words=[
            'sh', '-c', authorized_keys._gate(self.layout, '--node',
                                              'lab-3')])
        self.sessions = [
            self.session(10, self.listener(20200)),
            self.session(11, below=[Process(12, self.listener(20201))]),
            self.session(13, below=[shell]),
            self.session(15, below=[self.gate(16, '--token', '12ab')])]
        self.assertEqual(set(), self.end())
        self.settle.assert_not_called()

    def test_servers_that_another_node_sends_arrive(self):
        """They come through its session with the gateway."""
        def move(pid, node):
            gate = self.gate(pid + 1, '--node', node)
            gate.found = [Connection(('192.0.2.1', 40000 + pid), _GATEWAY)]
            return [self.session(pid, below=[gate]), Process(
                pid + 2, Connection(_GATEWAY, ('192.0.2.1', 40000 + pid)))]

        self.sessions = move(10, 'lab-2') + move(20, 'lab-3')
        self.assertEqual({10, 11, 12}, self.end())

    def test_a_session_that_has_just_begun_shows_whose_it_is(self):
        beginner = self.session(10)
        self.sessions = [beginner]
        self.settle.side_effect = lambda _: beginner.below.append(
            self.gate(11, '--node', 'lab-3'))
        self.assertEqual(set(), self.end())

    def test_a_later_session_was_let_in_with_another_key(self):
        later = self.session(11)
        self.sessions = [self.session(10)]
        self.settle.side_effect = lambda _: self.sessions.append(later)
        self.assertEqual({10}, self.end())

    def test_a_session_of_an_sshd_that_was_killed(self):
        self.others = [
            self.session(10), Process(20, Connection(
                ('192.0.2.1', 22), ('192.0.2.7', 5)))]
        self.assertEqual({10}, self.end())

    def test_the_session_that_asks_gets_its_answer(self):
        self.sessions = [self.session(10), self.session(11, below=[self.me])]
        self.assertEqual({10}, self.end())
        self.later.assert_called_once_with(self.sessions[1])

    def test_a_process_that_has_ended(self):
        def fail(*_, **__):
            raise psutil.NoSuchProcess(10)

        gone = self.session(10)
        gone.net_connections = gone.cmdline = fail
        self.sessions = [gone]
        self.assertEqual({10}, self.end())


class LaterTestCase(base.FirstCase):

    def setUp(self):
        super().setUp()
        self.useFixture(fixtures.MockPatchObject(sessions, '_LATER', 0))
        self.process = subprocess.Popen(
            ['cat'], stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL)
        self.addCleanup(self.finish)

    def finish(self):
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        self.process.wait()

    def test_it_is_ended(self):
        """By a program that the session does not wait for."""
        with fixtures.MockPatch('subprocess.Popen') as popen:
            sessions._end_later(psutil.Process(self.process.pid))
        words = popen.mock.call_args.args[0]
        self.assertEqual([sys.executable, '-P', '-m', sessions.__name__],
                         words[:4])
        self.assertEqual(0, sessions.main(words[4:]))
        self.assertFalse(psutil.pid_exists(self.process.pid))

    def test_it_has_ended_by_itself(self):
        self.finish()
        with fixtures.MockPatch('subprocess.Popen') as popen:
            sessions._end_later(types.SimpleNamespace(pid=self.process.pid))
        popen.mock.assert_not_called()

    def test_another_process_has_its_number(self):
        sessions.main([str(self.process.pid), 'another'])
        self.assertIsNone(self.process.poll())
