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

import datetime
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
from nova.objects import service
from nova import servicegroup
from oslo_utils import timeutils

from nova_vmrun.ops.nova import evacuations
from tests.unit import base

HERE = 'here'


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
        # Of server "a", in the order in which the database has them.
        self.moves = []
        self.asked = []
        self.up = {'there', 'third'}
        self.useFixture(fixtures.MockPatchObject(
            migration.MigrationList, 'get_by_filters', self.get))
        self.useFixture(fixtures.MockPatchObject(
            service.Service, 'get_by_compute_host', self.service))
        self.useFixture(fixtures.MockPatchObject(
            servicegroup.API, 'service_is_up', lambda _self, found: (
                found.host in self.up)))

    def get(self, context, filters):
        self.asked.append((context.read_deleted, filters))
        return list(reversed(self.moves))

    def service(self, _context, host):
        if host == 'gone':
            raise nova_exception.ComputeHostNotFound(host=host)
        return objects.Service(host=host)

    def move(self, source, target, status, kind='evacuation', age=0):
        """Add a move of the server, later than the others.

        :param age: seconds since it has had its status
        """
        self.moves.append(objects.Migration(
            id=len(self.moves) + 1, instance_uuid='a', status=status,
            source_compute=source, dest_compute=target, migration_type=kind,
            created_at=None, updated_at=timeutils.utcnow(
                with_timezone=True) - datetime.timedelta(seconds=age)))

    def test_servers_that_were_evacuated(self):
        self.move(HERE, 'there', 'done')
        self.move('there', HERE, 'failed')
        self.assertEqual({'a'}, evacuations.evacuated(self.context, HERE))
        # Nova deletes them together with the server.
        self.assertEqual([('yes', {'host': HERE,
                                   'migration_type': 'evacuation'})],
                         self.asked)
        self.assertEqual('no', self.context.read_deleted)

    def has_gone(self, host='there'):
        """Return whether a server that runs here may not.

        :param host: on which Nova has it
        """
        with mock.patch.object(
                instance.InstanceList, 'get_by_filters', return_value=[
                    objects.Instance(uuid='a', host=host)]) as instances:
            found = evacuations.gone_from(self.context, HERE, {'a'})
        self.assertEqual({'uuid': ['a']}, instances.call_args.args[1])
        return found == {'a'}

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
        for status in ('accepted', 'pre-migrating', 'migrating', 'done'):
            for kind in ('evacuation', 'migration'):
                self.moves = []
                self.move(HERE, 'there', 'completed')
                self.move(HERE, 'there', 'done')
                self.move('there', HERE, status, kind)
                self.assertFalse(self.has_gone())

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

    def test_evacuations_that_a_crash_has_ended(self):
        for source, target in (('there', HERE), (HERE, 'there')):
            self.move(source, target, 'pre-migrating')
        with mock.patch.object(migration.Migration, 'save') as save:
            evacuations.fail_interrupted(self.context, HERE)
        self.assertEqual(['failed', 'pre-migrating'],
                         [move.status for move in self.moves])
        save.assert_called_once_with()
        [(_read_deleted, filters)] = self.asked
        self.assertEqual(('pre-migrating', HERE, 'evacuation'), (
            filters['status'], filters['host'], filters['migration_type']))

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

    def half_evacuated(self):
        return evacuations.half_evacuated_to(self.context, 'a', HERE)

    def test_hosts_of_unfinished_evacuations(self):
        self.move('lost', 'there', 'failed', age=3600)
        self.move('lost', 'third', 'pre-migrating', age=3600)
        self.move('lost', None, 'accepted')
        self.move('lost', HERE, 'failed')
        self.assertEqual({'there': True, 'third': False},
                         self.half_evacuated())

    def test_an_evacuation_that_has_just_failed(self):
        self.move('lost', 'there', 'failed', age=60)
        self.assertEqual({'there': False}, self.half_evacuated())

    def test_a_host_that_does_not_answer_since(self):
        for host in ('cut-off', 'gone'):
            self.moves = []
            self.move('lost', host, 'failed', age=3600)
            self.assertEqual({host: False}, self.half_evacuated())

    def test_the_last_evacuation_to_a_host_counts(self):
        self.move('lost', 'there', 'failed', age=3600)
        self.move('lost', 'there', 'accepted')
        self.assertEqual({'there': False}, self.half_evacuated())

    def test_a_later_move_that_ended_well(self):
        for kind, status in (('evacuation', 'done'),
                             ('migration', 'confirmed'),
                             ('resize', 'finished')):
            self.moves = []
            self.move('lost', 'there', 'failed')
            self.move('lost', 'third', status, kind)
            self.assertEqual({}, self.half_evacuated())

    def was_interrupted(self):
        return evacuations.was_interrupted(self.context, 'a', HERE)

    def test_a_server_that_only_an_interrupted_evacuation_brought(self):
        self.move('lost', 'there', 'failed')
        self.move('lost', HERE, 'accepted')
        self.assertFalse(self.was_interrupted())
        self.move('lost', HERE, 'accepted')
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
        return evacuations.is_leaving(self.context, 'a', HERE)

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
