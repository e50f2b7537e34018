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

from nova.compute import task_states
from nova.compute import vm_states
from nova import context as nova_context
from nova import exception as nova_exception
from nova import objects
from nova.objects import compute_node
from nova.objects import instance
from nova.objects import migration
from nova.objects import service

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

    def test_servers_that_were_evacuated(self):
        context = nova_context.get_admin_context()
        asked = []

        def get(asking, filters):
            asked.append((asking.read_deleted, filters))
            return [self.migration('a', 'pre-migrating'),
                    self.migration('b', 'done'),
                    self.migration('b', 'completed')]

        with mock.patch.object(migration.MigrationList, 'get_by_filters',
                               get):
            self.assertEqual({'a': False, 'b': True},
                             evacuations.evacuated_from(context, HERE))
        # Nova deletes them together with the server.
        [(read_deleted, filters)] = asked
        self.assertEqual(('yes', HERE, 'evacuation'), (
            read_deleted, filters['source_compute'],
            filters['migration_type']))
        self.assertNotIn('failed', filters['status'])
        self.assertEqual('no', context.read_deleted)

    def migration(self, uuid, status, source=HERE, kind='evacuation',
                  number=1):
        return objects.Migration(
            id=number, instance_uuid=uuid, status=status,
            source_compute=source, dest_compute='there',
            migration_type=kind)

    def is_elsewhere_now(self, host, *migrations):
        """Return whether a server has gone, and what it cost to ask."""
        with mock.patch.object(
                instance.InstanceList, 'get_by_filters', return_value=[
                    objects.Instance(uuid='a', host=host)]) as instances:
            with mock.patch.object(
                    migration.MigrationList, 'get_by_filters',
                    return_value=list(migrations)) as found:
                gone = evacuations.gone_from(
                    nova_context.get_admin_context(), HERE, {'a'})
        self.assertEqual(1, instances.call_count)
        self.assertEqual({'uuid': ['a']}, instances.call_args.args[1])
        if found.called:
            self.assertEqual({'instance_uuid': 'a', 'host': HERE},
                             found.call_args.args[1])
        return gone == {'a'}

    def test_a_server_that_was_evacuated_and_is_elsewhere(self):
        self.assertTrue(self.is_elsewhere_now(
            'there', self.migration('a', 'done')))
        # Shelved by the other host.
        self.assertTrue(self.is_elsewhere_now(
            None, self.migration('a', 'done')))

    def test_a_server_that_nova_has_here(self):
        self.assertFalse(self.is_elsewhere_now(
            HERE, self.migration('a', 'done')))

    def test_a_server_that_is_coming_back(self):
        gone = self.migration('a', 'done', number=2)
        for status in ('accepted', 'pre-migrating', 'migrating', 'done'):
            for kind in ('evacuation', 'migration'):
                self.assertFalse(self.is_elsewhere_now(
                    'there', self.migration('a', status, 'there', kind, 3),
                    gone, self.migration('a', 'completed', number=1)))
        for status in ('failed', 'error', 'cancelled'):
            self.assertTrue(self.is_elsewhere_now(
                'there', self.migration('a', status, 'there', number=3),
                gone))

    def test_a_server_whose_evacuation_failed(self):
        for status in ('failed', 'error', 'accepted', 'pre-migrating'):
            self.assertFalse(self.is_elsewhere_now(
                'there', self.migration('a', status)))

    def test_nothing_is_asked_about_no_servers(self):
        self.assertEqual(set(), evacuations.gone_from(None, HERE, set()))

    def test_a_server_that_is_no_longer_known(self):
        self.assertFalse(self.is_elsewhere_now('there'))


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
