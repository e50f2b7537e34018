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

import configparser
import stat
import threading
from unittest import mock

import fixtures
import futurist
from futurist import _thread
from nova import policies
import yaml

from nova_vmrun.aio import errors
from nova_vmrun.aio.services import cinder
from nova_vmrun.aio.services import compute
from nova_vmrun.aio.services import neutron
from nova_vmrun.aio.services import nova
from nova_vmrun.aio.services import rabbitmq
from nova_vmrun.aio import settings as aio_settings
from tests.unit.aio import base


class ConfigTestCase(base.TestCase):

    def config(self, service, name):
        service.write_config(self.layout, self.settings, self.passwords)
        found = configparser.ConfigParser(interpolation=None)
        found.read(self.layout.config_dir(service.PROJECT) / name)
        return found

    def nova(self):
        return self.config(nova, nova.CONFIG)

    def test_servers_stay_off_after_a_power_cut_unless_asked_for(self):
        for wanted in (False, True):
            self.settings.resume_servers = wanted
            self.assertEqual(str(wanted), self.nova()['DEFAULT'][
                'resume_guests_state_on_host_boot'])

    def test_servers_move_to_other_machines_only_with_a_bus(self):
        for name in ('ssh_config', 'migration_address'):
            self.assertNotIn(name, self.nova()['vmrun'])
        self.settings.bus = aio_settings.OWN_BUS
        own = self.nova()['vmrun']
        self.assertEqual(str(self.layout.nodes / 'ssh_config'),
                         own['ssh_config'])
        self.assertTrue(own['migration_address'].endswith(
            '@laptop.nova-vmrun'))

    def test_nova_repairs_what_it_remembers_of_ports(self):
        self.assertLess(0, int(self.nova()['DEFAULT'][
            'heal_instance_info_cache_interval']))

    def test_projects_create_lan_segments_and_no_routers(self):
        options = self.config(neutron, neutron.CONFIG)
        self.assertEqual('local', options['ml2']['project_network_types'])
        self.assertIn('local', options['ml2']['type_drivers'].split(','))
        self.assertEqual('', options['DEFAULT']['service_plugins'])

    def test_nothing_of_nova_lies_outside_the_directory(self):
        options = self.nova()
        for section, option in (('compute', 'provider_config_location'),
                                ('oslo_policy', 'policy_file'),
                                ('DEFAULT', 'state_path'),
                                ('oslo_concurrency', 'lock_path')):
            self.assertTrue(options[section][option].startswith(
                str(self.layout.root)), option)

    def test_rules_for_missing_features_are_known_to_nova(self):
        path = self.nova()['oslo_policy']['policy_file']
        with open(path) as file:
            rules = yaml.safe_load(file)
        known = {rule.name for rule in policies.list_rules()}
        self.assertEqual(set(), set(rules) - known)
        self.assertEqual('!', rules['os_compute_api:os-evacuate'])

    def test_with_a_bus_there_may_be_other_hosts(self):
        options = self.config(neutron, neutron.CONFIG)
        self.assertEqual('laptop', options['ml2_vmrun']['hosts'])
        self.assertEqual('1', self.nova()['scheduler']['max_attempts'])
        self.settings.bus = aio_settings.OWN_BUS
        options = self.config(neutron, neutron.CONFIG)
        self.assertEqual('*', options['ml2_vmrun']['hosts'])
        options = self.nova()
        self.assertNotIn('max_attempts', options['scheduler'])
        self.assertLess(0, int(options['scheduler'][
            'discover_hosts_in_cells_interval']))
        self.assertTrue(options['DEFAULT']['transport_url'].startswith(
            'rabbit://nova:secret-of-rabbitmq@127.0.0.1:'))
        self.assertNotIn('os_compute_api:os-evacuate', self.rules())

    def test_compute_is_the_same_host_without_databases(self):
        self.settings.bus = aio_settings.OWN_BUS
        inside, alone = self.nova(), self.config(compute, compute.CONFIG)
        self.assertEqual({'database', 'api_database'},
                         set(inside.sections()) - set(alone.sections()))
        for section in alone.sections():
            self.assertEqual(dict(inside[section]), dict(alone[section]))

    def rules(self):
        with open(self.nova()['oslo_policy']['policy_file']) as file:
            return yaml.safe_load(file)

    def test_consoles_are_opened_where_users_are(self):
        for listen, screen, serial in (
                ('', 'http://127.0.0.1:6080/', 'ws://127.0.0.1:6083/'),
                ('192.0.2.7', 'https://192.0.2.7:6080/',
                 'wss://192.0.2.7:6083/')):
            self.settings.listen = listen
            found = self.nova()
            self.assertTrue(found['vnc']['novncproxy_base_url'].startswith(
                screen))
            self.assertEqual(serial, found['serial_console']['base_url'])

    def test_services_ask_each_other_on_this_machine(self):
        """Those of other addresses need a certificate authority."""
        self.settings.listen = '192.0.2.7'
        self.assertEqual('block-storage::internal',
                         self.nova()['cinder']['catalog_info'])
        options = self.config(neutron, neutron.CONFIG)
        for name in ('nova', 'placement'):
            self.assertEqual('internal', options[name]['endpoint_type'])
        options = self.config(cinder, cinder.CONFIG)
        self.assertEqual('internal', options['nova']['interface'])
        for service in (cinder, neutron, nova):
            for name, section in self.config(
                    service, service.CONFIG).items():
                url = section.get('auth_url', 'http://127.0.0.1:5000/v3')
                self.assertEqual('http://127.0.0.1:5000/v3', url, name)

    def test_volumes_are_refused_only_without_cinder(self):
        attach = 'os_compute_api:os-volumes-attachments:create'
        self.assertEqual('!', self.rules()[attach])
        self.settings.volumes = True
        self.assertNotIn(attach, self.rules())
        self.assertEqual('!', self.rules()['os_compute_api:os-evacuate'])

    def test_nova_attaches_what_cinder_makes(self):
        self.assertNotIn('volume_folders', self.nova()['vmrun'])
        self.settings.volumes = True
        self.assertEqual(
            self.config(cinder, cinder.CONFIG)['files'][
                'vmrun_volume_folder'],
            self.nova()['vmrun']['volume_folders'])

    def test_nothing_of_cinder_lies_outside_the_directory(self):
        options = self.config(cinder, cinder.CONFIG)
        for section, option in (('DEFAULT', 'state_path'),
                                ('DEFAULT', 'image_conversion_dir'),
                                ('DEFAULT', 'backup_posix_path'),
                                ('files', 'vmrun_volume_folder'),
                                ('oslo_concurrency', 'lock_path'),
                                ('coordination', 'backend_url')):
            self.assertTrue(
                options[section][option].removeprefix('file://').startswith(
                    str(self.layout.root)), option)

    def test_cinder_listens_where_the_catalog_says(self):
        self.settings.ports['cinder'] = 21007
        options = self.config(cinder, cinder.CONFIG)
        self.assertEqual('21007',
                         options['DEFAULT']['osapi_volume_listen_port'])

    def test_volumes_and_backups_are_closed_to_others(self):
        self.config(cinder, cinder.CONFIG)
        for folder in (self.layout.volumes, self.layout.backups):
            self.assertEqual(0o700, stat.S_IMODE(folder.stat().st_mode))

    def test_routers_are_not_offered(self):
        options = self.config(neutron, neutron.CONFIG)
        self.assertEqual('', options['DEFAULT']['service_plugins'])


class StopTestCase(base.TestCase):

    def test_idle_threads_end_before_they_would_look_again(self):
        self.useFixture(fixtures.MockPatchObject(
            _thread.ThreadWorker, 'MAX_IDLE_FOR', 60))
        nova.let_idle_threads_end_soon()
        pool = futurist.ThreadPoolExecutor(1)
        pool.submit(int).result()
        ending = threading.Thread(target=pool.shutdown, daemon=True)
        ending.start()
        ending.join(30)
        self.assertFalse(ending.is_alive())


class BusTestCase(base.TestCase):
    """A broker whose user has lost the right password."""

    def setUp(self):
        super().setUp()
        self.patch(rabbitmq, '_INTERVAL', 0.01)
        self.settings.bus = aio_settings.OWN_BUS
        aio_settings.passwords(self.layout)
        self.service = rabbitmq.Service(self.layout, self.settings)
        self.service._children = [mock.Mock(**{'poll.return_value': None})]
        self.log_in = self.useFixture(fixtures.MockPatchObject(
            rabbitmq.address, 'log_in')).mock
        self.control = self.useFixture(fixtures.MockPatchObject(
            rabbitmq.broker, 'control')).mock

    def test_a_repair_that_fails_is_tried_again(self):
        refused = rabbitmq.address.Refused('Wrong password', is_login=True)
        self.log_in.side_effect = [refused, refused, None]
        self.control.side_effect = [errors.AioError('It is busy.'), '']
        self.service._wait()
        self.assertEqual(2, self.control.call_count)

    def test_why_the_repair_failed(self):
        self.patch(rabbitmq, '_START_TIMEOUT', 0)
        self.log_in.side_effect = rabbitmq.address.Refused(
            'Wrong password', is_login=True)
        self.control.side_effect = errors.AioError('It is busy.')
        error = self.assertRaises(RuntimeError, self.service._wait)
        self.assertIn('It is busy.', str(error))
