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

"""Servers on several nodes: where they start, and how they move."""

from collections.abc import Callable
import time

import amqp
from nova_vmrun.aio.bus import address
from nova_vmrun.aio import errors
from nova_vmrun.cluster.first import accounts
from testtools import testcase

from tests.cluster import base

_NODE = 'n9'
# Until RabbitMQ has closed a connection.
_SECONDS = 60


class LifeTestCase(base.TestCase):

    @classmethod
    def make_cluster(cls) -> base.Cluster:
        return base.patient()

    @testcase.attr('sample')
    def test_boot_move_and_boot_without_the_bus_for_a_while(self) -> None:
        server = self.boot_on('n2')
        others = [self.boot(self.new_image(), name=name)
                  for name in ('second', 'third')]
        # The scheduler prefers nodes with more memory left.
        self.assertEqual({'n1', 'n3'}, set(map(self.node_of, others)))
        self.migrate(server, 'n1')
        self.wait_for_status(server, 'VERIFY_RESIZE')
        self.check_runs_on('n1', server)
        self.confirm(server)
        self.check_runs_on('n1', server)
        self.check_disk('n1', server)
        self.assertFalse(list(self.nodes['n2'].instances.glob(
            server.id + '*')))
        self.cluster.kill_bus()
        last = self.request_boot(self.new_image(), host='n3')
        self.wait_for_status(last, 'ACTIVE')
        self.check_runs_on('n3', last)

    def test_migration_is_reverted(self) -> None:
        server = self.boot_on('n1')
        self.migrate(server, 'n3')
        self.wait_for_status(server, 'VERIFY_RESIZE')
        self.check_runs_on('n3', server)
        self.revert(server)
        self.check_runs_on('n1', server)
        self.check_disk('n1', server)
        self.assertFalse(list(self.nodes['n3'].instances.glob(
            server.id + '*')))

    def test_resize_is_confirmed_or_reverted(self) -> None:
        flavor = self.cloud.compute.find_flavor('m1.tiny')
        server = self.boot_on('n1')
        for finish in (self.revert, self.confirm):
            self.cloud.compute.resize_server(server, flavor)
            self.wait_for_status(server, 'VERIFY_RESIZE')
            self.assertEqual(1, len(self.where_it_runs([server])))
            finish(server)
            [(name, _)] = self.where_it_runs([server])
            self.check_runs_on(name, server)
        self.assertEqual(512, self.cloud.compute.get_server(
            server.id).flavor.ram)

    def test_images_are_cached_ahead_on_all_nodes(self) -> None:
        image = self.new_image()
        before = {name: node.cached() for name, node in self.nodes.items()}
        aggregate = self.cloud.compute.create_aggregate(name='all')
        self.addCleanup(self.cloud.compute.delete_aggregate, aggregate)
        for name in self.nodes:
            self.cloud.compute.add_host_to_aggregate(aggregate, name)
            self.addCleanup(self.cloud.compute.remove_host_from_aggregate,
                            aggregate, name)
        self.cloud.compute.aggregate_precache_images(aggregate, [image.id])
        for name, node in self.nodes.items():
            self.wait_until(
                lambda node=node, name=name: node.cached() - before[name],
                '%s has the image' % name)

    def test_node_hears_nothing_of_others_and_is_thrown_out(self) -> None:
        account = accounts.create(self.layout, self.settings, _NODE)
        address.require(account.transport_url)
        connection = self.connect(account)
        own = 'compute.' + _NODE
        with connection.channel() as channel:
            channel.queue_declare(own, durable=True, auto_delete=False)
            channel.queue_bind(own, 'nova', routing_key=own)
            channel.basic_consume(own)
        for queue in ('conductor', 'compute.n1', 'compute-alt.n1'):
            self.assertRefused(connection, lambda channel, queue=queue:
                               channel.basic_consume(queue))
            self.assertRefused(connection, lambda channel, queue=queue:
                               channel.queue_purge(queue))
            self.assertRefused(connection, lambda channel, queue=queue:
                               channel.queue_bind(
                                   own, 'nova', routing_key=queue))
        self.assertRefused(connection, lambda channel:
                           channel.queue_bind(own, 'scheduler_fanout'))
        accounts.remove(self.layout, self.settings, _NODE)
        self.assertRaises(errors.AioError, address.require,
                          account.transport_url)
        # RabbitMQ has closed the connection that was open.
        self.assertRaises((amqp.ConnectionForced, OSError),
                          self.use, connection)
        self.assertIsNone(self.cloud.identity.find_user(
            account.keystone_user))

    def connect(self, account: accounts.Account) -> amqp.Connection:
        [host] = address.read(account.transport_url).hosts
        connection = amqp.Connection(
            '%s:%d' % (host.name, host.port), userid=host.user,
            password=host.password)
        connection.connect()
        self.addCleanup(connection.collect)
        return connection

    def use(self, connection: amqp.Connection) -> None:
        deadline = time.monotonic() + _SECONDS
        while time.monotonic() < deadline:
            connection.channel()
            time.sleep(0.2)

    def assertRefused(self, connection: amqp.Connection,
                      request: Callable[[amqp.Channel], object]) -> None:
        channel = connection.channel()
        self.assertRaises(amqp.AccessRefused, request, channel)
