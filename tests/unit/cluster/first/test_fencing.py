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

import socket
import threading
from unittest import mock

from nova_vmrun.aio import errors
from nova_vmrun.aio.gateway import probe
from nova_vmrun.cluster.first import fencing
from nova_vmrun.cluster.first import registry
from tests.unit.cluster import base
from tests.unit.cluster.first import test_cloud


class FenceTestCase(base.FirstCase):

    def setUp(self):
        super().setUp()
        self.nova = mock.Mock()
        self.has(state='down', age=100)
        with registry.change(self.layout, self.settings) as known:
            known.nodes['lab-2'] = base.joined()

    def has(self, **service):
        """Let Nova have a service of each node."""
        self.nova.service.side_effect = lambda name: test_cloud.service(
            name, **service)

    def fence(self, name='lab-2', **options):
        return fencing.fence(self.layout, self.settings, name, self.nova,
                             **options)

    def refuse(self, name='lab-2'):
        error = self.assertRaises(errors.AioError, self.fence, name)
        self.nova.set_fenced.assert_not_called()
        self.fence(name, insists=True)
        self.nova.set_fenced.assert_called_once_with(name, True)
        return str(error)

    def test_a_node_that_is_off(self):
        self.assertTrue(self.fence())
        self.nova.set_fenced.assert_called_once_with('lab-2', True)

    def test_a_host_that_did_not_join(self):
        self.assertFalse(self.fence('host3'))
        self.nova.set_fenced.assert_called_once_with('host3', True)

    def test_a_node_whose_sshd_answers(self):
        """Only its nova-compute hangs, or has lost the bus."""
        with mock.patch.object(probe, 'complaint', return_value=None) as asks:
            self.assertIn('sshd answers', self.refuse())
        asks.assert_called_once_with('127.0.0.1', 20199)

    def test_a_connection_whose_other_end_is_off(self):
        """The sshd of this machine accepts for it, until it notices."""
        with socket.create_server(('127.0.0.1', 0)) as listener:
            threading.Thread(target=lambda: listener.accept()[0].close(),
                             daemon=True).start()
            with mock.patch.object(base.joined().ports.__class__, 'ssh',
                                   listener.getsockname()[1]):
                self.assertTrue(self.fence())

    def test_a_node_that_reports(self):
        self.has(age=20)
        self.assertIn('heard of it 20 s ago',
                      self.refuse().replace('21 s', '20 s'))

    def test_a_host_that_did_not_join_and_reports(self):
        self.has(age=20)
        self.assertIn('half a minute', self.refuse('host3'))

    def test_a_power_cut_that_nova_has_not_noticed(self):
        self.has(age=40)
        self.assertTrue(self.fence())

    def test_a_node_that_is_fenced_already(self):
        self.has(state='down', age=3)
        self.assertTrue(self.fence())

    def test_the_first_machine(self):
        self.assertIn('it is this machine', self.refuse('laptop'))
        self.assertFalse(self.fence('laptop', insists=True))
