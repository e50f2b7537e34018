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


"""How the host reaches guests: by an interface, a namespace or a port."""

import json
import os
import signal
import socket
import tempfile
from unittest import mock

import testtools

from tests.unit import fakes_qemu  # noqa: F401 - makes vmwarefake importable

from vmwarefake.engine.qemu import namespace
from vmwarefake.engine.qemu import reach
from vmwarefake.engine.qemu import services
from vmwarefake.engine.qemu import sockets
from vmwarefake.engine.qemu import vmnetd

ALL = (reach.INTERFACE, reach.NAMESPACE, reach.FORWARDING)
LISTING = '''\
Hub 0 (services):
  Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ
  TCP[HOST_FORWARD]  14       127.0.0.1  2222   172.16.41.24    22     0     0
  TCP[HOST_FORWARD]  15       127.0.0.1 46755   172.16.41.24    22     0     0
  TCP[ESTABLISHED]   16       127.0.0.1 33333   172.16.41.25    22     0     0
  UDP[HOST_FORWARD]  17       127.0.0.1 44444   172.16.41.26    53     0     0
'''


class Listener:
    """Forwards every port to one of this process."""

    def __init__(self, case):
        self.socket = socket.create_server(('127.0.0.1', 0))
        case.addCleanup(self.socket.close)
        self.wanted = []

    def forward_briefly(self, address, port):
        self.wanted.append((address, port))
        return self.socket.getsockname()[1]


class ReachTest(testtools.TestCase):

    def setUp(self):
        super().setUp()
        self.listener = Listener(self)
        self.tap = self.patch_call(reach.tap, 'create')
        self.patch_call(reach.tap, 'bring_up')
        self.trial = self.patch_call(reach.namespace, 'try_in_child')
        self.trial.return_value = None
        self.enter = self.patch_call(reach.namespace, 'enter')

    def patch_call(self, module, name):
        patch = mock.patch.object(module, name)
        self.addCleanup(patch.stop)
        return patch.start()

    def find(self, *ways):
        return reach.find(ways, 'vmnet8', '172.16.41.1', '255.255.255.0',
                          self.listener)

    def test_interface_of_the_host(self):
        self.tap.return_value = 7
        way = self.find(*ALL)
        self.assertEqual((7, 'the interface vmnet8 of the host'),
                         (way.tap, way.description))
        self.enter.assert_not_called()

    def test_namespace_if_the_interface_is_taken(self):
        self.tap.side_effect = [FileExistsError('it is taken'), 8]
        way = self.find(*ALL)
        self.assertEqual(8, way.tap)
        self.enter.assert_called_once_with()
        self.assertEqual(
            'the interface vmnet8 in the network namespace of process %d '
            '(no interface: it is taken)' % os.getpid(), way.description)

    def test_forwarding_without_leaving_the_hosts_network(self):
        self.trial.return_value = 'Operation not permitted'
        way = self.find(reach.NAMESPACE, reach.FORWARDING)
        self.assertIsNone(way.tap)
        self.enter.assert_not_called()
        self.assertEqual('ports that QEMU forwards (no namespace: '
                         'Operation not permitted)', way.description)

    def test_what_is_wanted_alone_is_required(self):
        self.trial.return_value = 'no /dev/net/tun'
        error = self.assertRaises(OSError, self.find, reach.NAMESPACE)
        self.assertEqual('no namespace: no /dev/net/tun', str(error))

    def test_forwarded_connection(self):
        way = self.find(reach.FORWARDING)
        sock = way.connect('172.16.41.24', 22)
        self.addCleanup(sock.close)
        accepted, _ = self.listener.socket.accept()
        self.addCleanup(accepted.close)
        accepted.sendall(b'SSH-2.0')
        sock.settimeout(10)
        self.assertEqual(b'SSH-2.0', sock.recv(10))
        self.assertEqual([('172.16.41.24', 22)], self.listener.wanted)

    def test_address_that_cannot_be_connected(self):
        way = reach.Way('', None)
        # Broadcasts are for those who ask for them.
        self.assertRaises(OSError, way.connect, '255.255.255.255', 22)


class TapTest(testtools.TestCase):

    def create(self, name):
        with mock.patch.object(reach.tap.os, 'open',
                               side_effect=PermissionError('no device')):
            reach.tap.create(name, '172.16.41.1', '255.255.255.0')

    def test_name_that_is_taken(self):
        self.assertRaises(FileExistsError, self.create, 'lo')

    def test_name_that_is_taken_in_another_namespace(self):
        with mock.patch.object(socket, 'if_nameindex', lambda: []):
            self.assertRaises(PermissionError, self.create, 'lo')


class TryInChildTest(testtools.TestCase):

    def test_what_can_be_done(self):
        self.assertIsNone(namespace.try_in_child(lambda: None))

    def test_what_cannot(self):
        def fail():
            raise OSError('it cannot be done')
        self.assertEqual('it cannot be done',
                         namespace.try_in_child(fail))

    def test_file_that_is_named(self):
        self.assertEqual(
            '/nowhere: No such file or directory',
            namespace.try_in_child(lambda: os.open('/nowhere', os.O_RDONLY)))

    def test_child_that_is_killed(self):
        self.assertEqual('its trial was killed', namespace.try_in_child(
            lambda: os.kill(os.getpid(), signal.SIGKILL)))

    def test_this_process_stays_where_it_is(self):
        before = os.readlink('/proc/self/ns/net')
        namespace.try_in_child(namespace.enter)
        self.assertEqual(before, os.readlink('/proc/self/ns/net'))


class ForwardedPortTest(testtools.TestCase):

    def port(self, address, port, others=()):
        return services.forwarded_port(LISTING, address, port, others)

    def test_port_that_was_not_there_before(self):
        self.assertEqual(46755, self.port('172.16.41.24', 22, {2222}))

    def test_connections_and_other_protocols_do_not_count(self):
        self.assertIsNone(self.port('172.16.41.25', 22))
        self.assertIsNone(self.port('172.16.41.26', 53))
        self.assertIsNone(self.port('172.16.41.24', 80))


class BriefTest(testtools.TestCase):
    """Ports that are forwarded for a moment, on a monitor that records."""

    def setUp(self):
        super().setUp()
        self.services = object.__new__(services.Services)
        self.services._forwarded = {('tcp', 2222, '172.16.41.24', 22)}
        self.services._brief = {}
        self.services._monitor = mock.Mock()
        self.services._monitor.command.side_effect = self.answer
        self.lines = []
        self.now = 100.0
        patch = mock.patch.object(services.time, 'monotonic',
                                  lambda: self.now)
        patch.start()
        self.addCleanup(patch.stop)

    def answer(self, name, arguments):
        line = arguments['command-line']
        if line == 'info usernet':
            return LISTING
        self.lines.append(line)
        return ''

    def test_port_is_used_again_and_removed_later(self):
        for _ in range(2):
            self.assertEqual(46755, self.services.forward_briefly(
                '172.16.41.24', 22))
            self.now += services.Services.brief - 1
            self.services.remove_brief_ones()
        add = 'hostfwd_add services tcp:127.0.0.1:0-172.16.41.24:22'
        self.assertEqual([add], self.lines)
        self.now += 2
        self.services.remove_brief_ones()
        self.services.remove_brief_ones()
        self.assertEqual(
            [add, 'hostfwd_remove services tcp:127.0.0.1:46755'], self.lines)

    def test_qemu_refuses(self):
        self.assertRaises(OSError, self.services.forward_briefly,
                          '172.16.41.99', 22)


class RequestsTest(testtools.TestCase):
    """What vmnetd answers to those who want to connect."""

    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.daemon = vmnetd.Daemon(folder.name, folder.name + '/host.json', {
            'name': 'vmnet8', 'qemu': 'none', 'type': 'pvn', 'subnet': '',
            'mask': '', 'ways': [reach.FORWARDING]})
        self.addCleanup(self.daemon._listener.close)
        self.client = sockets.Folder(folder.name).connect(vmnetd.SOCKET, 10)
        self.addCleanup(self.client.close)

    def put_the_host_on_it(self):
        self.listener = Listener(self)
        self.daemon._way = reach.Forwarding(self.listener, '')
        self.daemon._settings.update(subnet='172.16.41.0',
                                     mask='255.255.255.0')

    def ask(self, request):
        self.client.sendall(request if isinstance(request, bytes)
                            else json.dumps(request).encode())
        self.daemon._answer()
        data, fds, _, _ = socket.recv_fds(self.client, 4096, 1)
        for fd in fds:
            self.addCleanup(os.close, fd)
        return json.loads(data), fds

    def test_connection_is_handed_over(self):
        self.put_the_host_on_it()
        answer, fds = self.ask({'connect': ['172.16.41.24', 22]})
        self.assertEqual(({}, 1), (answer, len(fds)))

    def test_segment_has_no_host(self):
        answer, fds = self.ask({'connect': ['172.16.41.24', 22]})
        self.assertEqual(({'error': 'the host is not on vmnet8'}, []),
                         (answer, fds))

    def refuse(self, request, error):
        self.put_the_host_on_it()
        self.assertEqual(({'error': error}, []), self.ask(request))
        self.assertEqual([], self.listener.wanted)

    def test_address_elsewhere(self):
        self.refuse({'connect': ['10.0.0.1', 22]},
                    'vmnet8 has the addresses 172.16.41.0/24')

    def test_no_address(self):
        self.refuse({'connect': ['127.1-x:2', 22]},
                    'this is not an IPv4 address and a port')

    def test_no_port(self):
        self.refuse({'connect': ['172.16.41.24', 65536]},
                    '65536 is not a port')

    def test_no_request(self):
        self.refuse(b'[1', 'this is not an IPv4 address and a port')
