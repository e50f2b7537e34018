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

import io
import os
import socket
import threading

import fixtures

from nova_vmrun.aio import errors
from nova_vmrun.cluster.first import peer
from nova_vmrun.cluster.first import registry
from tests.unit.cluster import base


class PeerTestCase(base.FirstCase):

    def setUp(self):
        super().setUp()
        with registry.change(self.layout, self.settings) as known:
            known.nodes['lab-2'] = base.joined()

    def port(self, host):
        return peer.port(self.layout, self.settings, host)

    def test_ports(self):
        self.assertEqual(20199, self.port('lab-2.nova-vmrun'))
        self.assertEqual(2222, self.port('laptop.nova-vmrun'))

    def test_unknown_hosts(self):
        for host in ('x.nova-vmrun', '127.0.0.1', '', '../x'):
            self.assertRaises(errors.AioError, self.port, host)

    def test_a_node_that_is_not_connected(self):
        self.useFixture(fixtures.MockPatch(
            'socket.create_connection',
            side_effect=ConnectionRefusedError(111, 'Connection refused')))
        self.settings.save(self.layout)
        stderr = io.StringIO()
        self.useFixture(fixtures.MonkeyPatch('sys.stderr', stderr))
        self.assertEqual(1, peer.main(
            ['--state-dir', str(self.layout.root), 'lab-2.nova-vmrun']))
        self.assertIn('lab-2.nova-vmrun is not connected with the first '
                      'machine. Connection refused.', stderr.getvalue())


class SpliceTestCase(base.FirstCase):

    def test_both_ways_until_the_connection_ends(self):
        near, far = socket.socketpair()
        source, feed = os.pipe()
        result, target = os.pipe()
        for descriptor in (source, result, target):
            self.addCleanup(os.close, descriptor)
        thread = threading.Thread(
            target=peer.splice, args=(near, source, target))
        thread.start()
        os.write(feed, b'question')
        self.assertEqual(b'question', far.recv(100))
        far.sendall(b'answer')
        self.assertEqual(b'answer', os.read(result, 100))
        os.close(feed)
        # The end of input is passed on, and answers still come.
        self.assertEqual(b'', far.recv(100))
        far.sendall(b'goodbye')
        self.assertEqual(b'goodbye', os.read(result, 100))
        far.close()
        thread.join(10)
        self.assertFalse(thread.is_alive())
        near.close()
