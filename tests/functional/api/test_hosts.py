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

"""Two hosts: where servers go, and what cannot be moved."""

import os

from tests.functional.api import two_hosts
from tests.functional import glance_uploads


class PlacementTestCase(two_hosts.TwoHosts):

    def test_a_server_group_and_an_availability_zone(self):
        aggregate = self.admin_api.post_aggregate(
            {'aggregate': {'name': 'east', 'availability_zone': 'east'}})
        self.admin_api.add_host_to_aggregate(aggregate['id'], 'second')
        group = self.admin_api.post_server_groups(
            {'name': 'apart', 'policy': 'anti-affinity'})
        image_id, flavor_id = self.add_image(), self.add_flavor(disk=0)
        body = self._build_server(image_uuid=image_id, flavor_id=flavor_id,
                                  networks='none')
        servers = [self._wait_for_state_change(self.admin_api.post_server(
            {'server': body,
             'os:scheduler_hints': {'group': group['id']}}), state)
            for state in ('ACTIVE', 'ACTIVE', 'ERROR')]
        self.assertEqual({'compute', 'second'}, set(map(
            self.where, servers[:2])))
        self.assertIn('No valid host', self.fault(servers[2]))
        self.assertEqual(2, len(self.vmware.running()))
        server = self.boot(image_id, flavor_id, availability_zone='east')
        self.assertEqual('second', self.where(server))

    def test_an_image_is_cached_on_all_hosts_of_an_aggregate(self):
        aggregate = self.admin_api.post_aggregate(
            {'aggregate': {'name': 'both'}})
        for host in self.paths:
            self.admin_api.add_host_to_aggregate(aggregate['id'], host)
        image_id = self.add_image()
        self.admin_api.api_post(
            '/os-aggregates/%s/images' % aggregate['id'],
            {'cache': [{'id': image_id}]}, check_response_status=[202])
        for path in self.paths.values():
            self.wait_for(
                lambda: os.path.exists(os.path.join(
                    path, '_base', image_id, 'disk-own-delta.vmdk')),
                'the image in ' + path)

    def test_a_trait_of_one_host_sends_servers_there(self):
        self._create_trait('CUSTOM_FAST')
        provider = self._get_provider_uuid_by_host('second')
        self._set_provider_traits(
            provider, [*self._get_provider_traits(provider), 'CUSTOM_FAST'])
        # The driver reports its own traits, and leaves those of operators.
        self._run_periodics()
        image_id = self.add_image()
        flavor_id = self.add_flavor(disk=0, extra_spec={
            'trait:CUSTOM_FAST': 'required'})
        for _number in range(2):
            server = self.boot(image_id, flavor_id)
            self.assertEqual('second', self.where(server))


class ShelvedTestCase(two_hosts.TwoHosts):

    def test_it_comes_back_on_another_host(self):
        self.useFixture(glance_uploads.GlanceUploads())
        server = self.boot(flavor_id=self.add_flavor(disk=0), host='compute')
        with open(self.at('compute', server, 'root.vmdk'), 'rb') as file:
            self.assertIn(b'parentFileNameHint', file.read(1 << 16))
        self.flags(shelved_offload_time=0)
        self._shelve_server(server)
        self.assertEqual([], self.vmware.running())
        self.assertFalse(os.path.exists(self.at('compute', server)))
        self.admin_api.post_server_action(
            server['id'], {'unshelve': {'host': 'second'}})
        self._wait_for_state_change(server, 'ACTIVE')
        self.assertRunsAt('second', server)
        self._delete_server(server)
        self.assertFalse(os.path.exists(self.at('second', server)))


class TestCase(two_hosts.TwoHosts):

    CAST_AS_CALL = False

    def setUp(self):
        super().setUp()
        self.server = self.boot(flavor_id=self.add_flavor(disk=0),
                                host='compute')
        self.running = self.vmware.run('list')

    def assertWhereItWas(self):
        self.assertRunsAt('compute', self.server)
        self.assertEqual(self.running, self.vmware.run('list'))


class RefusedTestCase(TestCase):

    def test_live_migration(self):
        for host in ('second', None):
            self.admin_api.post_server_action(
                self.server['id'], {'os-migrateLive': {
                    'host': host, 'block_migration': 'auto'}})
            self._wait_for_action_fail_completion(
                self.server, 'live-migration',
                'conductor_live_migrate_instance')
            self._wait_for_state_change(self.server, 'ACTIVE')
            self.assertWhereItWas()


class SameAddressTestCase(TestCase):
    """Two hosts whose my_ip nobody has set, or set alike."""

    addresses = ('10.0.0.1', '10.0.0.1')

    def test_a_migration_is_refused_before_anything_moves(self):
        before = {host: sorted(os.listdir(path))
                  for host, path in self.paths.items()}
        self.admin_api.post_server_action(self.server['id'],
                                          {'migrate': None})
        event = self._wait_for_action_fail_completion(
            self.server, 'migrate', 'compute_resize_instance')
        self._wait_for_migration_status(self.server, ['error'])
        self._wait_for_state_change(self.server, 'ACTIVE')
        self.assertWhereItWas()
        self.assertEqual(before, {host: sorted(os.listdir(path))
                                  for host, path in self.paths.items()})
        self.assertIn('my_ip is 10.0.0.1 on both', event['details'])

    def test_a_resize_on_the_same_host(self):
        self.flags(allow_resize_to_same_host=True)
        self.admin_api.put_service(
            self.admin_api.get_services(
                binary='nova-compute', host='second')[0]['id'],
            {'status': 'disabled'})
        for action, state in (('revertResize', 'ACTIVE'),
                              ('confirmResize', 'ACTIVE')):
            self.admin_api.post_server_action(self.server['id'], {
                'resize': {'flavorRef': self.add_flavor(
                    disk=0, memory_mb=128)}})
            self._wait_for_state_change(self.server, 'VERIFY_RESIZE')
            self.assertRunsAt('compute', self.server)
            self.admin_api.post_server_action(self.server['id'],
                                              {action: None})
            self._wait_for_state_change(self.server, state)
            self.assertRunsAt('compute', self.server)
        self.assertFalse(os.path.exists(
            self.at('compute', self.server) + '_resize'))


class SharedStorageTestCase(TestCase):

    share_storage = True

    def test_migration(self):
        self.admin_api.post_server_action(self.server['id'],
                                          {'migrate': None})
        self._wait_for_migration_status(self.server, ['error'])
        self._wait_for_state_change(self.server, 'ACTIVE')
        self.assertWhereItWas()
