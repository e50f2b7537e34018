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

from unittest import mock

import fixtures
from nova.compute import task_states
from nova.compute import vm_states
from nova import context as nova_context
from nova import exception as nova_exception
from nova import objects
from nova.objects import compute_node
from nova.objects import instance
from nova.objects import migration
from nova.objects import migration_context
from nova.objects import service
from oslo_utils.fixture import uuidsentinel

from nova_vmrun.ops.nova import evacuations
from tests.unit import base

HERE = 'here'
UUID = uuidsentinel.server


class DatabaseTestCase(base.TestCase):

    def test_a_host_is_fenced_if_its_service_is_forced_down(self):
        for is_down in (True, False):
            with mock.patch.object(
                    service.Service, 'get_by_compute_host',
                    return_value=objects.Service(forced_down=is_down)):
                self.assertIs(is_down, evacuations.is_fenced(None, 'there'))

    def test_a_host_without_a_service(self):
        with mock.patch.object(
                service.Service, 'get_by_compute_host',
                side_effect=nova_exception.ComputeHostNotFound(host='x')):
            self.assertFalse(evacuations.is_fenced(None, 'there'))

    def test_the_host_of_a_compute_node(self):
        with mock.patch.object(
                compute_node.ComputeNode, 'get_by_uuid', side_effect=[
                    objects.ComputeNode(host='there'),
                    nova_exception.ComputeHostNotFound(host='x')]):
            self.assertEqual('there', evacuations.host_of(None, 'id'))
            self.assertIsNone(evacuations.host_of(None, 'id'))


class MovesTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.context = nova_context.get_admin_context()
        # Of server UUID, in the order in which the database has them.
        self.moves = []
        self.asked = []
        # On which Nova has the server, each time that it is asked. The last
        # one stays.
        self.hosts = ['there']
        # The number of the move that Nova has not ended, if any.
        self.current = None
        self.useFixture(fixtures.MockPatchObject(
            migration.MigrationList, 'get_by_filters', self.get))
        self.useFixture(fixtures.MockPatchObject(
            instance.InstanceList, 'get_by_filters', self.servers))
        self.saved = self.useFixture(fixtures.MockPatchObject(
            migration.Migration, 'save', autospec=True)).mock
        self.useFixture(fixtures.MockPatchObject(
            service.Service, 'get_by_compute_host', self.service))

    def get(self, context, filters):
        self.asked.append((context.read_deleted, filters))
        return list(reversed(self.moves))

    def servers(self, _context, filters, expected_attrs):
        self.assertEqual({'uuid': [UUID]}, filters)
        self.assertEqual(['migration_context'], expected_attrs)
        host = self.hosts.pop(0) if self.hosts[1:] else self.hosts[0]
        return [objects.Instance(uuid=UUID, host=host, migration_context=(
            self.current and migration_context.MigrationContext(
                migration_id=self.current)))]

    def service(self, _context, host):
        if host == 'removed':
            raise nova_exception.ComputeHostNotFound(host=host)
        return objects.Service(host=host)

    def move(self, source, target, status, kind='evacuation', deleted=False,
             node='node'):
        """Add a move of the server, later than the others.

        :param node: None if the target has not begun
        """
        self.moves.append(objects.Migration(
            id=len(self.moves) + 1, instance_uuid=UUID, status=status,
            source_compute=source, dest_compute=target, migration_type=kind,
            dest_node=node, deleted=deleted))

    def statuses(self):
        return [move.status for move in self.moves]

    def test_evacuations_of_a_host(self):
        self.move(HERE, 'there', 'done')
        self.move('there', HERE, 'failed')
        self.assertEqual(self.moves, evacuations.involving(self.context,
                                                           HERE))
        # Nova deletes them together with the server.
        self.assertEqual([('yes', {'host': HERE,
                                   'migration_type': 'evacuation'})],
                         self.asked)
        self.assertEqual('no', self.context.read_deleted)

    def has_gone(self, *hosts, is_starting=False):
        """Return whether a server that runs here may not.

        :param hosts: on which Nova has it, each time that it is asked
        """
        self.hosts = list(hosts or ['there'])
        return evacuations.gone_from(self.context, HERE, {UUID},
                                     is_starting) == {UUID}

    def test_a_server_that_was_evacuated_and_is_elsewhere(self):
        for status in ('done', 'completed'):
            self.moves = []
            self.move(HERE, 'there', status)
            self.assertTrue(self.has_gone())
            # Shelved by the other host.
            self.assertTrue(self.has_gone(None))
            self.move('there', 'third', 'done')
            self.assertTrue(self.has_gone('third'))

    def test_a_server_that_nova_has_here(self):
        self.move(HERE, 'there', 'done')
        self.assertFalse(self.has_gone(HERE))
        self.assertEqual([], self.asked)

    def test_a_server_that_is_coming_back(self):
        for status in ('accepted', 'pre-migrating', 'migrating'):
            for kind in ('evacuation', 'migration'):
                self.moves = []
                self.move(HERE, 'there', 'completed')
                self.move(HERE, 'there', 'done')
                self.move('there', HERE, status, kind)
                self.assertFalse(self.has_gone())

    def test_a_server_that_has_arrived_meanwhile(self):
        self.move('there', HERE, 'done')
        self.assertFalse(self.has_gone('there', HERE))

    def test_a_server_that_has_left_without_a_move(self):
        """It was shelved, and unshelved on another host."""
        self.move('lost', HERE, 'done')
        self.assertTrue(self.has_gone())

    def test_a_server_that_has_not_come_back(self):
        for status in ('failed', 'error', 'cancelled'):
            for kind in ('evacuation', 'migration'):
                self.moves = []
                self.move(HERE, 'there', 'done')
                self.move('there', HERE, status, kind)
                self.assertTrue(self.has_gone())

    def test_a_server_whose_evacuation_from_here_failed(self):
        for status in ('failed', 'error', 'accepted', 'pre-migrating'):
            self.moves = []
            self.move(HERE, 'there', status)
            self.assertFalse(self.has_gone())

    def test_an_evacuation_to_here_that_failed(self):
        self.move('there', HERE, 'failed')
        self.assertTrue(self.has_gone())
        self.move('there', HERE, 'pre-migrating')
        self.assertFalse(self.has_gone())

    def test_an_evacuation_to_here_whose_source_has_come_back(self):
        """Nova calls it completed, whether or not it has ended."""
        self.move('there', HERE, 'completed')
        self.current = 1
        self.assertFalse(self.has_gone())
        self.assertTrue(self.has_gone(is_starting=True))
        self.current = None
        self.assertTrue(self.has_gone())

    def test_an_evacuation_to_here_that_a_later_one_replaces(self):
        """This host was cut off in the middle."""
        self.move('there', HERE, 'pre-migrating')
        self.move('there', 'third', 'failed')
        self.assertFalse(self.has_gone())
        self.move('there', 'third', 'done')
        self.assertTrue(self.has_gone('third'))

    def test_a_server_that_was_migrated_last(self):
        self.move('there', HERE, 'done')
        self.move(HERE, 'there', 'confirmed', 'migration')
        self.assertFalse(self.has_gone())

    def test_nothing_is_asked_about_no_servers(self):
        self.assertEqual(set(), evacuations.gone_from(None, HERE, set()))

    def test_a_server_that_is_no_longer_known(self):
        self.assertFalse(self.has_gone())

    def end_interrupted(self, *hosts):
        self.hosts = list(hosts)
        evacuations.end_interrupted(self.context, HERE)

    def test_evacuations_that_a_crash_has_ended(self):
        for source, target, status in (('there', HERE, 'pre-migrating'),
                                       (HERE, 'there', 'pre-migrating'),
                                       ('there', HERE, 'accepted')):
            self.move(source, target, status)
        self.move('there', HERE, 'pre-migrating', deleted=True)
        self.end_interrupted('there')
        self.assertEqual(['failed', 'pre-migrating', 'accepted',
                          'pre-migrating'], self.statuses())
        self.assertEqual([mock.call(self.moves[0])],
                         self.saved.call_args_list)

    def test_an_evacuation_that_had_ended_well(self):
        self.move('there', HERE, 'pre-migrating')
        self.end_interrupted(HERE)
        self.assertEqual(['done'], self.statuses())

    def acknowledge(self, *alive, is_starting=False):
        evacuations.acknowledge(self.context, HERE, self.moves, set(alive),
                                is_starting)
        return self.statuses()

    def test_a_failed_evacuation_that_has_left_no_vm(self):
        for status in ('failed', 'error', 'completed'):
            self.moves = []
            self.move('there', HERE, status)
            self.assertEqual([status], self.acknowledge(UUID))
            self.assertEqual(['cancelled'], self.acknowledge())
            self.saved.assert_called_once_with(self.moves[0])
            self.saved.reset_mock()

    def test_evacuations_that_are_nothing_to_acknowledge(self):
        self.move('there', 'third', 'failed')
        for status in ('accepted', 'pre-migrating', 'done', 'cancelled'):
            self.move('there', HERE, status)
        self.move('there', HERE, 'failed', deleted=True)
        before = self.statuses()
        self.assertEqual(before, self.acknowledge())

    def test_a_server_that_came_with_a_completed_evacuation(self):
        self.hosts = [HERE]
        self.move('there', HERE, 'completed')
        self.assertEqual(['completed'], self.acknowledge())

    def test_an_evacuation_that_may_go_on(self):
        """Its source has come back, and an operator has reset its state."""
        self.move('there', HERE, 'completed')
        self.current = 1
        self.assertEqual(['completed'], self.acknowledge())
        self.assertEqual(['cancelled'], self.acknowledge(is_starting=True))

    def test_an_evacuation_that_nova_has_given_up(self):
        """Nova does not remove what it keeps for the claim of the host."""
        self.move('there', HERE, 'failed')
        self.current = 1
        self.assertTrue(self.has_gone())
        self.assertEqual(['cancelled'], self.acknowledge())

    def test_a_server_that_is_gone_altogether(self):
        self.move('there', HERE, 'failed')
        with mock.patch.object(instance.InstanceList, 'get_by_filters',
                               return_value=[]):
            self.assertEqual(['cancelled'], self.acknowledge())

    def half_evacuated(self, host='lost'):
        """Return the hosts that may run a server.

        :param host: on which Nova has it
        """
        return evacuations.half_evacuated_to(self.context, UUID, host, HERE)

    def test_hosts_of_unfinished_evacuations(self):
        for target, status in (
                ('failed', 'failed'), ('error', 'error'),
                ('begun', 'pre-migrating'), ('returned', 'completed'),
                ('acknowledged', 'cancelled'), (None, 'accepted'),
                ('queued', 'accepted'), (HERE, 'failed'),
                ('removed', 'failed')):
            self.move('lost', target, status)
        # No valid host was found.
        self.move('lost', 'full', 'error', node=None)
        self.assertEqual({'failed', 'error', 'begun', 'returned'},
                         self.half_evacuated())

    def test_a_host_has_it_by_a_completed_evacuation(self):
        self.move('lost', 'there', 'failed')
        self.move('lost', 'third', 'completed')
        self.assertEqual(set(), self.half_evacuated('third'))
        self.move('third', 'fourth', 'accepted', 'migration')
        self.assertEqual(set(), self.half_evacuated('fourth'))

    def test_a_later_move_that_ended_well(self):
        for kind, status in (('evacuation', 'done'),
                             ('migration', 'confirmed'),
                             ('resize', 'finished')):
            self.moves = []
            self.move('lost', 'there', 'failed')
            self.move('lost', 'third', status, kind)
            self.assertEqual(set(), self.half_evacuated('third'))

    def was_interrupted(self):
        return evacuations.was_interrupted(self.context, UUID, HERE)

    def test_a_server_that_only_an_interrupted_evacuation_brought(self):
        self.move('lost', 'there', 'failed')
        self.move('lost', HERE, 'accepted')
        self.assertFalse(self.was_interrupted())
        for status in ('failed', 'completed', 'cancelled', 'accepted'):
            self.move('lost', HERE, status)
            self.assertTrue(self.was_interrupted())

    def test_a_server_that_was_here_and_has_left(self):
        self.move('lost', HERE, 'done')
        for source, target, status in ((HERE, 'lost', 'confirmed'),
                                       ('lost', HERE, 'failed'),
                                       ('lost', HERE, 'accepted')):
            self.move(source, target, status)
        self.assertTrue(self.was_interrupted())

    def test_a_server_that_was_here_once(self):
        for source, target, status in ((HERE, 'there', 'done'),
                                       ('there', HERE, 'done')):
            self.moves = []
            self.move(source, target, status)
            self.move('lost', HERE, 'failed')
            self.move('lost', HERE, 'accepted')
            self.assertFalse(self.was_interrupted())

    def is_leaving(self):
        return evacuations.is_leaving(self.context, UUID, HERE)

    def test_a_server_that_is_being_evacuated(self):
        self.assertFalse(self.is_leaving())
        for status in ('accepted', 'pre-migrating'):
            self.moves = []
            self.move(HERE, 'there', status)
            self.assertTrue(self.is_leaving())

    def test_a_server_that_has_come_back(self):
        self.move(HERE, 'there', 'accepted')
        self.move(HERE, 'there', 'done')
        self.assertFalse(self.is_leaving())
        self.move('there', HERE, 'confirmed', 'migration')
        self.assertFalse(self.is_leaving())
        self.move(HERE, 'third', 'failed')
        self.assertFalse(self.is_leaving())


class IsEvacuatedTestCase(base.TestCase):

    def instance(self, **changes):
        return objects.Instance(**dict({
            'uuid': 'uuid', 'host': HERE, 'deleted': False,
            'vm_state': vm_states.ACTIVE, 'task_state': None}, **changes))

    def is_evacuated(self, is_starting=True, **changes):
        return evacuations.is_evacuated(self.instance(**changes), HERE,
                                        is_starting)

    def test_nova_has_it_elsewhere(self):
        for is_starting in (True, False):
            self.assertTrue(self.is_evacuated(is_starting, host='there'))

    def test_another_host_is_just_taking_it_over(self):
        self.assertTrue(self.is_evacuated(
            task_state=task_states.REBUILD_SPAWNING))
        # An operator has reset its state.
        self.assertTrue(self.is_evacuated())

    def test_a_deletion(self):
        self.assertFalse(self.is_evacuated(False))
        self.assertFalse(self.is_evacuated(
            task_state=task_states.DELETING))
        self.assertFalse(self.is_evacuated(vm_state=vm_states.DELETED))
        self.assertFalse(self.is_evacuated(deleted=True))
        self.assertFalse(self.is_evacuated(host=None))
        self.assertFalse(evacuations.is_evacuated(
            objects.Instance(uuid='uuid'), HERE, True))
