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


from nova_vmrun.aio import errors
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.cluster.first import capacity
from nova_vmrun.cluster.first import registry
from tests.unit.cluster import base


class RequireTestCase(base.FirstCase):

    def setUp(self):
        super().setUp()
        self.known = registry.Registry()

    def add(self, number):
        for each in range(number):
            node = base.joined()
            node.name = 'n%d' % each
            self.known.nodes[node.name] = node

    def require(self, name='new'):
        capacity.require(self.settings, self.known, name)

    def test_sqlite_has_room_up_to_the_number_that_was_measured(self):
        self.add(capacity.SQLITE_NODES - 1)
        self.require()
        self.add(capacity.SQLITE_NODES)
        error = self.assertRaises(errors.AioError, self.require)
        self.assertIn('up to %d nodes' % capacity.SQLITE_NODES, error.details)
        self.assertIn('--database', error.resolution)

    def test_a_node_that_is_in_may_be_repaired(self):
        self.add(capacity.SQLITE_NODES + 1)
        self.require('n3')

    def test_unused_tokens_take_no_room(self):
        self.add(capacity.SQLITE_NODES - 1)
        self.known.nodes['later'] = registry.Node('later')
        self.require()

    def test_a_server_has_room_for_more(self):
        self.settings.database = 'mysql://a:b@127.0.0.1/'
        self.add(capacity.SQLITE_NODES)
        self.require()

    def test_the_ports_of_the_first_machine_are_for_126(self):
        self.settings.database = 'mysql://a:b@127.0.0.1/'
        self.add(125)
        self.require()
        self.add(126)
        error = self.assertRaises(errors.AioError, self.require)
        self.assertIn('100 ports of the first machine, which are enough for '
                      '126 nodes, and it has 126.', error.details)
        self.require('n3')


class RequirePossibleTestCase(base.FirstCase):

    def test_a_node(self):
        capacity.require_possible(self.settings, 'lab-2')

    def test_names_of_no_node(self):
        for name in ('-x', 'A', self.settings.host.lower()):
            self.assertRaises(errors.AioError, capacity.require_possible,
                              self.settings, name)

    def test_without_a_bus_there_are_no_nodes(self):
        self.settings.bus = aio_settings.NO_BUS
        for check in (lambda: capacity.require_bus(self.settings),
                      lambda: capacity.require_possible(self.settings, 'a')):
            error = self.assertRaises(errors.AioError, check)
            self.assertIn('aio up --bus', error.resolution)
