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

import dataclasses
import socket
import threading

import fixtures

from nova_vmrun.aio import errors
from nova_vmrun.aio.gateway import keys as node_keys
from nova_vmrun.aio import vmware
from nova_vmrun.cluster import messages
from nova_vmrun.cluster.node import children
from nova_vmrun.cluster.node import gateway
from nova_vmrun.cluster.node import join
from nova_vmrun.cluster.node import membership
from nova_vmrun.cluster.node import supervisor
from nova_vmrun.cluster.node import units
from tests.unit.cluster import base as cluster_base
from tests.unit.cluster.node import base
from tests.unit.cluster import test_token_file

TOKEN = dataclasses.replace(test_token_file.TOKEN,
                            addresses=['192.0.2.9', '192.0.2.1'])
# Only what it sends is replaced.
_GATEWAY = gateway.Gateway


class JoinCase(base.NodeCase):

    def setUp(self):
        super().setUp()
        self.files.folder.rmdir()
        self.useFixture(fixtures.MockPatchObject(
            gateway, 'reachable', return_value='192.0.2.1'))
        self.asked = []
        self.answers = [dataclasses.asdict(cluster_base.welcome())]
        self.used = []
        self.useFixture(fixtures.MockPatchObject(
            gateway, 'Gateway', self.gateway))
        self.useFixture(fixtures.MockPatchObject(
            vmware, 'choose', return_value=vmware.Programs(
                '/vmrun', None, False)))
        self.useFixture(fixtures.MockPatchObject(children,
                                                 'end_leftovers'))
        self.unit = self.useFixture(fixtures.MockPatchObject(
            units, 'find')).mock.return_value
        self.ports = self.useFixture(fixtures.MockPatch(
            'nova_vmrun.host.ports.require_free')).mock
        self.work = join.Join(self.layout, TOKEN, join.Choices(),
                              self.report)

    def gateway(self, config, address):
        self.used.append(config)
        made = _GATEWAY(config, address)
        made.ask = self.ask
        return made

    def ask(self, verb, word=''):
        self.asked.append((verb, word))
        answer = (self.answers.pop(0) if len(self.answers) > 1
                  else self.answers[0])
        if isinstance(answer, Exception):
            raise answer
        return answer

    def refuse(self):
        return str(self.assertRaises(errors.AioError, self.work.join))


class JoinTestCase(JoinCase):

    def test_what_a_node_says_and_writes(self):
        member = self.work.join()
        verb, word = self.asked[0]
        self.assertEqual(messages.Verb.JOIN, verb)
        said = messages.read_join(word)
        self.assertNotEqual(said.node_key, said.move_key)
        self.assertEqual(member, membership.load(self.layout))
        # The address that answered is tried first from now on.
        self.assertEqual(['192.0.2.1', '192.0.2.9'], member.addresses)
        for path in (self.files.nova_conf, self.files.ssh_config,
                     self.files.peers_config, self.files.sshd_config):
            self.assertTrue(path.exists(), path)

    def test_a_second_time_with_the_nodes_own_key(self):
        self.work.join()
        self.work.join()
        keys = [messages.read_join(word).node_key for _, word in self.asked]
        self.assertEqual(keys[0], keys[1])

    def node_keys(self):
        return [messages.read_join(word).node_key for _, word in self.asked]

    def join_half(self):
        self.answers.insert(0, errors.AioError('Killed.'))
        self.refuse()
        self.assertIsNone(membership.load(self.layout))
        del self.asked[1:], self.used[:]

    def test_half_joined_and_killed(self):
        """The first machine may know the node's own key already."""
        self.join_half()
        self.work.join()
        self.assertEqual(1, len(set(self.node_keys())))
        self.assertEqual([self.files.ssh_config], self.used)

    def test_half_joined_and_never_let_in(self):
        self.join_half()
        self.answers.insert(0, gateway.KeyRefused('No.'))
        member = self.work.join()
        self.assertEqual(member, membership.load(self.layout))
        self.assertEqual(1, len(set(self.node_keys())))
        self.assertEqual([self.files.ssh_config, self.files.token_config],
                         self.used)

    def test_half_joined_as_another_node(self):
        self.join_half()
        self.answers = [gateway.KeyRefused('No.'), dict(
            dataclasses.asdict(cluster_base.welcome()), name='lab-9')]
        self.assertIn('This machine is node lab-9 already. The token is for '
                      'node lab-2.', self.refuse())
        self.assertIsNone(membership.load(self.layout))

    def test_a_new_machine_has_no_key_to_try(self):
        self.answers = [gateway.KeyRefused('No.')]
        self.assertEqual('No.', self.refuse())
        self.assertEqual([self.files.token_config], self.used)

    def test_a_new_token_after_a_half_joined_node_has_left(self):
        self.join_half()
        self.answers[:0] = [gateway.KeyRefused('No.'),
                            messages.KeysUsed('In use.')]
        self.work.join()
        keys = self.node_keys()
        self.assertEqual(keys[0], keys[1])
        self.assertEqual(keys[1], keys[2])
        self.assertNotEqual(keys[2], keys[3])
        said = messages.read_join(self.asked[3][1])
        self.assertEqual(said.node_key, node_keys.public(self.files.node_key))

    def test_keys_that_are_in_use_are_made_anew_only_once(self):
        self.answers = [messages.KeysUsed('In use.')]
        self.assertEqual('In use.', self.refuse())
        self.assertEqual(2, len(self.asked))

    def test_keys_in_use_although_the_node_is_let_in(self):
        """Without them, it would not be let in any more."""
        self.work.join()
        self.answers = [messages.KeysUsed('In use.')]
        self.assertEqual('In use.', self.refuse())
        self.assertEqual(1, len(set(self.node_keys())))

    def test_a_new_token_for_a_node_that_was_thrown_out(self):
        self.work.join()
        self.answers.insert(0, gateway.KeyRefused('No.'))
        self.work.join()
        self.assertEqual(3, len(self.asked))

    def add_servers(self, count):
        for number in range(count):
            folder = self.layout.instances / ('uuid-%d' % number)
            folder.mkdir(parents=True)
            (folder / 'nova.json').touch()

    def test_a_new_node_with_servers(self):
        """Its nova-compute would not start."""
        self.add_servers(6)
        text = self.refuse()
        self.assertIn('has the files of 6 servers', text)
        self.assertIn('uuid-3, uuid-4 and 1 more', text)
        self.assertEqual([], self.asked)

    def test_a_node_that_was_thrown_out_with_servers(self):
        self.work.join()
        self.add_servers(1)
        self.answers = [gateway.KeyRefused('No.')]
        self.assertIn('has the files of 1 server,', self.refuse())
        self.assertEqual(2, len(self.asked))

    def test_a_known_node_with_servers(self):
        self.work.join()
        self.add_servers(1)
        self.work.join()
        self.assertEqual(2, len(self.asked))

    def test_no_key_is_let_in(self):
        self.answers = [gateway.KeyRefused('No.')]
        self.assertEqual('No.', self.refuse())

    def test_this_machine_is_another_node(self):
        self.files.folder.mkdir()
        dataclasses.replace(self.member, name='lab-9').save(self.layout)
        self.assertIn('This machine is node lab-9 already. The token is for '
                      'node lab-2.', self.refuse())
        self.assertEqual([], self.asked)

    def test_a_port_that_is_taken_here(self):
        self.ports.side_effect = OSError(98, 'Address already in use')
        self.assertIn('Port 5000 of this machine, which stands for keystone '
                      'of the first machine, is taken.', self.refuse())
        self.assertIsNone(membership.load(self.layout))

    def test_consoles_of_servers_that_run_on_are_no_obstacle(self):
        self.work.join()
        asked = {call.args[1] for call in self.ports.call_args_list}
        self.assertIn(20199, asked)
        self.assertNotIn(20100, asked)

    def test_a_broken_answer(self):
        self.answers = [{}]
        self.assertIn('cannot be understood', self.refuse())

    def test_a_user_whom_ssh_cannot_name(self):
        self.useFixture(fixtures.MockPatch(
            'nova_vmrun.aio.gateway.sshd.user', return_value='a b'))
        self.assertIn("the user 'a b'", self.refuse())


class UnitTestCase(JoinCase):
    """The unit of a node that joins again has the lock."""

    def setUp(self):
        super().setUp()
        self.files.folder.mkdir()
        self.member.save(self.layout)
        self.unit.active = True
        self.unit.name = 'node.service'

    def fail_to_join(self):
        with self.work.unit_stopped():
            self.work.join()

    def test_it_is_stopped_meanwhile(self):
        with self.work.unit_stopped():
            self.unit.stop.assert_called_once_with()
            self.work.join()
        self.unit.start.assert_not_called()

    def test_no_node(self):
        self.files.membership.unlink()
        with self.work.unit_stopped():
            pass
        self.unit.stop.assert_not_called()

    def test_another_node_is_not_stopped(self):
        dataclasses.replace(self.member, name='lab-9').save(self.layout)
        self.assertRaises(errors.AioError, self.fail_to_join)
        self.unit.stop.assert_not_called()

    def test_a_first_machine_that_is_away_stops_nothing(self):
        gateway.reachable.side_effect = errors.AioError('No route.')
        self.assertRaises(errors.AioError, self.fail_to_join)
        self.unit.stop.assert_not_called()

    def test_a_node_that_is_refused_runs_on(self):
        self.answers = [errors.AioError('The clocks differ.')]
        self.assertRaises(errors.AioError, self.fail_to_join)
        self.unit.start.assert_called_once_with()
        self.assertIn('started node.service again', self.lines())

    def test_it_cannot_be_started_again(self):
        self.answers = [errors.AioError('The clocks differ.')]
        self.unit.start.side_effect = errors.AioError('It is gone.')
        error = self.assertRaises(errors.AioError, self.fail_to_join)
        self.assertEqual('The clocks differ.', error.brief)

    def test_a_unit_that_did_not_run(self):
        self.unit.active = False
        self.answers = [errors.AioError('The clocks differ.')]
        self.assertRaises(errors.AioError, self.fail_to_join)
        self.unit.start.assert_not_called()

    def test_a_node_whose_passwords_are_new_waits_for_the_repair(self):
        self.ports.side_effect = OSError(98, 'Address already in use')
        self.assertRaises(errors.AioError, self.fail_to_join)
        self.unit.start.assert_not_called()


class WaitTestCase(JoinCase):

    def setUp(self):
        super().setUp()
        self.member = self.work.join()
        self.ready = self.useFixture(fixtures.MockPatchObject(
            gateway, 'wait_until_ready',
            return_value=messages.State(True, True, True, False, 1))).mock

    def test_a_service_manager_is_asked_for(self):
        self.work.require_unit()
        self.unit.require.assert_called_once_with()

    def test_a_unit_is_started(self):
        self.work.start_unit(self.member)
        self.unit.start.assert_called_once_with()
        self.assertIn('node lab-2 is up, and its resources are known to '
                      'Placement', self.lines())
        self.assertFalse(self.files.token_key.exists())

    def test_a_node_that_does_not_become_ready(self):
        self.ready.side_effect = gateway.NotReady('x', 'Timed out.')
        self.layout.log('compute').write_text(
            '2026-01-01 00:00:00.000 1 ERROR x ACCESS_REFUSED\n')
        error = self.assertRaises(errors.AioError, self.work.wait,
                                  self.member, 0)
        self.assertIn('did not become ready within', error.brief)
        self.assertIn('ACCESS_REFUSED', error.details)
        self.assertIn('Timed out.', error.details)
        self.assertTrue(self.files.token_key.exists())

    def foreground(self):
        stopping = threading.Event()

        class Keeper:
            compute_started = 1.0

            def __init__(self, *_):
                pass

            def run(self, event):
                event.wait(10)

        self.useFixture(fixtures.MockPatchObject(
            supervisor, 'Supervisor', Keeper))
        self.useFixture(fixtures.Timeout(30, gentle=True))
        return stopping

    def test_in_the_foreground(self):
        stopping = self.foreground()
        self.ready.side_effect = lambda *_: (
            stopping.set() or messages.State(True, True, True, False, 1))
        self.work.run_in_foreground(self.member, stopping)

    def test_in_the_foreground_without_success(self):
        stopping = self.foreground()
        self.ready.side_effect = gateway.NotReady('x', 'Timed out.')
        self.assertRaises(errors.AioError, self.work.run_in_foreground,
                          self.member, stopping)


class PortsTestCase(base.NodeCase):

    def test_a_port_in_use(self):
        with socket.create_server(('127.0.0.1', 0)) as listener:
            member = dataclasses.replace(
                self.member,
                services={'glance': listener.getsockname()[1]})
            error = self.assertRaises(errors.AioError, join._require_free,
                                      member)
        self.assertIn('glance', str(error))
