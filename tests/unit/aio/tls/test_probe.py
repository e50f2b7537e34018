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

from nova_vmrun.aio import ports
from nova_vmrun.aio import settings as aio_settings
from nova_vmrun.aio.tls import authority
from nova_vmrun.aio.tls import door
from nova_vmrun.aio.tls import probe
from nova_vmrun.aio import wsgi
from tests.unit.aio import base


class ProbeTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.settings.ports = aio_settings.ports_from(ports.free_base())
        # A test can count on no other address than this one.
        self.settings.listen = aio_settings.ADDRESS
        authority.ensure(self.layout, self.settings)

    def complaint(self, service='glance'):
        return probe.complaint(self.layout, self.settings, service)

    def serve(self):
        server = wsgi.Server(
            'glance', None, self.settings.ports['glance'],
            public=door.public(self.layout, self.settings))
        server.start()
        self.addCleanup(server.stop)

    def test_a_service_that_can_be_reached(self):
        self.serve()
        self.assertIsNone(self.complaint())

    def test_a_service_that_does_not_listen(self):
        self.assertEqual(
            'glance cannot be reached at 127.0.0.1: Connection refused',
            self.complaint())

    def test_a_certificate_that_clients_refuse(self):
        self.serve()
        authority.Files(self.layout).authority.unlink()
        authority.ensure(self.layout, self.settings)
        self.assertIn('certificate verify failed', self.complaint())

    def test_services_of_this_machine_alone_are_not_asked(self):
        self.assertIsNone(self.complaint('gateway'))
        self.settings.listen = ''
        self.assertEqual(
            {'glance': None, 'keystone': None},
            probe.complaints(self.layout, self.settings,
                             ['glance', 'keystone']))
