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

from nova_vmrun.aio import vmware
from nova_vmrun.cluster.node import nova_conf
from tests.unit.cluster import base as cluster_base
from tests.unit.cluster.node import base


class NovaConfTestCase(base.NodeCase):

    def setUp(self):
        super().setUp()
        welcome = cluster_base.welcome()
        settings = nova_conf.settings_of(
            self.member, welcome, fake=False, vmrun_path='', vmnet='bridged')
        nova_conf.write(self.layout, settings, self.member, welcome,
                        vmware.Programs('/vmrun', None, False))
        self.found = configparser.RawConfigParser()
        self.found.read(self.files.nova_conf)

    def test_a_node_has_no_database(self):
        for section in ('database', 'api_database', 'keystone_authtoken',
                        'scheduler', 'conductor', 'oslo_policy'):
            self.assertNotIn(section, self.found)

    def test_a_node_logs_in_as_itself(self):
        for section in ('service_user', 'placement', 'neutron', 'glance'):
            self.assertEqual(
                ('node-lab-2', 'of-node', 'http://127.0.0.1:5000/v3'),
                tuple(self.found[section][name] for name in (
                    'username', 'password', 'auth_url')), section)
        self.assertEqual('rabbit://node-lab-2:secret@127.0.0.1:5672/',
                         self.found['DEFAULT']['transport_url'])
        self.assertEqual('True', self.found['oslo_messaging_rabbit'][
            'amqp_durable_queues'])

    def test_what_is_a_nodes_own(self):
        self.assertEqual('lab-2', self.found['DEFAULT']['host'])
        self.assertEqual(str(self.layout.instances),
                         self.found['DEFAULT']['instances_path'])
        own = self.found['vmrun']
        self.assertEqual('20100:20197', own['vnc_port_range'])
        self.assertEqual('bridged', own['default_vmnet'])
        self.assertEqual(str(self.files.peers_config), own['ssh_config'])
        self.assertTrue(own['migration_address'].endswith(
            '@lab-2.nova-vmrun'))
        self.assertEqual('20198:20198',
                         self.found['serial_console']['port_range'])

    def test_consoles_are_those_of_the_first_machine(self):
        self.assertTrue(self.found['vnc']['novncproxy_base_url'].startswith(
            'http://127.0.0.1:16080/'))

    def test_only_its_owner_reads_it(self):
        self.assertEqual(0o600, self.files.nova_conf.stat().st_mode & 0o777)
