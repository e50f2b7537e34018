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

"""The talks with QEMU and its guest agent, with a server of our own."""

import base64
import json
import os
import socket
import threading

import fixtures
import testtools

from tests.unit import fakes_qemu  # noqa: F401 - makes vmwarefake importable

from vmwarefake.engine import base
from vmwarefake.engine.qemu import agent as qemu_agent
from vmwarefake.engine.qemu import qmp
from vmwarefake.engine.qemu import sockets as qemu_sockets

GREETING = {'QMP': {'version': {}}}


class Server(fixtures.Fixture):
    """Answers one client, line by line, with what a function says."""

    def __init__(self, folder, name, answer, greeting=b''):
        super().__init__()
        self._folder = folder
        self._name = name
        self._answer = answer
        self._greeting = greeting
        self.received = []
        self.fds = []

    def _setUp(self):
        self._listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(self._listener.close)
        self._listener.bind(self._folder.address(self._name))
        self._listener.listen(1)
        thread = threading.Thread(target=self._serve, daemon=True)
        thread.start()
        self.addCleanup(thread.join, 10)

    def _serve(self):
        client, _ = self._listener.accept()
        with client:
            client.sendall(self._greeting)
            buffer = b''
            while True:
                data, fds, _, _ = socket.recv_fds(client, 65536, 4)
                self.fds += fds
                if not data:
                    return
                buffer += data.replace(b'}{', b'}\n{')
                if buffer.endswith(b'}') or buffer.endswith(b'\n'):
                    for line in buffer.splitlines():
                        message = json.loads(line.lstrip(b'\xff'))
                        self.received.append(message)
                        client.sendall(self._answer(message))
                    buffer = b''


def lines(*messages):
    return b''.join(json.dumps(m).encode() + b'\n' for m in messages)


class TalkTest(testtools.TestCase):

    def setUp(self):
        super().setUp()
        path = self.useFixture(fixtures.TempDir()).path
        self.folder = qemu_sockets.Folder(path)
        self.addCleanup(self.folder.close)


class MonitorTest(TalkTest):

    def _monitor(self, answers):
        """Connect to a QEMU that has these answers, by command."""
        def answer(message):
            return lines(*answers.get(message['execute'],
                                      [{'return': {}}]))

        self.server = self.useFixture(Server(self.folder, 'qmp', answer,
                                             lines(GREETING)))
        monitor = qmp.Monitor(self.folder, timeout=10)
        self.addCleanup(monitor.__exit__)
        return monitor

    def test_command(self):
        monitor = self._monitor({'query-status': [
            {'event': 'STOP'}, {'return': {'status': 'paused'}}]})

        self.assertEqual('paused', monitor.status())
        self.assertEqual(['qmp_capabilities', 'query-status'],
                         [m['execute'] for m in self.server.received])

    def test_refusal(self):
        monitor = self._monitor({'cont': [{'error': {'desc': 'no way'}}]})

        e = self.assertRaises(qmp.Refused, monitor.command, 'cont')

        self.assertEqual('cont: no way', str(e))

    def test_event_that_came_before_counts(self):
        monitor = self._monitor({'system_reset': [{'event': 'RESET'},
                                                  {'return': {}}]})
        monitor.command('system_reset')

        self.assertTrue(monitor.wait_event('RESET', 0))
        self.assertFalse(monitor.wait_event('SHUTDOWN', 0))

    def test_saving(self):
        monitor = self._monitor({'query-migrate': [
            {'return': {'status': 'completed'}}]})
        with open(os.devnull) as f:
            monitor.save(f.fileno())

        self.assertEqual(
            ['migrate-set-parameters', 'getfd', 'migrate', 'query-migrate'],
            [m['execute'] for m in self.server.received[1:]])
        self.assertEqual(1, len(self.server.fds))

    def test_failed_save_has_its_reason(self):
        monitor = self._monitor({'query-migrate': [
            {'return': {'status': 'failed', 'error-desc': 'full'}}]})
        with open(os.devnull) as f:
            e = self.assertRaises(base.EngineError, monitor.save, f.fileno())

        self.assertEqual('full', str(e))

    def test_nobody_there(self):
        self.assertRaises(qmp.Gone, qmp.Monitor, self.folder)


class AgentTest(TalkTest):

    def _agent(self, answers, before=b''):
        def answer(message):
            if message['execute'] == 'guest-sync-delimited':
                return before + b'\xff' + lines(
                    {'return': message['arguments']['id']})
            found = answers[message['execute']]
            return lines(found.pop(0) if isinstance(found, list) else found)

        self.server = self.useFixture(Server(self.folder, 'agent', answer))
        agent = qemu_agent.Agent(self.folder, timeout=10)
        self.addCleanup(agent.__exit__)
        return agent

    def test_remains_of_an_earlier_connection_are_skipped(self):
        agent = self._agent({'guest-ping': {'return': {}}},
                            before=b'{"return": 5}\n{"ret')

        self.assertEqual({}, agent.command('guest-ping'))

    def test_refusal(self):
        agent = self._agent({'guest-ping': {'error': {'desc': 'no'}}})

        e = self.assertRaises(base.EngineError, agent.command, 'guest-ping')

        self.assertEqual('guest-ping: no', str(e))

    def test_first_card_counts_most(self):
        agent = self._agent({'guest-network-get-interfaces': {'return': [
            {'name': 'lo', 'hardware-address': '00:00:00:00:00:00',
             'ip-addresses': [{'ip-address-type': 'ipv4',
                               'ip-address': '127.0.0.1'}]},
            {'name': 'eth0', 'hardware-address': 'FA:16:3E:00:00:02',
             'ip-addresses': [{'ip-address-type': 'ipv4',
                               'ip-address': '10.0.0.2'}]},
            {'name': 'eth1', 'hardware-address': 'fa:16:3e:00:00:01',
             'ip-addresses': [{'ip-address-type': 'ipv6',
                               'ip-address': 'fe80::1'},
                              {'ip-address-type': 'ipv4',
                               'ip-address': '10.0.0.1'}]},
            {'name': 'wg0'}]}})

        self.assertEqual('10.0.0.1', agent.address(
            ['fa:16:3e:00:00:01', 'fa:16:3e:00:00:02']))

    def test_no_address(self):
        agent = self._agent({'guest-network-get-interfaces': {'return': []}})

        self.assertIsNone(agent.address(['fa:16:3e:00:00:01']))

    def test_guest_variables(self):
        text = 'guestinfo.a %s\nguestinfo.a %s\nother x\n' % (
            base64.b64encode(b'old').decode(),
            base64.b64encode(b'n "w').decode())
        half = len(text) // 2
        agent = self._agent({
            'guest-file-open': {'return': 1},
            'guest-file-close': {'return': {}},
            'guest-file-read': [
                {'return': {'buf-b64': base64.b64encode(
                    part.encode()).decode(), 'eof': eof}}
                for part, eof in ((text[:half], False), (text[half:], True))],
        })

        self.assertEqual({'a': 'n "w'}, agent.variables())

    def test_writing_a_variable(self):
        agent = self._agent({'guest-file-open': {'return': 7},
                             'guest-file-write': {'return': {}},
                             'guest-file-close': {'return': {}}})

        agent.write_variable('x', 'value')

        opened, written, closed = self.server.received[1:]
        self.assertEqual({'path': '/run/guestinfo/guestinfo.x', 'mode': 'w'},
                         opened['arguments'])
        self.assertEqual({'handle': 7, 'buf-b64': base64.b64encode(
            b'value').decode()}, written['arguments'])


class OutputTest(testtools.TestCase):

    def setUp(self):
        super().setUp()
        self.path = self.useFixture(fixtures.TempDir()).join('out.log')
        with open(self.path, 'w') as file:
            file.write('ended: nobody is on it\n')

    def test_end_of_the_output(self):
        with open(self.path, 'a') as file:
            file.write('x' * 2000 + '\nno such device\n')
        self.assertEqual('no such device', qemu_sockets.last_lines(
            self.path)[-14:])

    def test_output_of_an_earlier_process_does_not_count(self):
        start = os.path.getsize(self.path)
        self.assertEqual('', qemu_sockets.last_lines(self.path, start))
        with open(self.path, 'a') as file:
            file.write('no such device\n')
        self.assertEqual('no such device',
                         qemu_sockets.last_lines(self.path, start))


class FolderTest(testtools.TestCase):

    def test_deep_folder(self):
        top = self.useFixture(fixtures.TempDir()).path
        path = os.path.join(top, 'd' * 120)
        os.mkdir(path)
        with qemu_sockets.Folder(path) as folder:
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(folder.address('x'))
                listener.listen(1)
                folder.connect('x', 5).close()
            self.assertTrue(os.path.exists(path + '/x.sock'))
            self.assertTrue(folder.exists('x'))
            folder.remove('x')
            self.assertFalse(os.path.exists(path + '/x.sock'))
            self.assertEqual(1, len(folder.pass_fds))

    def test_short_path_needs_no_descriptor(self):
        path = self.useFixture(fixtures.TempDir()).path

        self.assertEqual((), qemu_sockets.Folder(path).pass_fds)
