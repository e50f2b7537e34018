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

import threading
import time

from oslo_config import cfg
import oslo_messaging
from oslo_messaging._drivers import impl_fake

from nova_vmrun.aio import memory_bus
from tests.unit import base


class Endpoint:

    def double(self, context, number):
        return 2 * number


class MemoryBusTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        # install() changes these; they come back after the test.
        self.patch(impl_fake, 'FakeListener', impl_fake.FakeListener)
        self.patch(impl_fake.FakeExchange, 'deliver_message',
                   impl_fake.FakeExchange.deliver_message)
        self.patch(impl_fake.FakeExchangeManager, '_exchanges', {})
        memory_bus.install()
        # Whoever looks for messages at intervals is found out.
        self.naps = []
        self.patch(impl_fake, 'time', self)

    # What the module uses of "time".
    time = staticmethod(time.time)

    def sleep(self, seconds):
        self.naps.append(seconds)

    def make_listener(self, server='here'):
        manager = impl_fake.FakeExchangeManager('nova')
        listener = impl_fake.FakeListener(manager, [oslo_messaging.Target(
            exchange='nova', topic='compute', server=server)])
        return listener, manager.get_exchange('nova')

    def test_call_is_answered(self):
        # It looks for some of its options there alone.
        transport = oslo_messaging.get_rpc_transport(cfg.CONF, 'fake:///')
        server = oslo_messaging.get_rpc_server(
            transport, oslo_messaging.Target(topic='t', server='s'),
            [Endpoint()], executor='threading')
        server.start()
        try:
            client = oslo_messaging.get_rpc_client(
                transport, oslo_messaging.Target(topic='t'), timeout=10)
            for number in range(50):
                self.assertEqual(2 * number, client.call(
                    {}, 'double', number=number))
        finally:
            server.stop()
            server.wait()
        self.assertLess(len([nap for nap in self.naps if nap > 0]), 5)

    def test_message_that_was_there_before(self):
        listener, exchange = self.make_listener()
        exchange.deliver_message('compute', {}, 'hello', server='here')
        [message] = listener.poll()
        self.assertEqual('hello', message.message)

    def test_message_wakes_the_listener(self):
        listener, exchange = self.make_listener()
        found = []
        thread = threading.Thread(
            target=lambda: found.extend(listener.poll(timeout=30)))
        thread.start()
        exchange.deliver_message('other', {}, 'no', server='here')
        exchange.deliver_message('compute', {}, 'yes', fanout=True)
        thread.join(10)
        self.assertEqual(['yes'], [message.message for message in found])

    def test_stop_wakes_the_listener(self):
        listener, _ = self.make_listener()
        thread = threading.Thread(target=listener.poll)
        thread.start()
        listener.stop()
        thread.join(10)
        self.assertFalse(thread.is_alive())

    def test_no_message_in_time(self):
        listener, _ = self.make_listener()
        began = time.monotonic()
        self.assertEqual([], listener.poll(timeout=0.05))
        self.assertGreaterEqual(time.monotonic() - began, 0.05)
        self.assertEqual([], listener.poll(batch_timeout=0.01))

    def test_several_at_once(self):
        listener, exchange = self.make_listener()
        for text in 'abc':
            exchange.deliver_message('compute', {}, text, server='here')
        self.assertEqual(['a', 'b'], [
            message.message for message in listener.poll(batch_size=2)])
