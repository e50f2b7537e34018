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
import dataclasses

from nova_vmrun.aio import ports
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.aio.tls import authority
from nova_vmrun.aio.tls import door
from nova_vmrun.aio import vmware
from nova_vmrun.aio import wsgi
from nova_vmrun.cluster.node import direct
from nova_vmrun.cluster.node import nova_conf
from tests.unit.cluster import base as cluster_base
from tests.unit.cluster.node import base


class DirectTestCase(base.NodeCase):

    def setUp(self):
        super().setUp()
        # A test can count on no other address than this one.
        self.first = dataclasses.replace(
            self.settings, listen=aio_settings.ADDRESS)
        authority.ensure(self.layout, self.first)
        self.ca = self.layout.ca.read_text()
        port = ports.free_base()
        self.services = {'keystone': port, 'rabbitmq': port + 1}
        self.member = dataclasses.replace(self.member,
                                          services=self.services)

    def welcome(self, **changes):
        return cluster_base.welcome(**{
            'listen': aio_settings.ADDRESS, 'ca': self.ca,
            'services': self.services, **changes})

    def serve(self, *names):
        for name in names:
            server = wsgi.Server(
                name, None, self.services[name],
                public=door.public(self.layout, self.first))
            server.start()
            self.addCleanup(server.stop)

    def are_reachable(self, **changes):
        welcome = self.welcome(**changes)
        self.conf = nova_conf.settings_of(
            self.member, welcome, fake=False, vmrun_path='', vmnet='')
        return direct.are_reachable(self.layout, self.conf, welcome,
                                    self.report)

    def test_all_services_answer(self):
        self.serve('keystone', 'rabbitmq')
        self.layout.ca.unlink()
        self.assertTrue(self.are_reachable())
        self.assertEqual(self.ca, self.layout.ca.read_text())
        self.assertEqual(['the services are used by TLS at 127.0.0.1'],
                         self.lines())

    def test_one_does_not_answer(self):
        self.serve('keystone')
        self.assertFalse(self.are_reachable())
        [line] = self.lines()
        self.assertIn('rabbitmq cannot be reached at 127.0.0.1 port %d '
                      '(Connection refused), so all'
                      % self.services['rabbitmq'], line)

    def test_another_machine_answers(self):
        self.serve('keystone', 'rabbitmq')
        authority.Files(self.layout).authority.unlink()
        authority.ensure(self.layout, self.first)
        self.assertFalse(self.are_reachable(ca=self.layout.ca.read_text()))
        self.assertIn('certificate verify failed', self.lines()[0])

    def test_the_first_machine_does_not_listen(self):
        self.serve('keystone', 'rabbitmq')
        self.assertFalse(self.are_reachable(listen='', ca=''))
        self.assertFalse(self.are_reachable(ca=''))
        self.assertEqual([], self.lines())

    def write(self, by_tls):
        welcome = self.welcome(
            listen='192.0.2.7', services={'keystone': 5000, 'rabbitmq': 5673})
        member = dataclasses.replace(self.member, services=welcome.services)
        settings = nova_conf.settings_of(
            member, welcome, fake=False, vmrun_path='', vmnet='')
        nova_conf.write(self.layout, settings, member, welcome,
                        vmware.Programs('/vmrun', None, False), by_tls)
        found = configparser.RawConfigParser()
        found.read(self.files.nova_conf)
        return found

    def test_options_by_tls(self):
        found = self.write(by_tls=True)
        ca = str(self.layout.ca)
        for name in ('service_user', 'placement', 'neutron', 'glance',
                     'cinder'):
            self.assertEqual(
                ('https://192.0.2.7:5000/v3', ca),
                (found[name]['auth_url'], found[name]['cafile']), name)
        for name in ('placement', 'neutron', 'glance'):
            self.assertEqual('public', found[name]['valid_interfaces'])
        self.assertEqual('block-storage::public',
                         found['cinder']['catalog_info'])
        self.assertEqual('rabbit://node-lab-2:secret@192.0.2.7:5673/',
                         found['DEFAULT']['transport_url'])
        self.assertEqual(
            ('True', ca, 'True'),
            tuple(found['oslo_messaging_rabbit'][name] for name in (
                'ssl', 'ssl_ca_file', 'amqp_durable_queues')))
        self.assertTrue(found['vnc']['novncproxy_base_url'].startswith(
            'https://192.0.2.7:16080/'))

    def test_options_through_the_tunnel(self):
        found = self.write(by_tls=False)
        self.assertNotIn('cafile', found['glance'])
        self.assertIn('@127.0.0.1:', found['DEFAULT']['transport_url'])
        self.assertNotIn('ssl', found['oslo_messaging_rabbit'])

    def test_a_bus_elsewhere_stays_what_it_is(self):
        welcome = self.welcome(services={'keystone': 5000})
        self.assertNotIn('DEFAULT', direct.sections(
            self.layout, self.first, welcome))
