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

"""Unit tests for the list of servers from Nova's API."""

import types

import fixtures
from openstack import exceptions

from nova_vmrun.cmd import servers
from nova_vmrun import exception
from nova_vmrun.server import orphans
from tests.unit import base

HERE, THERE, GONE, OTHER = (digit * 8 for digit in '1234')
FORBIDDEN = exceptions.ForbiddenException('Policy does not allow it.')


def _server(uuid, host='host', task_state=None, vm_state='active',
            image=None, **more):
    return types.SimpleNamespace(id=uuid, compute_host=host, image=image,
                                 task_state=task_state, vm_state=vm_state,
                                 **more)


class Compute:
    """The compute API of a cloud."""

    error = None

    def __init__(self):
        self.listed, self.unlisted = [], []

    def hypervisors(self, details):
        self._raise()
        assert details
        for node, host in (('other-node', 'other'), ('this-node', 'host')):
            yield types.SimpleNamespace(id=node,
                                        service_details={'host': host})

    def servers(self, all_projects):
        self._raise()
        assert all_projects
        return iter(self.listed)

    def get_server(self, uuid):
        self._raise()
        for each in self.unlisted:
            if each.id == uuid:
                return each
        raise exceptions.NotFoundException()

    def find_server(self, name, ignore_missing, all_projects):
        self._raise()
        assert all_projects and not ignore_missing
        found = [each for each in self.unlisted
                 if name in (each.id, each.name)]
        if len(found) > 1:
            raise exceptions.DuplicateResource('Several.')
        if not found:
            raise exceptions.NotFoundException()
        # The list does not say whether a server is locked.
        return types.SimpleNamespace(id=found[0].id)

    def _raise(self):
        if self.error:
            raise self.error


class TestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.compute = Compute()
        self.useFixture(fixtures.MonkeyPatch(
            'nova_vmrun.cmd.image.cloud.log_in', 'cloud {}'.format))
        self.useFixture(fixtures.MonkeyPatch(
            'openstack.connection.Connection', self._connection))
        self.servers = servers.Servers('mine')

    def _connection(self, config):
        self.assertEqual('cloud mine', config)
        return types.SimpleNamespace(compute=self.compute)


class ServersTestCase(TestCase):

    def refused(self, method, *args):
        error = self.assertRaises(exception.InvalidConfiguration, method,
                                  *args)
        self.assertTrue(error.details)
        self.assertTrue(error.resolution)
        return error

    def test_host_of_a_compute_node(self):
        self.assertEqual('host', self.servers.host('this-node'))

    def test_cloud_of_another_host(self):
        error = self.refused(self.servers.host, 'unknown-node')
        self.assertIn('unknown-node', error.details)

    def test_users_cannot_list_hosts(self):
        self.compute.error = FORBIDDEN
        error = self.refused(self.servers.host, 'this-node')
        self.assertIn('Policy does not allow it', error.details)

    def test_servers(self):
        self.compute.listed = [
            _server(HERE, image={'id': 'image'}), _server(THERE, 'other')]
        self.assertEqual(
            {HERE: orphans.Server(True, False, 'image'),
             THERE: orphans.Server(False, False)},
            self.servers.all('host', set()))

    def test_unlisted_servers_are_looked_up(self):
        self.compute.listed = [_server(HERE)]
        self.compute.unlisted = [_server(OTHER, vm_state='soft-delete')]
        self.assertEqual({HERE, OTHER},
                         set(self.servers.all('host', {HERE, OTHER, GONE})))

    def test_users_cannot_list_servers(self):
        self.compute.error = FORBIDDEN
        error = self.refused(self.servers.all, 'host', set())
        self.assertIn('Cannot list the servers', error.brief)

    def test_server_that_may_still_come_here_is_here(self):
        """A server has no host until one is chosen."""
        self.compute.unlisted = [_server(HERE, None, vm_state='building')]
        self.assertEqual(orphans.Server(True, True),
                         self.servers.get(HERE, 'host'))

    def test_busy_servers(self):
        for task_state, vm_state, is_busy in (
                (None, 'active', False), (None, 'stopped', False),
                ('rebooting', 'active', True), (None, 'building', True),
                (None, 'resized', True), (None, None, True)):
            self.compute.unlisted = [_server(
                HERE, task_state=task_state, vm_state=vm_state)]
            self.assertIs(is_busy, self.servers.get(HERE, 'host').is_busy)

    def test_server_that_does_not_exist(self):
        self.assertIsNone(self.servers.get(GONE, 'host'))

    def test_other_errors_are_not_hidden(self):
        self.compute.error = FORBIDDEN
        self.assertRaises(exceptions.ForbiddenException, self.servers.get,
                          HERE, 'host')


class StoppedTestCase(TestCase):

    def add(self, uuid=HERE, **changes):
        self.compute.unlisted.append(_server(uuid, **{
            'name': 'web', 'vm_state': 'stopped', 'status': 'SHUTOFF',
            'is_locked': False, **changes}))

    def refused(self, *words, name='web'):
        error = self.assertRaises(exception.InvalidInput,
                                  self.servers.stopped, name, 'host')
        for word in words:
            self.assertIn(word, str(error))

    def test_by_name_or_id(self):
        self.add()
        for name in ('web', HERE):
            self.assertEqual(HERE, self.servers.stopped(name, 'host'))

    def test_no_such_server(self):
        self.refused('no server mail', name='mail')

    def test_servers_of_the_same_name(self):
        self.add()
        self.add(THERE)
        self.refused('Pass the id')
        self.assertEqual(THERE, self.servers.stopped(THERE, 'host'))

    def test_servers_whose_disks_stay(self):
        for changes, words in (
                ({'host': 'other'}, ('on the host other', 'on that host')),
                ({'vm_state': 'active', 'status': 'ACTIVE'},
                 ('ACTIVE', 'openstack server stop')),
                ({'vm_state': 'paused', 'status': 'PAUSED'}, ('PAUSED',)),
                ({'vm_state': 'suspended', 'status': 'SUSPENDED'},
                 ('SUSPENDED',)),
                ({'vm_state': 'resized', 'status': 'VERIFY_RESIZE'},
                 ('VERIFY_RESIZE',)),
                ({'is_locked': True}, ('locked', 'unlock')),
                ({'task_state': 'powering-on'}, ('powering-on',))):
            self.compute.unlisted = []
            self.add(**changes)
            self.refused(*words)

    def test_users_cannot_look_it_up(self):
        self.compute.error = FORBIDDEN
        error = self.assertRaises(exception.InvalidConfiguration,
                                  self.servers.stopped, 'web', 'host')
        self.assertIn('administrator', error.resolution)
