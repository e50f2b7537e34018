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


import base64
import hashlib
import json
import re
import types
from unittest import mock

from nova_vmrun.aio.bus import address
from nova_vmrun.aio.bus import broker
from nova_vmrun.aio import client
from nova_vmrun.aio import errors
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.cluster.first import accounts
from tests.unit.aio import base

_HEX = '0123456789abcdef' * 2


class PermissionsTestCase(base.TestCase):

    def allows(self, pattern, *names):
        return [name for name in names if re.search(pattern, name)]

    def test_own_queues_alone_are_read(self):
        own = ['compute', 'compute.node.1', 'compute-alt.node.1',
               'compute_fanout_' + _HEX, 'reply_' + _HEX]
        others = ['conductor', 'scheduler', 'scheduler.laptop',
                  'compute.node.2', 'compute.node.11', 'compute.nodex1',
                  'compute.', 'conductor_fanout_' + _HEX, 'reply_',
                  'xreply_' + _HEX, 'amq.default']
        rights = accounts.permissions('node.1')
        for pattern in (rights.read, rights.configure, rights.write):
            self.assertEqual(own, self.allows(
                pattern, *own, *others[:-1]))

    def test_broadcasts_to_schedulers_can_be_sent_but_not_heard(self):
        rights = accounts.permissions('node1')
        names = ('compute_fanout', 'compute-alt_fanout', 'scheduler_fanout',
                 'conductor_fanout')
        for pattern, count in ((rights.write, 3), (rights.read, 2)):
            self.assertEqual([*names[:count]], self.allows(pattern, *names))

    def test_requests_to_others_cannot_be_listened_to(self):
        bind = accounts.permissions('node.1').bind
        self.assertEqual(
            ['compute', 'compute.node.1', 'compute-alt.node.1'],
            self.allows(bind, 'compute', 'compute.node.1',
                        'compute-alt.node.1', 'compute.node.2', '#',
                        'compute.*', 'compute.#', 'conductor'))

    def test_replies_can_be_sent_but_not_declared(self):
        rights = accounts.permissions('node1')
        self.assertTrue(self.allows(rights.write, 'amq.default'))
        self.assertFalse(self.allows(rights.configure, 'amq.default'))
        self.assertFalse(self.allows(rights.read, 'amq.default'))


class AccountsCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.settings.bus = aio_settings.OWN_BUS
        self.users = {'nova'}
        self.hashes = {}
        self.queues = {'conductor', 'compute.node1', 'compute-alt.node1',
                       'compute.node11'}
        self.commands = []
        self.patch(broker, 'control', self.control)
        self.cloud = mock.Mock()
        self.cloud.identity.find_user.return_value = None
        self.patch(client, 'connect', lambda *_: self.cloud)

    def control(self, layout, settings, verb, *words, text=None):
        self.commands.append((verb, *words))
        if verb == 'list_users':
            return ''.join('%s\t[]\n' % user for user in sorted(self.users))
        if verb == 'list_queues':
            return ''.join('%s\n' % queue for queue in sorted(self.queues))
        if verb == 'delete_queue':
            self.queues.remove(words[0])
        elif verb == 'delete_user':
            self.users.remove(words[0])
        elif verb == 'import_definitions':
            self.definitions = json.loads(text)
            [user] = self.definitions['users']
            self.users.add(user['name'])
            self.hashes[user['name']] = user['password_hash']
        return ''

    def assertPassword(self, password, user):
        """Check as RabbitMQ does when a user logs in."""
        stored = base64.b64decode(self.hashes[user])
        self.assertEqual(stored[4:], hashlib.sha256(
            stored[:4] + password.encode()).digest())

    @staticmethod
    def bus_user(account):
        [host] = address.read(account.transport_url).hosts
        return host


class CreateTestCase(AccountsCase):

    def create(self, name='node1'):
        return accounts.create(self.layout, self.settings, name)

    def test_users_of_a_node(self):
        account = self.create()
        user = self.bus_user(account)
        self.assertPassword(user.password, 'node-node1')
        self.assertEqual(
            'rabbit://node-node1:%s@127.0.0.1:5672/' % user.password,
            account.transport_url)
        self.assertEqual({'amqp_durable_queues': 'True'}, account.messaging)
        self.cloud.identity.create_user.assert_called_once_with(
            name='node-node1', password=account.keystone_password,
            domain_id='default')
        rights = accounts.permissions('node1')
        [found] = self.definitions['permissions']
        self.assertEqual((rights.configure, rights.write, rights.read), (
            found['configure'], found['write'], found['read']))
        [found] = self.definitions['topic_permissions']
        self.assertEqual((rights.bind, 'nova'),
                         (found['read'], found['exchange']))

    def test_twice_gives_new_passwords(self):
        first = self.create()
        self.cloud.identity.find_user.return_value = types.SimpleNamespace()
        second = self.create()
        password = self.bus_user(second).password
        self.assertEqual(4, len({
            self.bus_user(first).password, first.keystone_password,
            password, second.keystone_password}))
        self.assertPassword(password, 'node-node1')
        self.assertEqual(
            second.keystone_password,
            self.cloud.identity.update_user.call_args.kwargs['password'])

    def test_no_password_is_printed(self):
        account = self.create()
        password = self.bus_user(account).password
        for value in (password, account.keystone_password):
            self.assertNotIn(value, repr(account))
        self.assertNotIn(password,
                         str((self.commands, self.definitions)))

    def test_only_with_volumes_is_a_node_an_administrator(self):
        roles = set()
        identity = self.cloud.identity
        identity.find_role.side_effect = lambda name, ignore_missing: name
        identity.assign_project_role_to_user.side_effect = (
            lambda project, user, role: roles.add(role))
        identity.unassign_project_role_from_user.side_effect = (
            lambda project, user, role: roles.discard(role))
        for volumes in (False, True, False):
            self.settings.volumes = volumes
            self.create()
            self.assertEqual({'service', 'admin'} if volumes else {'service'},
                             roles)

    def test_without_a_bus_there_are_no_nodes(self):
        self.settings.bus = aio_settings.NO_BUS
        error = self.assertRaises(errors.AioError, self.create)
        self.assertIn('--bus', error.resolution)

    def test_names_that_cannot_be(self):
        for name in ('', 'a b', 'a\n', '-a', '.a', 'a/b', 'a*', 'laptop',
                     'a' * 64, 'ä', 'a:b', 'a|b', '#'):
            self.assertRaises(errors.AioError, self.create, name)
        self.assertEqual([], self.commands)

    def test_bus_of_somebody_else_is_shared(self):
        self.settings.bus = 'rabbit://all:word@10.1.2.3/?ssl=1'
        account = self.create()
        self.assertEqual([], self.commands)
        self.assertEqual(
            (self.settings.bus, 'node-node1'),
            (account.transport_url, account.keystone_user))


class RemoveTestCase(AccountsCase):

    def remove(self):
        accounts.remove(self.layout, self.settings, 'node1')

    def test_nothing_of_the_node_is_left(self):
        accounts.create(self.layout, self.settings, 'node1')
        accounts.create(self.layout, self.settings, 'node11')
        user = types.SimpleNamespace()
        self.cloud.identity.find_user.return_value = user
        self.remove()
        self.assertEqual({'nova', 'node-node11'}, self.users)
        self.assertEqual({'conductor', 'compute.node11'}, self.queues)
        self.cloud.identity.delete_user.assert_called_once_with(user)

    def test_twice_is_no_error(self):
        self.queues.clear()
        self.remove()
        self.cloud.identity.delete_user.assert_not_called()
